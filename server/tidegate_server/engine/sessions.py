"""When an instrument may be traded: its board's sessions within risk's own window (4.6).

Spans are [open, close), in ns: of the epoch, or of the UTC day for the policy's window.
"""

from __future__ import annotations

from typing import Final

from .instrument import Instrument
from .policy import Policy
from .state import Book

DAY_NS: Final = 86_400 * 10**9

Span = tuple[int, int]


def is_open(book: Book, policy: Policy, instrument: Instrument, now_ns: int) -> bool:
    """Tell whether board and policy let the instrument be traded; keeps the span as a memo."""
    if instrument.open_from_ns <= now_ns < instrument.open_until_ns:
        return True
    session = session_at(book, instrument.terms.board, now_ns)
    window = window_at(policy, now_ns)
    if session is None or window is None:
        return False
    instrument.open_from_ns = max(session[0], window[0])
    instrument.open_until_ns = min(session[1], window[1])
    return True


def session_at(book: Book, board: str, now_ns: int) -> Span | None:
    """Return the board's session that holds now; None where it has none."""
    for session in book.sessions.get(board, ()):
        if session[0] <= now_ns < session[1]:
            return session
    return None


def window_at(policy: Policy, now_ns: int) -> Span | None:
    """Return the occurrence of the policy's window that holds now; None outside of it."""
    time_of_day = now_ns % DAY_NS
    midnight = now_ns - time_of_day
    for opens, closes in pieces(policy.trading_window):
        if opens <= time_of_day < closes:
            return midnight + opens, midnight + closes
    return None


def pieces(window: Span | None) -> list[Span]:
    """Return a window as parts of one day, none over midnight; no window is the whole day."""
    if window is None:
        return [(0, DAY_NS)]
    opens, closes = window
    return [window] if opens < closes else [(0, closes), (opens, DAY_NS)]


def is_within(inner: Span | None, outer: Span | None) -> bool:
    """Tell whether one window is nowhere open where the other is not."""
    wholes = pieces(outer)
    for part in pieces(inner):
        if not any(whole[0] <= part[0] and part[1] <= whole[1] for whole in wholes):
            return False
    return True
