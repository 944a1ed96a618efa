"""A journal of the demonstration's day, written without a front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runtime.folders import ACCOUNTS, Desk, writing

from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import market_service_pb2 as market_pb2
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.runtime.initialise import initialise
from tidegate_server.sample.flow import Flow
from tidegate_server.sample.market import holders
from tidegate_server.sample.policy import build_policy
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tidegate_server.runtime.config import Config

METHODS = {
    control_pb2.HaltRequest: "Halt",
    control_pb2.SetReduceOnlyRequest: "SetReduceOnly",
}


def make_day(config: Config, steps: int) -> int:
    """Make a journal of so many trades of the sample day; return its last record."""
    initialise(config, build_policy())
    with writing(config) as desk:
        desk.load_market()
        walk(desk, steps)
        return desk.machine.sequence


def walk(desk: Desk, steps: int) -> None:
    flow = Flow(holders(ACCOUNTS), trades=steps)
    for step in flow:
        mark = market_pb2.Mark(instrument_id=step.trade.symbol, price_e4=step.trade.price_e4)
        send(desk, "UpdateMarks", market_pb2.UpdateMarksRequest(marks=[mark]))
        if isinstance(step.control, control_pb2.ReleaseRequest):
            for person in ("anna", "bert"):
                send(desk, "Release", step.control, person)
        elif step.control is not None:
            send(desk, METHODS[type(step.control)], step.control)
        if step.events:
            send(desk, "RecordOrderEvents", risk_pb2.RecordOrderEventsRequest(events=step.events))
        for draft in step.orders:
            order = risk_pb2.CheckOrderRequest()
            order.CopyFrom(draft.order)
            order.created_time_ns = desk.now_ns() - draft.late_ns
            answer = risk_pb2.CheckOrderResponse.FromString(send(desk, "CheckOrder", order))
            flow.answer(draft, allowed=answer.verdict == order_pb2.VERDICT_ALLOW)


def send(desk: Desk, name: str, message: Message, principal: str = "local") -> bytes:
    """Decide a call and write its record, if it makes one; return the response."""
    answer = desk.machine.call(BY_NAME[name], message.SerializeToString(), principal, desk.now_ns())
    assert answer.error is None, answer.error.message
    if answer.record is not None:
        desk.commit(answer.record)
    assert answer.response is not None
    return answer.response
