"""The steps of a table that belong to `cn_margin`: ratios and caps, contracts and their facts."""

from typing import Any

KINDS = {1: "financed", 2: "short"}


class CreditSteps:
    """Mixed into `Script`; what it calls is there."""

    policy: dict[str, Any]
    serial: int

    def call(self, method: str, request: dict[str, Any], principal: str = "desk") -> Any:
        raise NotImplementedError

    def sequence_of(self, account: str) -> int:
        raise NotImplementedError

    def do_ratio(self, words: list[str]) -> str:
        """`ratio financing|short|private_fund_short <since ns> <bps>`, or `unset`."""
        rows = self.policy.setdefault(f"{words[0]}_ratios", [])
        if words[1] == "unset":
            rows.clear()
        else:
            since = int(words[1])
            rows[:] = [one for one in rows if one["effective_from_time_ns"] != since]
            rows.append({"effective_from_time_ns": since, "ratio_bps": int(words[2])})
        return ""

    def do_cap(self, words: list[str]) -> str:
        """`cap <haircut class or -> <bps or unset>`."""
        name = "" if words[0] == "-" else words[0]
        caps = self.policy.setdefault("haircut_caps", [])
        caps[:] = [one for one in caps if one["haircut_class"] != name]
        if words[1] != "unset":
            caps.append({"haircut_class": name, "cap_bps": int(words[1])})
        return ""

    def do_repay(self, words: list[str]) -> str:
        """`repay A 10.0 [id]`."""
        return self.book_credit("RepayCash", words, {"amount_e4": int(words[1])}, words[2:])

    def do_giveback(self, words: list[str]) -> str:
        """`giveback A X 5 [id]`."""
        what = {"instrument_id": words[1], "quantity": int(words[2])}
        return self.book_credit("ReturnShares", words, what, words[3:])

    def do_interest(self, words: list[str]) -> str:
        """`interest A c1 1.0 [id]`."""
        what = {"contract_id": words[1], "amount_e4": int(words[2])}
        return self.book_credit("AccrueInterest", words, what, words[3:])

    def do_fee(self, words: list[str]) -> str:
        """`fee A 0.25 [id]`."""
        return self.book_credit("ChargeFee", words, {"amount_e4": int(words[1])}, words[2:])

    def book_credit(
        self, method: str, words: list[str], what: dict[str, Any], name: list[str]
    ) -> str:
        """Book one fact of an account; say cash after it."""
        self.serial += 1
        request = {"account_id": words[0], "adjustment_id": name[0] if name else f"c{self.serial}"}
        found = self.call(
            method, {**request, **what, "expected_sequence": self.sequence_of(words[0])}
        )
        if isinstance(found, str):
            return found
        return f"{found.cash_e4} replayed" if found.replayed else f"{found.cash_e4}"

    def do_contracts(self, words: list[str]) -> str:
        """`contracts A`: id, kind, instrument, quantity, amount, interest, ratio; oldest first."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        rows = [
            f"{one.contract_id} {KINDS[one.kind]} {one.instrument_id} {one.quantity}"
            f" {one.amount_e4} {one.interest_e4} {one.ratio_bps}"
            for one in view.contracts
        ]
        return "; ".join(rows) or "none"

    def do_shares(self, words: list[str]) -> str:
        """`shares A X`: net, collateral, financed, short, what can be closed."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        for held in view.positions:
            if held.instrument_id == words[1]:
                parts = (held.collateral_quantity, held.financed_quantity, held.short_quantity)
                return "net={} collateral={} financed={} short={} exit={}".format(
                    held.quantity, *parts, held.exit_quantity
                )
        return "flat"

    def do_balance(self, words: list[str]) -> str:
        """`balance A`: projected available balance, then assets / debt."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        if not view.HasField("projected"):
            return "absent"
        found = view.projected
        return f"{found.available_e4} {found.assets_e4}/{found.debt_e4}"

    def do_state(self, words: list[str]) -> str:
        """`state A`: cash, fees, free cash."""
        view = self.call("GetAccount", {"account_id": words[0]}).account
        return f"cash={view.cash_e4} fees={view.interest_and_fees_e4} free={view.free_cash_e4}"
