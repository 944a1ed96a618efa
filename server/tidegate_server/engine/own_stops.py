"""Stops that the gate sets by itself: freezes, late executions, disputed fills (1.4, 7.1, 7.6).

Whatever a person chose as the id of a stop, elsewhere perhaps, must not keep the gate's own from
being set. So only the gate's own stop of the same kind on the same scope counts as standing; where
somebody else has its id, it takes the next one that is free.
"""

from __future__ import annotations

from .commands import STOP_HALT
from .reasons import ScopeKind
from .state import Book
from .stop import GATE, Stop, frozen_id


def set_own_stop(
    book: Book,
    first_id: str,
    kind: int,
    scope_kind: ScopeKind,
    scope_id: str,
    reason: str,
    time_ns: int,
) -> None:
    """Set a stop of the gate's own, unless it stands."""
    for stop in book.stops_at.get((scope_kind, scope_id), ()):
        numbered = stop.stop_id.startswith(f"{first_id}-")
        if is_own(stop, kind, scope_kind, scope_id) and (numbered or stop.stop_id == first_id):
            return
    stop_id = free_id(book, first_id)
    sequence = book.sequence + 1
    book.add_stop(Stop(stop_id, kind, scope_kind, scope_id, GATE, reason, time_ns, sequence))


def free_id(book: Book, first_id: str) -> str:
    """Return an id of a stop, or the next one by number that no stop has."""
    stop_id = first_id
    number = 1
    while stop_id in book.stops:
        number += 1
        stop_id = f"{first_id}-{number}"
    return stop_id


def is_own(stop: Stop, kind: int, scope_kind: ScopeKind, scope_id: str) -> bool:
    """Tell whether a stop is the gate's own, of that kind on that scope."""
    return (stop.principal, stop.kind, stop.scope_kind, stop.scope_id) == (
        GATE,
        kind,
        scope_kind,
        scope_id,
    )


def freeze(book: Book, scope_kind: ScopeKind, scope_id: str, reason: str, time_ns: int) -> None:
    """Halt an account or instrument until two persons release it."""
    set_own_stop(
        book, frozen_id(scope_kind, scope_id), STOP_HALT, scope_kind, scope_id, reason, time_ns
    )


def is_frozen(book: Book, account_id: str) -> bool:
    """Tell whether the gate itself halts an account."""
    return any(
        is_own(stop, STOP_HALT, ScopeKind.ACCOUNT, account_id)
        for stop in book.stops_at.get((ScopeKind.ACCOUNT, account_id), ())
    )
