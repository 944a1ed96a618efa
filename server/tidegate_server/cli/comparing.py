"""What must be the same after a crash, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidegate_server.cli.calls import Gate
    from tidegate_server.cli.walk import Decision

_UNSTORED = (
    order_pb2.REJECT_REASON_ACCOUNT_UNKNOWN,
    order_pb2.REJECT_REASON_ORDER_ID_REUSED,
    order_pb2.REJECT_REASON_INTERNAL,
)


class Reservations(NamedTuple):
    """What is reserved over all accounts."""

    orders: int
    quantity: int
    value_e4: int


def reservations(views: Iterable[accounts_pb2.AccountView]) -> Reservations:
    """Sum the open orders."""
    orders = [order for view in views for order in view.open_orders]
    quantity = sum(order.reserved_quantity for order in orders)
    value_e4 = sum(order.reserved_quantity * order.reserved_price_e4 for order in orders)
    return Reservations(len(orders), quantity, value_e4)


def compare_accounts(
    before: Mapping[str, accounts_pb2.AccountView], after: Mapping[str, accounts_pb2.AccountView]
) -> list[str]:
    """Return a line for each account that is not as it was."""
    found = []
    for account_id in sorted(before.keys() | after.keys()):
        if account_id not in before or account_id not in after:
            found.append(f"account {account_id} is only on one side")
        elif names := _differing(_lasting(before[account_id]), _lasting(after[account_id])):
            found.append(f"account {account_id} differs in {', '.join(names)}")
    return found


def repeat_decisions(
    gate: Gate, decisions: Iterable[Decision], reported: set[str]
) -> tuple[int, list[str]]:
    """Ask each decision again under its id; return how many, and a line for each that differs.

    An allow whose order has been reported since may only be answered more strictly. Raises
    grpc.RpcError.
    """
    asked, found = 0, []
    for decision in decisions:
        if decision.draft.is_repeat or _headline(decision.response) in _UNSTORED:
            continue
        asked += 1
        answer = gate.call(gate.risk.CheckOrder, decision.request)
        moved_on = decision.allowed and decision.request.order_id in reported
        if not _agrees(decision.response, answer, moved_on=moved_on):
            found.append(f"order {decision.request.order_id} got another answer")
    return asked, found


def _agrees(
    first: risk_pb2.CheckOrderResponse, again: risk_pb2.CheckOrderResponse, *, moved_on: bool
) -> bool:
    if _headline(first) == order_pb2.REJECT_REASON_ORDER_STALE:
        return _headline(again) == order_pb2.REJECT_REASON_ORDER_STALE  # its id may be forgotten
    if not again.replayed:
        return False
    if moved_on:
        reasons = [rejection.reason for rejection in again.rejections]
        return reasons == [order_pb2.REJECT_REASON_ORDER_NOT_RESERVED]
    names = ("verdict", "rejections", "sequence", "decided_time_ns", "policy_version")
    same = all(getattr(first, name) == getattr(again, name) for name in names)
    return same and first.reserved_price_e4 == again.reserved_price_e4


def _headline(answer: risk_pb2.CheckOrderResponse) -> int:
    return answer.rejections[0].reason if answer.rejections else 0


def _lasting(view: accounts_pb2.AccountView) -> accounts_pb2.AccountView:
    """Leave out what a start or a revaluation may touch: valuations and time limits."""
    kept = accounts_pb2.AccountView()
    kept.CopyFrom(view)
    for name in ("sequence", "last_valuation", "valued_time_ns"):
        kept.ClearField(name)
    for kind in ("line_state", "high_water_mark_e4", "start_of_day_equity_e4"):
        kept.ClearField(kind)
    for order in kept.open_orders:
        order.ClearField("acknowledge_by_time_ns")
    return kept


def _differing(one: accounts_pb2.AccountView, other: accounts_pb2.AccountView) -> list[str]:
    names = (field.name for field in one.DESCRIPTOR.fields)
    return [name for name in names if getattr(one, name) != getattr(other, name)]
