"""Prove a journal from its files: frames, outcomes, snapshots, sums. Nothing is changed.

It needs no gate, and disturbs none that is running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.engine.state import UNBOUNDED
from tidegate_server.journal import RecoveryRefusedError, RecoveryRow, list_snapshots, recover
from tidegate_server.journal.segments import list_segments
from tidegate_server.wire.machine import Machine

from .proving import Place, fold, is_comparable
from .snapshotting import UNSOUND, load
from .sums_proof import SumsProof

if TYPE_CHECKING:
    from pathlib import Path

    from tidegate_server.journal import Frame, Recovery

    from .config import Config

#: So many findings are spelled out in the message.
SPELLED_OUT: Final = 10
#: Sums are added up from the accounts at the end, and so many records apart: at least the first
#: figure, and a record for each so many parts of the book, so that it takes little of the time.
SUMS_RECORDS: Final = 10_000
PARTS_A_RECORD: Final = 4


class Report:
    """What was found. `mismatches` counts outcomes, snapshots and sums; 0, or it is an incident.

    `state_hash` and `chain_head` are those after `last_sequence`; `first_sequence` is later than 1
    where older segments were archived, and the proof begins at a snapshot.
    """

    __slots__ = (  # noqa: RUF023 - in the order in which they are shown
        "records",
        "first_sequence",
        "last_sequence",
        "epoch",
        "frames",
        "segments",
        "snapshots_checked",
        "sums_checked",
        "mismatches",
        "state_hash",
        "chain_head",
        "row",
        "message",
    )

    def __init__(self) -> None:
        self.records = 0
        self.first_sequence = 0
        self.last_sequence = 0
        self.epoch = 0
        self.frames = 0
        self.segments = 0
        self.snapshots_checked = 0
        self.sums_checked = 0
        self.mismatches = 0
        self.state_hash = ""
        self.chain_head = ""
        self.row = ""
        self.message = ""


def verify(config: Config, *, until: int | None = None) -> Report:
    """Decide every record again, up to record `until`, and compare; check the snapshots on the way.

    Raises RecoveryRefusedError with a row of the recovery table, or NotADataFolderError.
    """
    return _Proof(config, until).run()


class _Proof:
    """One pass."""

    def __init__(self, config: Config, until: int | None) -> None:
        self._folder: Path = config.folder
        self._shard = config.shard
        self._until = until
        self._machine = self._new_machine()
        self._report = Report()
        self._problems: list[str] = []
        self._sums = SumsProof()
        self._sums_from = 0

    def run(self) -> Report:
        report = self._report
        recovery, start = self._open()
        snapshots = self._read_snapshots(start.sequence)
        report.first_sequence = start.sequence + 1
        report.epoch = start.epoch
        report.chain_head = (start.chain or b"").hex()
        report.row = recovery.row.name
        report.segments = len(list_segments(self._folder))
        for frame in recovery.frames:
            if self._until is not None and frame.first_sequence > self._until:
                break
            self._take(frame, snapshots)
        self._add_up()
        report.last_sequence = self._machine.sequence
        report.state_hash = self._machine.state_hash()
        report.mismatches = len(self._problems)
        shown = self._problems[:SPELLED_OUT]
        if more := len(self._problems) - len(shown):
            shown.append(f"and {more:,} more")
        # Terminals that know markup read square brackets as such.
        text = "; ".join([recovery.message, *shown])
        report.message = text.replace("[", "(").replace("]", ")")
        return report

    def _new_machine(self) -> Machine:
        machine = Machine()
        machine.book.order_id_limit = UNBOUNDED
        return machine

    def _open(self) -> tuple[Recovery, Place]:
        """Prove the frames: all, or those after the oldest sound snapshot that is left."""
        try:
            return self._recover(Place()), Place()
        except RecoveryRefusedError as error:
            if error.row is not RecoveryRow.MISSING_SEGMENT:
                raise
            for path in reversed(list_snapshots(self._folder)):
                try:
                    start = load(path, self._machine)
                except UNSOUND:
                    continue
                return self._recover(start), start
            raise

    def _recover(self, start: Place) -> Recovery:
        return recover(
            self._folder,
            shard=self._shard,
            rules_version=RULES_VERSION,
            from_sequence=start.sequence,
            from_chain=start.chain,
            repair=False,
        )

    def _read_snapshots(self, after: int) -> dict[int, str]:
        """Return the state hash of each sound snapshot by its sequence; note the others."""
        found: dict[int, str] = {}
        for path in list_snapshots(self._folder):
            machine = self._new_machine()
            try:
                place = load(path, machine)
            except UNSOUND as error:
                self._problems.append(f"snapshot {path.name}: {error}")
                continue
            if place.sequence > after and (self._until is None or place.sequence <= self._until):
                found[place.sequence] = machine.state_hash()
        return found

    def _take(self, frame: Frame, snapshots: dict[int, str]) -> None:
        """Fold one frame, or its records up to the last that is wanted."""
        machine, report = self._machine, self._report
        compare = is_comparable(frame)
        sequence = frame.first_sequence
        for record in frame.records:
            if self._until is not None and sequence > self._until:
                break
            if sequence > machine.sequence:
                folded = fold(machine, record, frame.header.time_ns, verify=compare)
                if folded.problem:
                    self._problems.append(folded.problem)
                report.records += 1
                if sequence in snapshots:
                    self._compare(sequence, snapshots[sequence])
            sequence += 1
        if report.records >= self._sums_from:
            self._add_up()
        report.frames += 1
        report.epoch = frame.header.epoch
        report.chain_head = frame.digest.hex()

    def _add_up(self) -> None:
        """Compare the sums that the book keeps with their parts."""
        book = self._machine.book
        self._problems += self._sums.look(book)
        self._report.sums_checked += 1
        parts = len(book.accounts) + len(book.instruments) + book.order_id_count
        self._sums_from = self._report.records + max(SUMS_RECORDS, parts // PARTS_A_RECORD)

    def _compare(self, sequence: int, state_hash: str) -> None:
        self._report.snapshots_checked += 1
        found = self._machine.state_hash()
        if found != state_hash:
            self._problems.append(
                f"snapshot {sequence} has state hash {state_hash}, the journal gives {found}"
            )
