"""What the gate can be asked about orders that are open; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate.v1.order_pb2 import ScopeKind
    from tidegate_client._methods import Call


def replace_order(
    request: risk_pb.CheckOrderRequest, replaced_order_id: str
) -> Call[list[risk_pb.CheckOrderResponse]]:
    """Ask for the decision on a replace, whose answer has the fields of an order's."""

    def decode(raw: bytes) -> list[risk_pb.CheckOrderResponse]:
        return [risk_pb.CheckOrderResponse.FromString(raw)]

    replace = risk_pb.ReplaceOrderRequest(
        account_id=request.account_id,
        order_id=request.order_id,
        instrument_id=request.instrument_id,
        side=request.side,
        order_type=request.order_type,
        quantity=request.quantity,
        price_e4=request.price_e4 if request.HasField("price_e4") else None,
        created_time_ns=request.created_time_ns,
        reduce_only=request.reduce_only,
        replaced_order_id=replaced_order_id,
    )
    return call_of("RiskService/ReplaceOrder", replace, decode)


def reconcile_orders(  # noqa: PLR0913 - the fields of a page
    account_id: str,
    session_id: str,
    list_time_ns: int,
    orders: Iterable[risk_pb.ListedOrder],
    *,
    page_number: int = 1,
    last_page: bool = True,
) -> Call[risk_pb.ReconcileOrdersResponse]:
    """Compare with the router's full list of an account's open orders, 1 000 a page at most.

    `list_time_ns` is when the list was taken, on every page the same. Once the last page is there,
    the gate ends what the list lacks, adds what it did not know, and answers every difference.
    Raise ConflictError for a page out of order or a list that is not later than the one before.
    """
    request = risk_pb.ReconcileOrdersRequest(
        account_id=account_id,
        session_id=session_id,
        list_time_ns=list_time_ns,
        page_number=page_number,
        last_page=last_page,
        orders=orders,
    )
    decode = risk_pb.ReconcileOrdersResponse.FromString
    return call_of("RiskService/ReconcileOrders", request, decode)


def cancel_orders(
    scope_kind: ScopeKind.ValueType,
    scope_id: str,
    *,
    reason: str,
    stop_id: str = "",
    page_token: str = "",
) -> Call[control_pb.CancelOrdersResponse]:
    """Name the orders to cancel at the venue within a group, account or instrument, 1 000 at most.

    With a `stop_id` the scope is halted, too. Nothing is released. Pass the answer's
    `next_page_token` to read on; it is empty after the last page.
    """
    request = control_pb.CancelOrdersRequest(
        scope_kind=scope_kind,
        scope_id=scope_id,
        stop_id=stop_id,
        reason=reason,
        page_token=page_token,
    )
    decode = control_pb.CancelOrdersResponse.FromString
    return call_of("ControlService/CancelOrders", request, decode)
