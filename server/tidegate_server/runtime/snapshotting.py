"""Snapshots: taken from the follower's proven state, loaded at its start.

A snapshot is proved twice before it counts. While its records are written, each one is also loaded
into a second book, whose state hash must be that of the first; and the file is read back whole
before it gets its name. The second book doubles the follower's memory while it lasts.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.engine.state import Book
from tidegate_server.journal import (
    JournalError,
    SnapshotMark,
    disk,
    list_snapshots,
    read_snapshot,
    write_snapshot,
)
from tidegate_server.journal.folder import SNAPSHOTS
from tidegate_server.wire.order_snapshots import SnapshotError
from tidegate_server.wire.snapshots import Loader

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


class Snapshots:
    """Takes a snapshot whenever enough records have been folded since the last one.

    Only one process may have one of these: the follower's lock sees to it.
    """

    __slots__ = (
        "_beside",
        "_every",
        "_folder",
        "_log",
        "_not_before_s",
        "_shard",
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
        beside: Callable[[Place], None],
    ) -> None:
        """Take `beside`, which keeps what must lie beside a snapshot before it counts."""
        self._beside = beside
        self._folder = folder
        self._shard = shard
        self._every = every
        self._log = log
        self._not_before_s = 0.0
        self.sequence = sequence
        self.seconds = 0.0
        for leftover in (folder / SNAPSHOTS).glob("*" + disk.ASIDE):
            leftover.unlink(missing_ok=True)  # of a follower that was killed over it

    def take_if_due(self, machine: Machine, place: Place) -> None:
        """Take one if it is due."""
        due = place.sequence - self.sequence >= self._every
        if due and time.monotonic() >= self._not_before_s:
            self._take(machine, place)

    def take_last(self, machine: Machine, place: Place, hash_seconds: float) -> None:
        """Take one at the end, if it is worth it and quick, going by the last state hash."""
        worth = place.sequence - self.sequence >= min(WORTH_RECORDS, self._every)
        if worth and hash_seconds * SECONDS_A_HASH <= END_SECONDS:
            self._take(machine, place)

    def _take(self, machine: Machine, place: Place) -> None:
        begin = time.monotonic()
        mark = SnapshotMark(
            sequence=place.sequence,
            frame_sequence=place.frame_sequence,
            chain=place.chain or b"",
            epoch=place.epoch,
            shard=self._shard,
            rules_version=RULES_VERSION,
            time_ns=place.time_ns,
        )
        records = machine.snapshot_records(mark.chain.hex())
        try:
            self._beside(place)
            path = write_snapshot(self._folder, mark, _prove(records))
        except (OSError, *UNSOUND) as error:
            self._not_before_s = time.monotonic() + RETRY_SECONDS
            self._log.error("snapshot failed", sequence=mark.sequence, problem=str(error))
            return
        self.sequence = mark.sequence
        self.seconds = time.monotonic() - begin
        self._log.info("snapshot", file=path.name, seconds=round(self.seconds, 3))


def _prove(records: Iterable[bytes]) -> Iterator[bytes]:
    """Pass records on, and load them; raises SnapshotError at the end if the state differs."""
    loader = Loader(Book())
    for record in records:
        loader.load(record)
        yield record
    loader.finish()
