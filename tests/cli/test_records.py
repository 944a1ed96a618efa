from __future__ import annotations

import pytest

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import journal_pb2, order_pb2, policy_pb2
from tidegate.v1 import market_service_pb2 as market_pb2
from tidegate.v1 import policy_service_pb2 as policies_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.cli.records import summarise

ORDER = risk_pb2.CheckOrderRequest(
    account_id="R1",
    order_id="a",
    side=order_pb2.SIDE_BUY,
    quantity=1_500,
    instrument_id="SPY",
    price_e4=1_688_000,
)
REJECT = risk_pb2.CheckOrderResponse(
    verdict=order_pb2.VERDICT_REJECT,
    rejections=[
        order_pb2.Rejection(reason=order_pb2.REJECT_REASON_TICK_SIZE),
        order_pb2.Rejection(reason=order_pb2.REJECT_REASON_LEVERAGE),
    ],
)
MARKS = [market_pb2.Mark(instrument_id=f"I{i}", price_e4=10_000 * i) for i in range(1, 6)]


@pytest.mark.parametrize(
    ("method", "request_", "response", "text"),
    [
        (
            journal_pb2.METHOD_CHECK_ORDER,
            ORDER,
            risk_pb2.CheckOrderResponse(verdict=order_pb2.VERDICT_ALLOW),
            "R1 a buy 1,500 SPY at 168.80: ALLOW",
        ),
        (
            journal_pb2.METHOD_CHECK_ORDER,
            ORDER,
            REJECT,
            "R1 a buy 1,500 SPY at 168.80: REJECT TICK_SIZE, LEVERAGE",
        ),
        (
            journal_pb2.METHOD_CHECK_ORDERS,
            risk_pb2.CheckOrdersRequest(),
            risk_pb2.CheckOrdersResponse(answers=[REJECT, REJECT]),
            "2 orders, 0 allowed",
        ),
        (
            journal_pb2.METHOD_RECORD_ORDER_EVENTS,
            risk_pb2.RecordOrderEventsRequest(
                events=[
                    risk_pb2.OrderEvent(
                        account_id="R1", order_id="a", kind=risk_pb2.ORDER_EVENT_KIND_FILLED
                    )
                ]
            ),
            risk_pb2.RecordOrderEventsResponse(),
            "R1 a filled",
        ),
        (
            journal_pb2.METHOD_UPDATE_MARKS,
            market_pb2.UpdateMarksRequest(marks=MARKS),
            market_pb2.UpdateMarksResponse(),
            "I1 1.00, I2 2.00, I3 3.00 and 2 more",
        ),
        (
            journal_pb2.METHOD_ADJUST_CASH,
            accounts_pb2.AdjustCashRequest(account_id="R1", amount_e4=-10_000),
            accounts_pb2.AdjustCashResponse(),
            "R1 -1.00",
        ),
        (
            journal_pb2.METHOD_SET_POSITIONS,
            accounts_pb2.SetPositionsRequest(
                account_id="R1",
                positions=[accounts_pb2.PositionTarget(instrument_id="SPY", quantity=-1_000)],
            ),
            accounts_pb2.SetPositionsResponse(),
            "R1: SPY -1,000",
        ),
        (
            journal_pb2.METHOD_HALT,
            control_pb2.HaltRequest(
                stop_id="h1", scope_kind=order_pb2.SCOPE_KIND_FIRM, reason="storm"
            ),
            control_pb2.HaltResponse(),
            "h1 on firm: storm",
        ),
        (
            journal_pb2.METHOD_RELEASE,
            control_pb2.ReleaseRequest(stop_id="h1", reason="calm"),
            control_pb2.ReleaseResponse(),
            "h1: calm",
        ),
        (
            journal_pb2.METHOD_PROPOSE_OVERRIDE,
            policies_pb2.ProposeOverrideRequest(
                override_id="o1",
                scope_kind=order_pb2.SCOPE_KIND_GROUP,
                scope_id="desk-1",
                scope_limits=policy_pb2.ScopeLimits(position=policy_pb2.ScopeLimit(value=5)),
                reason="roll",
            ),
            policies_pb2.ProposeOverrideResponse(pending=True),
            "o1 of position on group:desk-1: roll, a second person must agree",
        ),
        (
            journal_pb2.METHOD_APPROVE_OVERRIDE,
            policies_pb2.ApproveOverrideRequest(override_id="o1"),
            policies_pb2.ApproveOverrideResponse(),
            "o1",
        ),
        (
            journal_pb2.METHOD_SET_TIER,
            policies_pb2.SetTierRequest(account_id="R1", tier_id="standard"),
            policies_pb2.SetTierResponse(),
            "R1 to standard",
        ),
        (
            journal_pb2.METHOD_REPLACE_ORDER,
            risk_pb2.ReplaceOrderRequest(
                account_id="R1",
                order_id="b",
                replaced_order_id="a",
                instrument_id="SPY",
                side=order_pb2.SIDE_BUY,
                quantity=2,
            ),
            risk_pb2.ReplaceOrderResponse(verdict=order_pb2.VERDICT_ALLOW),
            "a by R1 b buy 2 SPY at market: ALLOW",
        ),
        (
            journal_pb2.METHOD_CANCEL_ORDERS,
            control_pb2.CancelOrdersRequest(
                scope_kind=order_pb2.SCOPE_KIND_ACCOUNT, scope_id="R1", reason="wild"
            ),
            control_pb2.CancelOrdersResponse(),
            "0 to cancel on account:R1: wild",
        ),
        (
            journal_pb2.METHOD_REVALUE_ACCOUNTS,
            accounts_pb2.RevalueAccountsRequest(account_ids=["A", "B"]),
            accounts_pb2.RevalueAccountsResponse(),
            "A, B",
        ),
    ],
)
def test_a_record_is_told_in_a_line(
    method: journal_pb2.Method.ValueType, request_: object, response: object, text: str
) -> None:
    record = journal_pb2.Record(
        method=method,
        request=request_.SerializeToString(),  # type: ignore[attr-defined]
        response=response.SerializeToString(),  # type: ignore[attr-defined]
    )
    assert summarise(record) == text


@pytest.mark.parametrize("method", journal_pb2.Method.values())
def test_every_method_can_be_told(method: journal_pb2.Method.ValueType) -> None:
    assert isinstance(summarise(journal_pb2.Record(method=method)), str)


def test_reduce_only_is_read_as_a_halt_since_its_fields_are_the_same() -> None:
    halt = [(field.name, field.number) for field in control_pb2.HaltRequest.DESCRIPTOR.fields]
    assert halt == [
        (field.name, field.number) for field in control_pb2.SetReduceOnlyRequest.DESCRIPTOR.fields
    ]
