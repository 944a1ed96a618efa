"""Between the caller's values and the messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2, risk_service_pb2
from tidegate_client._types import Decision, Order, Preview, Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.message import Message


def check_request(order: Order) -> risk_service_pb2.CheckOrderRequest:
    """Write an order as a request."""
    return risk_service_pb2.CheckOrderRequest(
        account_id=order.account_id,
        order_id=order.order_id,
        instrument_id=order.instrument_id,
        side=order_pb2.Side.ValueType(order.side),
        order_type=_order_type(order),
        quantity=order.quantity,
        price_e4=order.price_e4,
        created_time_ns=order.created_time_ns,
        reduce_only=order.reduce_only,
        want_max_acceptable_quantity=order.want_max_acceptable_quantity,
        margin_kind=_margin_kind(order),
    )


def preview_request(order: Order) -> risk_service_pb2.PreviewOrderRequest:
    """Write an order as a question."""
    return risk_service_pb2.PreviewOrderRequest(
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        side=order_pb2.Side.ValueType(order.side),
        order_type=_order_type(order),
        quantity=order.quantity,
        price_e4=order.price_e4,
        reduce_only=order.reduce_only,
        margin_kind=_margin_kind(order),
    )


def _margin_kind(order: Order) -> order_pb2.MarginKind.ValueType:
    """Return the contract's margin kind; none is unspecified."""
    kind = order.margin_kind
    return order_pb2.MarginKind.ValueType(0 if kind is None else kind)


def answers_of(
    response: risk_service_pb2.CheckOrdersResponse,
) -> list[risk_service_pb2.CheckOrderResponse]:
    """Split the answer to a batch; sequence, time and policy are said once for all of it."""
    answers = list(response.answers)
    for answer in answers:
        answer.sequence = answer.sequence or response.sequence
        answer.decided_time_ns = answer.decided_time_ns or response.decided_time_ns
        answer.policy_version = answer.policy_version or response.policy_version
        answer.replayed = answer.replayed or response.replayed
    return answers


def decision_of(
    account_id: str, order_id: str, answer: risk_service_pb2.CheckOrderResponse
) -> Decision:
    """Read the answer to one order."""
    return Decision(
        account_id=account_id,
        order_id=order_id,
        verdict=answer.verdict,
        rejections=_rejections(answer.rejections),
        warnings=_rejections(answer.warnings),
        sequence=answer.sequence,
        decided_time_ns=answer.decided_time_ns,
        policy_version=answer.policy_version,
        reserved_price_e4=_optional(answer, "reserved_price_e4"),
        acknowledge_by_time_ns=_optional(answer, "acknowledge_by_time_ns"),
        max_acceptable_quantity=_optional(answer, "max_acceptable_quantity"),
        verified_exit=answer.verified_exit,
        replayed=answer.replayed,
        order_state=_name(order_pb2.OrderState.DESCRIPTOR, answer.order_state, "ORDER_STATE_"),
    )


def preview_of(answer: risk_service_pb2.PreviewOrderResponse) -> Preview:
    """Read the answer to a question."""
    return Preview(
        verdict=answer.verdict,
        rejections=_rejections(answer.rejections),
        warnings=_rejections(answer.warnings),
        as_of_sequence=answer.as_of_sequence,
        decided_time_ns=answer.decided_time_ns,
        policy_version=answer.policy_version,
        reserved_price_e4=_optional(answer, "reserved_price_e4"),
        max_acceptable_quantity=answer.max_acceptable_quantity,
        verified_exit=answer.verified_exit,
        before=answer.before if answer.HasField("before") else None,
        after=answer.after if answer.HasField("after") else None,
        change=answer.change if answer.HasField("change") else None,
        largest_quantity=answer.largest_quantity,
        limiting=_rejections([answer.limiting])[0] if answer.HasField("limiting") else None,
        concentrations=tuple(answer.concentrations),
        limits=tuple(answer.limits),
    )


def _rejections(rejections: Iterable[order_pb2.Rejection]) -> tuple[Rejection, ...]:
    return tuple(
        Rejection(
            reason=_name(order_pb2.RejectReason.DESCRIPTOR, rejection.reason, "REJECT_REASON_"),
            measured=_optional(rejection, "measured"),
            limit=_optional(rejection, "limit"),
            scope_kind=_name(order_pb2.ScopeKind.DESCRIPTOR, rejection.scope_kind, "SCOPE_KIND_"),
            scope_id=rejection.scope_id,
            subject=rejection.subject,
            note=rejection.note,
        )
        for rejection in rejections
    )


def _order_type(order: Order) -> order_pb2.OrderType.ValueType:
    return order_pb2.ORDER_TYPE_MARKET if order.price_e4 is None else order_pb2.ORDER_TYPE_LIMIT


def _optional(message: Message, name: str) -> int | None:
    return int(getattr(message, name)) if message.HasField(name) else None


def _name(enum: EnumDescriptor, number: int, prefix: str) -> str:
    if not number:
        return ""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(prefix) if value else f"UNKNOWN_{number}"
