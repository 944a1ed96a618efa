"""Random runs for the laws: the oracle's generator draws commands, the core decides them.

A run is the same for the same seed and length. `TIDEGATE_LAW_EXAMPLES` asks for more of each law.
Where several processes test, what one has drawn is read by the others.
"""

import os
import pickle
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import Phase, settings
from tests.oracle.adapter import message_class, to_protobuf
from tests.oracle.commands import Commands
from tests.oracle.oracle import Oracle

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_pb2,
    market_service_pb2,
)
from tidegate_server.engine.commands import Command
from tidegate_server.engine.own_commands import Tick
from tidegate_server.wire.codec import Codec
from tidegate_server.wire.machine import Answer, Machine
from tidegate_server.wire.methods import BY_NAME, CODECS, TICK

EXAMPLES = int(os.environ.get("TIDEGATE_LAW_EXAMPLES", "0"))
SEEDS = EXAMPLES or 24  # few worlds, shared by the laws: making one costs the most
LENGTH = 400  # calls that are drawn for a world
MEMOS = {"line", "totals", "stressed"}  # of an outcome: for whoever applies it next


class Call(NamedTuple):
    """One call of a run; a Tick has no request and no principal."""

    method: str
    request: bytes
    principal: str
    now_ns: int


class Step(NamedTuple):
    """One call with its answer and its record."""

    call: Call
    response: bytes | None
    record: bytes | None

    def message(self) -> Any:
        """Read the response."""
        return message_class(f"{self.call.method}Response").FromString(self.response or b"")

    def asked(self) -> Any:
        """Read the request."""
        return message_class(f"{self.call.method}Request").FromString(self.call.request)


def law(examples: int) -> settings:
    """Return settings for a law: the same examples every time, more of them on request."""
    return settings(
        max_examples=EXAMPLES or examples,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),  # a smaller seed is no smaller run
    )


_worlds: list[Path] = []  # where they are kept, if anywhere


def keep_in(folder: Path) -> None:
    """Keep the runs of this process where others may read them, and read theirs."""
    folder.mkdir(exist_ok=True)
    _worlds[:] = [folder]


@lru_cache(maxsize=64)
def calls_of(seed: int, length: int = LENGTH) -> tuple[Call, ...]:
    """Return the calls of a run, a session and an epoch among them."""
    if not _worlds:
        return drawn(seed, length)
    file = _worlds[0] / f"{seed}-{length}"
    with suppress(FileNotFoundError):
        kept: tuple[Call, ...] = pickle.loads(file.read_bytes())  # noqa: S301 - our own
        return kept
    calls = drawn(seed, length)
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    aside.write_bytes(pickle.dumps(calls))
    aside.rename(file)
    return calls


def drawn(seed: int, length: int) -> tuple[Call, ...]:
    """Draw the calls of a run."""
    oracle = Oracle()
    commands = Commands(seed, oracle)
    calls: list[Call] = []
    for _ in range(length):
        method, request, principal, now_ns = drawn = commands.next_command()
        oracle.apply(*drawn)
        payload = b""
        if method != "Tick":
            payload = to_protobuf(request, f"{method}Request").SerializeToString()
        calls.append(Call(method, payload, principal, now_ns))
    middle = length // 2
    now_ns = calls[middle].now_ns
    calls.insert(middle, Call("SetSession", session(now_ns), "staff", now_ns))
    calls.insert(middle, Call("StartEpoch", b"", "", now_ns))
    return tuple(calls)


def session(now_ns: int) -> bytes:
    """Return a request that sets a session."""
    hours = market_service_pb2.Session(open_time_ns=now_ns, close_time_ns=now_ns + 10**12)
    request = market_service_pb2.SetSessionRequest(board="B", sessions=[hours])
    return request.SerializeToString()


def ask(machine: Machine, call: Call) -> Step:
    """Make one call."""
    if call.method == "Tick":
        record = machine.tick(call.now_ns)
    elif call.method == "StartEpoch":
        record = machine.start_epoch(2, "test", call.now_ns)
    else:
        found = answer(machine, call)
        return Step(call, found.response, found.record)
    response = journal_pb2.Record.FromString(record).response if record is not None else None
    return Step(call, response, record)


def answer(machine: Machine, call: Call) -> Answer:
    """Make one call of the contract's."""
    return machine.call(BY_NAME[call.method], call.request, call.principal, call.now_ns)


def play(machine: Machine, calls: tuple[Call, ...]) -> list[Step]:
    """Make the calls of a run."""
    return [ask(machine, call) for call in calls]


def played(seed: int, count: int | None = None) -> tuple[Machine, list[Step]]:
    """Return a machine after a run or its first calls, and what it said."""
    machine = Machine()
    return machine, play(machine, calls_of(seed)[:count])


@lru_cache(maxsize=64)
def steps_of(seed: int) -> tuple[Step, ...]:
    """Return a run that was played once, for laws that read what was answered."""
    return tuple(played(seed)[1])


@lru_cache(maxsize=64)
def hashes_of(seed: int) -> tuple[str, ...]:
    """Return the hash of the state before each call of a run, and after the last."""
    machine = Machine()
    hashes = [machine.state_hash()]
    for call in calls_of(seed):
        ask(machine, call)
        hashes.append(machine.state_hash())
    return tuple(hashes)


@lru_cache(maxsize=32)
def settled(seed: int) -> tuple[Machine, tuple[bytes, ...], int]:
    """Return a machine after a run to ask only, a snapshot of it to change, and its time."""
    machine, steps = played(seed, 300)
    now_ns = steps[-1].call.now_ns + 2 * 10**9  # every bucket is full again
    for stop in machine.status().stops:
        release = control_service_pb2.ReleaseRequest(stop_id=stop.stop_id, reason="calm")
        for person in ("anna", "ben"):
            ask(machine, Call("Release", release.SerializeToString(), person, now_ns))
    marks = [
        market_service_pb2.Mark(instrument_id=name, price_e4=instrument.mark)
        for name, instrument in machine.book.instruments.items()
        if instrument.mark
    ]
    request = market_service_pb2.UpdateMarksRequest(marks=marks).SerializeToString()
    ask(machine, Call("UpdateMarks", request, "feed", now_ns))
    return machine, tuple(machine.snapshot_records()), now_ns


def loaded(snapshot: tuple[bytes, ...]) -> Machine:
    """Return a machine of a snapshot."""
    machine = Machine()
    machine.load_snapshot(iter(snapshot))
    return machine


def copy_of(machine: Machine) -> Machine:
    """Return another machine in the same state, by a snapshot."""
    copy = Machine()
    copy.load_snapshot(machine.snapshot_records())
    return copy


def command_of(call: Call) -> tuple[Codec, Command] | None:
    """Read a call as the engine's command; None for a read or what cannot be read."""
    if call.method == "Tick":
        return TICK, Tick()
    if call.method == "StartEpoch":
        codec = CODECS[journal_pb2.METHOD_START_EPOCH]
        request = journal_pb2.StartEpochRequest(epoch=2, build="test").SerializeToString()
        return codec, codec.read_request(request, "")
    found = BY_NAME[call.method].codec
    return None if found is None else (found, found.read_request(call.request, call.principal))


def view_of(machine: Machine, account_id: str, now_ns: int) -> Any:
    """Read an account."""
    request = account_service_pb2.GetAccountRequest(account_id=account_id).SerializeToString()
    found = answer(machine, Call("GetAccount", request, "", now_ns))
    return account_service_pb2.GetAccountResponse.FromString(found.response or b"").account


def plain(thing: object) -> object:
    """Write an engine value as plain tuples, compiled or not; memos aside."""
    if isinstance(thing, list | tuple):
        return [plain(one) for one in thing]
    if isinstance(thing, int | str | bytes | None):
        return thing
    names = [name for name in dir(thing) if not name.startswith("_") and name not in MEMOS]
    values = [(name, getattr(thing, name)) for name in names]
    return [(name, plain(value)) for name, value in values if not callable(value)]
