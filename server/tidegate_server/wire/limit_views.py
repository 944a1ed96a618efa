"""What an account uses of each of its limits, as people and programs ask for it (8.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2, usage_pb2
from tidegate_server.engine.standing import NO_USAGE
from tidegate_server.engine.usage import usages

from .encoding import cut

if TYPE_CHECKING:
    from tidegate_server.engine.account import Account
    from tidegate_server.engine.standing import Usage
    from tidegate_server.engine.state import Book


def limit_views(book: Book, account: Account, now_ns: int) -> list[usage_pb2.LimitView]:
    """Return every limit of an account, what binds next first."""
    return shown(usages(book, account, now_ns))


def shown(found: list[Usage]) -> list[usage_pb2.LimitView]:
    """Return limits in the order in which they are shown."""
    return [limit_view(usage) for usage in sorted(found, key=place)]


def place(usage: Usage) -> tuple[bool, bool, int]:
    """Return where a limit is shown: by usage, warnings after what is on, the rest last."""
    if usage.usage_bps == NO_USAGE:
        return True, False, 0
    return False, usage.warns, -usage.usage_bps


def limit_view(usage: Usage) -> usage_pb2.LimitView:
    """Return one limit; figures are cut to 64 bits."""
    return usage_pb2.LimitView(
        name=usage.name,
        value=None if usage.limit is None else cut(usage.limit),
        used=None if usage.measured is None else cut(usage.measured),
        reason=int(usage.reason),  # type: ignore[arg-type] # numbers are the contract's
        setting=usage.setting,  # type: ignore[arg-type] # the same
        mode=policy_pb2.LIMIT_MODE_WARN if usage.warns else policy_pb2.LIMIT_MODE_ON,
        usage_bps=None if usage.usage_bps == NO_USAGE else usage.usage_bps,
        binds_next=usage.binds,
        scope_kind=int(usage.scope_kind),  # type: ignore[arg-type] # the same
        scope_id=usage.scope_id,
        subject=usage.subject,
    )
