"""A desk for worked examples: account A with 10 000.0000, instrument X at 100.0000."""

from typing import Any

from tests.oracle.book import SECOND, Message
from tests.oracle.oracle import Oracle

T0 = 1_700_000_000 * SECOND
MARK = 1_000_000
CASH = 100_000_000


LENT: Message = {"shortable": True, "short_pool": 10**15}
ALL: Message = {
    "short": True,
    "margin": True,
    "product_types": ["CS"],
    "order_types": ["LIMIT", "MARKET"],
}


class Desk:
    """The oracle with short ways to ask it."""

    def __init__(self, **limits: Any) -> None:
        """Open with leverage unlimited and the given limits of the tier."""
        self.oracle = Oracle()
        self.now = T0
        self.serial = 0
        self.policy = policy(limits)
        self.ask("ProposePolicy", policy=self.policy)
        self.instrument()
        self.ask("SetSession", sessions=[{"open_time_ns": 0, "close_time_ns": 4 * 10**18}])
        self.account()
        self.mark(MARK)
        self.ask(
            "AdjustCash",
            account_id="A",
            adjustment_id="d",
            kind="DEPOSIT",
            amount_e4=CASH,
            expected_sequence=4,
        )

    def ask(self, method: str, principal: str = "desk", **request: Any) -> Message:
        """Send one command at the present time."""
        return self.oracle.apply(method, request, principal, self.now)

    def instrument(self, name: str = "X", **facts: Any) -> None:
        """Create or replace an instrument."""
        rates = {"initial_margin_long_bps": 5_000, "initial_margin_short_bps": 5_000}
        whole = (
            {"instrument_id": name, "marginable": True, "product_type": "CS"} | LENT | rates | facts
        )
        self.ask("UpsertInstruments", instruments=[whole])

    def account(self, name: str = "A", **facts: Any) -> None:
        """Create or replace an account."""
        standing: Message = {"account_id": name, "tier_id": "t", "margin_model": "LEVERAGED"}
        standing |= {"permissions": ALL}
        self.ask("UpsertAccounts", accounts=[standing | facts])

    def mark(self, price: int, name: str = "X", **facts: Any) -> Message:
        """Report a mark."""
        marks = [{"instrument_id": name, "price_e4": price} | facts]
        return self.ask("UpdateMarks", marks=marks)

    def request(self, **changes: Any) -> Message:
        """A buy of 10 at the mark, with changes."""
        self.serial += 1
        order = {
            "account_id": "A",
            "order_id": f"o{self.serial}",
            "instrument_id": "X",
            "side": "BUY",
            "order_type": "LIMIT",
            "quantity": 10,
            "price_e4": MARK,
            "created_time_ns": self.now,
        } | changes
        return {name: value for name, value in order.items() if value is not None}

    def check(self, **changes: Any) -> Message:
        """Check a new order."""
        return self.ask("CheckOrder", **self.request(**changes))

    def preview(self, **changes: Any) -> Message:
        """Preview an order."""
        order = self.request(**changes)
        del order["order_id"], order["created_time_ns"]
        return self.ask("PreviewOrder", **order)

    def reasons(self, **changes: Any) -> list[tuple[str, int | None, int | None]]:
        """Check a new order and give reasons with their figures."""
        return reasons(self.check(**changes))

    def event(self, kind: str, order_id: str = "o1", **changes: Any) -> Message:
        """Report one event; a fill is of X, bought at the mark."""
        self.serial += 1
        event: Message = {
            "event_id": f"e{self.serial}",
            "account_id": "A",
            "order_id": order_id,
            "kind": kind,
        }
        if kind == "FILLED":
            event |= {"instrument_id": "X", "side": "BUY", "price_e4": MARK}
        result: Message = self.ask("RecordOrderEvents", events=[event | changes])["results"][0]
        return result

    def hold(self, quantity: int, name: str = "X", account_id: str = "A") -> None:
        """Set a position."""
        sequence = self.oracle.book.accounts[account_id].sequence
        held = [{"instrument_id": name, "quantity": quantity}]
        self.ask("SetPositions", account_id=account_id, positions=held, expected_sequence=sequence)

    def cash(self, amount: int) -> None:
        """Book cash of A."""
        self.deposit("A", amount)

    def deposit(self, account_id: str, amount: int) -> None:
        """Book cash."""
        self.serial += 1
        self.ask(
            "AdjustCash",
            account_id=account_id,
            adjustment_id=f"d{self.serial}",
            amount_e4=amount,
            expected_sequence=self.oracle.book.accounts[account_id].sequence,
        )

    def release(self, stop_id: str) -> None:
        """Take a stop back, as two persons."""
        for principal in ("anna", "ben"):
            self.ask("Release", principal, stop_id=stop_id)

    def view(self) -> Message:
        """Read A."""
        view: Message = self.ask("GetAccount", account_id="A")["account"]
        return view


def policy(limits: Message) -> Message:
    """A policy of one tier `t`, with factors of one unless told."""
    tier: Message = {"tier_id": "t", "limits": {"leverage_bps": {"unlimited": True}} | limits}
    return {
        "rules_version": 1,
        "max_order_age_ns": 10 * SECOND,
        "max_clock_skew_ns": SECOND,
        "max_mark_age_ns": 60 * SECOND,
        "max_volatility_age_ns": 60 * SECOND,
        "stress_factor_bps": 10_000,
        "elevated_regime_bps": 12_000,
        "stressed_regime_bps": 15_000,
        "slow_mark_step_bps": 100,
        "acknowledgement_limit_ns": 2 * SECOND,
        "tiers": [tier],
        "lines": {"off": True},
    }


def reasons(answer: Message) -> list[tuple[str, int | None, int | None]]:
    """Reason, measured and limit of each entry of an answer."""
    return [
        (entry["reason"], entry.get("measured"), entry.get("limit"))
        for entry in answer["rejections"]
    ]
