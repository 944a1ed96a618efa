"""The ladder: servers measured side by side with one generator and one payload, in alternation.

Every round makes new orders, sends the same ones to each gate and the same bytes to each empty
handler, and starts with another server than the round before. A figure is the median of rounds,
a ratio the median of the ratios within a round: so a machine that slows down spoils neither.
"""

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, sleep
from typing import Final, NamedTuple

from bench.book import Book, policy, with_everything
from bench.contract import ANSWER
from bench.frames import Call, Track, tracks
from bench.load import (
    CONNECTIONS,
    IN_FLIGHT,
    Run,
    closed_loop,
    exchange,
    one_in_flight,
    open_loop,
    percentiles,
)
from bench.servers import Server, empty, gate
from bench.workload import Workload
from google.protobuf.json_format import MessageToJson

from tidegate.v1.risk_service_pb2 import RecordOrderEventsResponse

AIO: Final = "grpc_aio_empty"
NATIVE: Final = "native_empty"
MEMORY: Final = "tidegate_memory"
WRITE: Final = "tidegate_write"
FLUSH: Final = "tidegate_flush"
EVERYTHING: Final = "tidegate_flush_everything"
DURABILITY: Final = {MEMORY: "memory", WRITE: "write", FLUSH: "flush", EVERYTHING: "flush"}
MIX_LAG: Final = 4 * IN_FLIGHT
# A gate keeps processors awake for 0.1 s after a call: nobody else is to gain by that.
QUIET_SECONDS: Final = 0.3

Say = Callable[[str], None]


class Plan(NamedTuple):
    """How much to measure."""

    rounds: int
    seconds: float
    """Of one rung in one round; its calls are chosen so that it takes about so long."""
    warm_calls: int
    idle_calls: int
    accounts: int
    ceiling_calls: int
    engine_calls: int


FULL: Final = Plan(7, 1.5, 2_000, 500, 200, 100_000, 3_000)
QUICK: Final = Plan(1, 0.1, 200, 30, 20, 5_000, 20)


class Rung(NamedTuple):
    """A running server and what was measured of it, one entry a round."""

    server: Server
    is_gate: bool
    rates: list[float]
    cpu_us: list[float]
    """CPU of the server's process a call: what noise from elsewhere moves least."""
    idle_p50_us: list[float]


class Ladder:
    """The servers of one bench, and all that is done to them."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack, *, gates: bool) -> None:
        self.plan = plan
        self.book = Book(accounts=plan.accounts)
        self.workload = Workload(self.book)
        self.complaints = 0
        self.first_complaint = ""
        self.records = 0
        self._folder = folder
        self._policy = folder / "policy.json"
        self._policy.write_text(MessageToJson(policy()))
        everything = folder / "everything.json"
        everything.write_text(MessageToJson(with_everything(policy(), self.book)))
        self.rungs: dict[str, Rung] = {}
        for name, kind in ((AIO, "aio"), (NATIVE, "native")):
            self._add(name, stack.enter_context(empty(kind, folder)), is_gate=False)
        for name, durability in DURABILITY.items() if gates else ():
            document = everything if name == EVERYTHING else self._policy
            running = gate(durability, folder / name, document)
            self._add(name, stack.enter_context(running), is_gate=True)

    def prepare(self) -> None:
        """Bring the gates to the book, warm all servers, and find how fast each one is."""
        for rung in self._gates():
            target = rung.server.target
            self.book.set_up(lambda calls, target=target: exchange(target, calls))  # type: ignore[misc]
        self.round(self.plan.warm_calls, self.plan.warm_calls)

    def measure(self, say: Say) -> None:
        """Run all rounds of the closed loop and of one call in flight."""
        speeds = {name: rung.rates.pop() for name, rung in self.rungs.items()}
        for rung in self.rungs.values():
            rung.cpu_us.clear()
        slowest = min((speeds[name] for name in DURABILITY if name in speeds), default=0.0)
        wanted = {
            name: max(100, int(self.plan.seconds * (slowest if rung.is_gate else speeds[name])))
            for name, rung in self.rungs.items()
        }
        orders = wanted[FLUSH] if slowest else wanted[NATIVE]
        for number in range(self.plan.rounds):
            self.round(orders, wanted[AIO], wanted[NATIVE], first=number)
            self.idle(first=number)
            say(f"round {number + 1} of {self.plan.rounds}")

    def round(self, orders: int, aio: int, native: int | None = None, first: int = 0) -> None:
        """Load each server once: the gates with new orders, the empty handlers with the same."""
        calls = self.workload.orders(orders)
        lanes = tracks(calls, CONNECTIONS)
        sizes = {AIO: aio, NATIVE: native or aio}
        for name in _rotated(list(self.rungs), first):
            rung = self.rungs[name]
            mine = lanes if rung.is_gate else _canned(calls, sizes[name])
            before = rung.server.cpu_seconds()
            run = self._judged(closed_loop(rung.server.target, mine, IN_FLIGHT))
            rung.cpu_us.append(1e6 * (rung.server.cpu_seconds() - before) / run.calls)
            rung.rates.append(run.rate)
        self._settle(self._gates())

    def idle(self, first: int = 0) -> None:
        """Ask each server one thing at a time."""
        lane = Track(self.workload.orders(self.plan.idle_calls))
        canned = lane.expecting(ANSWER)
        for name in _rotated(list(self.rungs), first):
            rung = self.rungs[name]
            sleep(QUIET_SECONDS)
            run = one_in_flight(rung.server.target, lane if rung.is_gate else canned)
            self._judged(run)
            rung.idle_p50_us.append(statistics.median(run.latencies_ns) / 1000)
        self._settle(self._gates())

    def half_load(self, name: str) -> dict[str, float]:
        """Send orders at half of the server's measured maximum, when they are due."""
        rung = self.rungs[name]
        rate = statistics.median(rung.rates) / 2
        count = max(100, int(rate * self.plan.seconds))
        latencies: list[int] = []
        for number in range(self.plan.rounds):
            lanes = tracks(self.workload.orders(count), CONNECTIONS)
            if not rung.is_gate:
                lanes = [lane.expecting(ANSWER) for lane in lanes]
            latencies += self._judged(
                open_loop(rung.server.target, lanes, rate, seed=number)
            ).latencies_ns
            self._settle([rung] if rung.is_gate else [])
        return {"rate": round(rate), "calls": len(latencies), **percentiles(latencies)}

    def mix(self) -> float:
        """Load the flushing gate with orders, reports and marks together; calls a second."""
        rung = self.rungs[FLUSH]
        count = max(400, int(statistics.median(rung.rates) * self.plan.seconds))
        rates = []
        for _ in range(self.plan.rounds):
            lanes = [Track(one) for one in self.workload.mix(count, CONNECTIONS, MIX_LAG)]
            rates.append(self._judged(closed_loop(rung.server.target, lanes, IN_FLIGHT)).rate)
            self._settle([rung])
        return statistics.median(rates)

    def recovery(self) -> float | None:
        """Start the flushing gate again over its journal: records a second.

        What a start over an empty journal takes is subtracted.
        """
        self.rungs[FLUSH].server.stop()
        with gate("flush", self._folder / "empty", self._policy):
            pass  # makes the folder
        start = self._start_seconds("empty")
        elapsed = self._start_seconds(FLUSH)
        return self.records / (elapsed - start) if elapsed > start else None

    def ratio(self, name: str, other: str) -> float | None:
        """Return how many times faster one server is than the other."""
        if name not in self.rungs:
            return None
        pairs = zip(self.rungs[name].rates, self.rungs[other].rates, strict=True)
        return statistics.median(mine / its for mine, its in pairs)

    def _start_seconds(self, folder: str) -> float:
        began = perf_counter()
        with gate("flush", self._folder / folder, self._policy):
            return perf_counter() - began

    def _add(self, name: str, server: Server, *, is_gate: bool) -> None:
        self.rungs[name] = Rung(server, is_gate, [], [], [])

    def _gates(self) -> list[Rung]:
        return [rung for rung in self.rungs.values() if rung.is_gate]

    def _settle(self, rungs: Sequence[Rung]) -> None:
        """End all orders again, so that no rung pays for the open orders of another."""
        calls = self.workload.settle()
        for rung in rungs if calls else ():
            answers = exchange(rung.server.target, calls, in_flight=8)
            last = RecordOrderEventsResponse.FromString(answers[-1]).sequence
            if rung is self.rungs[FLUSH]:
                self.records = max(self.records, last)

    def _judged(self, run: Run) -> Run:
        self.complaints += run.complaints
        self.first_complaint = self.first_complaint or run.first_complaint
        return run


def _canned(calls: Sequence[Call], count: int) -> list[Track]:
    """Repeat or cut the calls to so many, for a peer that looks at none of them."""
    repeated = (list(calls) * -(-count // len(calls)))[:count]
    return [lane.expecting(ANSWER) for lane in tracks(repeated, CONNECTIONS)]


def _rotated(names: list[str], first: int) -> list[str]:
    first %= len(names)
    return names[first:] + names[:first]
