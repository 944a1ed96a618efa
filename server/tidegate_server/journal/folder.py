"""The data folder: layout, identity, owner, epoch.

lock            flock of the one process that writes here
unfinished      there until everything else is, for the first time
identity.json   what the journal is: format, shard, currency, a random id; never changed
epoch           the newest epoch that this folder has served
watermark       how far the journal was acknowledged (see pages.py)
journal/        segments, named by their first frame
torn/           copies of tails that were cut short
snapshots/      compacted journals
"""

from __future__ import annotations

import json
import zlib
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal import disk
from tidegate_server.journal.errors import (
    JournalOwnedError,
    NotADataFolderError,
    RecoveryRefusedError,
    RecoveryRow,
)
from tidegate_server.journal.frames import DIGEST_BYTES, FORMAT_VERSION
from tidegate_server.journal.pages import Mark, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

JOURNAL = "journal"
TORN = "torn"
SNAPSHOTS = "snapshots"
_IDENTITY = "identity.json"
_EPOCH = "epoch"
_LOCK = "lock"
_UNFINISHED = "unfinished"
_WATERMARK = "watermark"
_ID_BYTES = 16
MAXIMUM_EPOCH = 2**63 - 1


class Identity(NamedTuple):
    """What a journal is; written once when its folder is made."""

    format_version: int
    shard: int
    currency: str
    created_time_ns: int
    journal_id: str  # random: seeds the header checksums, so that callers cannot forge them

    @property
    def header_seed(self) -> int:
        """The start value of every header checksum of this journal."""
        return zlib.crc32(self.journal_id.encode())

    @property
    def genesis(self) -> bytes:
        """The digest that the first frame continues."""
        return blake2b(_canonical(self._asdict()), digest_size=DIGEST_BYTES).digest()


class Owner:
    """The ownership of a data folder, held until `close` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; raise JournalOwnedError or NotADataFolderError."""
        _require_finished(folder)
        _require_folder(folder)
        descriptor = disk.lock(folder / _LOCK)
        if descriptor is None:
            raise JournalOwnedError(
                f"{folder} is owned by another running process: stop it,"
                " or start this one with a data folder of its own"
            )
        self.folder = folder
        self._descriptor = descriptor

    def close(self) -> None:
        """Give the folder back; more than once is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            disk.close(descriptor)

    def __enter__(self) -> Owner:  # noqa: PYI034  (nothing derives from it)
        """Return the owner itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the folder back."""
        self.close()


def own(folder: Path) -> Owner:
    """Take a data folder for this process alone.

    Raises JournalOwnedError when another process has it.
    """
    return Owner(folder)


@contextmanager
def making(folder: Path, *, shard: int, currency: str, created_time_ns: int) -> Iterator[Identity]:
    """Make a new data folder, and hand over its identity to whoever fills it.

    What is cut short, by an error or a crash, is not served and can be made again. Raises
    NotADataFolderError when the folder has anything of others in it or is a file, and
    JournalOwnedError while another process makes it.
    """
    _require_free(folder)
    disk.make_folder(folder)
    descriptor = disk.lock(folder / _LOCK)
    if descriptor is None:
        raise JournalOwnedError(f"{folder} is being made by another process")
    try:
        _require_free(folder)
        disk.replace_file(folder / _UNFINISHED, b"")
        for name in disk.list_names(folder):
            if name not in (_LOCK, _UNFINISHED):
                disk.remove_tree(folder / name)
        journal_id = disk.random_bytes(_ID_BYTES).hex()
        identity = Identity(FORMAT_VERSION, shard, currency, created_time_ns, journal_id)
        for part in (JOURNAL, TORN, SNAPSHOTS):
            disk.make_folder(folder / part)
        disk.replace_file(folder / _WATERMARK, Watermark.initial())
        persist_epoch(folder, 0)
        fields = identity._asdict()
        fields["checksum"] = _checksum(identity)
        disk.replace_file(folder / _IDENTITY, json.dumps(fields, indent=2).encode() + b"\n")
        yield identity
        disk.remove(folder / _UNFINISHED)
        disk.sync_folder(folder)
    finally:
        disk.close(descriptor)


def _require_free(folder: Path) -> None:
    """Raise NotADataFolderError unless there is nothing, or what an unfinished `making` left."""
    if disk.is_file(folder):
        raise NotADataFolderError(f"{folder} is a file: give the name of a new folder")
    names = disk.list_names(folder)
    marker = folder / _UNFINISHED
    if marker.name not in names and set(names) - {_LOCK, disk.aside_of(marker).name}:
        raise NotADataFolderError(
            f"{folder} is not empty: give the name of a new folder, or start on what is there"
        )


def read_identity(folder: Path) -> Identity:
    """Return what the journal in this folder is.

    Raises NotADataFolderError, or RecoveryRefusedError when the file is damaged or newer.
    """
    _require_folder(folder)
    path = folder / _IDENTITY
    try:
        fields = json.loads(disk.read_file(path))
        stated = fields.pop("checksum")
        version = fields["format_version"]
        identity = Identity(**fields) if version == FORMAT_VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecoveryRefusedError(
            RecoveryRow.BAD_IDENTITY, f"it cannot be read ({error})", None, path
        ) from None
    if identity is None:
        raise RecoveryRefusedError(
            RecoveryRow.UNKNOWN_VERSION, f"the format version is {version!r}", None, path
        )
    if stated != _checksum(identity):
        raise RecoveryRefusedError(
            RecoveryRow.BAD_IDENTITY, "its checksum does not match", None, path
        )
    return identity


def persist_epoch(folder: Path, epoch: int) -> None:
    """Make an epoch durable; it may be served once this returns."""
    if not 0 <= epoch <= MAXIMUM_EPOCH:
        raise ValueError(f"an epoch is 0 to {MAXIMUM_EPOCH}, not {epoch}")
    disk.replace_file(folder / _EPOCH, _pack_epoch(epoch))


def read_epoch(folder: Path) -> int:
    """Return the newest epoch that this folder has served.

    A bare number with its line end is what a person wrote; without, it may be what is left of a
    longer one. One that is too old makes the journal's frames foreign. Raises
    RecoveryRefusedError when the file is missing or damaged.
    """
    path = folder / _EPOCH
    try:
        content = disk.read_file(path)
        digits = content.split()[0]
        epoch = int(digits)
    except (FileNotFoundError, ValueError, IndexError):
        content, digits, epoch = b"", b"", -1
    is_bare = digits.isdigit() and content == digits + b"\n"
    if not 0 <= epoch <= MAXIMUM_EPOCH or not (is_bare or content == _pack_epoch(epoch)):
        raise RecoveryRefusedError(
            RecoveryRow.BAD_EPOCH, "it is missing or its checksum does not match", None, path
        )
    return epoch


def open_watermark(folder: Path, *, writable: bool) -> Watermark:
    """Map the folder's watermark; raise RecoveryRefusedError when there is no sound one."""
    path = folder / _WATERMARK
    try:
        return Watermark(path, writable=writable)
    except (FileNotFoundError, ValueError) as error:
        raise RecoveryRefusedError(RecoveryRow.BAD_WATERMARK, str(error), None, path) from None


def read_watermark(folder: Path) -> Mark:
    """Return how far the journal was acknowledged; raise RecoveryRefusedError."""
    watermark = open_watermark(folder, writable=False)
    try:
        return watermark.read()
    finally:
        watermark.close()


def _require_finished(folder: Path) -> None:
    if disk.exists(folder / _UNFINISHED):
        raise NotADataFolderError(
            f"{folder} was never finished: make it again with `tidegate init --data {folder}`"
        )


def _require_folder(folder: Path) -> None:
    path = folder / _IDENTITY
    if disk.exists(path):
        return
    _require_finished(folder)
    if disk.is_file(folder):
        raise NotADataFolderError(f"{folder} is a file, not a data folder")
    if disk.exists(folder / JOURNAL):
        raise RecoveryRefusedError(
            RecoveryRow.BAD_IDENTITY, f"{folder} has a journal and no {_IDENTITY}", None, path
        )
    raise NotADataFolderError(
        f"{folder} is not a data folder: it has no {_IDENTITY};"
        f" make it with `tidegate init --data {folder}`"
    )


def _pack_epoch(epoch: int) -> bytes:
    digits = str(epoch).encode()
    return b"%s %08x\n" % (digits, zlib.crc32(digits))


def _canonical(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _checksum(identity: Identity) -> str:
    return identity.genesis.hex()
