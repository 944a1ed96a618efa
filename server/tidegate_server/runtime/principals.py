"""The callers that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.transport import Directory, Principal
from tidegate_server.transport.identity import LOCAL

if TYPE_CHECKING:
    from .config import Config


def directory_of(config: Config) -> Directory:
    """Return the directory of callers; raises IdentityError for what the file cannot mean."""
    listed = [
        Principal(
            who.name,
            frozenset(who.roles),
            token_sha256=who.token_sha256,
            spiffe_ids=who.spiffe_ids,
        )
        for who in config.principals
    ]
    if config.local_roles:
        listed.append(Principal(LOCAL, frozenset(config.local_roles)))
    return Directory(listed)
