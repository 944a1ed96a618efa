"""Limits of scopes and concentration tables of sectors and boards, to and from the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import policy_pb2
from tidegate_server.engine.amounts import AMOUNT_BOUND, RATIO_BOUND
from tidegate_server.engine.scope_limits import FIRM, SCOPE_KINDS, ScopeLimits, Scopes

from .bands import read_bands, write_band_list
from .modes import read_mode, write_mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate_server.engine.limit import Band

    from .validation import Problems

SCOPE_LIMIT: Final = 1_000
MAY_BE_NAMELESS: Final = (4, 5)  # instruments without a sector or board


def read_scopes(message: policy_pb2.Policy, problems: Problems) -> Scopes:
    """Read the limits of scopes above and beside the account."""
    problems.need_count("scopes", len(message.scopes), 0, SCOPE_LIMIT)
    found: Scopes = {}
    for index, scope in enumerate(message.scopes):
        prefix = f"scopes[{index}]."
        kind = int(scope.scope_kind)
        need_scope(problems, prefix, kind, scope.scope_id)
        if (kind, scope.scope_id) in found:
            problems.add(prefix + "scope_id", "stands twice")
        found[kind, scope.scope_id] = read_scope(scope, kind, problems, prefix)
    return found


def need_scope(problems: Problems, prefix: str, kind: int, scope_id: str) -> None:
    """Need a scope above or beside the account, by its kind and id."""
    problems.need_one_of(prefix + "scope_kind", kind, SCOPE_KINDS["order_quantity"])
    if kind == FIRM:
        if scope_id:
            problems.add(prefix + "scope_id", "must be empty: there is one firm")
    elif kind in MAY_BE_NAMELESS:
        problems.may_id(prefix + "scope_id", scope_id)
    else:
        problems.need_id(prefix + "scope_id", scope_id)


def read_scope(
    scope: policy_pb2.ScopeLimits, kind: int, problems: Problems, prefix: str
) -> ScopeLimits:
    """Read the limits of one scope."""
    caps: dict[str, int] = {}
    warned: list[str] = []
    for name, kinds in SCOPE_KINDS.items():
        if not scope.HasField(name):  # type: ignore[arg-type] # a name of the contract's
            continue
        if kind not in kinds:
            problems.add(prefix + name, "must be left out: such a scope has no such limit")
        limit = getattr(scope, name)
        high = RATIO_BOUND if name.endswith("_bps") else AMOUNT_BOUND
        problems.need_range(f"{prefix}{name}.value", limit.value, 0, high)
        caps[name] = limit.value
        if read_mode(limit.mode, problems, f"{prefix}{name}.mode"):
            warned.append(name)
    return ScopeLimits(kind, scope.scope_id, caps, warned)


def write_scopes(scopes: Scopes) -> list[policy_pb2.ScopeLimits]:
    """Return the limits of scopes as the contract has them."""
    return [write_scope(scope) for scope in scopes.values()]


def write_scope(scope: ScopeLimits) -> policy_pb2.ScopeLimits:
    """Return the limits of one scope as the contract has them."""
    message = policy_pb2.ScopeLimits(scope_id=scope.scope_id)
    message.scope_kind = scope.kind  # type: ignore[assignment] # numbers are the contract's
    for name, value in scope.caps.items():
        write_limit(message, name, value, warns=name in scope.warned)
    return message


def write_limit(message: policy_pb2.ScopeLimits, name: str, value: int, *, warns: bool) -> None:
    """Write one limit of a scope."""
    mode = write_mode(warns=warns)
    getattr(message, name).CopyFrom(policy_pb2.ScopeLimit(value=value, mode=mode))


def read_tables(
    tables: Iterable[policy_pb2.ScopeTable], problems: Problems, field: str
) -> tuple[dict[str, list[Band]], list[str]]:
    """Read the concentration tables of sectors or boards by id, and which of them only warn."""
    found: dict[str, list[Band]] = {}
    warned: list[str] = []
    for index, table in enumerate(tables):
        prefix = f"{field}[{index}]."
        problems.may_id(prefix + "scope_id", table.scope_id)
        if table.scope_id in found:
            problems.add(prefix + "scope_id", "stands twice")
        found[table.scope_id] = read_bands(table, problems, prefix)
        if read_mode(table.mode, problems, prefix + "mode"):
            warned.append(table.scope_id)
    return found, warned


def write_tables(tables: dict[str, list[Band]], warned: list[str]) -> list[policy_pb2.ScopeTable]:
    """Return them as the contract has them."""
    return [
        policy_pb2.ScopeTable(
            scope_id=name, mode=write_mode(warns=name in warned), bands=write_band_list(bands)
        )
        for name, bands in tables.items()
    ]
