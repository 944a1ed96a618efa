"""Requests to commands: parsed, checked, and turned into the engine's plain values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from tidegate.v1 import (
    journal_pb2,
    risk_service_pb2,
)
from tidegate_server.engine import commands, own_commands
from tidegate_server.engine.amounts import (
    PRICE_BOUND,
    QUANTITY_BOUND,
)
from tidegate_server.engine.cn.kinds import fits

from .validation import TIME_BOUND, MalformedError, Problems, are_ids, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

M = TypeVar("M", bound=Message)

_CheckOrderRequest = risk_service_pb2.CheckOrderRequest

SIDES = (commands.BUY, commands.SELL)
ORDER_TYPES = (commands.LIMIT_ORDER, commands.MARKET_ORDER)
FIRST_DATE = 19_000_101
LAST_DATE = 99_991_231
ENDS = (commands.EVENT_CANCELLED, commands.EVENT_REJECTED, commands.EVENT_EXPIRED)


def parse(kind: type[M], data: bytes) -> M:
    """Return the parsed message; one with a field of a later contract is refused."""
    message = parse_any(kind, data)
    refuse_unknown(message)
    return message


def parse_any(kind: type[M], data: bytes) -> M:
    """Return the parsed message, whatever fields it has."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedError([("request", f"is no {kind.DESCRIPTOR.full_name}")]) from error


def decode_check(data: bytes, principal: str) -> commands.CheckOrder:
    """Read a CheckOrderRequest."""
    try:
        request = _CheckOrderRequest.FromString(data)
    except DecodeError:
        request = parse_any(_CheckOrderRequest, data)  # which says what is wrong
    return read_order(request, principal, "")


def read_order(
    request: risk_service_pb2.CheckOrderRequest, principal: str, prefix: str
) -> commands.CheckOrder:
    """Read one order, alone or in a batch: what is sound is found out in one expression."""
    account_id = request.account_id
    order_id = request.order_id
    instrument_id = request.instrument_id
    side = request.side
    order_type = request.order_type
    quantity = request.quantity
    price = request.price_e4
    created_time_ns = request.created_time_ns
    margin_kind = request.margin_kind
    if not (
        are_ids(f"{account_id} {order_id} {instrument_id}")
        and 1 <= side <= 2  # noqa: PLR2004 - buy, sell; spelt out where every order passes
        and 0 < quantity <= QUANTITY_BOUND
        and 0 < created_time_ns <= TIME_BOUND
        and (
            0 < price <= PRICE_BOUND
            if order_type == commands.LIMIT_ORDER
            else order_type == commands.MARKET_ORDER and not request.HasField("price_e4")
        )
        and (not margin_kind or fits(margin_kind, side))
    ):
        refuse_order(request, prefix)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    return commands.CheckOrder(
        principal,
        account_id,
        order_id,
        instrument_id,
        side,
        order_type,
        quantity,
        price,
        created_time_ns,
        request.reduce_only,
        request.want_max_acceptable_quantity,
        margin_kind,
    )


def refuse_order(
    request: risk_service_pb2.CheckOrderRequest | risk_service_pb2.PreviewOrderRequest,
    prefix: str = "",
) -> None:
    """Raise with everything that is wrong with an order."""
    problems = Problems()
    problems.prefix = prefix
    problems.need_id("account_id", request.account_id)
    problems.need_id("instrument_id", request.instrument_id)
    problems.need_one_of("side", request.side, SIDES)
    problems.need_one_of("order_type", request.order_type, ORDER_TYPES)
    if not fits(request.margin_kind, request.side):
        problems.add("margin_kind", "must be known and of the order's side")
    problems.need_range("quantity", request.quantity, 1, QUANTITY_BOUND)
    if request.order_type == commands.MARKET_ORDER:
        if request.HasField("price_e4"):
            problems.add("price_e4", "must be absent for a market order")
    else:
        problems.need_range("price_e4", request.price_e4, 1, PRICE_BOUND)
    if isinstance(request, risk_service_pb2.CheckOrderRequest):
        problems.need_id("order_id", request.order_id)
        problems.need_range("created_time_ns", request.created_time_ns, 1, TIME_BOUND)
    problems.refuse()


def decode_preview(data: bytes, principal: str) -> commands.CheckOrder:
    """Read a PreviewOrderRequest."""
    request = parse(risk_service_pb2.PreviewOrderRequest, data)
    refuse_order(request)
    return commands.CheckOrder(
        principal,
        request.account_id,
        "",
        request.instrument_id,
        request.side,
        request.order_type,
        request.quantity,
        request.price_e4,
        0,
        request.reduce_only,
        True,  # noqa: FBT003 - a preview always says how much would pass
        request.margin_kind,
    )


def decode_checks(data: bytes, principal: str) -> commands.CheckOrders:
    """Read a CheckOrdersRequest."""
    request = parse_any(risk_service_pb2.CheckOrdersRequest, data)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    problems = Problems()
    problems.need_count("orders", len(request.orders))
    problems.may_id("batch_id", request.batch_id)
    if request.atomic and not request.batch_id:
        problems.add("batch_id", "must be set for an atomic batch")
    if request.batch_id and not request.atomic:
        problems.add("batch_id", "must be empty unless the batch is atomic")
    problems.refuse()
    orders = [
        read_order(order, principal, f"orders[{index}].")
        for index, order in enumerate(request.orders)
    ]
    return commands.CheckOrders(principal, orders, atomic=request.atomic, batch_id=request.batch_id)


def decode_events(data: bytes, principal: str) -> commands.RecordOrderEvents:
    """Read a RecordOrderEventsRequest."""
    request = parse_any(risk_service_pb2.RecordOrderEventsRequest, data)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    problems = Problems()
    problems.need_count("events", len(request.events))
    problems.refuse()
    events = []
    for index, event in enumerate(request.events):
        problems.prefix = f"events[{index}]."
        if len(UnknownFieldSet(event)):
            raise MalformedError([], event.DESCRIPTOR.full_name)
        events.append(read_event(event, problems))
    problems.refuse()
    return commands.RecordOrderEvents(principal, events)


def read_event(event: risk_service_pb2.OrderEvent, problems: Problems) -> commands.OrderEvent:
    """Read one report; what its kind does not use must be left out."""
    kind = event.kind
    problems.need_id("event_id", event.event_id)
    problems.need_id("account_id", event.account_id)
    problems.need_id("order_id", event.order_id)
    problems.need_one_of("kind", kind, range(1, 8))
    problems.may_id("source", event.source)
    if kind == commands.EVENT_FILLED:
        problems.need_id("instrument_id", event.instrument_id)
        problems.need_one_of("side", event.side, SIDES)
        problems.need_range("quantity", event.quantity, 1, QUANTITY_BOUND)
        problems.need_range("price_e4", event.price_e4, 1, PRICE_BOUND)
        if event.trade_date:
            problems.need_range("trade_date", event.trade_date, FIRST_DATE, LAST_DATE)
        problems.need_range("transaction_time_ns", event.transaction_time_ns, 0, TIME_BOUND)
    elif event.transaction_time_ns:
        problems.add("transaction_time_ns", "belongs to a fill only")
    elif event.instrument_id or event.side or event.quantity or event.price_e4 or event.trade_date:
        problems.add("kind", "only a fill has instrument, side, quantity, price and trade date")
    cumulative = -1
    if event.HasField("cumulative_quantity"):
        cumulative = event.cumulative_quantity
        problems.need_range("cumulative_quantity", cumulative, 0, QUANTITY_BOUND)
        if kind not in ENDS:
            problems.add("cumulative_quantity", "belongs to cancelled, rejected and expired only")
    if kind == commands.EVENT_BUSTED:
        problems.need_id("busted_event_id", event.busted_event_id)
        if event.busted_event_id == event.event_id:
            problems.add("busted_event_id", "must not be the bust's own event id")
    elif event.busted_event_id:
        problems.add("busted_event_id", "belongs to a bust only")
    return commands.OrderEvent(
        event.event_id,
        event.account_id,
        event.order_id,
        kind,
        event.instrument_id,
        event.side,
        event.quantity,
        event.price_e4,
        cumulative,
        event.trade_date,
        event.busted_event_id,
        event.transaction_time_ns,
        event.source,
    )


def refuse_repeats(field: str, ids: Sequence[str], problems: Problems) -> None:
    """Note an id that stands twice in one request."""
    if len(set(ids)) != len(ids):
        repeated = sorted(name for name, number in Counter(ids).items() if number > 1)[:3]
        problems.add(field, f"must name each id once; {', '.join(repeated)} stands twice")


def decode_epoch(data: bytes, _principal: str) -> own_commands.StartEpoch:
    """Read a StartEpochRequest, which only the gate writes."""
    request = parse(journal_pb2.StartEpochRequest, data)
    return own_commands.StartEpoch(request.epoch, request.build)


def decode_tick(data: bytes, _principal: str) -> own_commands.Tick:
    """Read a TickRequest, which only the gate writes."""
    parse(journal_pb2.TickRequest, data)
    return own_commands.Tick()
