"""Small real data folders for the tests of this room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import tidegate_server
from tidegate_server import journal
from tidegate_server.journal import Durability, Frame, Recovery, Writer

SHARD = 3
RULES = 7
SEGMENT_BYTES = 1024
SERVER = Path(tidegate_server.__file__).parents[1]


def make_folder(folder: Path, *, epoch: int = 1) -> Path:
    """Make a data folder of an empty journal."""
    with journal.making(folder, shard=SHARD, currency="CNY", created_time_ns=5):
        journal.persist_epoch(folder, epoch)
    return folder


def recover(folder: Path, *, from_sequence: int = 0, repair: bool = False) -> Recovery:
    """Recover with this module's shard and rules."""
    return journal.recover(
        folder, shard=SHARD, rules_version=RULES, from_sequence=from_sequence, repair=repair
    )


def open_writer(
    folder: Path,
    *,
    epoch: int = 1,
    durability: Durability = Durability.WRITE,
    segment_bytes: int = SEGMENT_BYTES,
) -> Writer:
    """Recover and continue the journal."""
    return Writer(
        folder,
        recover(folder, repair=True).position,
        shard=SHARD,
        epoch=epoch,
        rules_version=RULES,
        durability=durability,
        segment_bytes=segment_bytes,
    )


def fill(folder: Path, frames: int, *, record_bytes: int = 40) -> list[list[bytes]]:
    """Commit frames of one and two records; return the records of each."""
    writer = open_writer(folder)
    written = []
    for index in range(frames):
        records = [bytes([1 + index % 255]) * record_bytes] * (1 + index % 2)
        writer.commit(records, time_ns=1_000 + index)
        written.append(records)
    writer.close()
    return written


def records_of(frames: list[Frame]) -> list[list[bytes]]:
    """Return only the records of frames."""
    return [frame.records for frame in frames]


def segments(folder: Path) -> list[Path]:
    """Return the segment files, oldest first."""
    return sorted((folder / "journal").glob("*.seg"))


def flip(path: Path, byte: int, bit: int = 0) -> None:
    """Flip one bit of a file in place."""
    with path.open("r+b") as file:
        file.seek(byte)
        (value,) = file.read(1)
        file.seek(byte)
        file.write(bytes([value ^ 1 << bit]))


def start_child(
    source: str, *arguments: object, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Run Python source in a process of its own that can import the journal and this module."""
    root = str(Path(__file__).parents[2])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(SERVER), root)))
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", source, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
