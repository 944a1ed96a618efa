"""The follower: the process beside the gate that proves, keeps snapshots, explains and measures.

One thread folds the journal and answers JournalService in turns, as the gate does. It never holds
the folder's lock and reads only what is certain to stay, so it may be killed at any time and
started again; a lock of its own keeps a second one away. Metrics are read by a thread of their
own, and calls to the gate end on gRPC's: neither touches the state.

One thing takes as long as the state is large, and the turn waits for it: the state hash, whose
share of the time is bounded. A snapshot is the work of a forked copy, which the turn looks after.

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

from tidegate_server.engine.flagging import sum_differs
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
from tidegate_server.wire.alerts import alert_message
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import FOLLOWER_METHODS

from .account_watches import AccountWatches
from .alert_calls import AlertCalls
from .alert_desk import AlertDesk
from .alert_store import AlertStore
from .comparison_calls import ComparisonCalls
from .counters import create_proof_page
from .follower_calls import FollowerCalls
from .follower_mismatches import Mismatches
from .follower_records import RecordFinder
from .hashing import HashTimer
from .journal_calls import JournalCalls
from .logs import configure
from .metrics import FollowerFigures, serve_metrics
from .parenting import Parent
from .principals import directory_of
from .proving import Prover
from .serve import front_config
from .snapshotting import Snapshots, load_newest
from .streams import Streams
from .sweeping import PIECE_SECONDS, Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.journal import Page
    from tidegate_server.transport import Call, Front

    from .config import Config
    from .follower_calls import Handler

LOCK: Final = "follower.lock"
#: The follower of a gate that was killed may be in the middle of something.
LOCK_SECONDS: Final = 5.0
NICENESS: Final = 10

FOLD_SECONDS: Final = 0.005
IDLE_SECONDS: Final = 0.02
HEARTBEAT_SECONDS: Final = 0.25
#: While records wait, alerts are flushed to disk so often: each flush waits for the disk.
FLUSH_SECONDS: Final = 0.1
#: Sums are added up after all alerts of the last record have their numbers.
SUM_INDEX: Final = 1_000_000
#: The sweep looks at a state that is older than this no more, and at none from amid the start.
SWEEP_LAG_SECONDS: Final = 2.0


def follow(config: Config) -> int:
    """Run the follower until SIGTERM, SIGINT or the end of the gate that started it; return 0.

    Raises JournalError, FrontError, IdentityError or OSError for what keeps it from running.
    """
    log = configure(config.log, "follower")
    os.nice(NICENESS)
    if not config.folder.exists():
        raise NotADataFolderError(
            f"{config.folder} does not exist: make it with `tidegate init --data {config.folder}`"
        )
    with _lock(config.folder), ExitStack() as stack:
        front = open_front(
            front_config(config, config.follower_address),
            [method.path for method in FOLLOWER_METHODS],
            directory_of(config),
            [method.request_limit for method in FOLLOWER_METHODS],
            [method.index for method in FOLLOWER_METHODS if method.streams],
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
        self._folder = folder
        self._log = log
        self._prover = prover
        self._figures = figures
        self._alerts = AlertStore(folder, log)
        desk = AlertDesk(folder, prover.machine, self._alerts, log)
        prover.observers.append(desk)
        self._streams = Streams(front, log)
        self._calls = FollowerCalls(
            directory_of(config), front, self._streams, self._handlers(), log
        )
        start = prover.place.sequence
        every = config.follower.snapshot_records
        self._snapshots = Snapshots(folder, config.shard, every, start, log, desk)
        stack.callback(self._snapshots.close)
        caller = _caller(config)
        stack.callback(caller.close)
        self._sweep = Sweep(caller, config.client.timeout_ms / 1000, log)
        self._hash = HashTimer()
        self._proof: Page = create_proof_page(folder)
        stack.callback(self._proof.close)
        self._parent = Parent(folder)
        self._published_s = 0.0
        self._flushed_s = 0.0
        self._stopping = False

    def _handlers(self) -> dict[str, Handler]:
        """Return what answers each method."""
        journal = JournalCalls(RecordFinder(self._folder), self._prover, self._durable)
        comparison = ComparisonCalls(self._folder, self._streams, self._durable)
        alerts = AlertCalls(self._alerts, self._prover.machine)
        accounts = AccountWatches(self._prover.machine)
        self._prover.observers.append(accounts)
        return {
            "ReadRecords": journal.read_records,
            "ExplainRecord": journal.explain_record,
            "WatchRecords": journal.watch_records,
            "WatchAccounts": accounts.watch_accounts,
            "CompareDecisions": comparison.compare_decisions,
            "WatchAlerts": alerts.watch_alerts,
            "ListAlerts": alerts.list_alerts,
            "AcknowledgeAlert": alerts.acknowledge_alert,
        }

    def stop(self, _number: int, _frame: object) -> None:
        """End with the next turn; a signal handler."""
        self._stopping = True

    def turn(self, calls: list[Call]) -> float:
        """Do what waits; return when the next turn is wanted."""
        for call in calls:
            self._calls.answer(call)
        if self._stopping:
            self._streams.end()
            return STOP
        prover = self._prover
        behind = prover.step(FOLD_SECONDS)
        now_s = time.monotonic()
        if not behind or now_s - self._flushed_s >= FLUSH_SECONDS:
            self._alerts.flush()
            self._flushed_s = now_s
            if not self._alerts.waits:  # a follower that begins at a snapshot finds them no more
                self._snapshots.begin_if_due(prover.machine, prover.place)
        self._snapshots.step()
        changed = self._hash.step(prover, now_s, calm=self._sweep.rests(prover.sequence))
        if self._hash.problems:
            self._tell_of_sums()
        if changed or now_s - self._published_s >= HEARTBEAT_SECONDS:
            self._publish(now_s)
            if self._parent.has_gone():
                self._streams.end()
                return STOP
        if prover.was_level and now_s - prover.level_at_s < SWEEP_LAG_SECONDS:
            self._sweep.step(prover.machine.book)
        busy = self._streams.step()
        if behind or busy:
            return 0.0
        return PIECE_SECONDS if self._sweep.hurries else IDLE_SECONDS

    def end(self) -> None:
        """Leave a snapshot, and the last figures."""
        prover = self._prover
        self._alerts.flush()
        if not self._alerts.waits:
            self._snapshots.take_last(prover.machine, prover.place, self._hash.seconds)
        self._publish(time.monotonic())

    def _tell_of_sums(self) -> None:
        """Keep, log and alert what the book keeps as a sum and is none."""
        problems, self._hash.problems = self._hash.problems, []
        sequence = self._prover.sequence
        for index, problem in enumerate(problems):
            self._prover.mismatches.add_sum(sequence, problem)
            self._log.critical("sum differs", sequence=sequence, problem=problem)
            alert = sum_differs(sequence, time.time_ns(), problem)
            alert.index = SUM_INDEX + index
            self._alerts.add((sequence, alert.index), alert_message(alert))

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
        figures.open_streams = len(self._streams)
        figures.records_total = prover.folded
        figures.snapshot_sequence = snapshots.sequence
        figures.snapshot_seconds = snapshots.seconds
        figures.state_hash_sequence = hashed.sequence
        figures.state_hash_seconds = hashed.seconds
        figures.revalued_accounts_total = self._sweep.valued
        figures.revaluation_failures_total = self._sweep.failures
        figures.alerts = dict(self._alerts.counted)
        figures.unacknowledged_alerts = dict(self._alerts.unacknowledged)
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
