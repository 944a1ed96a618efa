"""One account: what it has, what it asked for today, and what was last worked out of it."""

from __future__ import annotations

from .cn.contracts import Credit
from .effective import Effective
from .instrument import Instrument
from .limit import Limit
from .lines import NO_LINE, Line, exchanged
from .margin_lines import NEVER
from .order import EventEntry, Order
from .outcomes import Figures
from .override import Override
from .permissions import NO_PERMISSIONS
from .position import Position
from .reconciliation import Reconciliation
from .repeats import Times
from .shares import Share, ShareSum
from .stop import RepeatKey
from .tier_standing import TierStanding

# Sums of gross by sector and by board, in e4.
GrossBy = tuple[dict[str, int], dict[str, int]]


class Account:
    """One account. `start_of_day_equity` is None until it is valued, where the last roll could not.

    `lines` is the mask of lines entered and not left (2.6), `high_water` the greatest actual equity
    at a valuation, NEVER before the first; bookings move it along (4.25). `share` is what it was
    last valued at for the sums above it (4.26).

    `adjustments` has the trading date and content of each booking by its id.

    `active` lists the positions that are not flat, in the order in which they became so. Memos:
    `turnover_e4` (the sum over positions), `totals` (the sum of the active positions' lines, None
    until it is asked for), `fresh_until_ns` (no mark or factor is stale before), `lines_hold_at`
    (the book's revision at which every line was seen to hold, -1 where one does not), `gross_by`
    (sums of the lines' gross by sector and by board, None until a table asks for them), `stressed`
    (what the lines' gross would lose under stress, 4.26, -1 until somebody asks), `effective`
    (its limits under policy `effective_version`, until `effective_until_ns`), `open_order_count`,
    `overrides` (the book's on it, the one that decides last), `groups` (its group and those above,
    the innermost first), `counted` (the share as the sums have it), `counted_in` (these sums).
    """

    __slots__ = (
        "account_id",
        "active",
        "adjustments",
        "cash",
        "counted",
        "counted_in",
        "credit",
        "customer_limits",
        "day_order_count",
        "effective",
        "effective_until_ns",
        "effective_version",
        "events",
        "fresh_until_ns",
        "gross_by",
        "group_id",
        "groups",
        "high_water",
        "interest_and_fees",
        "last_valuation",
        "limits",
        "lines",
        "lines_hold_at",
        "margin_model",
        "next_order_ns",
        "open_order_count",
        "orders",
        "overrides",
        "permissions",
        "positions",
        "reconciliation",
        "repeats",
        "sequence",
        "share",
        "standing",
        "start_of_day_equity",
        "stressed",
        "tier_id",
        "totals",
        "trading_date",
        "turnover_e4",
        "valued_time_ns",
    )

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.group_id = ""
        self.groups: list[str] = []
        self.tier_id = ""
        self.margin_model = 1
        self.limits: dict[str, Limit] = {}
        self.customer_limits: dict[str, Limit] = {}
        self.standing: TierStanding | None = None
        self.overrides: list[Override] = []
        self.permissions = NO_PERMISSIONS
        self.sequence = 0
        self.cash = 0
        self.interest_and_fees = 0
        self.credit: Credit | None = None
        self.positions: dict[str, Position] = {}
        self.active: list[Position] = []
        self.orders: dict[str, Order] = {}
        self.open_order_count = 0
        self.events: dict[str, EventEntry] = {}
        self.adjustments: dict[str, tuple[int, str]] = {}
        self.trading_date = 0
        self.day_order_count = 0
        self.repeats: dict[RepeatKey, Times] = {}
        self.reconciliation: Reconciliation | None = None
        self.turnover_e4 = 0
        self.start_of_day_equity: int | None = None
        self.lines = 0
        self.high_water = NEVER
        self.share: Share | None = None
        self.counted: Share | None = None
        self.counted_in: list[ShareSum] = []
        self.next_order_ns = 0
        self.last_valuation: Figures | None = None
        self.valued_time_ns = 0
        self.totals: Line | None = None
        self.fresh_until_ns = 0
        self.lines_hold_at = -1
        self.gross_by: GrossBy | None = None
        self.stressed = -1
        self.effective: Effective | None = None
        self.effective_version = 0
        self.effective_until_ns = 0

    def activate(self, position: Position) -> None:
        """List a position that is no longer flat; its line is still that of a flat one."""
        self.active.append(position)

    def deactivate(self, position: Position) -> None:
        """Take a position that became flat off the list; a flat one has no line."""
        self.active.remove(position)
        self.replace_line(position, NO_LINE)

    def replace_line(self, position: Position, line: Line) -> None:
        """Keep a position's line; the account's sum follows it."""
        if self.totals is not None:
            self.totals = exchanged(self.totals, position.line, line)
        position.line = line
        self.gross_by = None
        self.stressed = -1

    def forget_lines(self) -> None:
        """Make the memo of every position's line stale."""
        for position in self.active:
            self.forget_line(position)

    def forget_line(self, position: Position) -> None:
        """Make the memo of a position's line stale."""
        position.line_revision = -1
        self.lines_hold_at = -1
        self.gross_by = None
        self.stressed = -1

    def position_in(self, instrument: Instrument) -> Position:
        """Return the position in an instrument, a flat one where there is none yet."""
        position = self.positions.get(instrument.instrument_id)
        if position is None:
            position = Position(instrument)
            self.positions[instrument.instrument_id] = position
        return position
