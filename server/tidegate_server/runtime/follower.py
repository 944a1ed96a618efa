"""The follower: the process beside the gate that proves, keeps snapshots, explains and measures.

One thread folds the journal and answers JournalService in turns, as the gate does. It never holds
the folder's lock and reads only what is certain to stay, so it may be killed at any time and
started again; a lock of its own keeps a second one away. Metrics are read by a thread of their
own, and calls to the gate end on gRPC's: neither touches the state.

Two things take as long as the state is large, and the turn waits for them: the state hash, whose
share of the time is bounded, and a snapshot. Nobody else waits.

A follower that the gate has started ends when the gate does: the gate's page tells the id of the
gate's process, and a follower whose parent that was looks whether it still has that parent.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tidegate_server.engine.state import UNBOUNDED
from tidegate_server.journal import (
    JournalOwnedError,
    NotADataFolderError,
    RecoveryRefusedError,
    RecoveryRow,
    Tail,
    disk,
    read_identity,
    read_watermark,
)
from tidegate_server.transport import STOP, open_front
from tidegate_server.transport.caller import Caller
from tidegate_server.wire.errors import CallError
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import FOLLOWER_METHODS

from .counters import INDEX, create_proof_page, open_gate_page, split_hash
from .follower_mismatches import Mismatches
from .follower_records import RecordFinder
from .journal_calls import JournalCalls
from .logs import configure
from .metrics import FollowerFigures, serve_metrics
from .principals import directory_of
from .proving import Prover
from .serve import front_config
from .snapshotting import Snapshots, load_newest
from .sweeping import Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.journal import Page
    from tidegate_server.transport import Call, Front

    from .config import Config

LOCK: Final = "follower.lock"
#: The follower of a gate that was killed may be in the middle of something.
LOCK_SECONDS: Final = 5.0
NICENESS: Final = 10

FOLD_SECONDS: Final = 0.005
IDLE_SECONDS: Final = 0.02
HEARTBEAT_SECONDS: Final = 0.25
#: A state hash waits for a pause of the journal, when busy no longer than this.
QUIET_SECONDS: Final = 0.1
BUSY_SECONDS: Final = 10.0
#: It takes at most one part in so many of the time.
HASH_SHARE: Final = 20
#: The sweep looks at a state that is older than this no more.
SWEEP_LAG_SECONDS: Final = 2.0


def follow(config: Config) -> int:
    """Run the follower until SIGTERM, SIGINT or the end of the gate that started it; return 0.

    Raises JournalError, FrontError, IdentityError or OSError for what keeps it from running.
    """
    log = configure(config.log, "follower")
    os.nice(NICENESS)
    if not config.folder.is_dir():
        raise NotADataFolderError(
            f"{config.folder} does not exist: make it with `tidegate init --data {config.folder}`"
        )
    with _lock(config.folder), ExitStack() as stack:
        front = open_front(
            front_config(config, config.follower_address),
            [method.path for method in FOLLOWER_METHODS],
            directory_of(config),
            [method.request_limit for method in FOLLOWER_METHODS],
        )
        prover = _start_prover(config, log, stack)
        figures = FollowerFigures()
        serve_metrics(config.follower.metrics, config.folder, figures, log)
        follower = Follower(config, front, prover, figures, log, stack)
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.signal(number, follower.stop)
            stack.callback(signal.signal, number, previous)
        gc.freeze()  # what was loaded stays; looking at it again and again helps nobody
        log.info("following", address=config.follower_address, sequence=prover.sequence)
        front.run(follower.turn)
        follower.end()
    log.info("ended", sequence=prover.sequence)
    return 0


class Follower:
    """The turn: calls, a few frames, and whatever is due."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of
        self,
        config: Config,
        front: Front,
        prover: Prover,
        figures: FollowerFigures,
        log: FilteringBoundLogger,
        stack: ExitStack,
    ) -> None:
        folder = config.folder
        finder = RecordFinder(folder)
        self._folder = folder
        self._front = front
        self._prover = prover
        self._figures = figures
        self._calls = JournalCalls(directory_of(config), finder, prover, self._durable, log)
        start = prover.place.sequence
        every = config.follower.snapshot_records
        self._snapshots = Snapshots(folder, config.shard, every, start, log)
        caller = _caller(config)
        stack.callback(caller.close)
        self._sweep = Sweep(caller, config.client.timeout_ms / 1000, log)
        self._hash = _HashTimer()
        self._proof: Page = create_proof_page(folder)
        stack.callback(self._proof.close)
        self._parent = _Parent(folder)
        self._published_s = 0.0
        self._stopping = False

    def stop(self, _number: int, _frame: object) -> None:
        """End with the next turn; a signal handler."""
        self._stopping = True

    def turn(self, calls: list[Call]) -> float:
        """Do what waits; return when the next turn is wanted."""
        for call_id, index, request, principal in calls:
            answer = self._calls.answer(index, request, principal)
            if isinstance(answer, CallError):
                self._front.fail(call_id, answer)
            else:
                self._front.reply(call_id, answer)
        if self._stopping:
            return STOP
        prover = self._prover
        behind = prover.step(FOLD_SECONDS)
        self._snapshots.take_if_due(prover.machine, prover.place)
        now_s = time.monotonic()
        changed = self._hash.step(prover, now_s)
        if changed or now_s - self._published_s >= HEARTBEAT_SECONDS:
            self._publish(now_s)
            if self._parent.has_gone():
                return STOP
        if now_s - prover.level_at_s < SWEEP_LAG_SECONDS:
            self._sweep.step(prover.machine.book)
        return 0.0 if behind else IDLE_SECONDS

    def end(self) -> None:
        """Leave a snapshot, and the last figures."""
        prover = self._prover
        self._snapshots.take_last(prover.machine, prover.place, self._hash.seconds)
        self._publish(time.monotonic())

    def _durable(self) -> int:
        """Return the last record that is certain to stay."""
        return max(read_watermark(self._folder).record_sequence, self._prover.sequence)

    def _publish(self, now_s: float) -> None:
        self._published_s = now_s
        prover, snapshots, hashed = self._prover, self._snapshots, self._hash
        figures = self._figures
        figures.proved_sequence = prover.sequence
        figures.lag_records = self._durable() - prover.sequence
        figures.lag_seconds = now_s - prover.level_at_s if prover.is_behind else 0.0
        figures.mismatches = prover.mismatches.count
        figures.records_total = prover.folded
        figures.snapshot_sequence = snapshots.sequence
        figures.snapshot_seconds = snapshots.seconds
        figures.state_hash_sequence = hashed.sequence
        figures.state_hash_seconds = hashed.seconds
        figures.revalued_accounts_total = self._sweep.valued
        figures.revaluation_failures_total = self._sweep.failures
        self._proof.write(
            (
                prover.sequence,
                hashed.sequence,
                *hashed.parts,
                prover.mismatches.count,
                snapshots.sequence,
                time.time_ns(),
                os.getpid(),
            )
        )


class _HashTimer:
    """Computes the state hash when the journal pauses, and bounds what that takes."""

    __slots__ = ("_busy_at_s", "_not_before_s", "parts", "proved", "seconds", "sequence")

    def __init__(self) -> None:
        self.sequence = 0
        self.parts = (0, 0, 0)
        self.seconds = 0.0
        self.proved = -1
        self._not_before_s = 0.0
        self._busy_at_s = time.monotonic() + BUSY_SECONDS

    def step(self, prover: Prover, now_s: float) -> bool:
        """Hash if it is time; tell whether there is anything new to publish."""
        news = prover.sequence != self.proved
        self.proved = prover.sequence
        if prover.sequence == self.sequence or now_s < self._not_before_s:
            return news
        quiet = not prover.is_behind and now_s - prover.last_record_at_s >= QUIET_SECONDS
        if not quiet and now_s < self._busy_at_s:
            return news
        begin_s = time.monotonic()
        self.parts = split_hash(prover.machine.state_hash())
        self.sequence = prover.sequence
        end_s = time.monotonic()
        self.seconds = end_s - begin_s
        self._not_before_s = end_s + self.seconds * HASH_SHARE
        self._busy_at_s = end_s + BUSY_SECONDS
        return True


class _Parent:
    """Whether the gate that started this process has gone."""

    __slots__ = ("_folder", "_id", "_is_gate")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._id = os.getppid()
        self._is_gate = False

    def has_gone(self) -> bool:
        """Tell whether the parent was the gate and is not there any more."""
        if not self._is_gate:
            self._is_gate = self._gate_id() == self._id
        return self._is_gate and os.getppid() != self._id

    def _gate_id(self) -> int:
        try:
            page = open_gate_page(self._folder)
        except (OSError, ValueError):
            return 0
        try:
            return page.get(INDEX["process_id"])
        finally:
            page.close()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Be the only follower of a folder; wait a little for one that is about to end."""
    read_identity(folder)
    end_s = time.monotonic() + LOCK_SECONDS
    while (descriptor := disk.lock(folder / LOCK)) is None:
        if time.monotonic() > end_s:
            raise JournalOwnedError(
                f"another follower is at work on {folder}: one is enough, stop it first"
            )
        time.sleep(IDLE_SECONDS)
    try:
        yield
    finally:
        disk.close(descriptor)


def _start_prover(config: Config, log: FilteringBoundLogger, stack: ExitStack) -> Prover:
    """Load the newest sound snapshot, and go on after it; nothing is repaired."""
    identity = read_identity(config.folder)
    if identity.shard != config.shard:
        raise RecoveryRefusedError(
            RecoveryRow.FOREIGN_SHARD,
            f"{config.folder} is of shard {identity.shard}, not {config.shard}",
        )
    machine = Machine()
    machine.book.order_id_limit = UNBOUNDED  # what is in the journal was not refused
    place, passed_over = load_newest(config.folder, machine)
    for problem in passed_over:
        log.error("snapshot passed over", problem=problem)
    tail = Tail(config.folder, place.sequence, place.chain)
    stack.callback(tail.close)
    return Prover(machine, tail, place, Mismatches(config.folder, place.sequence), log)


def _caller(config: Config) -> Caller:
    """Return a client of the gate, with the identity of the configuration."""
    client = config.client
    token = Path(client.token_file).read_text(encoding="ascii") if client.token_file else ""
    authority, key, certificate = (
        Path(name).read_bytes() if name else None
        for name in (client.ca, client.key, client.certificate)
    )
    return Caller(
        config.client.address or config.gate_address,
        token=token.strip(),
        authority=authority,
        key=key,
        certificate=certificate,
    )
