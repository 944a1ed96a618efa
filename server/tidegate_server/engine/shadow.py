"""Decide recorded orders again under a candidate policy, each at the state before it (8.4).

The book here is folded from records like any other, but its policy is always the candidate. That
does no harm: evolve reads no policy. So every memo that follows from a policy is the candidate's,
and an order costs what it costs the gate.

What the recorded policy did not count is not there to be judged: token buckets of accounts and
principals that had no rate, and orders alike while nobody asked for them.
"""

from __future__ import annotations

from .batch import decide_batch
from .commands import CheckOrder, CheckOrders, Command
from .decide import decide
from .evolve import evolve, finish
from .ordering import decide_check
from .outcomes import BatchOutcome, CheckOutcome, Outcome, Refusal
from .policy import Policy
from .rates import forget_rates
from .reserve import apply_check
from .resting import make_ladders
from .scope_overrides import follow_overrides
from .shares import make_sums
from .state import Book
from .touching import order_of


class Redecided:
    """One recorded order with its recorded answer and the candidate's; `mark_e4` at that time."""

    __slots__ = ("candidate", "command", "mark_e4", "recorded", "unit")

    def __init__(
        self, book: Book, command: CheckOrder, recorded: CheckOutcome, candidate: CheckOutcome
    ) -> None:
        instrument = book.instruments.get(command.instrument_id)
        self.command = command
        self.recorded = recorded
        self.candidate = candidate
        self.mark_e4 = instrument.mark if instrument is not None else 0
        self.unit = instrument.terms.unit if instrument is not None else 1


def put_candidate(book: Book, candidate: Policy) -> None:
    """Make the candidate the book's policy, whatever a record has put in force."""
    if book.policy is candidate:
        return
    book.policy = candidate
    follow_overrides(book)
    forget_rates(book)
    make_ladders(book)
    make_sums(book)
    for account in book.accounts.values():
        account.effective = None


def fold_beside(
    book: Book, candidate: Policy, command: Command, outcome: Outcome, time_ns: int
) -> list[Redecided]:
    """Apply a record, and return its orders as the candidate would have decided them."""
    put_candidate(book, candidate)
    found: list[Redecided] = []
    order = order_of(command)
    if order is not None and isinstance(outcome, CheckOutcome):
        answer = decide(book, command, time_ns)
        if not isinstance(answer, CheckOutcome):
            raise TypeError("an order is always decided where ids have no bound")
        found.append(Redecided(book, order, outcome, answer))
    elif isinstance(command, CheckOrders) and isinstance(outcome, BatchOutcome):
        if not command.atomic:
            return fold_batch(book, command, outcome, time_ns)
        answers = decided(decide_batch(book, command, time_ns))
        for each, recorded, again in zip(
            command.orders, outcome.answers, answers.answers, strict=True
        ):
            found.append(Redecided(book, each, recorded, again))
    evolve(book, command, outcome, time_ns)
    put_candidate(book, candidate)
    return found


def fold_batch(
    book: Book, command: CheckOrders, outcome: BatchOutcome, time_ns: int
) -> list[Redecided]:
    """Apply a batch order by order: each is decided after what was answered to those before it."""
    sequence = book.sequence + 1
    found: list[Redecided] = []
    for order, recorded in zip(command.orders, outcome.answers, strict=True):
        found.append(redecide(book, order, recorded, time_ns))
        apply_check(book, order, recorded, sequence)
    finish(book, time_ns)
    return found


def redecide(book: Book, command: CheckOrder, recorded: CheckOutcome, time_ns: int) -> Redecided:
    """Decide one order again; an answer that was repeated inside a batch stands."""
    if recorded.replayed:
        return Redecided(book, command, recorded, recorded)
    answer = decide_check(book, command, time_ns, bounded=False)
    if isinstance(answer, Refusal):
        raise TypeError(answer.message)  # a book without a bound of ids refuses nothing
    return Redecided(book, command, recorded, answer)


def decided(outcome: BatchOutcome | Refusal) -> BatchOutcome:
    """Return an outcome; a book without a bound of ids refuses nothing."""
    if isinstance(outcome, Refusal):
        raise TypeError(outcome.message)
    return outcome
