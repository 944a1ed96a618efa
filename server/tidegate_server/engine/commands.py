"""What can be asked of the engine: plain values, validated at the edge and trusted from there on.

Ids are non-empty strings within their bound, prices and quantities lie within theirs, enum numbers
are known. `principal` is who asks; empty for the gate itself. A price of 0 is a market order's.
"""

from __future__ import annotations

from typing import Final

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
