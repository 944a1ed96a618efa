"""An open-loop load generator for unary gRPC calls, light enough not to be what is measured.

Everything that can be done before the run is: frames are encoded, arrivals drawn, expectations
written down. The run itself slices, sends, receives and compares; histograms are filled afterwards.
Every answer is judged: a run with a wrong one fails.

`python -m bench.load TARGET --mode closed|open|idle` measures whatever serves at TARGET; a gate
must hold the book of the same seed (`--set-up` sends it first). `--ceiling` measures the generator.
"""

import argparse
import contextlib
import gc
import json
import math
import random
import select
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Final, NamedTuple

import numpy as np
from bench.connection import Connection, LoadError
from bench.frames import Call, Track, tracks
from hdrh.histogram import HdrHistogram

CONNECTIONS: Final = 4
IN_FLIGHT: Final = 32
STALL_SECONDS: Final = 10.0
"""A run in which nothing arrives for so long is over."""
STALL_NS: Final = int(STALL_SECONDS * 1e9)
GREATEST_LATENCY_NS: Final = 60_000_000_000
PERCENTILES: Final = (50.0, 99.0, 99.9, 99.99)
LEAD_NS: Final = 2_000_000
"""How long before the first arrival an open loop starts its clock."""


class Run(NamedTuple):
    """What one run showed."""

    calls: int
    seconds: float
    complaints: int
    first_complaint: str
    latencies_ns: Sequence[int] = ()
    """From the intended time to send until the answer; nothing for a closed loop."""

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


def closed_loop(
    target: str, lanes: Sequence[Track], in_flight: int = IN_FLIGHT, total: int | None = None
) -> Run:
    """Keep `in_flight` calls under way on each connection until all are answered: throughput."""
    with _connected(target, lanes, total) as connections, _quiet():
        began = perf_counter_ns()
        for connection in connections:
            connection.advance(in_flight)
        while _unfinished(connections):
            for connection in _wait(connections, STALL_SECONDS):
                connection.receive()
                connection.advance(connection.answered + in_flight)
        ended = perf_counter_ns()
    return _run(connections, ended - began)


def open_loop(
    target: str, lanes: Sequence[Track], rate: float, seed: int, *, poisson: bool = True
) -> Run:
    """Send calls when they are due, answered or not: latency without coordinated omission.

    A call that flow control or the peer's stream limit holds back is late, and counts as such.
    """
    due = _arrivals(sum(len(lane.calls) for lane in lanes), rate, seed, poisson=poisson)
    with _connected(target, lanes, None) as connections, _quiet(), _sharp_timers():
        began = perf_counter_ns() + LEAD_NS
        _send_when_due(connections, due, began)
        ended = perf_counter_ns()
    late = [
        done - began - planned
        for first, connection in enumerate(connections)
        for done, planned in zip(connection.finished, due[first :: len(lanes)], strict=True)
    ]
    return _run(connections, ended - began, late)


def one_in_flight(target: str, lane: Track, total: int | None = None) -> Run:
    """Make one call after the other on one connection, blocking: the latency of an idle server."""
    latencies: list[int] = []
    with _connected(target, [lane], total) as (connection,), _quiet():
        connection.socket.settimeout(STALL_SECONDS)
        began = perf_counter_ns()
        for call in range(connection.total):
            sent = perf_counter_ns()
            connection.advance(call + 1)
            while connection.answered <= call:
                connection.receive()
            latencies.append(connection.finished[call] - sent)
        ended = perf_counter_ns()
    return _run([connection], ended - began, latencies)


def exchange(target: str, calls: Sequence[Call], in_flight: int = 1) -> list[bytes]:
    """Make calls in order over one connection and return the answers; not timed.

    Raises:
        LoadError: An answer is not what it must be.

    """
    with _connected(target, [Track(calls)], None) as (connection,):
        answers = connection.answers = [b""] * connection.total
        connection.advance(in_flight)
        while _unfinished([connection]):
            for ready in _wait([connection], STALL_SECONDS):
                ready.receive()
                ready.advance(ready.answered + in_flight)
    if connection.complaints:
        raise LoadError(connection.first_complaint)
    return answers


def percentiles(latencies_ns: Sequence[int]) -> dict[str, float]:
    """Percentiles in microseconds, and the worst, from an HDR histogram of three digits."""
    histogram = HdrHistogram(1, GREATEST_LATENCY_NS, 3)
    values, counts = np.unique(np.asarray(latencies_ns, dtype=np.int64), return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        histogram.record_value(min(max(value, 1), GREATEST_LATENCY_NS), count)
    worst = max(latencies_ns)  # exact; a histogram's figure is the end of its bucket
    figures = {
        f"p{percentile:g}_us": min(histogram.get_value_at_percentile(percentile), worst) / 1000
        for percentile in PERCENTILES
    }
    return {**figures, "max_us": worst / 1000}


def main() -> None:
    """Measure whatever serves at an address, and print one JSON object."""
    # Imported here: the generator itself knows nothing of the contract, and a sink drives it.
    from bench.book import Book  # noqa: PLC0415
    from bench.contract import ANSWER  # noqa: PLC0415
    from bench.sink import ceiling  # noqa: PLC0415
    from bench.workload import Workload  # noqa: PLC0415

    arguments = _parser().parse_args()
    if arguments.ceiling:
        print(json.dumps({"ceiling_per_second": round(ceiling())}))
        return
    book = Book(arguments.seed)
    workload = Workload(book, arguments.seed, tag=f"{time.time_ns():x}")
    if arguments.set_up:
        book.set_up(lambda calls: exchange(arguments.target, calls))
    connections = 1 if arguments.mode == "idle" else arguments.connections
    if arguments.profile == "orders":
        lanes = tracks(workload.orders(arguments.calls), connections)
    else:
        mixed = workload.mix(arguments.calls, connections, 4 * arguments.in_flight)
        lanes = [Track(calls) for calls in mixed]
    if arguments.canned:
        lanes = [lane.expecting(ANSWER) for lane in lanes]
    if arguments.mode == "closed":
        run = closed_loop(arguments.target, lanes, arguments.in_flight)
    elif arguments.mode == "open":
        fixed = arguments.fixed
        run = open_loop(arguments.target, lanes, arguments.rate, arguments.seed, poisson=not fixed)
    else:
        run = one_in_flight(arguments.target, lanes[0])
    report = {"calls": run.calls, "per_second": round(run.rate), "mismatches": run.complaints}
    print(json.dumps(report | (percentiles(run.latencies_ns) if run.latencies_ns else {})))
    if run.complaints:
        sys.exit(run.first_complaint)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("target", nargs="?", default="", help="unix:/path or host:port")
    parser.add_argument("--mode", choices=("closed", "open", "idle"), default="closed")
    parser.add_argument("--profile", choices=("orders", "mix"), default="orders")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT, help="of each connection")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=1000.0, help="open loop: calls a second")
    parser.add_argument("--fixed", action="store_true", help="even arrivals instead of Poisson")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--canned", action="store_true", help="expect an empty handler's answer")
    parser.add_argument("--set-up", action="store_true", help="first send the book to the gate")
    parser.add_argument("--ceiling", action="store_true", help="measure the generator itself")
    return parser


@contextlib.contextmanager
def _connected(
    target: str, lanes: Sequence[Track], total: int | None
) -> Iterator[list[Connection]]:
    """Connect every track; `total` calls over all of them."""
    each = None if total is None else -(-total // len(lanes))
    with contextlib.ExitStack() as stack:
        connections = []
        for lane in lanes:
            connection = Connection(target, lane, each)
            stack.callback(connection.close)
            connections.append(connection)
        yield connections


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the collector out of the run: a full pass over a million calls takes half a second."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextlib.contextmanager
def _sharp_timers() -> Iterator[None]:
    """Wake when asked and not up to 50 us later; where the system has no such knob, do without."""
    knob = Path("/proc/self/timerslack_ns")
    with contextlib.suppress(OSError):
        before = knob.read_text()
        knob.write_text("1")
    yield
    with contextlib.suppress(OSError, UnboundLocalError):
        knob.write_text(before)


def _unfinished(connections: Sequence[Connection]) -> bool:
    return any(connection.answered < connection.total for connection in connections)


def _wait(connections: Sequence[Connection], seconds: float) -> list[Connection]:
    """Wait until answers are there."""
    deadline = perf_counter_ns() + int(seconds * 1e9)
    while not (ready := _ready(connections, seconds)):
        if perf_counter_ns() >= deadline:
            raise LoadError(f"no answer for {seconds} s, {_under_way(connections)} calls under way")
    return ready


def _ready(connections: Sequence[Connection], seconds: float) -> list[Connection]:
    """Wait once for answers; on the way send what a full socket had held back."""
    full = [connection for connection in connections if connection.waits_to_write()]
    # select: its timeout is in microseconds, that of poll and epoll in milliseconds.
    readable, writable, _ = select.select(connections, full, (), seconds)
    for connection in writable:
        connection.resume()
    return readable


def _under_way(connections: Sequence[Connection]) -> int:
    return sum(connection.issued - connection.answered for connection in connections)


def _send_when_due(connections: Sequence[Connection], due: Sequence[int], began: int) -> None:
    """Drive all connections through their arrivals, times in ns from `began`.

    Call number n is the connection's n mod (their count): only who has news is looked at.
    """
    total, dealt, width = len(due), 0, len(connections)
    heard = perf_counter_ns()
    while _unfinished(connections):
        now, first = perf_counter_ns() - began, dealt
        while dealt < total and due[dealt] <= now:
            dealt += 1
        for number in range(max(first, dealt - width), dealt):
            connections[number % width].advance(number // width + 1)
        soonest = due[dealt] if dealt < total else now + STALL_NS
        wait_ns = max(0, soonest - (perf_counter_ns() - began))
        ready = _ready(connections, wait_ns / 1e9)
        for connection in ready:
            connection.receive()
            connection.resume()  # an answer may have made room for what was held back
        if ready or not _under_way(connections):
            heard = perf_counter_ns()
        elif perf_counter_ns() - heard >= STALL_NS:
            raise LoadError(f"no answer for {STALL_SECONDS} s")


def _arrivals(count: int, rate: float, seed: int, *, poisson: bool) -> list[int]:
    """Draw when each call is due."""
    rng, at, due = random.Random(seed), 0.0, []
    gap_ns = 1e9 / rate
    for _ in range(count):
        at += -math.log(1.0 - rng.random()) * gap_ns if poisson else gap_ns
        due.append(int(at))
    return due


def _run(
    connections: Sequence[Connection], nanoseconds: int, latencies_ns: Sequence[int] = ()
) -> Run:
    complaints = [one.first_complaint for one in connections if one.first_complaint]
    return Run(
        calls=sum(one.answered for one in connections),
        seconds=nanoseconds / 1e9,
        complaints=sum(one.complaints for one in connections),
        first_complaint=complaints[0] if complaints else "",
        latencies_ns=latencies_ns,
    )


if __name__ == "__main__":
    main()
