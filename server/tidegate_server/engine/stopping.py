"""Halts and reduce-only: set by one person, taken back by two (8.1).

A release takes effect when a second person asks the same before the policy's time is over. Nothing
has to fall due: a first request that came too long ago is void when the next one is looked at.
"""

from __future__ import annotations

from typing import Final

from .outcomes import Outcome, Refusal
from .policy import DEFAULT_RELEASE_WINDOW_NS
from .staff_commands import Release, SetStop
from .staff_outcomes import ReleaseOutcome
from .state import Book
from .stop import Stop

# Whoever calls without a token or certificate: nobody in particular, so never the second person.
LOCAL: Final = "local"


def decide_stop(book: Book, command: SetStop, now_ns: int) -> Outcome | Refusal:
    """Set a stop; one that stands is answered again, one that stands elsewhere cannot move."""
    known = book.stops.get(command.stop_id)
    if known is None:
        return Outcome(book.sequence + 1, now_ns)
    if (known.kind, known.scope_kind, known.scope_id) != (
        command.kind,
        command.scope_kind,
        command.scope_id,
    ):
        return Refusal(
            "IMMUTABLE",
            f"stop {command.stop_id} stands on another scope: choose another id",
            {"field": "stop_id", "stop_id": command.stop_id},
        )
    repeat = Outcome(known.sequence, known.set_time_ns)
    repeat.replayed = True
    return repeat


def decide_release(book: Book, command: Release, now_ns: int) -> ReleaseOutcome | Refusal:
    """Take a stop back as the second person, or ask for it as the first."""
    stop = book.stops.get(command.stop_id)
    if stop is None:
        return Refusal(
            "NOT_FOUND",
            f"no halt or reduce-only has the id {command.stop_id}",
            {"kind": "stop", "id": command.stop_id},
        )
    window_ns = DEFAULT_RELEASE_WINDOW_NS
    if book.policy is not None:
        window_ns = book.policy.release_window_ns
    sequence = book.sequence + 1
    if not is_asked_for(stop, window_ns, now_ns):
        return ReleaseOutcome(sequence, now_ns, now_ns + window_ns)
    if stop.release_principal == command.principal:
        repeat = ReleaseOutcome(
            stop.release_sequence, stop.release_time_ns, stop.release_time_ns + window_ns
        )
        repeat.replayed = True
        return repeat
    if command.principal == LOCAL:
        return second_person(command.principal, stop.release_principal)
    return ReleaseOutcome(sequence, now_ns, 0)


def is_asked_for(stop: Stop, window_ns: int, now_ns: int) -> bool:
    """Tell whether a first person's request still counts under the window in force."""
    return bool(stop.release_principal) and now_ns < stop.release_time_ns + window_ns


def second_person(principal: str, first: str) -> Refusal:
    """Say that somebody else must do it, under a name of their own."""
    return Refusal(
        "SECOND_PERSON",
        f"{principal} cannot be the second person after {first}: it takes another named principal",
        {"principal": principal, "first": first},
    )


def apply_stop(book: Book, command: SetStop, time_ns: int) -> None:
    """Set a stop, unless it stands."""
    if command.stop_id not in book.stops:
        book.add_stop(
            Stop(
                command.stop_id,
                command.kind,
                command.scope_kind,
                command.scope_id,
                command.principal,
                command.reason,
                time_ns,
                book.sequence + 1,
            )
        )


def apply_release(book: Book, command: Release, outcome: ReleaseOutcome, time_ns: int) -> None:
    """Take a stop back, or note who asked for it."""
    if not outcome.pending_until_ns:
        book.remove_stop(command.stop_id)
        return
    stop = book.stops[command.stop_id]
    stop.release_principal = command.principal
    stop.release_time_ns = time_ns
    stop.release_sequence = book.sequence + 1
