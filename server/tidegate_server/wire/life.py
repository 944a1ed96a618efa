"""Replaces, lists of open orders and cancels, to and from the contract (chapter 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import control_service_pb2, journal_pb2, risk_service_pb2
from tidegate_server.engine import commands, life_commands
from tidegate_server.engine.amounts import PRICE_BOUND, QUANTITY_BOUND
from tidegate_server.engine.cn.kinds import fits
from tidegate_server.engine.life_outcomes import CancelOutcome, Difference, ReconcileOutcome

from . import decoding, effects, encoding
from .codec import Codec
from .validation import TIME_BOUND, MalformedError, Problems, is_id

if TYPE_CHECKING:
    from tidegate_server.engine.commands import CheckOrder, Command

PAGE_LIMIT: Final = 100
CANCEL_SCOPES: Final = (2, 3, 6)


def read_replace(data: bytes, principal: str) -> life_commands.ReplaceOrder:
    """Read a ReplaceOrderRequest."""
    request = decoding.parse(risk_service_pb2.ReplaceOrderRequest, data)
    problems = Problems()
    if not is_id(request.replaced_order_id):
        problems.need_id("replaced_order_id", request.replaced_order_id)
    try:
        order = read_new(request, principal)
    except MalformedError as error:
        raise MalformedError([*error.violations, *problems.found]) from error
    problems.refuse()
    return life_commands.ReplaceOrder(principal, order, request.replaced_order_id)


def read_new(request: risk_service_pb2.ReplaceOrderRequest, principal: str) -> CheckOrder:
    """Read the order that is to take the other's place, as a new one is read."""
    order = risk_service_pb2.CheckOrderRequest(
        account_id=request.account_id,
        order_id=request.order_id,
        instrument_id=request.instrument_id,
        side=request.side,
        order_type=request.order_type,
        quantity=request.quantity,
        price_e4=request.price_e4 if request.HasField("price_e4") else None,
        created_time_ns=request.created_time_ns,
        reduce_only=request.reduce_only,
    )
    return decoding.read_order(order, principal, "")


# The response has the field numbers of an order's, so the same bytes are both.
REPLACE_ORDER: Final = Codec(
    journal_pb2.METHOD_REPLACE_ORDER,
    read_replace,
    encoding.encode_check,
    encoding.decode_check,
    effects.check_effects,
)


def read_reconcile(data: bytes, principal: str) -> life_commands.ReconcileOrders:
    """Read a ReconcileOrdersRequest."""
    request = decoding.parse(risk_service_pb2.ReconcileOrdersRequest, data)
    return read_page(request, principal)


def read_page(
    request: risk_service_pb2.ReconcileOrdersRequest, principal: str
) -> life_commands.ReconcileOrders:
    """Read a page of a list."""
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.need_id("session_id", request.session_id)
    problems.need_range("list_time_ns", request.list_time_ns, 1, TIME_BOUND)
    problems.need_range("page_number", request.page_number, 1, PAGE_LIMIT)
    problems.need_count("orders", len(request.orders), 0)
    problems.refuse()
    listed = []
    for index, order in enumerate(request.orders):
        problems.prefix = f"orders[{index}]."
        listed.append(read_listed(order, request.account_id, principal, problems))
    problems.prefix = ""
    decoding.refuse_repeats("orders", [order.order_id for order in request.orders], problems)
    problems.refuse()
    return life_commands.ReconcileOrders(
        principal,
        request.account_id,
        request.session_id,
        request.list_time_ns,
        request.page_number,
        listed,
        last=request.last_page,
    )


def read_listed(
    order: risk_service_pb2.ListedOrder, account_id: str, principal: str, problems: Problems
) -> life_commands.ListedOrder:
    """Read one order of a list; it was created at a time that the gate does not know: 0."""
    problems.need_id("order_id", order.order_id)
    problems.need_id("instrument_id", order.instrument_id)
    problems.need_one_of("side", order.side, decoding.SIDES)
    problems.need_one_of("order_type", order.order_type, decoding.ORDER_TYPES)
    problems.need_range("quantity", order.quantity, 1, QUANTITY_BOUND)
    problems.need_range("filled_quantity", order.filled_quantity, 0, order.quantity)
    if order.order_type == commands.LIMIT_ORDER:
        problems.need_range("price_e4", order.price_e4, 1, PRICE_BOUND)
    elif order.HasField("price_e4"):
        problems.add("price_e4", "must be absent for a market order")
    if not fits(order.margin_kind, order.side):
        problems.add("margin_kind", "must be a kind of this side")
    return life_commands.ListedOrder(order_of(order, account_id, principal), order.filled_quantity)


def order_of(
    order: risk_service_pb2.ListedOrder | risk_service_pb2.CheckOrderRequest,
    account_id: str,
    principal: str,
) -> CheckOrder:
    """Return an order of a list as one that was asked for, at no time."""
    asked = commands.CheckOrder(
        principal,
        account_id,
        order.order_id,
        order.instrument_id,
        order.side,
        order.order_type,
        order.quantity,
        order.price_e4,
        0,
        False,  # noqa: FBT003 - a list says nothing of claims
        False,  # noqa: FBT003 - the same
    )
    asked.margin_kind = order.margin_kind
    return asked


def page_message(page: life_commands.ReconcileOrders) -> risk_service_pb2.ReconcileOrdersRequest:
    """Return a page of a list as it was sent."""
    return risk_service_pb2.ReconcileOrdersRequest(
        account_id=page.account_id,
        session_id=page.session_id,
        list_time_ns=page.list_time_ns,
        page_number=page.page,
        last_page=page.last,
        orders=[
            risk_service_pb2.ListedOrder(
                order_id=one.order.order_id,
                instrument_id=one.order.instrument_id,
                side=one.order.side,  # type: ignore[arg-type] # numbers are the contract's
                order_type=one.order.order_type,  # type: ignore[arg-type] # the same
                quantity=one.order.quantity,
                price_e4=one.order.price_e4 or None,
                filled_quantity=one.filled,
                margin_kind=one.order.margin_kind,  # type: ignore[arg-type] # the same
            )
            for one in page.listed
        ],
    )


def reconcile_message(outcome: ReconcileOutcome) -> risk_service_pb2.ReconcileOrdersResponse:
    """Return the answer to a page."""
    return risk_service_pb2.ReconcileOrdersResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        closed=outcome.closed,
        differences=[
            risk_service_pb2.OrderDifference(
                order_id=found.order_id,
                kind=found.kind,  # type: ignore[arg-type] # numbers are the contract's
                order_state=found.state,  # type: ignore[arg-type] # the same
                reserved_quantity=found.reserved,
            )
            for found in outcome.differences
        ],
        replayed=outcome.replayed,
    )


def encode_reconcile(outcome: ReconcileOutcome, _command: Command) -> bytes:
    """Write a ReconcileOrdersResponse."""
    return reconcile_message(outcome).SerializeToString()


def reconcile_effects(outcome: ReconcileOutcome, _command: Command) -> bytes:
    """Write what added orders are reserved at, and how long their ids are kept."""
    added = any(found.keep_until_ns for found in outcome.differences)
    if not added and not outcome.valued:
        return b""
    return journal_pb2.ReconcileEffects(
        reserved_price_e4=[found.reserved_price for found in outcome.differences],
        keep_until_time_ns=[found.keep_until_ns for found in outcome.differences],
        margin_kind=[found.margin_kind for found in outcome.differences],  # type: ignore[misc] # the same
        margin_ratio_bps=[found.ratio_bps for found in outcome.differences],
        valuations=[effects.write_valued(one, one.account_id) for one in outcome.valued],
    ).SerializeToString()


def decode_reconcile(response: bytes, kept: bytes, _command: Command) -> ReconcileOutcome:
    """Read the answer to a page back."""
    outcome = read_reconciled(risk_service_pb2.ReconcileOrdersResponse.FromString(response))
    added = journal_pb2.ReconcileEffects.FromString(kept)
    outcome.valued = [effects.read_valued(one) for one in added.valuations]
    if added.keep_until_time_ns:
        for index, found in enumerate(outcome.differences):
            found.reserved_price = added.reserved_price_e4[index]
            found.keep_until_ns = added.keep_until_time_ns[index]
            if added.margin_kind:
                found.margin_kind = added.margin_kind[index]
                found.ratio_bps = added.margin_ratio_bps[index]
    return outcome


def read_reconciled(message: risk_service_pb2.ReconcileOrdersResponse) -> ReconcileOutcome:
    """Read an answer without its effects."""
    outcome = ReconcileOutcome(message.sequence, message.decided_time_ns, closed=message.closed)
    outcome.differences = [
        Difference(found.order_id, found.kind, found.order_state, found.reserved_quantity)
        for found in message.differences
    ]
    return outcome


RECONCILE_ORDERS: Final = Codec(
    journal_pb2.METHOD_RECONCILE_ORDERS,
    read_reconcile,
    encode_reconcile,
    decode_reconcile,
    reconcile_effects,
)


def read_cancel(data: bytes, principal: str) -> life_commands.CancelOrders:
    """Read a CancelOrdersRequest; a page token is the last order's account and id."""
    request = decoding.parse(control_service_pb2.CancelOrdersRequest, data)
    problems = Problems()
    problems.need_one_of("scope_kind", request.scope_kind, CANCEL_SCOPES)
    problems.need_id("scope_id", request.scope_id)
    problems.may_id("stop_id", request.stop_id)
    problems.need_reason("reason", request.reason)
    account_id, _, order_id = request.page_token.partition(" ")
    if request.page_token and not (is_id(account_id) and is_id(order_id)):
        problems.add("page_token", "must be a next_page_token")
    problems.refuse()
    return life_commands.CancelOrders(
        principal,
        request.scope_kind,
        request.scope_id,
        request.stop_id,
        request.reason,
        (account_id, order_id),
    )


def encode_cancel(outcome: CancelOutcome, _command: Command) -> bytes:
    """Write a CancelOrdersResponse."""
    return control_service_pb2.CancelOrdersResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        orders=[
            control_service_pb2.CancelTarget(account_id=account_id, order_id=order_id)
            for account_id, order_id in outcome.orders
        ],
        next_page_token=" ".join(outcome.orders[-1]) if outcome.more else "",
    ).SerializeToString()


def decode_cancel(response: bytes, _effects: bytes, _command: Command) -> CancelOutcome:
    """Read what was named back."""
    message = control_service_pb2.CancelOrdersResponse.FromString(response)
    return CancelOutcome(
        message.sequence,
        message.decided_time_ns,
        [(order.account_id, order.order_id) for order in message.orders],
        more=bool(message.next_page_token),
    )


CANCEL_ORDERS: Final = Codec(
    journal_pb2.METHOD_CANCEL_ORDERS, read_cancel, encode_cancel, decode_cancel
)
