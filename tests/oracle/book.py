"""What the oracle remembers: plain records in plain dictionaries, and the arithmetic of chapter 1.

Nothing is kept that can be added up: what is open follows from the orders each time it is asked.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Message = dict[str, Any]

ONE = 10_000  # one, in basis points
INT64_MAX = 2**63 - 1
PRICE_MAX = QUANTITY_MAX = 10**12
MONEY_MAX = 9 * 10**16
PRODUCT_MAX = 9 * 10**18
RATIO_MAX = 10**6
SECOND = 10**9
DAY = 86_400 * SECOND

LIVE = frozenset({"RESERVED", "ACKNOWLEDGED", "PARTLY_FILLED"})


def down(amount: int, unit: int) -> int:
    """Divide toward minus infinity (1.2); amounts are absolute values."""
    return amount // unit


def up(amount: int, unit: int) -> int:
    """Divide toward plus infinity (1.2); amounts are absolute values."""
    return -(-amount // unit)


def scale_down(amount: int, bps: int) -> int:
    """Take a share of an amount, rounded down (1.3)."""
    return down(amount * bps, ONE)


def scale_up(amount: int, bps: int) -> int:
    """Take a share of an amount, rounded up (1.3)."""
    return up(amount * bps, ONE)


def upper_ratio(numerator: int, denominator: int) -> int:
    """Show an upper ratio in bps as 4.0.2 does, within int64."""
    if numerator <= 0:
        return 0
    return min(up(numerator * ONE, denominator), INT64_MAX) if denominator > 0 else INT64_MAX


def out_of_bounds(price: int, quantity: int, decimals: int) -> bool:
    """Say whether a notional leaves the bounds of 1.4."""
    bound: int = min(MONEY_MAX * 10**decimals, PRODUCT_MAX)
    return price * quantity > bound


@dataclass
class Instrument:
    """One instrument: what it is (as sent), its marks and its factor."""

    facts: Message
    mark: int | None = None
    mark_time: int = 0
    slow: int = 0
    slow_time: int = 0
    factor: int | None = None
    factor_time: int = 0
    closing: int | None = None
    touched: bool = False

    @property
    def decimals(self) -> int:
        """How many decimals the smallest unit has."""
        return int(self.facts.get("quantity_decimals", 0))

    @property
    def unit(self) -> int:
        """What a product price * quantity is divided by."""
        return int(10**self.decimals)

    @property
    def low(self) -> int:
        """The worse mark of a long position."""
        return min(self.mark or 0, self.slow)

    @property
    def high(self) -> int:
        """The worse mark of a short position."""
        return max(self.mark or 0, self.slow)


@dataclass
class Order:
    """One order id: decided, or a tombstone (without content) known from reports only."""

    account_id: str
    order_id: str
    instrument_id: str
    side: str
    quantity: int
    content: tuple[object, ...] | None
    answer: Message | None
    state: str
    keep_until: int
    arrival: int
    sequence: int
    reserved: int = 0
    reserved_price: int = 0
    filled: int = 0
    acknowledge_by: int = 0
    unconfirmed: bool = False
    reported: bool = False
    replaces: str = ""  # the order whose place it is to take (7.2)
    chain: "list[Order] | None" = None  # orders that replace each other, oldest first
    allowed_time: int = 0  # when it was decided, or added by a list
    awaited: int = 0  # in a chain: fills that its end told of
    taken_kind: str = (
        ""  # under cn_margin: what it is for, where a list or what it replaces says it
    )
    ratio: int = 0  # under cn_margin: what it is reserved at
    own_ratio: int = 0  # the same, were it the only one of its chain
    contract_root: str = ""  # the first id of its chain, which its contract has
    opening: tuple[int, int] | None = None  # of the contract that it opened: when, at what ratio

    @property
    def margin_kind(self) -> str:
        """What it is for under cn_margin."""
        if self.taken_kind or self.content is None or self.content[0] == "listed":
            return self.taken_kind
        return str(self.content[7] or "")

    @property
    def is_market(self) -> bool:
        """Whether it has no price of its own."""
        return self.limit_price == 0

    @property
    def limit_price(self) -> int:
        """Its limit; 0 for a market order."""
        return 0 if self.content is None else int(str(self.content[3]))


@dataclass
class Event:
    """One event id: of a fill what it changed, so that a bust can undo it."""

    trade_date: int
    recorded: bool = True  # False: only its bust has been reported so far
    busted: bool = False
    booked: tuple[str, int, int] | None = None  # instrument, signed quantity, cash
    change: Any = None  # under cn_margin: all that the fill changed
    gained: int = 0  # under cn_margin: by how much more is held
    price: int = 0
    source: str = ""  # who reported it; empty for the router
    is_fill: bool = False


@dataclass
class Contract:
    """What is owed under cn_margin: cash that bought shares, or shares that were sold."""

    contract_id: str
    kind: str
    instrument_id: str
    opened: int
    ratio: int
    quantity: int = 0
    amount: int = 0
    interest: int = 0


@dataclass
class Account:
    """One account; under cn_margin its positions are collateral."""

    facts: Message
    cash: int = 0
    sequence: int = 0
    trading_date: int = 0
    day_order_count: int = 0
    next_order_time: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    contracts: list[Contract] = field(default_factory=list)
    fees: int = 0
    last_change: Any = None
    traded: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    adjustments: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    pages: list[Message] = field(default_factory=list)  # of a list that is not complete (7.4)
    page_stamp: Message = field(default_factory=dict)
    compared: Message = field(default_factory=dict)  # the list compared last, and its answer
    entered: frozenset[str] = frozenset()  # lines entered and not left (2.6)
    high: int | None = None
    start: int | None = None
    share: Any = None  # what sums above it count of it (4.26)
    sent: list[tuple[int, tuple[object, ...]]] = field(default_factory=list)  # orders, for 4.15

    @property
    def account_id(self) -> str:
        """Its id."""
        return str(self.facts["account_id"])

    def open_orders(self) -> list[Order]:
        """Orders that still reserve something, oldest first."""
        return [order for order in self.orders.values() if order.reserved > 0]


@dataclass
class Stop:
    """A standing halt or reduce-only."""

    stop_id: str
    kind: str
    scope_kind: str
    scope_id: str
    principal: str
    reason: str
    sequence: int
    time: int
    latched: tuple[object, ...] | None = None  # of a latch: what was repeated
    asked: tuple[str, int, int] | None = None  # who asked for its release, when, in which record

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What it stops, and who set it."""
        return self.kind, self.scope_kind, self.scope_id, self.principal

    @property
    def note(self) -> str:
        """Who set it and why."""
        return f"{self.principal}: {self.reason}"


@dataclass
class Batch:
    """An atomic batch that was decided."""

    principal: str
    request: Message
    response: Message
    keep_until: int
    arrival: int


@dataclass
class Book:
    """The whole state."""

    sequence: int = 0
    arrivals: int = 0
    trading_date: int = 0
    regime: str = "CALM"
    policy: Message = field(default_factory=dict)
    former: tuple[int, int] = (0, 0)  # orders created until then: their greatest age (4.3)
    accounts: dict[str, Account] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)  # of groups: what each is nested in
    stops: dict[str, Stop] = field(default_factory=dict)
    principals: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, list[Message]] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The version of the policy in force."""
        return int(self.policy.get("version", 0))

    def number(self, name: str) -> int:
        """Read one figure of the policy."""
        return int(self.policy.get(name, 0))

    def regime_bps(self) -> int:
        """What factors are multiplied by (5.2)."""
        if self.regime == "CALM":
            return ONE
        name = "elevated_regime_bps" if self.regime == "ELEVATED" else "stressed_regime_bps"
        return self.number(name)

    def factor(self, instrument: Instrument, now: int) -> int:
        """v_eff of an instrument (5.1, 5.2)."""
        factor = instrument.factor
        age_limit = self.number("max_volatility_age_ns")
        if factor is None or now - instrument.factor_time > age_limit:
            factor = max(factor or ONE, self.number("stress_factor_bps"))
        return min(max(ONE, scale_up(factor, self.regime_bps())), RATIO_MAX)

    def today_count(self, account: Account) -> int:
        """Orders of the gate's trading date, whether or not the account has rolled yet."""
        return account.day_order_count if account.trading_date == self.trading_date else 0

    def today_traded(self, account: Account) -> dict[str, int]:
        """Today's fills at their prices by instrument, likewise."""
        return account.traded if account.trading_date == self.trading_date else {}

    def roll(self, account: Account) -> None:
        """Let an account that is touched enter the gate's trading date (7.7)."""
        if account.trading_date == self.trading_date:
            return
        account.start = self.at_close(account)
        account.trading_date = self.trading_date
        account.day_order_count = 0
        account.traded = {}
        account.adjustments = {}
        kept = account.events.items()
        account.events = {i: e for i, e in kept if e.trade_date >= self.trading_date}

    def at_close(self, account: Account) -> int | None:
        """Equity at the closing marks, fills only (7.7)."""
        total = account.cash - account.fees - sum(one.interest for one in account.contracts)
        longs, shorts = dict(account.positions), dict[str, int]()
        for one in account.contracts:
            side = longs if one.kind == "FINANCED" else shorts
            side[one.instrument_id] = side.get(one.instrument_id, 0) + one.quantity
            total -= one.amount if one.kind == "FINANCED" else 0
        held = [*longs.items(), *((name, -quantity) for name, quantity in shorts.items())]
        for name, quantity in held:
            if not quantity:
                continue
            closing = self.instruments[name].closing
            if closing is None:
                return None
            total += quantity * closing // self.instruments[name].unit
        return total if abs(total) <= INT64_MAX else None

    def next(self) -> int:
        """Number a new record."""
        self.sequence += 1
        return self.sequence

    def stamp(self, now: int) -> Message:
        """What every record answers: its number and time."""
        return {"sequence": self.sequence, "decided_time_ns": now}

    def touch(self, account_id: str) -> Account | None:
        """Let the record touch an account, if it is known."""
        account = self.accounts.get(account_id)
        if account is not None:
            self.roll(account)
            account.sequence = self.sequence
        return account

    def arrival(self) -> int:
        """Number ids in the order in which they came."""
        self.arrivals += 1
        return self.arrivals


class Line(NamedTuple):
    """What one account holds and has open in one instrument; notionals are undivided products."""

    held: int = 0
    open_buys: int = 0
    open_sells: int = 0
    buy_notional: int = 0
    sell_notional: int = 0
    apart: tuple[int, int] | None = None  # under cn_margin: long and short with what opens
    owing: bool = False  # under cn_margin: some contract is of it

    def short(self) -> int:
        """What is short with the open sales filled (4.19)."""
        return self.apart[1] if self.apart else max(0, self.open_sells - self.held)

    def reach(self) -> int:
        """The greatest position that open orders of one side can make (4.18)."""
        if self.apart:
            return max(self.apart)
        return max(abs(self.held + self.open_buys), abs(self.held - self.open_sells))

    def plus(self, side: str, quantity: int, price: int) -> "Line":
        """Add an open order."""
        if side == "BUY":
            return self._replace(
                open_buys=self.open_buys + quantity,
                buy_notional=self.buy_notional + quantity * price,
            )
        return self._replace(
            open_sells=self.open_sells + quantity,
            sell_notional=self.sell_notional + quantity * price,
        )

    def opening_buys(self) -> int:
        """The part of the open buys that would open (3.2)."""
        return max(0, self.held + self.open_buys) - max(0, self.held)

    def opening_sells(self) -> int:
        """The part of the open sells that would open (3.2)."""
        return max(0, self.open_sells - self.held) - max(0, -self.held)

    def exit_quantity(self, side: str) -> int:
        """How much an order of this side may still close (3.3)."""
        if side == "SELL":
            return max(0, self.held - self.open_sells)
        return max(0, -self.held - self.open_buys)


def lines_of(account: Account) -> dict[str, Line]:
    """Add up what an account holds and has open, by instrument."""
    lines = {i: Line(held) for i, held in account.positions.items() if held}
    for one in account.contracts:
        line = lines.get(one.instrument_id, Line())
        more = one.quantity if one.kind == "FINANCED" else 0
        lines[one.instrument_id] = line._replace(held=line.held + more, owing=True)
    for order in account.open_orders():
        line = lines.get(order.instrument_id, Line())
        lines[order.instrument_id] = line.plus(order.side, order.reserved, order.reserved_price)
    if account.facts.get("margin_model") == "CN_MARGIN":
        return {i: line._replace(apart=_apart(account, i, line.held)) for i, line in lines.items()}
    return lines


def _apart(account: Account, name: str, held: int) -> tuple[int, int]:
    """Long and short of an account under cn_margin, with its open orders that open (6.3)."""
    shorts = [c for c in account.contracts if c.kind == "SHORT" and c.instrument_id == name]
    owed = sum(one.quantity for one in shorts)
    for order in account.open_orders():
        if order.instrument_id != name:
            continue
        if order.margin_kind == "SHORT_SELL":
            owed += order.reserved
        elif order.margin_kind in {"COLLATERAL_BUY", "MARGIN_BUY"}:
            held += order.reserved
    return held, owed


def bought_today(book: Book, account: Account, instrument_id: str) -> int:
    """Add up the purchases of the trading date, and of later ones, that stand."""
    total = 0
    for event in account.events.values():
        if event.booked is None or event.busted or event.trade_date < book.trading_date:
            continue
        name, quantity, _ = event.booked
        if event.change is not None:  # under cn_margin what is returned at once is not kept
            quantity = event.gained
        if name == instrument_id and quantity > 0:
            total += quantity
    return total
