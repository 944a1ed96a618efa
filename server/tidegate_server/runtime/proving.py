"""Fold the journal into a machine, deciding every record again, and compare.

The theory. Evolve alone rebuilds the state; deciding again proves that the same command in the
same state still gives the same outcome, byte for byte. Under another rules version it need not
(J10), so such records are folded and not compared. A record that differs is an incident, yet what
was answered stands: it is folded as it was written, and the proof goes on after it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import RecoveryRefusedError, RecoveryRow
from tidegate_server.wire.machine import OutcomeMismatchError
from tidegate_server.wire.validation import MalformedError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from tidegate_server.engine.commands import Command
    from tidegate_server.engine.outcomes import Outcome
    from tidegate_server.journal import Frame, Tail
    from tidegate_server.wire.machine import Machine

    from .follower_mismatches import Mismatches

#: What a program of another version may raise over a record that it cannot fold.
NOT_OURS: Final = (ValueError, KeyError, TypeError, MalformedError)


class Place(NamedTuple):
    """The end of the last frame that was folded."""

    sequence: int = 0
    frame_sequence: int = 0
    chain: bytes | None = None
    epoch: int = 0
    time_ns: int = 0


class Folded(NamedTuple):
    """One record that was folded: what it asked, what became of it, and how that differs or ""."""

    sequence: int
    time_ns: int
    command: Command
    outcome: Outcome
    problem: str


class Observer(ABC):
    """Sees every record that is folded, in order, and the end of each frame."""

    @abstractmethod
    def saw(self, folded: Folded) -> None:
        """Look at one record; the book is as it left it."""

    @abstractmethod
    def frame_ended(self) -> None:
        """Look at the book after a whole frame."""


class Prover:
    """Follows a journal with a machine.

    `folded` counts records; `is_behind` tells whether more waited when it last stopped, and
    `level_at_s` when it last had everything (monotonic), the start if it never had: `was_level`.
    """

    __slots__ = (
        "_log",
        "_tail",
        "folded",
        "is_behind",
        "last_record_at_s",
        "level_at_s",
        "machine",
        "mismatches",
        "observers",
        "place",
        "was_level",
    )

    def __init__(
        self,
        machine: Machine,
        tail: Tail,
        place: Place,
        mismatches: Mismatches,
        log: FilteringBoundLogger,
    ) -> None:
        self.machine = machine
        self.place = place
        self.mismatches = mismatches
        self.observers: list[Observer] = []
        self.folded = 0
        self.is_behind = True
        self.was_level = False
        self.level_at_s = self.last_record_at_s = time.monotonic()
        self._tail = tail
        self._log = log

    @property
    def sequence(self) -> int:
        """The last record that was folded."""
        return self.machine.sequence

    def step(self, budget_s: float) -> bool:
        """Fold frames for about `budget_s`, whole frames only; tell whether more may wait.

        Raises TailDamagedError, or RecoveryRefusedError for what this program cannot fold.
        """
        end = time.perf_counter() + budget_s
        while frames := self._tail.poll(1):
            self._fold(frames[0])
            if time.perf_counter() > end:
                self.is_behind = True
                return True
        self.is_behind = False
        self.was_level = True
        self.level_at_s = time.monotonic()
        return False

    def verdict(self, sequence: int, rules_version: int) -> bool | None:
        """Tell whether a record was decided again as it was; None where it was not."""
        if sequence > self.sequence or rules_version != RULES_VERSION:
            return None
        return sequence not in self.mismatches

    def _fold(self, frame: Frame) -> None:
        machine = self.machine
        header = frame.header
        verify = is_comparable(frame)
        sequence = frame.first_sequence
        for record in frame.records:
            if sequence > machine.sequence:
                folded = fold(machine, record, header.time_ns, verify=verify)
                if problem := folded.problem:
                    self.mismatches.add(sequence, problem)
                    self._log.critical("outcome differs", sequence=sequence, problem=problem)
                for observer in self.observers:
                    observer.saw(folded)
                self.folded += 1
            sequence += 1
        for observer in self.observers:
            observer.frame_ended()
        self.last_record_at_s = time.monotonic()
        self.place = Place(
            header.last_sequence, header.frame_sequence, frame.digest, header.epoch, header.time_ns
        )


def is_comparable(frame: Frame) -> bool:
    """Tell whether this program's rules decided a frame.

    Raises RecoveryRefusedError when newer rules did.
    """
    version = frame.header.rules_version
    if version > RULES_VERSION:
        raise RecoveryRefusedError(
            RecoveryRow.UNKNOWN_VERSION,
            f"record {frame.first_sequence} has rules version {version}, this program knows"
            f" {RULES_VERSION}",
        )
    return version == RULES_VERSION


def fold(machine: Machine, record: bytes, time_ns: int, *, verify: bool) -> Folded:
    """Fold one record as it was written; tell how it differs when decided again.

    Raises RecoveryRefusedError when this program cannot fold it.
    """
    problem = ""
    sequence = machine.sequence + 1
    try:
        if verify:
            try:
                return Folded(sequence, time_ns, *machine.replay(record, time_ns, verify=True), "")
            except OutcomeMismatchError as error:
                problem = str(error)
        command, outcome = machine.replay(record, time_ns, verify=False)
    except OutcomeMismatchError as error:
        raise RecoveryRefusedError(RecoveryRow.UNKNOWN_VERSION, str(error)) from error
    except NOT_OURS as error:
        raise RecoveryRefusedError(
            RecoveryRow.OUTCOME_MISMATCH,
            f"record {sequence} cannot be folded ({error!r}):"
            " run the program version that wrote it",
        ) from error
    return Folded(sequence, time_ns, command, outcome, problem)
