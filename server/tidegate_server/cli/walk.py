"""Walk a day of orders through a gate, call by call, and keep what was answered."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import market_service_pb2 as market_pb2
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.cli.calls import Gate
    from tidegate_server.sample.flow import Control, Flow, Step
    from tidegate_server.sample.orders import Draft

#: Its measured figure is an age on the wall clock, so it is no part of the digest.
_TIMED = order_pb2.REJECT_REASON_ORDER_STALE


class Decision(NamedTuple):
    """One order with its answer."""

    draft: Draft
    request: risk_pb2.CheckOrderRequest
    response: risk_pb2.CheckOrderResponse

    @property
    def allowed(self) -> bool:
        """Whether the order may go."""
        return self.response.verdict == order_pb2.VERDICT_ALLOW


class Walk:
    """The day so far. Releases take a second person, whose token is `second`."""

    def __init__(self, flow: Flow, second: str) -> None:
        self._second = second
        self.decisions: list[Decision] = []
        self.latencies_ns: list[int] = []
        self.event_kinds: Counter[int] = Counter()
        self.reported: set[str] = set()  # order ids that the gate has had a report of
        self.calls = 0
        self._flow = flow
        self._steps = iter(flow)
        self._created: dict[str, int] = {}
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """What was decided, without clocks and journal positions: the same on every run."""
        return self._digest.hexdigest()

    def run(self, gate: Gate, steps: int, advance: Callable[[], None]) -> None:
        """Send so many steps. Raises grpc.RpcError."""
        for step in islice(self._steps, steps):
            self._send(gate, step)
            advance()

    def _send(self, gate: Gate, step: Step) -> None:
        mark = market_pb2.Mark(instrument_id=step.trade.symbol, price_e4=step.trade.price_e4)
        gate.call(gate.market.UpdateMarks, market_pb2.UpdateMarksRequest(marks=[mark]))
        self.calls += 1
        if step.control is not None:
            self._send_control(gate, step.control)
        if step.events:
            self._send_events(gate, step.events)
        for draft in step.orders:
            self._send_order(gate, draft)

    def _send_order(self, gate: Gate, draft: Draft) -> None:
        request = risk_pb2.CheckOrderRequest()
        request.CopyFrom(draft.order)
        first = time.time_ns() - draft.late_ns
        request.created_time_ns = self._created.setdefault(request.order_id, first)
        begin = time.perf_counter_ns()
        response = gate.call(gate.risk.CheckOrder, request)
        self.latencies_ns.append(time.perf_counter_ns() - begin)
        decision = Decision(draft, request, response)
        self.decisions.append(decision)
        self._digest.update(_decision_text(decision).encode())
        self._flow.answer(draft, allowed=decision.allowed)
        self.calls += 1

    def _send_events(self, gate: Gate, events: tuple[risk_pb2.OrderEvent, ...]) -> None:
        request = risk_pb2.RecordOrderEventsRequest(events=events)
        response = gate.call(gate.risk.RecordOrderEvents, request)
        for event, result in zip(events, response.results, strict=True):
            self.event_kinds[event.kind] += 1
            self.reported.add(event.order_id)
            self._digest.update(_result_text(event, result).encode())
        self.calls += 1

    def _send_control(self, gate: Gate, control: Control) -> None:
        match control:
            case control_pb2.HaltRequest():
                gate.call(gate.control.Halt, control)
            case control_pb2.SetReduceOnlyRequest():
                gate.call(gate.control.SetReduceOnly, control)
            case control_pb2.ReleaseRequest():
                gate.call(gate.control.Release, control)
                gate.call(gate.control.Release, control, token=self._second)
                self.calls += 1
        self.calls += 1


def _decision_text(decision: Decision) -> str:
    answer = decision.response
    parts = [decision.request.order_id, answer.verdict, answer.reserved_price_e4, answer.replayed]
    for rejection in answer.rejections:
        timed = rejection.reason == _TIMED
        measured = "" if timed or not rejection.HasField("measured") else rejection.measured
        limit = rejection.limit if rejection.HasField("limit") else ""
        parts += [rejection.reason, measured, limit, rejection.scope_kind, rejection.scope_id]
        parts.append(rejection.subject)
    return " ".join(map(str, parts)) + "\n"


def _result_text(event: risk_pb2.OrderEvent, result: risk_pb2.EventResult) -> str:
    state = (result.outcome, *result.flags, result.order_state, result.reserved_quantity)
    return " ".join(map(str, (event.event_id, *state))) + "\n"
