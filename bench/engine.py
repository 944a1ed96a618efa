"""Decisions in process, without network or disk: ns a check by positions in the account.

Two figures. `decide` is the judgement alone: all checks, nothing applied. `call` is what the gate
does for one order between the front and the journal: decode, decide, evolve, encode the answer
and the record.
"""

import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from bench.book import Book, policy
from bench.connection import LoadError
from bench.frames import Call
from bench.workload import Workload

from tidegate.v1.policy_service_pb2 import ProposePolicyRequest
from tidegate.v1.risk_service_pb2 import CheckOrderRequest

POSITIONS: Final = (1, 10, 50, 200, 1000)
ACCOUNTS: Final = 10
PRINCIPAL: Final = "bench"
PROPOSE_POLICY: Final = "/tidegate.v1.PolicyService/ProposePolicy"
ROUNDS: Final = 5


def machine_is_there() -> bool:
    """Whether the parts that are measured can be imported."""
    try:
        import_module("tidegate_server.wire.machine")
        import_module("tidegate_server.engine.ordering")
    except ImportError:
        return False
    return True


def measure(calls: int, positions: Sequence[int] = POSITIONS) -> dict[str, dict[str, int]]:
    """Measure ns a check, best of five rounds of `calls` orders, for each number of positions."""
    figures: dict[str, dict[str, int]] = {"decide": {}, "call": {}}
    for held in positions:
        bench = _Bench(held)
        decided = [bench.decide(calls) for _ in range(ROUNDS)]
        called = [bench.call(calls) for _ in range(ROUNDS)]
        figures["decide"][str(held)] = round(min(decided))
        figures["call"][str(held)] = round(min(called))
    return figures


class _Bench:
    """A machine that holds a book of accounts with so many positions each."""

    def __init__(self, positions: int) -> None:
        methods = import_module("tidegate_server.wire.methods")
        self.methods = {method.path: method for method in methods.METHODS}
        self.machine: Any = import_module("tidegate_server.wire.machine").Machine()
        self.machine.start_epoch(1, "bench", time.time_ns())
        # No other instruments: an order on one would be one line more to walk.
        book = Book(accounts=ACCOUNTS, positions=positions, instruments=positions)
        proposal = ProposePolicyRequest(policy=policy()).SerializeToString()
        self.exchange([Call(PROPOSE_POLICY, proposal, b"\x08")])
        book.set_up(self.exchange)
        self.workload = Workload(book)

    def exchange(self, calls: Sequence[Call]) -> list[bytes]:
        """Make calls and check their answers."""
        return [self._judged(call, time.time_ns()) for call in calls]

    def decide(self, count: int) -> float:
        """Judge orders, each on the same book; ns an order."""
        decide = import_module("tidegate_server.engine.ordering").decide_check
        command = import_module("tidegate_server.engine.commands").CheckOrder
        orders = [command(*_arguments(call.message)) for call in self.workload.orders(count)]
        self.workload.settle()
        book, now_ns = self.machine.book, time.time_ns()
        began = time.perf_counter_ns()
        for order in orders:
            decide(book, order, now_ns)
        return (time.perf_counter_ns() - began) / count

    def call(self, count: int) -> float:
        """Decide and apply orders, from bytes to bytes; ns an order."""
        calls = self.workload.orders(count)
        method, call = self.methods[calls[0].path], self.machine.call
        now_ns, requests = time.time_ns(), [one.message for one in calls]
        began = time.perf_counter_ns()
        answers = [call(method, request, PRINCIPAL, now_ns) for request in requests]
        elapsed = time.perf_counter_ns() - began
        for asked, answer in zip(calls, answers, strict=True):
            _check(asked, answer.response, answer.error)
        self.exchange(self.workload.settle())
        return elapsed / count

    def _judged(self, call: Call, now_ns: int) -> bytes:
        answer = self.machine.call(self.methods[call.path], call.message, PRINCIPAL, now_ns)
        return _check(call, answer.response, answer.error)


def _arguments(message: bytes) -> tuple[object, ...]:
    """Spell out an order in the order of the engine's own command."""
    order = CheckOrderRequest.FromString(message)
    return (
        PRINCIPAL,
        order.account_id,
        order.order_id,
        order.instrument_id,
        int(order.side),
        int(order.order_type),
        order.quantity,
        order.price_e4,
        order.created_time_ns,
        order.reduce_only,
        order.want_max_acceptable_quantity,
    )


def _check(call: Call, response: bytes | None, error: object) -> bytes:
    if response is None:
        raise LoadError(f"{call.path} failed: {error}")
    if not response.startswith(call.prefix):
        complaint = "unexpected answer" if call.check is None else call.check(response)
        if complaint:
            raise LoadError(f"{call.path}: {complaint}: {response.hex()}")
    return response
