"""4.4 HALTED and 4.5 REDUCE_ONLY."""

from __future__ import annotations

from tidegate_server.engine.account import Account
from tidegate_server.engine.commands import REGIME_HALTED, STOP_HALT, STOP_REDUCE_ONLY
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.state import Book
from tidegate_server.engine.stop import Stop


def halted(book: Book, account: Account, instrument_id: str, principal: str) -> Rejection | None:
    """Refuse while a halt stands on any scope of the order, or the regime is halted (4.4)."""
    stop = None
    if book.stops:
        stop = _standing(book, STOP_HALT, account, instrument_id, principal)
    if book.regime == REGIME_HALTED and (stop is None or stop.scope_kind != ScopeKind.FIRM):
        return Rejection(RejectReason.HALTED, None, None, ScopeKind.FIRM, "", "regime")
    return _rejection(RejectReason.HALTED, stop) if stop is not None else None


def reduce_only(
    book: Book, account: Account, instrument_id: str, principal: str
) -> Rejection | None:
    """Refuse new risk while any scope of the order is reduce-only (4.5)."""
    if not book.stops:
        return None
    stop = _standing(book, STOP_REDUCE_ONLY, account, instrument_id, principal)
    return _rejection(RejectReason.REDUCE_ONLY, stop) if stop is not None else None


def false_claim(account: Account) -> Rejection:
    """Refuse an order that says it only reduces and does not (3.3, 4.5)."""
    return Rejection(RejectReason.REDUCE_ONLY, None, None, ScopeKind.ACCOUNT, account.account_id)


def is_stopped(book: Book, account: Account, instrument_id: str, principal: str) -> bool:
    """Tell whether any halt or reduce-only stands on a scope of the order."""
    stops_at = book.stops_at
    scopes = _scopes(account, instrument_id, principal)
    return any(scope in stops_at for scope in scopes)


def _standing(
    book: Book, kind: int, account: Account, instrument_id: str, principal: str
) -> Stop | None:
    """Return the first stop: firm, groups from the top, account, instrument, principal."""
    for scope in _scopes(account, instrument_id, principal):
        for stop in book.stops_at.get(scope, ()):
            if stop.kind == kind:
                return stop
    return None


def _scopes(account: Account, instrument_id: str, principal: str) -> list[tuple[int, str]]:
    """Return the scopes of an order that can be stopped, in the order in which they count."""
    return [
        (1, ""),
        *[(2, group_id) for group_id in reversed(account.groups)],
        (3, account.account_id),
        (6, instrument_id),
        (7, principal),
    ]


def _rejection(reason: RejectReason, stop: Stop) -> Rejection:
    return Rejection(
        reason,
        None,
        None,
        ScopeKind(stop.scope_kind),
        stop.scope_id,
        stop.stop_id,
        f"{stop.principal}: {stop.reason}",
    )
