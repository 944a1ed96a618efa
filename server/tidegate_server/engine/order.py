"""Order ids and event ids that are kept: where an order is, and what a fill changed."""

from __future__ import annotations

from .cn.changes import Change
from .cn.contracts import NOT_OPENED, Opening
from .commands import CheckOrder
from .outcomes import CheckOutcome

RESERVED = 1
ACKNOWLEDGED = 2
PARTLY_FILLED = 3
FILLED = 4
CANCELLED = 5
REJECTED = 6
EXPIRED = 7
UNSENT = 8
REFUSED = 9
UNKNOWN_TO_GATE = 10
REPLACED = 42
RECONCILED = 43


class Order:
    """One order id that is kept, with its first answer; `command` is None for a tombstone.

    Invariant: `reserved` > 0 only while its position counts reserved x reserved price.
    `acknowledge_by_ns` counts only until anything was reported. `awaited` is what an end's
    cumulative quantity says will still be filled. `replaces` is the id of the order whose place it
    is to take; orders that replace each other share a chain. `opening` is when and at what ratio it
    opened a contract under `cn_margin`.
    """

    __slots__ = (
        "account_id",
        "acknowledge_by_ns",
        "awaited",
        "chain",
        "command",
        "filled",
        "keep_until_ns",
        "opening",
        "order_id",
        "outcome",
        "replaces",
        "reported",
        "reserved",
        "reserved_price",
        "sequence",
        "state",
        "unconfirmed",
    )

    def __init__(self, account_id: str, order_id: str, sequence: int) -> None:
        self.account_id = account_id
        self.order_id = order_id
        self.sequence = sequence
        self.command: CheckOrder | None = None
        self.outcome: CheckOutcome | None = None
        self.state = UNKNOWN_TO_GATE
        self.filled = 0
        self.reserved = 0
        self.awaited = 0
        self.acknowledge_by_ns = 0
        self.keep_until_ns = 0
        self.unconfirmed = False
        self.reported = False
        self.reserved_price = 0
        self.replaces = ""
        self.chain: Chain | None = None
        self.opening: Opening = NOT_OPENED

    def is_live(self) -> bool:
        """Tell whether it was allowed and has not ended."""
        return self.state in (RESERVED, ACKNOWLEDGED, PARTLY_FILLED)


class Chain:
    """Orders of which each replaces one before it, oldest first: at the venue they are one order.

    They are reserved as one: at most one of them has anything reserved (chains.py). `ratio_bps` is
    what that opens a contract at under `cn_margin`.
    """

    __slots__ = ("members", "ratio_bps", "root")

    def __init__(self, root: tuple[int, str]) -> None:
        self.root = root
        self.members: list[Order] = []
        self.ratio_bps = 0


class EventEntry:
    """One event id that is kept; of a fill also what a bust must undo, and who reported it."""

    __slots__ = (
        "busted",
        "cash_change",
        "change",
        "fill_quantity",
        "instrument_id",
        "price_e4",
        "source",
        "trade_date",
    )

    def __init__(self, trade_date: int) -> None:
        self.trade_date = trade_date
        self.instrument_id = ""
        self.fill_quantity = 0
        self.cash_change = 0
        self.change: Change | None = None
        self.price_e4 = 0
        self.source = ""
        self.busted = False
