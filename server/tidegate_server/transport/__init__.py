"""The fronts: gRPC on one side, lists of raw calls on the other.

`open_front` chooses one; `Front.run` serves it in the calling thread and hands every call that
waits to one `Turn`.
"""

from __future__ import annotations

from tidegate_server.transport.errors import encode_status
from tidegate_server.transport.front import (
    FOREVER_SECONDS,
    STOP,
    AddressTakenError,
    Call,
    Front,
    FrontClosedError,
    FrontConfig,
    FrontConfigError,
    FrontError,
    Sent,
    Turn,
    beginning_with,
    open_front,
)
from tidegate_server.transport.identity import ROLES, Directory, IdentityError, Principal

__all__ = [
    "FOREVER_SECONDS",
    "ROLES",
    "STOP",
    "AddressTakenError",
    "Call",
    "Directory",
    "Front",
    "FrontClosedError",
    "FrontConfig",
    "FrontConfigError",
    "FrontError",
    "IdentityError",
    "Principal",
    "Sent",
    "Turn",
    "beginning_with",
    "encode_status",
    "open_front",
]
