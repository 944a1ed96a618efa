"""The journal: frames and files of opaque records that survive what they promise to survive.

Start: `own` the folder, `recover`, `persist_epoch`, then `Writer.commit` once for each commit.
Other processes read with `Tail` and `Page`.
"""

from __future__ import annotations

from tidegate_server.journal.disk import publish, write_aside
from tidegate_server.journal.errors import (
    REFUSALS,
    FrameTooLargeError,
    JournalError,
    JournalFailedError,
    JournalOwnedError,
    NotADataFolderError,
    RecoveryRefusedError,
    RecoveryRow,
    TailDamagedError,
)
from tidegate_server.journal.folder import (
    Identity,
    Owner,
    making,
    own,
    persist_epoch,
    read_epoch,
    read_identity,
    read_watermark,
)
from tidegate_server.journal.frames import (
    FORMAT_VERSION,
    MAXIMUM_PAYLOAD_BYTES,
    MAXIMUM_RECORDS,
    OVERHEAD_BYTES,
    Frame,
    Header,
    frame_bytes,
)
from tidegate_server.journal.log import Durability, Writer
from tidegate_server.journal.pages import Mark, Page
from tidegate_server.journal.recovery import Recovery, recover
from tidegate_server.journal.segments import SEGMENT_BYTES, Position
from tidegate_server.journal.snapshots import (
    Snapshot,
    SnapshotMark,
    list_snapshots,
    prepare_snapshot,
    publish_snapshot,
    read_snapshot,
    remove_prepared,
    write_snapshot,
)
from tidegate_server.journal.tail import Tail

__all__ = [
    "FORMAT_VERSION",
    "MAXIMUM_PAYLOAD_BYTES",
    "MAXIMUM_RECORDS",
    "OVERHEAD_BYTES",
    "REFUSALS",
    "SEGMENT_BYTES",
    "Durability",
    "Frame",
    "FrameTooLargeError",
    "Header",
    "Identity",
    "JournalError",
    "JournalFailedError",
    "JournalOwnedError",
    "Mark",
    "NotADataFolderError",
    "Owner",
    "Page",
    "Position",
    "Recovery",
    "RecoveryRefusedError",
    "RecoveryRow",
    "Snapshot",
    "SnapshotMark",
    "Tail",
    "TailDamagedError",
    "Writer",
    "frame_bytes",
    "list_snapshots",
    "making",
    "own",
    "persist_epoch",
    "prepare_snapshot",
    "publish",
    "publish_snapshot",
    "read_epoch",
    "read_identity",
    "read_snapshot",
    "read_watermark",
    "recover",
    "remove_prepared",
    "write_aside",
    "write_snapshot",
]
