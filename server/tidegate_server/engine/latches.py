"""Orders alike: counting them, and the latch that the last one too many leaves (4.15)."""

from __future__ import annotations

from collections import deque

from .account import Account
from .commands import STOP_REPEATED, CheckOrder
from .outcomes import CheckOutcome
from .own_stops import free_id
from .policy import Policy
from .reasons import RejectReason, ScopeKind
from .repeats import Times
from .state import Book
from .stop import GATE, RepeatKey, Stop


def repeat_key(command: CheckOrder) -> RepeatKey:
    """Return what makes orders of one account alike."""
    return command.instrument_id, command.side, command.price_e4, command.quantity


def alike(policy: Policy, account: Account, command: CheckOrder, now_ns: int) -> int:
    """Return how many orders alike there are in the window, this one included."""
    times = account.repeats.get(repeat_key(command))
    return 1 if times is None else 1 + times.since(now_ns - policy.repeat_window_ns)


def repeats_too_often(policy: Policy, account: Account, command: CheckOrder, now_ns: int) -> bool:
    """Tell whether an order is the last one too many."""
    if repeat_key(command) not in account.repeats:  # most orders: nothing to count
        return policy.repeat_count <= 1
    return alike(policy, account, command, now_ns) >= policy.repeat_count


def latch_id(book: Book) -> str:
    """Return the id of a latch that the next record sets."""
    return free_id(book, f"repeated-{book.sequence + 1}")


def count_alike(book: Book, account: Account, command: CheckOrder, outcome: CheckOutcome) -> None:
    """Remember when an order was decided, and latch if it was one too many."""
    key = repeat_key(command)
    time_ns = outcome.decided_time_ns
    times = account.repeats.get(key)
    if times is None:
        account.repeats[key] = Times(time_ns)
    else:
        times.times.append(time_ns)
    book.repeat_queue.append((time_ns, account, key))
    book.repeats_floor_ns = outcome.repeats_floor_ns
    for rejection in outcome.rejections:
        if rejection.reason == RejectReason.ORDER_REPEATED and rejection.measured is not None:
            latch(book, account, key, rejection.subject, rejection.measured, time_ns)


def latch(
    book: Book, account: Account, key: RepeatKey, stop_id: str, count: int, time_ns: int
) -> None:
    """Keep an account out of an instrument until a person releases it, unless it is already."""
    if (account.account_id, key[0]) not in book.latches:
        book.add_stop(
            Stop(
                stop_id,
                STOP_REPEATED,
                ScopeKind.ACCOUNT,
                account.account_id,
                GATE,
                f"{count} orders alike in {key[0]}",
                time_ns,
                book.sequence + 1,
                key,
            )
        )


def uncount_alike(book: Book, account: Account, command: CheckOrder, *, had_latch: bool) -> None:
    """Undo the last `count_alike`; its record is not finished, so nothing was forgotten."""
    key = repeat_key(command)
    times = account.repeats[key]
    times.times.pop()
    if times.front >= len(times.times):
        del account.repeats[key]
    book.repeat_queue.pop()
    book.repeats_floor_ns = 0
    stop = book.latches.get((account.account_id, command.instrument_id))
    if stop is not None and not had_latch:
        book.remove_stop(stop.stop_id)


def forget_old(book: Book) -> None:
    """Forget, at the end of a record, what is no longer in its window."""
    floor_ns = book.repeats_floor_ns
    book.repeats_floor_ns = 0
    queue = book.repeat_queue
    while queue and queue[0][0] <= floor_ns:
        _, account, key = queue.popleft()
        repeats = account.repeats
        if repeats[key].forget_first():
            del repeats[key]


def make_queue(book: Book) -> None:
    """Queue every time that is kept, the oldest first."""
    entries = [
        (time_ns, account, key)
        for account in book.accounts.values()
        for key, times in account.repeats.items()
        for time_ns in times.kept()
    ]
    entries.sort(key=_queue_rank)
    book.repeat_queue = deque(entries)


def _queue_rank(entry: tuple[int, Account, RepeatKey]) -> tuple[int, str, RepeatKey]:
    time_ns, account, key = entry
    return time_ns, account.account_id, key
