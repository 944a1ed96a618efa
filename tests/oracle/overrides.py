"""Overrides (8.3): one limit is another for a while."""

from dataclasses import dataclass

from tests.oracle.book import DAY, Account, Book, Message

NOTHING: Message = {}


@dataclass
class Override:
    """One override as it was proposed, and who approved it."""

    request: Message
    proposer: str
    proposed: Message  # sequence and time
    tightening: bool
    approver: str = ""
    approved: Message | None = None

    @property
    def expiry(self) -> int:
        """When it ends."""
        return int(self.request["expiry_time_ns"])

    @property
    def name(self) -> str:
        """The limit that it replaces."""
        return str(next(iter(self._limits)))

    @property
    def limit(self) -> Message:
        """What it replaces it by."""
        found: Message = self._limits[self.name]
        return found

    @property
    def scope(self) -> tuple[str, str]:
        """Where it replaces it."""
        return self.request["scope_kind"], self.request["scope_id"]

    @property
    def may_count(self) -> bool:
        """Whether it counts, unless it has ended or would loosen without an approval."""
        return bool(self.approver) or self.tightening

    @property
    def _limits(self) -> Message:
        found: Message = self.request.get("limits") or self.request["scope_limits"]
        return found

    @property
    def since(self) -> int:
        """The record from which on it counts."""
        return int((self.approved or self.proposed)["sequence"])


class Overrides:
    """Takes proposals and approvals."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def propose(self, request: Message, principal: str, now: int) -> Message:
        """Keep an override; a tightening counts at once."""
        book = self.book
        known = book.overrides.get(request["override_id"])
        if known is not None:
            if (known.request, known.proposer) != (request, principal):
                return {"error": "IMMUTABLE"}
            return {**known.proposed, "pending": not known.tightening}
        kind, scope_id = request["scope_kind"], request["scope_id"]
        if not is_known(book, kind, scope_id):
            return {"error": "NOT_FOUND"}
        if not self._fits(request["expiry_time_ns"], now):
            return {"error": "OVERRIDE_LENGTH"}
        if kind == "ACCOUNT":
            account = book.accounts[scope_id]
            name = next(iter(request["limits"]))
            below = levels_below(book, account, name)
            before = [overriding(book, account, name, now), *below]
            tightening = is_tighter(name, before, [request["limits"][name], *below])
        else:
            name, limit = next(iter(request["scope_limits"].items()))
            here = scope_in_force(book, kind, scope_id, now)
            tightening = name not in here or not is_looser_there(here[name], limit)
        book.next()
        stamp = book.stamp(now)
        book.overrides[request["override_id"]] = Override(request, principal, stamp, tightening)
        return {**stamp, "pending": not tightening}

    def approve(self, request: Message, principal: str, now: int) -> Message:
        """Let an override count whatever it is, as a second person."""
        known: Override | None = self.book.overrides.get(request["override_id"])
        if known is None:
            return {"error": "NOT_FOUND"}
        if known.approved is not None and known.approver == principal:
            return known.approved
        if known.approved is not None or now >= known.expiry:
            return {"error": "NOT_PENDING"}
        if principal in {"local", known.proposer}:
            return {"error": "SECOND_PERSON"}
        if not self._fits(known.expiry, now):
            return {"error": "OVERRIDE_LENGTH"}
        self.book.next()
        known.approver, known.approved = principal, self.book.stamp(now)
        return known.approved

    def _fits(self, expiry: int, now: int) -> bool:
        return now < expiry <= now + (self.book.number("max_override_ns") or DAY)


def overriding(book: Book, account: Account, name: str, now: int) -> Message:
    """What overrides make of an account's limit; nothing where they do not touch it."""
    counting = [
        one
        for one in book.overrides.values()
        if one.scope == ("ACCOUNT", account.account_id)
        and one.name == name
        and now < one.expiry
        and one.may_count
    ]
    if not counting:
        return NOTHING
    below = levels_below(book, account, name)
    found = NOTHING
    for one in sorted(counting, key=lambda one: one.since):
        if one.approver or is_tighter(name, [found, *below], [one.limit, *below]):
            found = one.limit
    return found


def scopes_in_force(book: Book, now: int) -> list[Message]:
    """The limits of scopes other than accounts, overridden as they are now."""
    written = book.policy.get("scopes", [])
    found = {(one["scope_kind"], one.get("scope_id", "")): dict(one) for one in written}
    counting = [one for one in book.overrides.values() if now < one.expiry and one.may_count]
    for one in sorted(counting, key=lambda one: one.since):
        if one.scope[0] == "ACCOUNT":
            continue
        kind, name = one.scope
        here = found.setdefault(one.scope, {"scope_kind": kind, "scope_id": name})
        if one.approver or one.name not in here or not is_looser_there(here[one.name], one.limit):
            here[one.name] = one.limit
    return list(found.values())


def scope_in_force(book: Book, kind: str, scope_id: str, now: int) -> Message:
    """The limits of one of them."""
    for scope in scopes_in_force(book, now):
        if (scope["scope_kind"], scope.get("scope_id", "")) == (kind, scope_id):
            return scope
    return NOTHING


def is_looser_there(before: Message, after: Message) -> bool:
    """Say whether a limit of a scope lets more through than another."""
    higher = after.get("value", 0) > before.get("value", 0)
    return bool(higher or (after.get("mode") == "WARN" and before.get("mode") != "WARN"))


def is_known(book: Book, kind: str, name: str) -> bool:
    """Say whether the gate knows a scope: by the policy, or by what is within it."""
    if kind == "ACCOUNT":
        return name in book.accounts
    written = book.policy.get("scopes", [])
    if kind == "FIRM" or (kind, name) in [
        (one["scope_kind"], one.get("scope_id", "")) for one in written
    ]:
        return True
    if kind == "GROUP":
        members = [account.facts.get("group_id", "") for account in book.accounts.values()]
        return name in book.parents or name in members
    if kind == "INSTRUMENT":
        return name in book.instruments
    return name in [one.facts.get(kind.lower(), "") for one in book.instruments.values()]


def levels_below(book: Book, account: Account, name: str) -> list[Message]:
    """The account's own limit, its tier's and the default; leverage has no default."""
    tiers = [
        tier
        for tier in book.policy.get("tiers", [])
        if tier["tier_id"] == account.facts.get("tier_id", "")
    ]
    holders = [account.facts, tiers[0] if tiers else {}]
    levels = [holder.get("limits", {}).get(name, {}) for holder in holders]
    if name != "leverage_bps":
        levels.append(book.policy.get("default_limits", {}).get(name, {}))
    return levels


def is_tighter(name: str, before: list[Message], after: list[Message]) -> bool:
    """Say whether a limit is provably no looser as it resolves (8.2)."""
    old, new = _narrowest(before), _narrowest(after)
    required = name == "leverage_bps" or any(level.get("required", False) for level in before)
    if name == "price_collar_floor_bps":
        return bool(new.get("value", 0) <= old.get("value", 0))
    if not _has_value(old):
        collar = name == "price_collar_bps"  # a value lets market orders pass
        return bool(old.get("unlimited", False) or not required) and not collar
    if new.get("mode", "ON") == "WARN" and old.get("mode", "ON") != "WARN":
        return False
    if name == "order_rate":
        (cost, tolerance), (new_cost, new_tolerance) = _bucket(old), _bucket(new)
        return new_cost >= cost and new_tolerance <= tolerance
    return bool(new["value"] <= old["value"])


def is_no_looser(name: str, before: list[Message], after: list[Message]) -> bool:
    """Say the same of any two limits, unset and unlimited ones included."""
    old, new = _narrowest(before), _narrowest(after)
    if name == "price_collar_floor_bps":
        return bool(new.get("value", 0) <= old.get("value", 0))
    if new is not NOTHING and _has_value(new):
        return is_tighter(name, before, after)
    required = [any(level.get("required", False) for level in levels) for levels in (before, after)]
    if new is NOTHING:  # refuses all where it must be set
        return name == "leverage_bps" or (not _has_value(old) and required[0] <= required[1])
    if old is NOTHING:
        return False
    return not _has_value(old)


def _narrowest(levels: list[Message]) -> Message:
    for level in levels:
        if level.get("unlimited", False) or _has_value(level):
            return level
    return NOTHING


def _has_value(level: Message) -> bool:
    return "value" in level or level.get("per_second", 0) > 0


def _bucket(rate: Message) -> tuple[int, int]:
    cost = -(-(10**9) // rate["per_second"])
    return cost, (rate["burst"] - 1) * cost
