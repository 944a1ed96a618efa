"""What was decided of lists of open orders and of cancels."""

from __future__ import annotations

from .margin_lines import Valued
from .outcomes import Outcome


class Difference:
    """One difference between a list and the gate.

    Effects, of an added order: what it is reserved at, how long its id is kept, under `cn_margin`
    what it is for and the ratio of the contract that it opens.
    """

    __slots__ = (
        "keep_until_ns",
        "kind",
        "margin_kind",
        "order_id",
        "ratio_bps",
        "reserved",
        "reserved_price",
        "state",
    )

    def __init__(self, order_id: str, kind: int, state: int, reserved: int) -> None:
        self.order_id = order_id
        self.kind = kind
        self.state = state
        self.reserved = reserved
        self.reserved_price = 0
        self.keep_until_ns = 0
        self.margin_kind = 0
        self.ratio_bps = 0


class ReconcileOutcome(Outcome):
    """A page is kept, or, where it is the last, the list was compared.

    `valued` is an effect: what the account's valuation changed (2.7).
    """

    __slots__ = ("closed", "differences", "valued")

    def __init__(self, sequence: int, decided_time_ns: int, *, closed: bool) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.replayed = False
        self.closed = closed
        self.differences: list[Difference] = []
        self.valued: list[Valued] = []


class CancelOutcome(Outcome):
    """What to cancel at the venue: (account, order), and whether there is more."""

    __slots__ = ("more", "orders")

    def __init__(
        self,
        sequence: int,
        decided_time_ns: int,
        orders: list[tuple[str, str]],
        *,
        more: bool,
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.replayed = False
        self.orders = orders
        self.more = more
