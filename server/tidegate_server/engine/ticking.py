"""What falls due by itself: unanswered orders and ids that need not be kept any more (7.3, 4.3)."""

from __future__ import annotations

from .due import Due
from .outcomes import TickOutcome
from .state import Book

EFFECTS_LIMIT = 256


def decide_tick(book: Book, now_ns: int) -> TickOutcome:
    """Collect what is due, in order of time, 256 effects at most."""
    outcome = TickOutcome(book.sequence + 1, now_ns, [], [], [])
    room = EFFECTS_LIMIT
    # A batch that was decided on trial leaves its entries behind, so one may stand twice.
    queue = book.acknowledge_queue
    seen: set[tuple[str, str]] = set()
    for index in range(queue.front, len(queue.entries)):
        entry = queue.entries[index]
        if entry[0] > now_ns or not room:
            break
        key = (entry[2], entry[3])
        if key not in seen and awaits_answer(book, entry):
            seen.add(key)
            outcome.unconfirmed.append(key)
            room -= 1
    queue = book.forget_queue
    seen = set()
    for index in range(queue.front, len(queue.entries)):
        entry = queue.entries[index]
        if entry[0] > now_ns or not room:
            break
        key = (entry[2], entry[3])
        if key not in seen and may_be_forgotten(book, entry):
            seen.add(key)
            outcome.forgotten.append(key)
            room -= 1
    queue = book.batch_queue
    for index in range(queue.front, len(queue.entries)):
        entry = queue.entries[index]
        if entry[0] > now_ns or not room:
            break
        if entry[2] in book.batches:
            outcome.forgotten_batches.append(entry[2])
            room -= 1
    return outcome


def has_effects(outcome: TickOutcome) -> bool:
    """Tell whether anything was due."""
    return bool(outcome.unconfirmed or outcome.forgotten or outcome.forgotten_batches)


def awaits_answer(book: Book, entry: Due) -> bool:
    """Tell whether an entry's order is still unanswered, under that deadline."""
    order = book.order_of(entry[2], entry[3])
    return (
        order is not None
        and order.acknowledge_by_ns == entry[0]
        and not order.reported
        and not order.unconfirmed
    )


def may_be_forgotten(book: Book, entry: Due) -> bool:
    """Tell whether an entry's order is still kept, under that time, and not open."""
    order = book.order_of(entry[2], entry[3])
    return order is not None and order.keep_until_ns == entry[0] and not order.reserved


def apply_tick(book: Book, outcome: TickOutcome, time_ns: int) -> None:
    """Apply what fell due."""
    for account_id, order_id in outcome.unconfirmed:
        book.accounts[account_id].orders[order_id].unconfirmed = True
        book.unconfirmed_count += 1
    for account_id, order_id in outcome.forgotten:
        del book.accounts[account_id].orders[order_id]
        book.order_id_count -= 1
    for batch_id in outcome.forgotten_batches:
        del book.batches[batch_id]
    prune(book, time_ns)


def prune(book: Book, now_ns: int) -> None:
    """Drop entries at the front that are due and dead; not state, so any time will do."""
    queue = book.acknowledge_queue
    while len(queue):
        entry = queue.entries[queue.front]
        if entry[0] > now_ns or awaits_answer(book, entry):
            break
        queue.drop_front()
    queue = book.forget_queue
    while len(queue):
        entry = queue.entries[queue.front]
        if entry[0] > now_ns or may_be_forgotten(book, entry):
            break
        queue.drop_front()
    queue = book.batch_queue
    while len(queue):
        entry = queue.entries[queue.front]
        if entry[0] > now_ns or entry[2] in book.batches:
            break
        queue.drop_front()


def next_due_ns(book: Book) -> int:
    """Return when the next entry falls due, dead or not; 0 if there is none."""
    times = [
        time_ns
        for time_ns in (
            book.acknowledge_queue.first_time_ns(),
            book.forget_queue.first_time_ns(),
            book.batch_queue.first_time_ns(),
        )
        if time_ns
    ]
    return min(times) if times else 0
