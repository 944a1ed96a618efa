"""Snapshots: taken from the follower's proven state, loaded at its start.

A snapshot is proved twice before it counts. While its records are written, each one is also loaded
into a second book, whose state hash must be that of the first; and the file is read back whole
before it gets its name.

All that is the work of a forked copy of the follower, which would otherwise stand still for some
80 us an account. The copy writes aside and no more: what it has prepared gets its name from the
follower, so that one that is killed can leave nothing that its successor might take for its own.
There is one copy at a time. Where the journal grows by more than is due while one is at work, the
next begins as soon as that one has ended.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Final

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.engine.state import Book
from tidegate_server.journal import (
    JournalError,
    SnapshotMark,
    list_snapshots,
    prepare_snapshot,
    publish_snapshot,
    read_snapshot,
    remove_prepared,
)
from tidegate_server.wire.order_snapshots import SnapshotError
from tidegate_server.wire.snapshots import Loader

from .forking import Forked
from .proving import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.wire.machine import Machine

#: A clean end is worth a snapshot from so many new records on, if it is quick, for whoever asked
#: for the end does not wait for long. A snapshot takes some six times as long as a state hash.
WORTH_RECORDS: Final = 1_000
END_SECONDS: Final = 1.5
SECONDS_A_HASH: Final = 6
RETRY_SECONDS: Final = 60.0
#: A copy that has not ended by then never will: something went wrong that nobody thought of.
LONGEST_SECONDS: Final = 3_600.0

#: Why a snapshot may not be usable.
UNSOUND: Final = (JournalError, SnapshotError, ValueError, KeyError)


def load_newest(folder: Path, machine: Machine) -> tuple[Place, list[str]]:
    """Load the newest sound snapshot; return where it ends, and what was passed over."""
    passed_over: list[str] = []
    for path in list_snapshots(folder):
        try:
            return load(path, machine), passed_over
        except UNSOUND as error:
            passed_over.append(f"{path.name}: {error}")
    return Place(), passed_over


def load(path: Path, machine: Machine) -> Place:
    """Load one snapshot; raises one of UNSOUND, the machine being as it was."""
    snapshot = read_snapshot(path)
    machine.load_snapshot(snapshot.records)
    mark = snapshot.mark
    return Place(mark.sequence, mark.frame_sequence, mark.chain, mark.epoch, mark.time_ns)


class Beside(ABC):
    """What must lie beside a snapshot before that counts."""

    @abstractmethod
    def prepare(self, place: Place) -> None:
        """Write aside what belongs to a snapshot of this place, where the state stands now."""

    @abstractmethod
    def publish(self, place: Place) -> None:
        """Let what was prepared for this place count. Raises OSError."""


class Snapshots:
    """Takes a snapshot whenever enough records have been folded since the last one.

    Only one process may have one of these: the follower's lock sees to it. `sequence` is where the
    newest snapshot ends, `seconds` what it took.
    """

    __slots__ = (
        "_begin_s",
        "_beside",
        "_every",
        "_folder",
        "_log",
        "_not_before_s",
        "_place",
        "_shard",
        "_work",
        "seconds",
        "sequence",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - each is a fact of the start
        self,
        folder: Path,
        shard: int,
        every: int,
        sequence: int,
        log: FilteringBoundLogger,
        beside: Beside,
    ) -> None:
        self._beside = beside
        self._folder = folder
        self._shard = shard
        self._every = every
        self._log = log
        self._not_before_s = 0.0
        self._begin_s = 0.0
        self._place = Place()
        self._work: Forked | None = None
        self.sequence = sequence
        self.seconds = 0.0
        remove_prepared(folder)  # by a follower that was killed over it

    def begin_if_due(self, machine: Machine, place: Place) -> None:
        """Begin one if it is due and none is under way."""
        due = self._work is None and place.sequence - self.sequence >= self._every
        if due and time.monotonic() >= self._not_before_s:
            try:
                self._work = Forked(self._begin(machine, place))
            except OSError as error:
                self._fail(str(error))

    def step(self) -> None:
        """Look whether the one under way has ended, without waiting for it."""
        if self._work is None:
            return
        problem = self._work.outcome()
        if problem is None and time.monotonic() - self._begin_s > LONGEST_SECONDS:
            problem = f"it has not ended after {LONGEST_SECONDS:.0f} s"
        if problem is None:
            return
        self._end_work()
        if problem:
            self._fail(problem)
        else:
            self._publish()

    def take_last(self, machine: Machine, place: Place, hash_seconds: float) -> None:
        """Take one at the end, if it is worth it and quick, going by the last state hash."""
        self.close()
        worth = place.sequence - self.sequence >= min(WORTH_RECORDS, self._every)
        if worth and hash_seconds * SECONDS_A_HASH <= END_SECONDS:
            try:
                self._begin(machine, place)()
            except (OSError, *UNSOUND) as error:
                self._fail(str(error))
            else:
                self._publish()

    def close(self) -> None:
        """Give up the one under way, unless it has just ended."""
        self.step()
        if self._work is not None:
            self._end_work()
            self._clear()

    def _begin(self, machine: Machine, place: Place) -> Callable[[], None]:
        """Return what prepares a snapshot of this place, where the state stands now."""
        self._begin_s = time.monotonic()
        self._place = place
        beside = partial(self._beside.prepare, place)
        return partial(_prepare, self._folder, self._mark(), machine, beside)

    def _mark(self) -> SnapshotMark:
        place = self._place
        return SnapshotMark(
            sequence=place.sequence,
            frame_sequence=place.frame_sequence,
            chain=place.chain or b"",
            epoch=place.epoch,
            shard=self._shard,
            rules_version=RULES_VERSION,
            time_ns=place.time_ns,
        )

    def _end_work(self) -> None:
        if self._work is not None:
            self._work.close()
            self._work = None

    def _publish(self) -> None:
        """Let what was prepared count."""
        try:
            self._beside.publish(self._place)
            path = publish_snapshot(self._folder, self._mark())
        except OSError as error:
            self._fail(str(error))
            return
        self.sequence = self._place.sequence
        self.seconds = time.monotonic() - self._begin_s
        self._log.info("snapshot", file=path.name, seconds=round(self.seconds, 3))

    def _fail(self, problem: str) -> None:
        """Tell of it, and try again later; what was prepared may be what fills the disk."""
        self._not_before_s = time.monotonic() + RETRY_SECONDS
        self._log.error("snapshot failed", sequence=self._place.sequence, problem=problem)
        self._clear()

    def _clear(self) -> None:
        """Remove what was prepared; what cannot be removed now is at the next start."""
        with contextlib.suppress(OSError):
            remove_prepared(self._folder)


def _prepare(
    folder: Path, mark: SnapshotMark, machine: Machine, beside: Callable[[], None]
) -> None:
    """Write one aside and prove it, and what lies beside it; raises OSError or one of UNSOUND."""
    beside()
    prepare_snapshot(folder, mark, _prove(machine.snapshot_records(mark.chain.hex())))


def _prove(records: Iterable[bytes]) -> Iterator[bytes]:
    """Pass records on, and load them; raises SnapshotError at the end if the state differs."""
    loader = Loader(Book())
    for record in records:
        loader.load(record)
        yield record
    loader.finish()
