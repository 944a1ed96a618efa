"""What can be asked of the engine: plain values, validated at the edge and trusted from there on.

Ids are non-empty strings within their bound, prices and quantities lie within theirs, enum numbers
are known. `principal` is who asks; empty for the gate itself. A price of 0 is a market order's.
"""

from __future__ import annotations

from typing import Final

from .account_terms import AccountTerms
from .permissions import UNCLASSIFIED, Dealing
from .policy import Policy

BUY: Final = 1
SELL: Final = 2

LIMIT_ORDER: Final = 1
MARKET_ORDER: Final = 2

EVENT_UNSENT: Final = 1
EVENT_ACKNOWLEDGED: Final = 2
EVENT_FILLED: Final = 3
EVENT_CANCELLED: Final = 4
EVENT_REJECTED: Final = 5
EVENT_EXPIRED: Final = 6
EVENT_BUSTED: Final = 7

REGIME_CALM: Final = 1
REGIME_ELEVATED: Final = 2
REGIME_STRESSED: Final = 3
REGIME_HALTED: Final = 4

STOP_HALT: Final = 1
STOP_REDUCE_ONLY: Final = 2
STOP_REPEATED: Final = 15

MODEL_LEVERAGED: Final = 1
MODEL_REG_T: Final = 2
MODEL_CN_MARGIN: Final = 3
MODEL_PORTFOLIO: Final = 4

MARGIN_MODELS: Final = (MODEL_LEVERAGED, MODEL_REG_T, MODEL_CN_MARGIN, MODEL_PORTFOLIO)


class Command:
    """Anything that asks for a change, or for a judgement."""

    __slots__ = ("principal",)

    def __init__(self, principal: str) -> None:
        self.principal = principal


class CheckOrder(Command):
    """One order to decide, or to preview: then order_id is empty and created_time_ns 0."""

    __slots__ = (
        "account_id",
        "created_time_ns",
        "instrument_id",
        "margin_kind",
        "order_id",
        "order_type",
        "price_e4",
        "quantity",
        "reduce_only",
        "side",
        "want_max",
    )

    def __init__(
        self,
        principal: str,
        account_id: str,
        order_id: str,
        instrument_id: str,
        side: int,
        order_type: int,
        quantity: int,
        price_e4: int,
        created_time_ns: int,
        reduce_only: bool,  # noqa: FBT001 - positional: built once an order on the hot path
        want_max: bool,  # noqa: FBT001 - the same
        margin_kind: int = 0,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.order_id = order_id
        self.instrument_id = instrument_id
        self.side = side
        self.order_type = order_type
        self.quantity = quantity
        self.price_e4 = price_e4
        self.created_time_ns = created_time_ns
        self.reduce_only = reduce_only
        self.want_max = want_max
        self.margin_kind = margin_kind

    def same_content(self, other: CheckOrder) -> bool:
        """Tell whether the other asks for the same order (4.2); ids and account are equal."""
        return (
            self.instrument_id == other.instrument_id
            and self.side == other.side
            and self.order_type == other.order_type
            and self.price_e4 == other.price_e4
            and self.quantity == other.quantity
            and self.reduce_only == other.reduce_only
            and self.margin_kind == other.margin_kind
            and self.created_time_ns == other.created_time_ns
            and self.principal == other.principal
        )


class CheckOrders(Command):
    """A batch of orders; atomic ones carry a batch id."""

    __slots__ = ("atomic", "batch_id", "orders")

    def __init__(
        self, principal: str, orders: list[CheckOrder], *, atomic: bool, batch_id: str
    ) -> None:
        self.principal = principal
        self.orders = orders
        self.atomic = atomic
        self.batch_id = batch_id


class OrderEvent:
    """One report about an order; what its kind does not use is 0 or empty.

    `cumulative_quantity` is -1 where the venue did not say it.
    """

    __slots__ = (
        "account_id",
        "busted_event_id",
        "cumulative_quantity",
        "event_id",
        "instrument_id",
        "kind",
        "order_id",
        "price_e4",
        "quantity",
        "side",
        "source",
        "trade_date",
        "transaction_time_ns",
    )

    def __init__(
        self,
        event_id: str,
        account_id: str,
        order_id: str,
        kind: int,
        instrument_id: str,
        side: int,
        quantity: int,
        price_e4: int,
        cumulative_quantity: int,
        trade_date: int,
        busted_event_id: str,
        transaction_time_ns: int = 0,
        source: str = "",
    ) -> None:
        self.event_id = event_id
        self.account_id = account_id
        self.order_id = order_id
        self.kind = kind
        self.instrument_id = instrument_id
        self.side = side
        self.quantity = quantity
        self.price_e4 = price_e4
        self.cumulative_quantity = cumulative_quantity
        self.trade_date = trade_date
        self.busted_event_id = busted_event_id
        self.transaction_time_ns = transaction_time_ns
        self.source = source


class RecordOrderEvents(Command):
    """A batch of reports."""

    __slots__ = ("events",)

    def __init__(self, principal: str, events: list[OrderEvent]) -> None:
        self.principal = principal
        self.events = events


class UpsertAccounts(Command):
    """Accounts to create or replace."""

    __slots__ = ("accounts",)

    def __init__(self, principal: str, accounts: list[AccountTerms]) -> None:
        self.principal = principal
        self.accounts = accounts


class AdjustCash(Command):
    """One booking of cash."""

    __slots__ = ("account_id", "adjustment_id", "amount_e4", "expected_sequence", "kind")

    def __init__(
        self,
        principal: str,
        account_id: str,
        adjustment_id: str,
        kind: int,
        amount_e4: int,
        expected_sequence: int,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.adjustment_id = adjustment_id
        self.kind = kind
        self.amount_e4 = amount_e4
        self.expected_sequence = expected_sequence

    def content(self) -> str:
        """Return what it books, by which a repeat of its id is known."""
        return f"cash {self.kind} {self.amount_e4}"


class SetPositions(Command):
    """Positions as the back office has them: (instrument id, signed quantity)."""

    __slots__ = ("account_id", "expected_sequence", "targets")

    def __init__(
        self,
        principal: str,
        account_id: str,
        targets: list[tuple[str, int]],
        expected_sequence: int,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.targets = targets
        self.expected_sequence = expected_sequence


class RevalueAccounts(Command):
    """Accounts to value."""

    __slots__ = ("account_ids",)

    def __init__(self, principal: str, account_ids: list[str]) -> None:
        self.principal = principal
        self.account_ids = account_ids


class UpdateMarks(Command):
    """Marks: (instrument id, price e4, time ns or 0 for now)."""

    __slots__ = ("marks",)

    def __init__(self, principal: str, marks: list[tuple[str, int, int]]) -> None:
        self.principal = principal
        self.marks = marks


class InstrumentTerms:
    """What an instrument is, apart from its price. -1 is absent; `unit` is 10**decimals."""

    __slots__ = (
        "average_volume",
        "board",
        "dealing",
        "initial_long_bps",
        "initial_short_bps",
        "instrument_id",
        "least_quantity",
        "lower_limit_e4",
        "maintenance_long_bps",
        "maintenance_short_bps",
        "margin_class",
        "marginable",
        "position_limit",
        "price_limit_bps",
        "quantity_decimals",
        "quantity_step",
        "rating_group",
        "sector",
        "shares_outstanding",
        "tick_e4",
        "unit",
        "upper_limit_e4",
    )

    def __init__(
        self,
        *,
        instrument_id: str,
        sector: str = "",
        board: str = "",
        rating_group: str = "",
        quantity_decimals: int = 0,
        least_quantity: int = 1,
        quantity_step: int = 1,
        tick_e4: int = 1,
        lower_limit_e4: int = -1,
        upper_limit_e4: int = -1,
        price_limit_bps: int = -1,
        average_volume: int = -1,
        initial_long_bps: int = -1,
        initial_short_bps: int = -1,
        maintenance_long_bps: int = -1,
        maintenance_short_bps: int = -1,
        marginable: bool = False,
        position_limit: int = -1,
        margin_class: str = "",
        shares_outstanding: int = -1,
        dealing: Dealing = UNCLASSIFIED,
    ) -> None:
        self.margin_class = margin_class
        self.shares_outstanding = shares_outstanding
        self.instrument_id = instrument_id
        self.sector = sector
        self.board = board
        self.rating_group = rating_group
        self.quantity_decimals = quantity_decimals
        self.unit = 10**quantity_decimals
        self.least_quantity = least_quantity
        self.quantity_step = quantity_step
        self.tick_e4 = tick_e4
        self.lower_limit_e4 = lower_limit_e4
        self.upper_limit_e4 = upper_limit_e4
        self.price_limit_bps = price_limit_bps
        self.average_volume = average_volume
        self.initial_long_bps = initial_long_bps
        self.initial_short_bps = initial_short_bps
        self.maintenance_long_bps = maintenance_long_bps
        self.maintenance_short_bps = maintenance_short_bps
        self.marginable = marginable
        self.position_limit = position_limit
        self.dealing = dealing


class UpsertInstruments(Command):
    """Instruments to create or replace."""

    __slots__ = ("instruments",)

    def __init__(self, principal: str, instruments: list[InstrumentTerms]) -> None:
        self.principal = principal
        self.instruments = instruments


class UpdateVolatility(Command):
    """Volatility factors: (instrument id, factor bps, time ns or 0 for now)."""

    __slots__ = ("factors", "model_version")

    def __init__(
        self, principal: str, factors: list[tuple[str, int, int]], model_version: str
    ) -> None:
        self.principal = principal
        self.factors = factors
        self.model_version = model_version


class SetSession(Command):
    """A board's trading sessions: (open ns, close ns), in order."""

    __slots__ = ("board", "sessions")

    def __init__(self, principal: str, board: str, sessions: list[tuple[int, int]]) -> None:
        self.principal = principal
        self.board = board
        self.sessions = sessions


class SetRegime(Command):
    """The market-wide regime."""

    __slots__ = ("reason", "regime")

    def __init__(self, principal: str, regime: int, reason: str) -> None:
        self.principal = principal
        self.regime = regime
        self.reason = reason


class RollDay(Command):
    """A new trading day, as YYYYMMDD."""

    __slots__ = ("trading_date",)

    def __init__(self, principal: str, trading_date: int) -> None:
        self.principal = principal
        self.trading_date = trading_date


class ProposePolicy(Command):
    """A policy to take the place of version `base_version`."""

    __slots__ = ("base_version", "policy")

    def __init__(self, principal: str, policy: Policy, base_version: int) -> None:
        self.principal = principal
        self.policy = policy
        self.base_version = base_version


class SetStop(Command):
    """A halt or reduce-only to set."""

    __slots__ = ("kind", "reason", "scope_id", "scope_kind", "stop_id")

    def __init__(
        self, principal: str, stop_id: str, kind: int, scope_kind: int, scope_id: str, reason: str
    ) -> None:
        self.principal = principal
        self.stop_id = stop_id
        self.kind = kind
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.reason = reason


class Release(Command):
    """A halt or reduce-only to take back."""

    __slots__ = ("reason", "stop_id")

    def __init__(self, principal: str, stop_id: str, reason: str) -> None:
        self.principal = principal
        self.stop_id = stop_id
        self.reason = reason
