"""What can go wrong with a journal: the recovery table, its messages and the exceptions.

JournalError
├── NotADataFolderError     the folder was never made by ``create``, or is not empty for it
├── JournalOwnedError       another process holds the folder
├── JournalFailedError      a write or a flush failed: stop answering and exit
├── FrameTooLargeError      a commit over the bounds, nothing was written
├── TailDamagedError        a reader met damage in what had been acknowledged
└── RecoveryRefusedError    one row of the recovery table says: do not start
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RecoveryRow(Enum):
    """The recovery table: what was found, and what the operator is told to do about it."""

    ALL_VALID = "every frame is valid: nothing to do"
    TORN_TAIL = "the last commit was cut short and never acknowledged: set aside, nothing to do"
    DAMAGE_BEFORE_VALID = (
        "a damaged frame lies before later ones: acknowledged records are damaged;"
        " restore the segment from a copy, do not edit it"
    )
    MISSING_SEGMENT = (
        "a segment is missing: put the archived file back into the journal folder,"
        " or start from a snapshot that covers it"
    )
    BELOW_WATERMARK = (
        "the journal ends before what was acknowledged: acknowledged records are lost;"
        " restore the last segment from a copy"
    )
    CHAIN_MISMATCH = (
        "a sound frame does not continue the chain: frames were edited, reordered or mixed;"
        " treat it as tampering, keep the folder, restore from a trusted copy"
    )
    FOREIGN_EPOCH = (
        "a frame has an epoch that this folder cannot have: another node has written;"
        " find the node with the newest epoch and start only that one"
    )
    FOREIGN_SHARD = (
        "the folder belongs to another shard: start with the data folder or the shard number"
        " that belong together"
    )
    UNKNOWN_VERSION = (
        "a newer program has written here: start that version, an older one must not guess"
    )
    BAD_WATERMARK = (
        "the watermark file is unreadable, so a lost tail could not be told from a torn one:"
        " restore the file from a copy taken with the journal"
    )
    BAD_EPOCH = (
        "the epoch file is unreadable: restore it, or write the newest epoch known into it,"
        " as a bare number with its line end (echo 7 > epoch)"
    )
    BAD_IDENTITY = (
        "identity.json is missing, unreadable or edited: restore it from a copy or a backup of this"
        " folder; a new one would not fit the journal, so make none and remove nothing"
    )
    OUTCOME_MISMATCH = (
        "a record decides differently when decided again under its own rules version:"
        " keep the folder, report it, start the version that wrote the record"
    )
    BAD_SNAPSHOT = "the snapshot is damaged or incomplete: move it away, an older one may do"


REFUSALS = frozenset(set(RecoveryRow) - {RecoveryRow.ALL_VALID, RecoveryRow.TORN_TAIL})


class JournalError(Exception):
    """The root of everything that this package raises on purpose."""


class NotADataFolderError(JournalError):
    """The folder is not what the call needs: an empty one, or one that was made before."""


class JournalOwnedError(JournalError):
    """Another process owns the data folder."""


class JournalFailedError(JournalError):
    """A write or a flush failed; what is on disk is unknown until the next recovery."""


class FrameTooLargeError(JournalError, ValueError):
    """A commit is empty or over the bounds of a frame; nothing was written."""


class TailDamagedError(JournalError):
    """A reader found damage in frames that had been acknowledged."""


class RecoveryRefusedError(JournalError):
    """A row of the recovery table refuses the start; the text tells the operator why."""

    def __init__(
        self,
        row: RecoveryRow,
        message: str,
        offset: int | None = None,
        segment: Path | None = None,
    ) -> None:
        self.row = row
        self.offset = offset
        self.segment = segment
        self.message = describe(row, message, offset, segment)
        super().__init__(self.message)


def describe(row: RecoveryRow, detail: str, offset: int | None, segment: Path | None) -> str:
    """Word one row: name, what was found, where, and what to do."""
    where = "" if segment is None else f" [{segment}"
    if where:
        where += "]" if offset is None else f" at byte {offset}]"
    return f"{row.name}: {detail}{where}: {row.value}"
