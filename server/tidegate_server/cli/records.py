"""One record in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import journal_pb2, order_pb2
from tidegate.v1 import market_service_pb2 as market_pb2
from tidegate.v1 import policy_service_pb2 as policies_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.cli.output import first_few, money, scope, short

if TYPE_CHECKING:
    from collections.abc import Callable


def summarise(record: journal_pb2.Record) -> str:
    """Say what a record asked and, for orders, what was decided."""
    writer = _WRITERS.get(record.method)
    return writer(record) if writer else ""


def reasons(answer: risk_pb2.CheckOrderResponse) -> str:
    """Return ALLOW, or the reasons of a reject in order."""
    if answer.verdict == order_pb2.VERDICT_ALLOW:
        return "ALLOW"
    names = (order_pb2.RejectReason.Name(rejection.reason) for rejection in answer.rejections)
    return "REJECT " + ", ".join(short(name, "REJECT_REASON_") for name in names)


def _check(record: journal_pb2.Record) -> str:
    order = risk_pb2.CheckOrderRequest.FromString(record.request)
    answer = risk_pb2.CheckOrderResponse.FromString(record.response)
    side = short(order_pb2.Side.Name(order.side), "SIDE_").lower()
    price = money(order.price_e4) if order.HasField("price_e4") else "market"
    asked = f"{order.account_id} {order.order_id} {side} {order.quantity:,} {order.instrument_id}"
    return f"{asked} at {price}: {reasons(answer)}"


def _checks(record: journal_pb2.Record) -> str:
    answer = risk_pb2.CheckOrdersResponse.FromString(record.response)
    allowed = sum(one.verdict == order_pb2.VERDICT_ALLOW for one in answer.answers)
    return f"{len(answer.answers)} orders, {allowed} allowed"


def _events(record: journal_pb2.Record) -> str:
    events = risk_pb2.RecordOrderEventsRequest.FromString(record.request).events
    kinds = (risk_pb2.OrderEventKind.Name(event.kind) for event in events)
    named = [
        f"{event.account_id} {event.order_id} {short(kind, 'ORDER_EVENT_KIND_').lower()}"
        for event, kind in zip(events, kinds, strict=True)
    ]
    return first_few(named)


def _marks(record: journal_pb2.Record) -> str:
    marks = market_pb2.UpdateMarksRequest.FromString(record.request).marks
    return first_few([f"{mark.instrument_id} {money(mark.price_e4)}" for mark in marks])


def _cash(record: journal_pb2.Record) -> str:
    asked = accounts_pb2.AdjustCashRequest.FromString(record.request)
    refused = (
        ", refused"
        if accounts_pb2.AdjustCashResponse.FromString(record.response).rejections
        else ""
    )
    return f"{asked.account_id} {money(asked.amount_e4)}{refused}"


def _positions(record: journal_pb2.Record) -> str:
    asked = accounts_pb2.SetPositionsRequest.FromString(record.request)
    named = [f"{target.instrument_id} {target.quantity:,}" for target in asked.positions]
    return f"{asked.account_id}: {first_few(named)}"


def _halt(record: journal_pb2.Record) -> str:
    asked = control_pb2.HaltRequest.FromString(record.request)  # reduce-only has the same fields
    return f"{asked.stop_id} on {scope(asked.scope_kind, asked.scope_id)}: {asked.reason}"


def _release(record: journal_pb2.Record) -> str:
    asked = control_pb2.ReleaseRequest.FromString(record.request)
    answer = control_pb2.ReleaseResponse.FromString(record.response)
    waits = ", a second person must agree" if answer.pending_until_time_ns else ""
    return f"{asked.stop_id}: {asked.reason}{waits}"


def _proposal(record: journal_pb2.Record) -> str:
    answer = policies_pb2.ProposePolicyResponse.FromString(record.response)
    return f"version {answer.version} is {'pending' if answer.pending else 'in force'}"


def _approval(record: journal_pb2.Record) -> str:
    asked = policies_pb2.ApprovePolicyRequest.FromString(record.request)
    return f"version {asked.version} is in force"


def _withdrawal(record: journal_pb2.Record) -> str:
    asked = policies_pb2.WithdrawPolicyRequest.FromString(record.request)
    return f"version {asked.version} is withdrawn"


def _override(record: journal_pb2.Record) -> str:
    asked = policies_pb2.ProposeOverrideRequest.FromString(record.request)
    answer = policies_pb2.ProposeOverrideResponse.FromString(record.response)
    limits = asked.scope_limits if asked.HasField("scope_limits") else asked.limits
    named = ", ".join(field.name for field, _ in limits.ListFields() if field.message_type)
    waits = ", a second person must agree" if answer.pending else ""
    where = scope(asked.scope_kind, asked.scope_id)
    return f"{asked.override_id} of {named} on {where}: {asked.reason}{waits}"


def _override_approval(record: journal_pb2.Record) -> str:
    return policies_pb2.ApproveOverrideRequest.FromString(record.request).override_id


def _tier(record: journal_pb2.Record) -> str:
    asked = policies_pb2.SetTierRequest.FromString(record.request)
    answer = policies_pb2.SetTierResponse.FromString(record.response)
    waits = ", a second person must agree" if answer.pending else ""
    return f"{asked.account_id} to {asked.tier_id or 'no tier'}{waits}"


def _replace(record: journal_pb2.Record) -> str:
    asked = risk_pb2.ReplaceOrderRequest.FromString(record.request)
    told = _check(record)  # it has the fields of an order, and its answer those of an order's
    return f"{asked.replaced_order_id} by {told}"


def _cancels(record: journal_pb2.Record) -> str:
    asked = control_pb2.CancelOrdersRequest.FromString(record.request)
    answer = control_pb2.CancelOrdersResponse.FromString(record.response)
    where = scope(asked.scope_kind, asked.scope_id)
    return f"{len(answer.orders)} to cancel on {where}: {asked.reason}"


def _valuations(record: journal_pb2.Record) -> str:
    return first_few(accounts_pb2.RevalueAccountsRequest.FromString(record.request).account_ids)


_WRITERS: dict[int, Callable[[journal_pb2.Record], str]] = {
    journal_pb2.METHOD_CHECK_ORDER: _check,
    journal_pb2.METHOD_CHECK_ORDERS: _checks,
    journal_pb2.METHOD_RECORD_ORDER_EVENTS: _events,
    journal_pb2.METHOD_UPDATE_MARKS: _marks,
    journal_pb2.METHOD_ADJUST_CASH: _cash,
    journal_pb2.METHOD_SET_POSITIONS: _positions,
    journal_pb2.METHOD_PROPOSE_POLICY: _proposal,
    journal_pb2.METHOD_APPROVE_POLICY: _approval,
    journal_pb2.METHOD_WITHDRAW_POLICY: _withdrawal,
    journal_pb2.METHOD_PROPOSE_OVERRIDE: _override,
    journal_pb2.METHOD_APPROVE_OVERRIDE: _override_approval,
    journal_pb2.METHOD_SET_TIER: _tier,
    journal_pb2.METHOD_REPLACE_ORDER: _replace,
    journal_pb2.METHOD_CANCEL_ORDERS: _cancels,
    journal_pb2.METHOD_REVALUE_ACCOUNTS: _valuations,
    journal_pb2.METHOD_HALT: _halt,
    journal_pb2.METHOD_SET_REDUCE_ONLY: _halt,
    journal_pb2.METHOD_RELEASE: _release,
}
