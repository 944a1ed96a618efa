"""What falls due by itself: unanswered orders, ids that need not be kept any more, overrides.

Rulebook 7.3, 4.3, 8.3.
"""

from __future__ import annotations

from .chains import open_under
from .order import Order
from .overriding import end_override
from .own_outcomes import TickOutcome
from .state import Book

EFFECTS_LIMIT = 256


def decide_tick(book: Book, now_ns: int) -> TickOutcome:
    """Collect what is due, in order of time, 256 effects at most."""
    outcome = TickOutcome(book.sequence + 1, now_ns, [], [], [])
    room = EFFECTS_LIMIT
    for order in book.acknowledge_queue.due(now_ns):
        if not room:
            return outcome
        if awaits_answer(book, order):
            outcome.unconfirmed.append((order.account_id, order.order_id))
            room -= 1
    # An order that was open when its time came is put in again, so one may stand twice.
    seen: set[tuple[str, str]] = set()
    for order in book.forget_queue.due(now_ns):
        if not room:
            return outcome
        key = (order.account_id, order.order_id)
        if key not in seen and may_be_forgotten(book, order):
            seen.add(key)
            outcome.forgotten.append(key)
            room -= 1
    for batch in book.batch_queue.due(now_ns):
        if not room:
            return outcome
        if book.batches.get(batch.command.batch_id) is batch:
            outcome.forgotten_batches.append(batch.command.batch_id)
            room -= 1
    for override in book.override_queue.due(now_ns):
        if not room:
            return outcome
        if book.overrides.get(override.override_id) is override:
            outcome.ended_overrides.append(override.override_id)
            room -= 1
    return outcome


def has_effects(outcome: TickOutcome) -> bool:
    """Tell whether anything was due."""
    some = outcome.unconfirmed or outcome.forgotten or outcome.forgotten_batches
    return bool(some or outcome.ended_overrides)


def awaits_answer(book: Book, order: Order) -> bool:
    """Tell whether an order is kept and still unanswered."""
    return not order.reported and not order.unconfirmed and book.is_kept(order)


def may_be_forgotten(book: Book, order: Order) -> bool:
    """Tell whether an order is kept and not open."""
    return not open_under(order) and book.is_kept(order)


def apply_tick(book: Book, outcome: TickOutcome, time_ns: int) -> None:
    """Apply what fell due."""
    for account_id, order_id in outcome.unconfirmed:
        book.accounts[account_id].orders[order_id].unconfirmed = True
        book.unconfirmed_count += 1
    for account_id, order_id in outcome.forgotten:
        order = book.accounts[account_id].orders.pop(order_id)
        if order.chain is not None:
            order.chain.members.remove(order)
        if order.command is not None:
            book.order_id_count -= 1
    for batch_id in outcome.forgotten_batches:
        del book.batches[batch_id]
    for override_id in outcome.ended_overrides:
        end_override(book, override_id)
    prune(book, time_ns)


def prune(book: Book, now_ns: int) -> None:
    """Drop entries at the front that are due and dead; not state, so any time will do."""
    acknowledge = book.acknowledge_queue
    while len(acknowledge) and acknowledge.first_ns() <= now_ns:
        if awaits_answer(book, acknowledge.first()):
            break
        acknowledge.drop_first()
    forget = book.forget_queue
    while len(forget) and forget.first_ns() <= now_ns:
        if may_be_forgotten(book, forget.first()):
            break
        forget.drop_first()
    batches = book.batch_queue
    while len(batches) and batches.first_ns() <= now_ns:
        batch = batches.first()
        if book.batches.get(batch.command.batch_id) is batch:
            break
        batches.drop_first()
    overrides = book.override_queue
    while len(overrides) and overrides.first_ns() <= now_ns:
        override = overrides.first()
        if book.overrides.get(override.override_id) is override:
            break
        overrides.drop_first()


def next_due_ns(book: Book) -> int:
    """Return when the next entry falls due, dead or not; 0 if there is none."""
    first = book.acknowledge_queue.first_ns()
    for time_ns in (
        book.forget_queue.first_ns(),
        book.batch_queue.first_ns(),
        book.override_queue.first_ns(),
    ):
        if time_ns and (not first or time_ns < first):
            first = time_ns
    return first
