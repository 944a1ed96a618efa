"""A second person for samples and demonstrations: a named principal with a token of its own.

What takes two persons, a release or an approval, is out of reach of the caller `local` alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from tidegate_server.runtime.config_schema import Config, Principal

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "second"
TOKEN_FILE: Final = "second.token"  # noqa: S105  (a file's name)


def second_person(token: str = "") -> tuple[Principal, str]:
    """Return a principal that may release and approve, with its token; a new one unless given."""
    token = token or secrets.token_hex(32)
    digest = hashlib.sha256(token.encode("ascii")).hexdigest()
    return Principal(name=NAME, roles=("risk", "killer", "approver"), token_sha256=(digest,)), token


def with_second_person(config: Config) -> Config:
    """Return the configuration with a second person whose token lies in the data folder."""
    file = config.folder / TOKEN_FILE
    principal, token = second_person(_read(file))
    if not file.exists():
        _write(file, token)
    return msgspec.structs.replace(config, principals=(principal,))


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


def _write(file: Path, token: str) -> None:
    """Write what only the owner may read."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(token)
