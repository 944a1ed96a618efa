"""One gate a data folder: what is asked now and then beside the lock (J8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.journal import JournalOwnedError, RecoveryRefusedError, read_epoch

if TYPE_CHECKING:
    from pathlib import Path


def stay_owner(folder: Path, epoch: int) -> None:
    """Raise JournalOwnedError where a later epoch has begun on a folder, however it got there."""
    try:
        newest = read_epoch(folder)
    except RecoveryRefusedError:  # unreadable: no reason to end, and the next start says so
        return
    if newest > epoch:
        raise JournalOwnedError(
            f"{folder} has served epoch {newest}, this gate is of epoch {epoch}: it ends"
        )
