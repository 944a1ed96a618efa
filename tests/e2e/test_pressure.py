"""Too much at once: halts overtake, refusals are typed, exits and reports pass."""

from __future__ import annotations

import resource
import signal
import statistics
import threading
import time
from os import kill
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.e2e.support import (
    RISK_SERVICE,
    SMALL_SEGMENTS,
    SPY_E4,
    Server,
    dialled,
    event,
    eventually,
    health,
    order,
    request_of,
    trading,
)

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import control_service_pb2_grpc as control_grpc
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate.v1 import risk_service_pb2_grpc as risk_grpc
from tidegate_client import (
    Client,
    ConnectionFailedError,
    DeadlineError,
    Order,
    OverloadedError,
    Side,
    new_order_id,
)
from tidegate_server.runtime.counters import INDEX, open_gate_page

if TYPE_CHECKING:
    from collections.abc import Iterator

HALT_BAR_S = 0.050
HALT_TRIES = 9
HALT_FLOODS = 4
BATCH = 1_000
ACCOUNT = order_pb2.SCOPE_KIND_ACCOUNT
CHECKS = "/tidegate.v1.RiskService/CheckOrders"


class Flood:
    """Keeps one batch of 1 000 orders in flight on each of two connections.

    The requests are made before, so that the test's own work does not slow the gate's machine.
    """

    def __init__(self, address: str, batches: int) -> None:
        self._address = address
        self._payloads = iter([_batch() for _ in range(batches)])
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self.taken: list[float] = []
        self.busy = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> Flood:  # noqa: PYI034 - nothing derives from it
        for thread in self._threads:
            thread.start()
        assert self.busy.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self) -> None:
        with dialled(self._address) as channel:
            send: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CHECKS)
            while not self.stopped.is_set():
                with self._lock:
                    payload = next(self._payloads, None)
                if payload is None:
                    return
                begin = time.perf_counter()
                if self._is_taken(send, payload):
                    self.taken.append(time.perf_counter() - begin)
                    self.busy.set()

    @staticmethod
    def _is_taken(send: grpc.UnaryUnaryMultiCallable[bytes, bytes], payload: bytes) -> bool:
        """Send a batch; false where it was refused since too much waits, halts above all."""
        try:
            send(payload, timeout=20)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return False
        return True


def _batch() -> bytes:
    orders = [request_of(order(f"A{number % 4}", 1)) for number in range(BATCH)]
    return risk_pb.CheckOrdersRequest(orders=orders).SerializeToString()


def test_a_halt_overtakes_batches_that_saturate_the_gate(
    transport: str,
) -> None:
    # The median of nine is held to the bar, in one of a few floods: a machine of continuous
    # integration pauses at will.
    with trading(transport) as (server, client), dialled(server.address) as channel:
        stub = control_grpc.ControlServiceStub(channel)
        stub.GetStatus(control_pb.GetStatusRequest(), timeout=5)
        medians: list[float] = []
        while len(medians) < HALT_FLOODS and min(medians, default=HALT_BAR_S) >= HALT_BAR_S:
            medians.append(statistics.median(halts_behind(server.address, stub, len(medians))))
        assert min(medians) < HALT_BAR_S
        assert len(client.status().stops) == HALT_TRIES * len(medians)


def halts_behind(
    address: str, stub: control_grpc.ControlServiceStub, flood_number: int
) -> list[float]:
    """Return what halts take behind batches, in s.

    Measured at the caller, from sending the halt to holding its durable answer, over a channel that
    is warm, while two connections keep a batch of 1 000 orders in flight each.
    """
    taken: list[float] = []
    with Flood(address, 120) as flood:
        for number in range(HALT_TRIES):
            stop_id = f"h{flood_number}-{number}"
            halt = control_pb.HaltRequest(
                stop_id=stop_id, scope_kind=ACCOUNT, scope_id="A0", reason="test"
            )
            begin = time.perf_counter()
            stub.Halt(halt, timeout=5)
            taken.append(time.perf_counter() - begin)
            time.sleep(0.05 + 0.017 * number)
        # It was busy all along, and gets on, however slow the machine is.
        eventually(lambda: len(flood.taken) > HALT_TRIES // 2, 30)
    batch_s = statistics.median(flood.taken) / 2  # each waits for the other connection's
    figures = [round(1000 * seconds, 1) for seconds in (*sorted(taken), batch_s)]
    print(f"halts and a batch, in ms: {figures}")  # noqa: T201 - for whoever runs it with -s
    return taken


def test_admission_refuses_checks_while_reports_and_halts_pass(transport: str) -> None:
    settings = {"admission.waiting_calls": 2, "commit.orders": 1, "log.level": "error"}
    with trading(transport, settings) as (server, client), dialled(server.address) as channel:
        known = order("A0")
        assert client.check(known)
        risk = risk_grpc.RiskServiceStub(channel)
        control = control_grpc.ControlServiceStub(channel)
        checks = [risk.CheckOrder.future(request_of(order("A1", 1)), timeout=10) for _ in range(80)]
        report = risk_pb.RecordOrderEventsRequest(
            events=[event(risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED, known)]
        )
        told = risk.RecordOrderEvents.future(report, timeout=10)
        halt = control_pb.HaltRequest(stop_id="h", scope_kind=ACCOUNT, scope_id="A2", reason="test")
        halted = control.Halt.future(halt, timeout=10)
        errors = [call.exception() for call in checks]
        assert told.result().results[0].outcome == risk_pb.EVENT_OUTCOME_APPLIED
        assert halted.result().sequence > 0
        codes = {code_of(error) for error in errors if error is not None}
        # The grpcio front hands over about one call a loop turn, so that what waits, waits in
        # grpc's core, where no admission sees it.
        assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED} or (
            transport == "grpcio" and not codes
        )
        assert client.check(order("A3", 1))  # and then it goes on


def code_of(error: object) -> grpc.StatusCode:
    assert isinstance(error, grpc.Call)
    return error.code()


def test_an_overloaded_check_is_known_to_be_undecided(transport: str) -> None:
    settings = {"admission.waiting_calls": 1, "commit.orders": 1, "log.level": "error"}
    with trading(transport, settings) as (server, _):
        with server.client(timeout=5.0) as client:
            decisions = []
            threads = [
                threading.Thread(target=lambda: decisions.append(client.check(order("A1", 1))))
                for _ in range(24)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            for decision in decisions:
                assert decision.allowed or isinstance(decision.error, OverloadedError)
        assert client.undelivered_unsent == ()


def test_a_full_id_table_takes_exits_only(transport: str) -> None:
    with trading(transport, {"order_id_table": 1_000}) as (_, client):
        now = client.get_account("A0").account.sequence
        held = [accounts_pb.PositionTarget(instrument_id="SPY", quantity=100)]
        client.set_positions("A0", held, expected_sequence=now)
        client.check_many([order(f"A{1 + number % 3}", 1) for number in range(1_000)])
        refused = client.check(order("A1", 1))
        assert isinstance(refused.error, OverloadedError)
        assert refused.error.reason == "ORDER_TABLE_FULL"
        assert refused.error.metadata == {"kept": "1000", "limit": "1000"}
        sell = order("A0", 10, side=Side.SELL, price_e4=(SPY_E4 // 100 + 1) * 100)
        leaving = client.check(sell)
        assert leaving.allowed, leaving
        assert leaving.verified_exit


def test_calls_that_are_given_up_do_no_harm(transport: str) -> None:
    with trading(transport) as (server, client), dialled(server.address) as channel:
        stub = risk_grpc.RiskServiceStub(channel)
        stub.CheckOrder(request_of(order("A0", 1)), timeout=5)
        kill(server.pid, signal.SIGSTOP)
        try:
            asked = [order("A1", 1) for _ in range(40)]
            calls = [stub.CheckOrder.future(request_of(one), timeout=10) for one in asked]
            time.sleep(0.1)
            for call in calls:
                call.cancel()
            time.sleep(0.1)
        finally:
            kill(server.pid, signal.SIGCONT)
        assert client.check(order("A2", 1))
        decided = {one.order_id for one in client.get_account("A1").account.open_orders}
        for one in asked:
            again = client.check(one)
            assert again.allowed
            assert again.replayed == (one.order_id in decided)


@pytest.fixture(params=["native"])  # what follows is the journal's, whatever the front
def squeezed(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Client]]:
    """Serve where no further segment can be made: files may not grow to a segment's size."""
    with trading(request.param) as (server, client):
        short = int(SMALL_SEGMENTS["segment_bytes"]) - 1
        allow_files_of(server, short)
        yield server, client


def allow_files_of(server: Server, size: int) -> None:
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _long(account: str) -> Order:
    """Make an order whose record is long."""
    price_e4 = 2 * SPY_E4 // 100 * 100
    return order(account, 60_000, price_e4=price_e4, order_id=f"{new_order_id():0<64}")


def fill_the_journal(client: Client) -> list[tuple[object, ...]]:
    """Check batches until the gate says that there is no room; return what was answered."""
    kept: list[tuple[object, ...]] = []
    for _ in range(120):
        batch = [_long(f"A{number % 4}") for number in range(250)]
        answers = client.check_many(batch)
        error = answers[0].error
        if isinstance(error, DeadlineError):  # it came between two repeats: nothing is known yet
            continue
        if error is not None:
            assert isinstance(error, ConnectionFailedError)
            assert error.reason == "JOURNAL_STALLED"
            return kept
        pairs = zip(batch, answers, strict=True)
        kept += [(asked, answer.verdict, answer.sequence) for asked, answer in pairs]
    raise AssertionError("the journal never ran out of room")


def test_without_room_new_risk_is_refused_and_facts_still_pass(
    squeezed: tuple[Server, Client],
) -> None:
    server, client = squeezed
    known = order("A0")
    assert client.check(known)
    with server.client(timeout=2.0, attempt_timeout=2.0) as router:
        fill_the_journal(router)
    assert client.status().state == "stalled"
    eventually(lambda: health(server.address, RISK_SERVICE) == "NOT_SERVING")
    (result,) = client.record_events([event(risk_pb.ORDER_EVENT_KIND_FILLED, known, 3)])
    assert result.outcome == risk_pb.EVENT_OUTCOME_APPLIED
    client.halt("storm", ACCOUNT, "A0", "test")
    assert client.get_account("A0").account.positions[0].quantity == 3


def test_once_there_is_room_again_new_risk_passes(squeezed: tuple[Server, Client]) -> None:
    server, client = squeezed
    with server.client(timeout=2.0, attempt_timeout=2.0) as router:
        fill_the_journal(router)
    allow_files_of(server, resource.RLIM_INFINITY)
    eventually(lambda: client.status().state == "serving")
    assert client.check(order("A1", 1)).outcome_known


def test_no_answer_is_lost_when_the_room_ran_out(squeezed: tuple[Server, Client]) -> None:
    server, _ = squeezed
    with server.client(timeout=2.0, attempt_timeout=2.0) as router:
        kept = fill_the_journal(router)
    server.kill()
    server.start()
    with server.client() as client:
        again = [client.check(asked) for asked, _, _ in kept[::25]]  # type: ignore[arg-type]
    assert [(answer.verdict, answer.sequence) for answer in again] == [
        (verdict, sequence) for _, verdict, sequence in kept[::25]
    ]


def test_a_full_segment_without_a_next_one_ends_the_gate_with_a_fault(
    squeezed: tuple[Server, Client],
) -> None:
    server, client = squeezed
    with server.client(timeout=2.0, attempt_timeout=2.0) as router:
        fill_the_journal(router)
    unknown = order("A0")
    reports = 0
    with pytest.raises(ConnectionFailedError):  # noqa: PT012 - until it has no room for facts either
        for _ in range(60):
            events = [
                event(risk_pb.ORDER_EVENT_KIND_FILLED, unknown, 1, order_id=f"x{reports}-{n:0>56}")
                for n in range(500)
            ]
            client.record_events(events)
            reports += 1
    assert server.wait() == 70
    assert reports
    server.start()
    with server.client() as again:
        positions = again.get_account("A0").account.positions
        assert positions[0].quantity >= 500 * reports  # what was answered is there


def test_counters_are_published_on_the_page(server: Server, client: Client, account: str) -> None:
    page = open_gate_page(server.folder)
    try:
        client.check(order(account))
        sequence = client.status().sequence
        eventually(lambda: page.read()[INDEX["sequence"]] >= sequence)
        assert page.read()[INDEX["calls.CheckOrder"]] > 0
        assert page.read()[INDEX["process_id"]] == server.pid
    finally:
        page.close()
