"""The disk: the only module of this room that opens, maps, flushes or renames anything.

Small functions over ``os``. Each either has its whole effect or raises OSError; what must survive
a power cut is flushed here, folder entries included.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: The hot path calls the system's functions without a wrapper: each call layer costs 60 ns.
MemoryMap = mmap.mmap
write_at: Final = os.pwritev
read_at: Final = os.pread
flush: Final = os.fdatasync
close: Final = os.close

ASIDE: Final = ".aside"
_FILE_MODE: Final = 0o640
_FOLDER_MODE: Final = 0o750


def open_to_read(path: Path) -> int:
    """Open an existing file for reading."""
    return os.open(path, os.O_RDONLY)


def open_to_write(path: Path) -> int:
    """Open an existing file for writing in place."""
    return os.open(path, os.O_RDWR)


def exists(path: Path) -> bool:
    """Tell whether there is anything under this name."""
    return os.path.lexists(path)


def size_of(path: Path) -> int:
    """Return a file's size in bytes, -1 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def read_file(path: Path) -> bytes:
    """Return all bytes of a file."""
    return path.read_bytes()


def read_start(path: Path, length: int) -> bytes:
    """Return at most the first `length` bytes of a file."""
    with path.open("rb") as file:
        return file.read(length)


def is_file(path: Path) -> bool:
    """Whether there is a file where a folder is wanted."""
    return path.is_file()


def list_names(folder: Path) -> list[str]:
    """Return the sorted names in a folder, none when there is no folder."""
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return []


def make_folder(folder: Path) -> None:
    """Make a folder that other users cannot read, and its entry durable."""
    if not folder.exists():
        folder.mkdir(mode=_FOLDER_MODE, parents=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def aside_of(path: Path) -> Path:
    """Name the file in which `path` is prepared."""
    return path.with_name(path.name + ASIDE)


def write_aside(path: Path, chunks: Iterable[bytes]) -> Path:
    """Write and flush a file beside `path`; it takes effect with `publish`."""
    aside = aside_of(path)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())
    return aside


def publish(path: Path) -> None:
    """Rename what `write_aside` has prepared to its name, durably."""
    move(aside_of(path), path)


def move(source: Path, target: Path) -> None:
    """Rename a file within its folder, durably."""
    source.rename(target)
    sync_folder(target.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Give a file new content: after a crash it holds either the old or the new one."""
    write_aside(path, (content,))
    publish(path)


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def preallocate(path: Path, size: int) -> None:
    """Make an empty file of `size` zero bytes whose space is reserved and whose size is durable."""
    remove(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erase_from(path: Path, offset: int, size: int) -> None:
    """Cut a file at `offset` and fill it with zeros up to `size`, durably."""
    descriptor = open_to_write(path)
    try:
        os.ftruncate(descriptor, offset)
        if size > offset:
            os.posix_fallocate(descriptor, offset, size - offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_file(path: Path) -> None:
    """Make a file's content and size durable."""
    descriptor = open_to_write(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def map_file(path: Path, *, writable: bool) -> MemoryMap:
    """Map a whole file that other processes may have mapped, too."""
    descriptor = open_to_write(path) if writable else open_to_read(path)
    try:
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        return mmap.mmap(descriptor, 0, access=access)
    finally:
        os.close(descriptor)


def lock(path: Path) -> int | None:
    """Take the exclusive lock on a file; None when another process holds it.

    The lock lives as long as the returned descriptor: the system frees it when a process dies.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def random_bytes(length: int) -> bytes:
    """Return unpredictable bytes for the name of a new journal."""
    return os.urandom(length)


def reserve(path: Path, size: int) -> None:
    """Extend a file with zeros to `size` reserved bytes, durably."""
    descriptor = open_to_write(path)
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
