"""Runs the steps of a table against the deterministic core, and writes its answers as a line.

A world starts on an empty machine at a round second and time stands still until `wait`. The policy
is proposed when the first step needs it. Orders are numbered o1, o2 ... unless `#id` names them; a
repeat of an id is created when the first one was.
"""

import json
from pathlib import Path
from typing import Any

from google.protobuf.message import Message as Protobuf
from tests.engine.credit_steps import CreditSteps
from tests.oracle.adapter import message_class, to_dictionary, to_protobuf

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_pb2,
    order_pb2,
    policy_pb2,
    policy_service_pb2,
    risk_service_pb2,
    usage_pb2,
)
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME

START = 1_700_000_000 * 10**9
POLICY: dict[str, Any] = {
    "rules_version": 1,
    "max_order_age_ns": 10 * 10**9,
    "max_clock_skew_ns": 10**9,
    "max_mark_age_ns": 60 * 10**9,
    "max_volatility_age_ns": 3_600 * 10**9,
    "stress_factor_bps": 15_000,
    "elevated_regime_bps": 12_000,
    "stressed_regime_bps": 20_000,
    "slow_mark_step_bps": 20,
    "acknowledgement_limit_ns": 5 * 10**9,
    "lines": {"off": True},
}
PUBLISHED = Path(__file__).resolve().parents[2] / "deploy" / "add-ons.json"
DAY = 86_400 * 10**9
ALWAYS = {"open_time_ns": 0, "close_time_ns": 4 * 10**18}
SCOPES = ("FIRM", "GROUP", "ACCOUNT", "INSTRUMENT", "PRINCIPAL")


def value_of(word: str) -> Any:
    """Read a figure, a flag, or leave a word as it is."""
    if word in {"true", "false"}:
        return word == "true"
    try:
        return int(word)
    except ValueError:
        return word


def limit_of(words: list[str]) -> dict[str, Any]:
    """Read a limit: a value, a rate `r/b`, `unlimited`, `required`, `warn`."""
    limit: dict[str, Any] = {}
    for word in words:
        if word in {"unlimited", "required"}:
            limit[word] = True
        elif word == "warn":
            limit["mode"] = "WARN"
        elif "/" in word:
            rate, burst = word.split("/")
            limit |= {"per_second": int(rate), "burst": int(burst)}
        else:
            limit["value"] = int(word)
    return limit


class Script(CreditSteps):
    """One machine, asked in words."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.now = START
        self.policy: dict[str, Any] = {**POLICY, "default_limits": {}, "tiers": []}
        self.terms: dict[str, dict[str, Any]] = {}
        self.made: dict[str, int] = {}
        self.records: list[tuple[int, bytes]] = []
        self.serial = 0

    # The way in.

    def run(self, step: str) -> str:
        """Do one step; return its answer in words."""
        verb, *words = step.split()
        done: str = getattr(self, f"do_{verb}")(words)
        return done

    def call(self, method: str, request: dict[str, Any], principal: str = "desk") -> Any:
        """Make one call; return the response, or the error's reason."""
        if not self.machine.book.policy and method != "ProposePolicy":
            self.propose()
        return self.send(method, to_protobuf(request, f"{method}Request"), principal)

    def send(self, method: str, request: Protobuf, principal: str) -> Any:
        """Make one call with a message."""
        answer = self.machine.call(
            BY_NAME[method], request.SerializeToString(), principal, self.now
        )
        if answer.record is not None:
            self.records.append((self.now, answer.record))
        if answer.error is not None:
            return answer.error.reason
        return message_class(f"{method}Response").FromString(answer.response or b"")

    def propose(self) -> str:
        """Propose the policy as it is now described."""
        policy = self.machine.book.policy
        version = policy.version if policy is not None else 0
        found = self.call("ProposePolicy", {"policy": self.policy, "base_version": version})
        if isinstance(found, str):
            return found
        pending = f" pending {' '.join(found.loosened_fields)}" if found.pending else ""
        return f"version {found.version}{pending}"

    # The policy, described before it is proposed.

    def tier(self, name: str) -> dict[str, Any]:
        """Return a tier's description."""
        for tier in self.policy["tiers"]:
            if tier["tier_id"] == name:
                known: dict[str, Any] = tier
                return known
        made: dict[str, Any] = {"tier_id": name, "limits": {}, "concentration": []}
        self.policy["tiers"].append(made)
        return made

    def do_policy(self, words: list[str]) -> str:
        for word in words:
            name, _, value = word.partition("=")
            rate = name == "principal_order_rate"
            if name == "order_repeated":  # count/window[/warn]
                count, window, *mode = value.split("/")
                self.policy[name] = {"count": int(count), "window_ns": int(window)}
                self.policy[name] |= limit_of(mode)
                continue
            self.policy[name] = limit_of(value.split("+")) if rate else value_of(value)
        return ""

    def do_window(self, words: list[str]) -> str:
        """`window <opens> <closes>`: risk's trading window, from the time of day of the start."""
        names = ("open_of_day_ns", "close_of_day_ns")
        moments = [(START + int(word)) % DAY for word in words]
        self.policy["trading_window"] = dict(zip(names, moments, strict=True))
        return ""

    def do_tier(self, words: list[str]) -> str:
        for word in words[1:]:
            name, _, value = word.partition("=")
            self.tier(words[0])[name] = value_of(value)
        self.tier(words[0])
        return ""

    def do_limit(self, words: list[str]) -> str:
        """`limit default|<tier> <name> <limit>`; `unset` takes it away."""
        level = words[0]
        limits = self.policy["default_limits"] if level == "default" else self.tier(level)["limits"]
        if words[2] == "unset":
            limits.pop(words[1], None)
        else:
            limits[words[1]] = limit_of(words[2:])
        return ""

    def do_band(self, words: list[str]) -> str:
        """`band <tier> <rating group or -> <from> <cap or none> [warn]`."""
        tier, group, edge, cap, *mode = words
        tables = self.tier(tier)["concentration"]
        group = "" if group == "-" else group
        found = [table for table in tables if table["rating_group"] == group]
        table: dict[str, Any] = found[0] if found else {"rating_group": group, "bands": []}
        if not found:
            tables.append(table)
        band: dict[str, int] = {"ratio_from_bps": int(edge)} | (
            {} if cap == "none" else {"cap_bps": int(cap)}
        )
        table["bands"].append(band)
        table |= limit_of(mode)
        return ""

    def do_lines(self, words: list[str]) -> str:
        """`lines default|<tier> [off] [margin_call=<line>/<release>] ... [warn]`."""
        level, *figures = words
        lines: dict[str, Any] = {}
        for word in figures:
            name, _, pair = word.partition("=")
            if name == "off":
                lines["off"] = True
            elif name == "warn":
                lines["mode"] = "WARN"
            else:
                line, release = pair.split("/")
                lines[name] = {"line_bps": int(line), "release_bps": int(release)}
        holder = self.policy if level == "default" else self.tier(level)
        holder["lines"] = lines
        return ""

    def do_sector(self, words: list[str]) -> str:
        """`sector <tier> <sector or -> <from> <cap or none> [warn]`: a band over a sector."""
        return self.table("sector_concentration", words)

    def do_board(self, words: list[str]) -> str:
        """`board <tier> <board or -> <from> <cap or none> [warn]`: a band over a board."""
        return self.table("board_concentration", words)

    def table(self, field: str, words: list[str]) -> str:
        """Add a band to a tier's table of a sector or board."""
        tier, scope, edge, cap, *mode = words
        tables = self.tier(tier).setdefault(field, [])
        scope = "" if scope == "-" else scope
        found = [table for table in tables if table["scope_id"] == scope]
        table: dict[str, Any] = found[0] if found else {"scope_id": scope, "bands": []}
        if not found:
            tables.append(table)
        capped = {} if cap == "none" else {"cap_bps": int(cap)}
        table["bands"].append({"ratio_from_bps": int(edge)} | capped)
        table |= limit_of(mode)
        return ""

    def do_scope(self, words: list[str]) -> str:
        """`scope <kind>[:<id>] position=100[+warn] ...`; `=unset` takes one away."""
        kind, _, name = words[0].partition(":")
        kind = kind.upper()
        scopes = self.policy.setdefault("scopes", [])
        known = [one for one in scopes if (one["scope_kind"], one["scope_id"]) == (kind, name)]
        scope = known[0] if known else {"scope_kind": kind, "scope_id": name}
        if not known:
            scopes.append(scope)
        for word in words[1:]:
            limit, _, value = word.partition("=")
            if value == "unset":
                scope.pop(limit)
            else:
                scope[limit] = limit_of(value.split("+"))
        return ""

    def do_reserve(self, words: list[str]) -> str:
        """`reserve <pool> <coverage in bps> <stress in bps> [warn]`, or `reserve off`."""
        self.policy.pop("reserve", None)
        if words[0] != "off":
            pool, coverage, stress, *mode = words
            figures = {"pool_e4": pool, "coverage_bps": coverage, "stress_bps": stress}
            self.policy["reserve"] = {name: int(word) for name, word in figures.items()}
            self.policy["reserve"] |= limit_of(mode)
        return ""

    def do_addon(self, words: list[str]) -> str:
        """`addon weight|days|ownership <edge>:<points>[:<points of shorts>] ...`, all in bps.

        `addon published` takes the tables that are ready to use, `addon off` leaves them out.
        """
        axis, *bands = words
        if axis in {"published", "off"}:
            self.policy.pop("add_ons", None)
            self.policy |= json.loads(PUBLISHED.read_text()) if axis == "published" else {}
            return ""
        rows = [[int(figure) for figure in band.split(":")] for band in bands]
        self.policy.setdefault("add_ons", {})[axis] = [
            {"above_bps": edge, "long_points_bps": points[0], "short_points_bps": points[1]}
            if axis == "weight"
            else {"above_bps": edge, "points_bps": points[0]}
            for edge, *points in rows
        ]
        return ""

    def do_class(self, words: list[str]) -> str:
        """`class <id> <offset in bps>`."""
        classes = self.policy.setdefault("margin_classes", [])
        classes[:] = [one for one in classes if one["class_id"] != words[0]]
        classes.append({"class_id": words[0], "offset_bps": int(words[1])})
        return ""

    def do_propose(self, words: list[str]) -> str:
        """`propose policy|limit|lines|tier ...`: change the description, then propose it."""
        self.run(" ".join(words))
        return self.propose()

    def do_approve(self, words: list[str]) -> str:
        """`approve <version> [by=anna]`."""
        request = {"version": int(words[0])}
        return error(self.call("ApprovePolicy", request, words[1][3:] if words[1:] else "anna"))

    def do_withdraw(self, words: list[str]) -> str:
        return error(self.call("WithdrawPolicy", {"version": int(words[0])}))

    def do_restore(self, words: list[str]) -> str:
        """`restore <version>`: propose a copy of it."""
        kept = self.call("GetPolicy", {"version": int(words[0])})
        if isinstance(kept, str):
            return kept
        self.policy = to_dictionary(kept.policy)
        self.policy.pop("version")
        return self.propose()

    def do_versions(self, _words: list[str]) -> str:
        found = self.call("ListPolicies", {})
        names = policy_service_pb2.PolicyState.Name
        states = [(one.version, short(names(one.state), "POLICY_STATE_")) for one in found.policies]
        return " ".join(f"{version}={state}" for version, state in states)

    def do_override(self, words: list[str]) -> str:
        """`override <id> A|firm:|group:G|... <limit> <value> until=10s [by=staff] [reason=x]`."""
        name, scope, limit, *rest = words
        marked = [word for word in rest if "=" in word]
        said = dict(word.split("=", 1) for word in marked)
        kind, colon, scope_id = scope.partition(":")
        request: dict[str, Any] = {"override_id": name, "reason": said.get("reason", "test")}
        request |= {"scope_kind": kind.upper() if colon else "ACCOUNT"}
        request |= {"scope_id": scope_id if colon else scope}
        value = limit_of([word for word in rest if word not in marked])
        request["scope_limits" if colon else "limits"] = {limit: value}
        request["expiry_time_ns"] = START + int(said["until"])
        found = self.call("ProposeOverride", request, said.get("by", "staff"))
        return "pending" if getattr(found, "pending", False) else error(found)

    def do_grant(self, words: list[str]) -> str:
        """`grant <override> [by=anna]`: approve it."""
        principal = words[1][3:] if words[1:] else "anna"
        return error(self.call("ApproveOverride", {"override_id": words[0]}, principal))

    def do_overrides(self, _words: list[str]) -> str:
        found = self.call("ListOverrides", {}).overrides
        return " ".join(one.override_id for one in found) or "none"

    def do_settier(self, words: list[str]) -> str:
        """`settier A gold [card=v1] [age=0s] [by=staff]`; `-` for none."""
        said = dict(word.split("=", 1) for word in words[2:])
        request: dict[str, Any] = {"account_id": words[0]}
        request["tier_id"] = "" if words[1] == "-" else words[1]
        request["scorecard_version"] = said.get("card", "v1")
        request["scorecard_time_ns"] = START - int(said.get("age", 0))
        found = self.call("SetTier", request, said.get("by", "staff"))
        return "pending" if getattr(found, "pending", False) else error(found)

    def do_tierof(self, words: list[str]) -> str:
        view = self.call("GetAccount", {"account_id": words[0]}).account
        waiting = f" waits {view.pending_tier_id}" if view.pending_tier_id else ""
        return (view.account.tier_id or "none") + waiting

    # Facts.

    def do_instrument(self, words: list[str]) -> str:
        """`instrument X board=B [session=none]`: without a word on it, a board trades always."""
        base = {"instrument_id": words[0], "marginable": True, "product_type": "CS"}
        base |= {"initial_margin_long_bps": 0, "initial_margin_short_bps": 0}
        base |= {"shortable": True, "short_pool": 10**15}
        facts = self.terms.setdefault(words[0], base)
        closed = "session=none" in words
        for word in words[1:]:
            name, _, value = word.partition("=")
            if name == "session":
                continue
            if value == "unset":
                facts.pop(name, None)
            else:
                facts[name] = value_of(value)
        done = error(self.call("UpsertInstruments", {"instruments": [facts]}))
        board = facts.get("board", "")
        if not closed and board not in self.machine.book.sessions:
            self.call("SetSession", {"board": board, "sessions": [ALWAYS]})
        return done

    def do_session(self, words: list[str]) -> str:
        """`session <board or -> [<opens> <closes>] ...`, from now; none closes the board."""
        board = "" if words[0] == "-" else words[0]
        sessions = [
            {"open_time_ns": self.now + int(opens), "close_time_ns": self.now + int(closes)}
            for opens, closes in zip(words[1::2], words[2::2], strict=True)
        ]
        return error(self.call("SetSession", {"board": board, "sessions": sessions}))

    def do_account(self, words: list[str]) -> str:
        """`account A tier=gold group=G short=false products=CS+ETF types=LIMIT disclosure=2 ...`.

        Any other name is a limit of its own, `own.<name>` a cap of the customer's. Every permission
        is granted until a word says less.
        """
        base: dict[str, Any] = {"account_id": words[0], "margin_model": "LEVERAGED", "limits": {}}
        base["permissions"] = {"short": True, "margin": True, "product_types": ["CS"]}
        base["permissions"]["order_types"] = ["LIMIT", "MARKET"]
        facts = self.terms.setdefault(f"account {words[0]}", base)
        for word in words[1:]:
            name, _, value = word.partition("=")
            if name == "model":
                facts["margin_model"] = value.upper()
            elif name in {"tier", "group"}:
                facts[f"{name}_id"] = value
            elif name in {"short", "margin"}:
                facts["permissions"][name] = value_of(value)
            elif name in {"products", "types"}:
                listed = [] if value == "unset" else value.split("+")
                facts["permissions"]["product_types" if name == "products" else "order_types"] = (
                    listed
                )
            elif name == "fund":
                facts["private_fund"] = value_of(value)
            elif name.startswith("own."):
                facts.setdefault("customer_limits", {})[name[4:]] = limit_of(value.split("+"))
            elif name == "disclosure":
                facts["acknowledged_disclosure_version"] = int(value)
            elif value == "unset":
                facts["limits"].pop(name, None)
            else:
                facts["limits"][name] = limit_of(value.split("+"))
        return error(self.call("UpsertAccounts", {"accounts": [facts]}))

    def do_groups(self, words: list[str]) -> str:
        """`groups G>H H>-`: G is nested in H, which is at the top."""
        pairs = [word.split(">") for word in words]
        groups = [
            {"group_id": name, "parent_id": "" if parent == "-" else parent}
            for name, parent in pairs
        ]
        return error(self.call("UpsertGroups", {"groups": groups}))

    def do_group(self, words: list[str]) -> str:
        """`group G`: those above, those directly in it, and its accounts."""
        for view in self.call("ListGroups", {}).groups:
            if view.group.group_id == words[0]:
                above, nested = ">".join(view.above) or "-", "+".join(view.nested) or "-"
                return f"above={above} nested={nested} accounts={view.account_count}"
        return "unknown"

    def do_mark(self, words: list[str]) -> str:
        """`mark X 10.0 [Y 3.0] [age=5s]`."""
        ages = [int(word[4:]) for word in words if word.startswith("age=")]
        pairs = [word for word in words if not word.startswith("age=")]
        time_ns = self.now - ages[0] if ages else 0
        marks = [
            {"instrument_id": name, "price_e4": int(price), "mark_time_ns": time_ns}
            for name, price in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        found = self.call("UpdateMarks", {"marks": marks})
        return found if isinstance(found, str) else f"older={found.older_count}"

    def do_factor(self, words: list[str]) -> str:
        factor = {"instrument_id": words[0], "factor_bps": int(words[1])}
        return error(self.call("UpdateVolatility", {"factors": [factor], "model_version": "m"}))

    def do_regime(self, words: list[str]) -> str:
        return error(self.call("SetRegime", {"regime": words[0], "reason": "test"}))

    def do_roll(self, words: list[str]) -> str:
        return error(self.call("RollDay", {"trading_date": int(words[0])}))

    def sequence_of(self, account: str) -> int:
        """Return an account's sequence."""
        found = self.call("GetAccount", {"account_id": account})
        return 0 if isinstance(found, str) else int(found.account.sequence)

    def do_cash(self, words: list[str]) -> str:
        """`cash A 1000.0 [id]`."""
        self.serial += 1
        name = words[2] if words[2:] else f"c{self.serial}"
        request: dict[str, Any] = {"account_id": words[0], "kind": "CORRECTION"}
        request["adjustment_id"] = name
        request |= {"amount_e4": int(words[1]), "expected_sequence": self.sequence_of(words[0])}
        found = self.call("AdjustCash", request)
        if isinstance(found, str):
            return found
        return f"{found.cash_e4} replayed" if found.replayed else f"{found.cash_e4}"

    def do_payout(self, words: list[str]) -> str:
        """`payout A 100.0 [id] [by=staff]`: cash after it, or why not and the most that passes."""
        self.serial += 1
        named = [word for word in words[2:] if not word.startswith("by=")]
        by = [word[3:] for word in words[2:] if word.startswith("by=")]
        request: dict[str, Any] = {"account_id": words[0], "kind": "WITHDRAWAL"}
        request["adjustment_id"] = named[0] if named else f"w{self.serial}"
        request |= {"amount_e4": -int(words[1]), "expected_sequence": self.sequence_of(words[0])}
        found = self.call("AdjustCash", request, by[0] if by else "desk")
        if isinstance(found, str):
            return found
        if found.verdict == order_pb2.VERDICT_ALLOW:
            return f"{found.cash_e4} replayed" if found.replayed else f"{found.cash_e4}"
        reasons = "; ".join(reason(entry) for entry in found.rejections)
        return f"{reasons} most={found.max_withdrawal_e4}"

    def do_hold(self, words: list[str]) -> str:
        """`hold A X 100`."""
        position = {"instrument_id": words[1], "quantity": int(words[2])}
        request: dict[str, Any] = {"account_id": words[0], "positions": [position]}
        request["expected_sequence"] = self.sequence_of(words[0])
        return error(self.call("SetPositions", request))

    def do_halt(self, words: list[str]) -> str:
        return self.stop("Halt", words)

    def do_reduce(self, words: list[str]) -> str:
        return self.stop("SetReduceOnly", words)

    def stop(self, method: str, words: list[str]) -> str:
        """`halt <id> <scope kind> [<scope id>]`."""
        request = {"stop_id": words[0], "scope_kind": words[1].upper(), "reason": "test"}
        request["scope_id"] = words[2] if words[2:] else ""
        return error(self.call(method, request, "staff"))

    def do_release(self, words: list[str]) -> str:
        """`release <id> [by=principal]`: by whom is named, else by two persons."""
        request = {"stop_id": words[0], "reason": "test"}
        named = [word[3:] for word in words[1:] if word.startswith("by=")]
        found: Any = None
        for principal in named or ("staff", "anna"):
            found = self.call("Release", request, principal)
        if isinstance(found, str) or not found.pending_until_time_ns:
            return error(found)
        return f"pending {found.pending_until_time_ns - self.now}"

    # Time.

    def do_wait(self, words: list[str]) -> str:
        self.now += int(words[0])
        return ""

    def do_tick(self, _words: list[str]) -> str:
        encoded = self.machine.tick(self.now)
        if encoded is None:
            return "nothing"
        self.records.append((self.now, encoded))
        found = journal_pb2.TickResponse.FromString(journal_pb2.Record.FromString(encoded).response)
        parts = [f"{key.account_id}/{key.order_id} unconfirmed" for key in found.unconfirmed]
        parts += [f"{key.account_id}/{key.order_id} forgotten" for key in found.forgotten]
        parts += [f"{name} forgotten" for name in found.forgotten_batches]
        parts += [f"{name} ended" for name in found.ended_overrides]
        return "; ".join(parts)

    # Orders: `buy A X 100 [@ 10.0] [#id] [created=-3s] [by=principal] [reduce] [max]`.

    def do_buy(self, words: list[str]) -> str:
        return self.order("BUY", words)

    def do_sell(self, words: list[str]) -> str:
        return self.order("SELL", words)

    def order(self, side: str, words: list[str]) -> str:
        request, principal = self.request(side, words)
        found = self.call("CheckOrder", request, principal)
        return found if isinstance(found, str) else verdict(found)

    def do_replace(self, words: list[str]) -> str:
        """`replace #old buy A X 50 [@ 10.0] [#id] ...`: the rest is as of an order."""
        request, principal = self.request(words[1].upper(), words[2:])
        found = self.call("ReplaceOrder", {**request, "replaced_order_id": words[0][1:]}, principal)
        return found if isinstance(found, str) else verdict(found)

    def do_preview(self, words: list[str]) -> str:
        """`preview buy A X 5 @ 10.0 ... [show=name+name]`: the verdict, or what would be used."""
        names = [name for word in words if word.startswith("show=") for name in word[5:].split("+")]
        words = [word for word in words if not word.startswith("show=")]
        request, principal = self.request(words[0].upper(), words[1:])
        for name in ("order_id", "created_time_ns", "want_max_acceptable_quantity"):
            request.pop(name, None)
        found = self.call("PreviewOrder", request, principal)
        if names and not isinstance(found, str):
            return "; ".join(usage(one) for one in found.limits if one.name in names)
        return found if isinstance(found, str) else verdict(found)

    def do_batch(self, words: list[str]) -> str:
        return self.orders({}, " ".join(words))

    def do_atomic(self, words: list[str]) -> str:
        """`atomic <batch id>: buy ... | sell ...`."""
        name, _, orders = " ".join(words).partition(":")
        return self.orders({"atomic": True, "batch_id": name}, orders)

    def orders(self, head: dict[str, Any], text: str) -> str:
        """Ask for a batch; its answers stand between bars."""
        made = []
        for part in text.split("|"):
            side, *words = part.split()
            made.append(self.request(side.upper(), words)[0])
        found = self.call("CheckOrders", {**head, "orders": made})
        if isinstance(found, str):
            return found
        again = "replayed: " if found.replayed else ""
        return again + " | ".join(verdict(answer) for answer in found.answers)

    def request(self, side: str, words: list[str]) -> tuple[dict[str, Any], str]:
        """Read an order and who asks for it."""
        account, instrument, quantity, *rest = words
        self.serial += 1
        request: dict[str, Any] = {"account_id": account, "instrument_id": instrument}
        request |= {"side": side, "order_type": "MARKET", "quantity": int(quantity)}
        request["order_id"] = f"o{self.serial}"
        principal, created = "desk", self.now
        for index, word in enumerate(rest):
            if word == "@":
                request |= {"order_type": "LIMIT", "price_e4": int(rest[index + 1])}
            elif word.startswith("#"):
                request["order_id"] = word[1:]
                created = self.made.setdefault(f"{account} {word}", created)
            elif word.startswith("created="):
                created = self.now + int(word[8:])
            elif word.startswith("by="):
                principal = word[3:]
            elif word.startswith("kind="):
                request["margin_kind"] = word[5:].upper()
            elif word == "reduce":
                request["reduce_only"] = True
            elif word == "max":
                request["want_max_acceptable_quantity"] = True
        request["created_time_ns"] = created
        return request, principal

    # Reports: `fill A #o1 e1 buy X 50 @ 10.0 [date=20240101] [from=dc]`, `report cancelled A ...`.

    def do_fill(self, words: list[str]) -> str:
        account, order, event, side, instrument, quantity, _, price, *rest = words
        made = {"event_id": event, "account_id": account, "order_id": order[1:], "kind": "FILLED"}
        made |= {"side": side.upper(), "instrument_id": instrument}
        figures = {"quantity": int(quantity), "price_e4": int(price)}
        for word in rest:
            if word.startswith("at="):
                figures["transaction_time_ns"] = self.now + int(word[3:])
            elif word.startswith("date="):
                figures["trade_date"] = int(word[5:])
            else:
                made["source"] = word[5:]
        return self.report({**made, **figures})

    def do_report(self, words: list[str]) -> str:
        """`report <kind> A #o1 e2 [cum=50] [of=e1]`."""
        kind, account, order, event, *rest = words
        made: dict[str, Any] = {"kind": kind.upper(), "account_id": account}
        made |= {"order_id": order[1:], "event_id": event}
        for word in rest:
            if word.startswith("cum="):
                made["cumulative_quantity"] = int(word[4:])
            elif word.startswith("from="):
                made["source"] = word[5:]
            else:
                made["busted_event_id"] = word[3:]
        return self.report(made)

    def report(self, event: dict[str, Any]) -> str:
        """Record one event; say its outcome, flags, the order's state and what it reserves."""
        found = self.call("RecordOrderEvents", {"events": [event]})
        if isinstance(found, str):
            return found
        result = found.results[0]
        flags = [
            short(risk_service_pb2.EventFlag.Name(flag), "EVENT_FLAG_") for flag in result.flags
        ]
        outcome = short(risk_service_pb2.EventOutcome.Name(result.outcome), "EVENT_OUTCOME_")
        state = short(order_pb2.OrderState.Name(result.order_state), "ORDER_STATE_")
        return " ".join([outcome, *flags, state, str(result.reserved_quantity)])

    def do_reconcile(self, words: list[str]) -> str:
        """`reconcile A <list id> at=-2s [page=2] [more]: o buy X 100 @ 10.0 [filled=5] | ...`."""
        head, _, text = " ".join(words).partition(":")
        account, session, *rest = head.split()
        request: dict[str, Any] = {"account_id": account, "session_id": session, "page_number": 1}
        request |= {"last_page": "more" not in rest, "list_time_ns": self.now}
        for word in rest:
            if word.startswith("at="):
                request["list_time_ns"] = self.now + int(word[3:])
            elif word.startswith("page="):
                request["page_number"] = int(word[5:])
        request["orders"] = [self.listed(part.split()) for part in text.split("|") if part.strip()]
        found = self.call("ReconcileOrders", request)
        if isinstance(found, str):
            return found
        parts = []
        for one in found.differences:
            kind = short(risk_service_pb2.DifferenceKind.Name(one.kind), "DIFFERENCE_KIND_")
            state = short(order_pb2.OrderState.Name(one.order_state), "ORDER_STATE_")
            parts.append(f"{one.order_id} {kind} {state} {one.reserved_quantity}")
        told = "; ".join(parts) or ("same" if found.closed else "kept")
        return f"replayed {told}" if found.replayed else told

    def listed(self, words: list[str]) -> dict[str, Any]:
        """Read an order of a list."""
        name, side, instrument, quantity, *rest = words
        order = {"order_id": name, "side": side.upper(), "instrument_id": instrument}
        figures = {"quantity": int(quantity), "order_type": "MARKET"}
        for index, word in enumerate(rest):
            if word == "@":
                figures |= {"order_type": "LIMIT", "price_e4": int(rest[index + 1])}
            elif word.startswith("filled="):
                figures["filled_quantity"] = int(word[7:])
            elif word.startswith("kind="):
                order["margin_kind"] = word[5:].upper()
        return {**order, **figures}

    def do_cancel(self, words: list[str]) -> str:
        """`cancel account A [stop=k] [after=A/o]`: the ids to cancel; `+` for more."""
        request = {"scope_kind": words[0].upper(), "scope_id": words[1], "reason": "test"}
        for word in words[2:]:
            if word.startswith("stop="):
                request["stop_id"] = word[5:]
            else:
                request["page_token"] = word[6:].replace("/", " ")
        found = self.call("CancelOrders", request, "staff")
        if isinstance(found, str):
            return found
        names = [f"{order.account_id}/{order.order_id}" for order in found.orders]
        return " ".join(names + ["+"] * bool(found.next_page_token)) or "none"

    # Reads.

    def do_position(self, words: list[str]) -> str:
        """`position A X`: P, OB, OS, RB, RS and the exit quantity."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        for held in view.positions:
            if held.instrument_id == words[1]:
                figures = (held.quantity, held.open_buy_quantity, held.open_sell_quantity)
                notionals = (held.open_buy_notional_e4, held.open_sell_notional_e4)
                return "P={} OB={} OS={} RB={} RS={} exit={}".format(
                    *figures, *notionals, held.exit_quantity
                )
        return "flat"

    def do_points(self, words: list[str]) -> str:
        """`points A X`: what add-ons put on top of its rates, long and short."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        held = next(one for one in view.positions if one.instrument_id == words[1])
        return f"long={held.long_add_on_bps} short={held.short_add_on_bps}"

    def do_projected(self, words: list[str]) -> str:
        return self.figures("projected", words)

    def do_actual(self, words: list[str]) -> str:
        return self.figures("actual", words)

    def figures(self, kind: str, words: list[str]) -> str:
        """`projected A [name ...]`: the figures that are named, all money without names."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        if not view.HasField(kind):
            return "absent"
        found = getattr(view, kind)
        return " ".join(f"{name}={getattr(found, full(name))}" for name in words[1:])

    def do_day(self, words: list[str]) -> str:
        view = self.call("GetAccount", {"account_id": words[0]}).account
        start = view.start_of_day_equity_e4 if view.HasField("start_of_day_equity_e4") else "-"
        count, turnover = view.day_order_count, view.day_turnover_e4
        return f"orders={count} turnover={turnover} start={start}"

    def do_usage(self, words: list[str]) -> str:
        """`usage A [name ...]`: what is used of its limits; without names, of all measured."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        shown = [one for one in view.limits if one.name in words[1:] or not words[1:]]
        return "; ".join(usage(one) for one in shown if words[1:] or one.HasField("usage_bps"))

    def do_line(self, words: list[str]) -> str:
        """`line A`: the state, the references of 4.25."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        state = short(account_service_pb2.LineState.Name(view.line_state), "LINE_STATE_").lower()
        shown = [
            str(getattr(view, name)) if view.HasField(name) else "-"
            for name in ("start_of_day_equity_e4", "high_water_mark_e4")
        ]
        return f"{state} start={shown[0]} high={shown[1]}"

    def do_revalue(self, words: list[str]) -> str:
        return error(self.call("RevalueAccounts", {"account_ids": words}))

    def do_plan(self, words: list[str]) -> str:
        """`plan A`: the liquidation plan."""
        found = self.call("PlanLiquidation", {"account_id": words[0]}, "staff")
        return found if isinstance(found, str) else plan(found)

    def do_open(self, words: list[str]) -> str:
        """`open A`: the open orders, oldest first; `o 50 for p` replaces p."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        parts = []
        for order in view.open_orders:
            state = short(order_pb2.OrderState.Name(order.state), "ORDER_STATE_")
            late = " unconfirmed" if order.unconfirmed else ""
            old = f" for {order.replaced_order_id}" if order.replaced_order_id else ""
            parts.append(f"{order.order_id} {state} {order.reserved_quantity}{late}{old}")
        return "; ".join(parts) or "none"

    def do_status(self, words: list[str]) -> str:
        status = self.machine.status()
        return " ".join(f"{name}={getattr(status, name)}" for name in words)

    def do_stops(self, _words: list[str]) -> str:
        return " ".join(stop.stop_id for stop in self.machine.status().stops) or "none"

    def do_slow(self, words: list[str]) -> str:
        """`slow X`: the slow mark, as a snapshot keeps it."""
        for data in self.machine.snapshot_records():
            record = journal_pb2.Record.FromString(data)
            if record.method == journal_pb2.METHOD_RESTORE_INSTRUMENT:
                kept = journal_pb2.RestoreInstrument.FromString(record.request)
                if kept.instrument.instrument_id == words[0]:
                    return f"{kept.slow_mark_e4}"
        return "unknown"


def error(found: Any) -> str:
    """Return the error's reason, or that it is done."""
    return found if isinstance(found, str) else "done"


def full(name: str) -> str:
    """Return a figure's name in the contract."""
    return name if name.endswith("_bps") else f"{name}_e4"


def short(name: str, prefix: str) -> str:
    """Return an enum value's name without its prefix."""
    return name.removeprefix(prefix)


def verdict(found: Any) -> str:
    """Write an answer: `allow <price>` or its reasons, then what else it says."""
    parts = []
    if found.verdict == order_pb2.VERDICT_ALLOW:
        price = f" {found.reserved_price_e4}" if found.HasField("reserved_price_e4") else ""
        parts.append(f"allow{price}")
    parts.append("; ".join(reason(entry) for entry in found.rejections))
    if found.warnings:
        parts.append("warned " + "; ".join(reason(entry) for entry in found.warnings))
    preview = isinstance(found, risk_service_pb2.PreviewOrderResponse)
    replace = isinstance(found, risk_service_pb2.ReplaceOrderResponse)
    if preview or (not replace and found.HasField("max_acceptable_quantity")):
        parts.append(f"max={found.max_acceptable_quantity}")
    if found.verified_exit:
        parts.append("exit")
    if not preview and found.replayed:
        state = short(order_pb2.OrderState.Name(found.order_state), "ORDER_STATE_")
        parts.append(f"replayed {state}")
    return " ".join(part for part in parts if part)


def plan(found: Any) -> str:
    """Write a plan: ratios, cancels and what they free, stages, what is blocked or lacking."""

    def ratio(name: str) -> str:
        return str(getattr(found, name)) if found.HasField(name) else "-"

    parts = [f"{ratio('before_ratio_bps')} to {ratio('after_ratio_bps')}"]
    parts += [f"cancel {one.order_id} {one.rise_e4}" for one in found.cancels]
    parts += [f"repay {found.repay_e4}"] if found.repay_e4 else []
    for stage in found.stages:
        sides = [
            order_pb2.MarginKind.Name(trade.margin_kind).removeprefix("MARGIN_KIND_")
            if trade.margin_kind
            else order_pb2.Side.Name(trade.side).removeprefix("SIDE_")
            for trade in stage.trades
        ]
        parts.append(
            ", ".join(
                f"{side.lower()} {trade.instrument_id} {trade.quantity}"
                for side, trade in zip(sides, stage.trades, strict=True)
            )
        )
    for one in found.blocked:
        why = control_service_pb2.BlockedReason.Name(one.reason).removeprefix("BLOCKED_REASON_")
        parts.append(f"blocked {one.instrument_id} {one.quantity} {why.lower()}")
    parts.append("reached" if found.reachable else f"short of {found.shortfall_e4}")
    parts += ["cut"] if found.cut else []
    return "; ".join(parts)


def usage(view: Any) -> str:
    """Write what is used of a limit: its name, used / limit, bps, and what else there is to say."""
    if not view.HasField("value"):
        names = usage_pb2.LimitSetting.Name
        return f"{view.name} {short(names(view.setting), 'LIMIT_SETTING_').lower()}"
    parts = [view.name, f"{view.used if view.HasField('used') else '-'}/{view.value}"]
    parts.append(str(view.usage_bps) if view.HasField("usage_bps") else "-")
    parts.append("warn" if view.mode == policy_pb2.LIMIT_MODE_WARN else "")
    scope = order_pb2.ScopeKind.Name(view.scope_kind).removeprefix("SCOPE_KIND_").lower()
    parts.append("" if scope == "account" else f"{scope}:{view.scope_id}")
    parts.append("" if view.subject == view.scope_id else view.subject)
    parts.append("binds" if view.binds_next else "")
    return " ".join(part for part in parts if part)


def reason(entry: order_pb2.Rejection) -> str:
    """Write a reason: its name, measured / limit, scope, what it names."""
    name = short(order_pb2.RejectReason.Name(entry.reason), "REJECT_REASON_")
    measured = entry.measured if entry.HasField("measured") else "-"
    limit = entry.limit if entry.HasField("limit") else "-"
    scope = order_pb2.ScopeKind.Name(entry.scope_kind).removeprefix("SCOPE_KIND_").lower()
    where = f"{scope}:{entry.scope_id}" if entry.scope_id else scope
    return " ".join(part for part in (name, f"{measured}/{limit}", where, entry.subject) if part)
