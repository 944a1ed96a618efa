"""Who calls: principals, and how tokens and certificates lead to them.

Tokens are stored as SHA-256 only. A lookup by digest tells an attacker nothing about a token, and
the match is confirmed in constant time. A caller that offers no identity at all is the principal
called `local`, if there is one and only people on this machine can reach the front.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROLES: Final = frozenset(
    {
        "approver",
        "auditor",
        "drop_copy",
        "feed",
        "killer",
        "operator",
        "risk",
        "router",
        "viewer",
    }
)
LOCAL: Final = "local"
NAME_LENGTH: Final = 64

_PRINTABLE: Final = re.compile(r"[!-~]+")
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
_SPIFFE_ID: Final = re.compile(r"spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+")
_BEARER: Final = b"bearer "


class IdentityError(ValueError):
    """The list of principals cannot be used; the text says what to change."""


@dataclass(frozen=True)
class Principal:
    """Somebody who may call: a name, roles, and what proves the name."""

    #: 1 to 64 printable ASCII characters, no space; it stands in every record.
    name: str
    roles: frozenset[str]
    #: Lower-case SHA-256 hex of each accepted token.
    token_sha256: tuple[str, ...] = ()
    spiffe_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise IdentityError unless every field can be used."""
        _check_name(self.name)
        if not self.roles:
            raise IdentityError(f"principal {self.name} has no role: give it one of {_listed()}")
        if unknown := sorted(self.roles - ROLES):
            raise IdentityError(
                f"principal {self.name} has unknown roles {', '.join(unknown)}: use {_listed()}"
            )
        for digest in self.token_sha256:
            _check_digest(self.name, digest)
        for spiffe_id in self.spiffe_ids:
            _check_spiffe_id(self.name, spiffe_id)


class Directory:
    """All principals, found by name, token or certificate.

    Raises IdentityError when two principals share a name, a token or a SPIFFE id.
    """

    def __init__(self, principals: Iterable[Principal]) -> None:
        listed = tuple(principals)
        self._by_name = _index("name", ((who.name, who) for who in listed))
        self._by_digest = _index("token", ((d, who) for who in listed for d in who.token_sha256))
        self._by_spiffe_id = _index(
            "SPIFFE id", ((i, who) for who in listed for i in who.spiffe_ids)
        )
        self.local = self._by_name.get(LOCAL)

    @property
    def principals(self) -> Mapping[str, Principal]:
        """All principals by name."""
        return self._by_name

    def find(self, name: str) -> Principal | None:
        """Return the principal of this name."""
        return self._by_name.get(name)

    def by_authorization(self, value: bytes) -> Principal | None:
        """Return whose token an `authorization` header carries; None for anything else."""
        if value[: len(_BEARER)].lower() != _BEARER:
            return None
        digest = hashlib.sha256(value[len(_BEARER) :].strip(b" ")).hexdigest()
        principal = self._by_digest.get(digest)
        if principal is None:
            return None
        proven = any(hmac.compare_digest(digest, known) for known in principal.token_sha256)
        return principal if proven else None

    def by_spiffe_id(self, spiffe_id: str) -> Principal | None:
        """Return whose certificate names this URI."""
        return self._by_spiffe_id.get(spiffe_id)


def _index(kind: str, pairs: Iterable[tuple[str, Principal]]) -> dict[str, Principal]:
    table: dict[str, Principal] = {}
    for key, principal in pairs:
        if key in table:
            raise IdentityError(
                f"principals {table[key].name} and {principal.name} share a {kind}:"
                " give each its own, once, or merge them"
            )
        table[key] = principal
    return table


def _check_name(name: str) -> None:
    if not _PRINTABLE.fullmatch(name) or len(name) > NAME_LENGTH:
        raise IdentityError(
            f"principal name {name!r} is not 1 to {NAME_LENGTH} printable ASCII characters"
            " without spaces: rename it"
        )


def _check_digest(name: str, digest: str) -> None:
    if not _SHA256_HEX.fullmatch(digest):
        raise IdentityError(
            f"a token of principal {name} is not a SHA-256 in 64 lower-case hex digits:"
            ' store `printf %s "$TOKEN" | sha256sum`, never the token'
        )


def _check_spiffe_id(name: str, spiffe_id: str) -> None:
    if not _SPIFFE_ID.fullmatch(spiffe_id):
        raise IdentityError(
            f"principal {name} has SPIFFE id {spiffe_id!r}:"
            " write it as spiffe://trust-domain/path, as in the certificate"
        )


def _listed() -> str:
    return ", ".join(sorted(ROLES))
