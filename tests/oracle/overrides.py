"""Overrides (8.3): one limit of an account is another for a while."""

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
        return str(next(iter(self.request["limits"])))

    @property
    def limit(self) -> Message:
        """What it replaces it by."""
        found: Message = self.request["limits"][self.name]
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
        account = book.accounts.get(request["scope_id"])
        if account is None:
            return {"error": "NOT_FOUND"}
        if not self._fits(request["expiry_time_ns"], now):
            return {"error": "OVERRIDE_LENGTH"}
        name = next(iter(request["limits"]))
        below = levels_below(book, account, name)
        before = [overriding(book, account, name, now), *below]
        tightening = is_tighter(name, before, [request["limits"][name], *below])
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
        if one.request["scope_id"] == account.account_id
        and one.name == name
        and now < one.expiry
        and (one.approver or one.tightening)
    ]
    if not counting:
        return NOTHING
    below = levels_below(book, account, name)
    found = NOTHING
    for one in sorted(counting, key=lambda one: one.since):
        if one.approver or is_tighter(name, [found, *below], [one.limit, *below]):
            found = one.limit
    return found


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
