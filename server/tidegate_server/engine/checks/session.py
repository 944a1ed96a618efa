"""4.6 SESSION_CLOSED."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.sessions import is_open, window_at


def session_closed(judged: Judgement) -> Rejection | None:
    """Refuse outside of risk's window, which the firm names, and of the board's sessions."""
    policy, now_ns = judged.policy, judged.now_ns
    instrument = judged.instrument
    if is_open(judged.book, policy, instrument, now_ns):
        return None
    reason = RejectReason.SESSION_CLOSED
    if window_at(policy, now_ns) is None:
        return Rejection(reason, None, None, ScopeKind.FIRM, "", "trading_window")
    return Rejection(reason, None, None, ScopeKind.BOARD, instrument.terms.board)
