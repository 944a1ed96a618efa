"""A limit's mode between the contract and the engine, both ways (4.28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2
from tidegate_server.engine.limit import MODE_WARN

if TYPE_CHECKING:
    from .validation import Problems


def read_mode(mode: int, problems: Problems, field: str) -> bool:
    """Read whether a limit only warns."""
    problems.need_range(field, mode, 0, MODE_WARN)
    return mode == MODE_WARN


def write_mode(*, warns: bool) -> policy_pb2.LimitMode.ValueType:
    """Return whether a limit only warns, as the contract has it; on is left out."""
    return policy_pb2.LIMIT_MODE_WARN if warns else policy_pb2.LIMIT_MODE_UNSPECIFIED
