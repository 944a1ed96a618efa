"""How a batch of orders is decided (4.30).

Each order sees those before it, so every decision is applied to the book before the next one, and
all of them are retracted at the end: deciding changes nothing. The gate, which would apply them
again at once, asks for them to stay (`keep=True`); a test shows that both ways end in the same
state. It may also decide a long batch a few orders at a time, and take back what it has of it when
a halt comes in between.
"""

from __future__ import annotations

from .commands import CheckOrder, CheckOrders
from .ends import has_room, no_new_risk, no_policy, repeated
from .order import REFUSED, UNKNOWN_TO_GATE
from .ordering import decide_check
from .outcomes import BatchOutcome, CheckOutcome, Refusal
from .rates import regime_multiplier
from .reasons import Rejection, RejectReason, ScopeKind
from .reserve import Saved, apply_check, retract_check
from .sharing import share_now
from .state import Batch, Book
from .together import figures_before, judge_together


class UnfinishedBatch:
    """A batch of which the first orders stand applied, and the others are still to be decided.

    Nothing else may use the book until it is finished or taken back.
    """

    __slots__ = ("answers", "before", "book", "command", "full", "now_ns", "saved")

    def __init__(
        self, book: Book, command: CheckOrders, now_ns: int, *, full: bool, on_trial: bool
    ) -> None:
        self.book = book
        self.command = command
        self.now_ns = now_ns
        self.full = full
        self.before = figures_before(book, command, now_ns)
        self.answers: list[CheckOutcome] = []
        self.saved: list[Saved] | None = [] if full or on_trial else None

    @property
    def is_done(self) -> bool:
        """Whether every order is decided."""
        return len(self.answers) == len(self.command.orders)

    def go_on(self, count: int) -> None:
        """Decide and apply so many more orders, one after the other; atomic ones without 4.20-22.

        Raises TypeError where the table has no room, which was made sure of before.
        """
        book = self.book
        saved = self.saved
        alone = not self.command.atomic
        sequence = book.sequence + 1
        begin = len(self.answers)
        for order in self.command.orders[begin : begin + count]:
            if saved is not None:
                saved.append(Saved(book, order))
            outcome = decide_check(book, order, self.now_ns, alone=alone, bounded=False)
            if isinstance(outcome, Refusal):
                raise TypeError(outcome.message)
            apply_check(book, order, outcome, sequence)
            self.answers.append(outcome)

    def take_back(self) -> None:
        """Undo what was applied; only of one that is on trial."""
        if self.saved is not None:
            retract_all(self.book, self.command.orders, self.answers, self.saved)

    def finish(self, *, keep: bool) -> BatchOutcome | Refusal:
        """Return what becomes of a batch that is done; `keep` leaves one not atomic applied."""
        if self.full and any(takes_place(answer) for answer in self.answers):
            self.take_back()
            return no_new_risk(self.book)
        if self.command.atomic:
            return all_or_none(self)
        if not keep:
            self.take_back()
        return batch_outcome(self.book, self.now_ns, self.answers)


def decide_batch(book: Book, command: CheckOrders, now_ns: int) -> BatchOutcome | Refusal:
    """Decide a batch; the book stays as it is."""
    batch = begin_batch(book, command, now_ns)
    if not isinstance(batch, UnfinishedBatch):
        return batch
    batch.go_on(len(command.orders))
    return batch.finish(keep=False)


def begin_batch(
    book: Book, command: CheckOrders, now_ns: int, *, on_trial: bool = True
) -> UnfinishedBatch | BatchOutcome | Refusal:
    """Begin to decide a batch that is neither refused whole nor known already.

    What is `on_trial` can be taken back, for 2 us an order (in process, the bench book).
    """
    if book.policy is None:
        return no_policy()
    if command.atomic:
        known = book.batches.get(command.batch_id)
        if known is not None:
            return repeated_batch(book, known, command, now_ns)
    ids = book.order_id_count + len(command.orders)
    full = ids > book.order_id_limit or book.risk_refusal is not None
    if full and not has_room(book, len(command.orders)):
        return no_new_risk(book)
    return UnfinishedBatch(book, command, now_ns, full=full, on_trial=on_trial)


def takes_place(answer: CheckOutcome) -> bool:
    """Tell whether an answer needs a place in the id table that is not kept for exits."""
    return answer.keep_until_ns > 0 and not answer.replayed and not answer.verified_exit


def batch_outcome(book: Book, now_ns: int, answers: list[CheckOutcome]) -> BatchOutcome:
    """Wrap answers up."""
    policy = book.policy
    version = policy.version if policy is not None else 0
    return BatchOutcome(book.sequence + 1, now_ns, version, answers)


def retract_all(
    book: Book, orders: list[CheckOrder], answers: list[CheckOutcome], saved: list[Saved]
) -> None:
    """Undo the orders of a batch, the last one first."""
    for index in range(len(answers) - 1, -1, -1):
        retract_check(book, orders[index], answers[index], saved[index])


def all_or_none(batch: UnfinishedBatch) -> BatchOutcome:
    """Finish an atomic batch, whose orders were judged by 4.1 to 4.19 and stand applied.

    4.20 to 4.22 are judged once on the book with all of them; then they are retracted.
    """
    book, orders, now_ns = batch.book, batch.command.orders, batch.now_ns
    answers = batch.answers
    failures = {index: answer for index, answer in enumerate(answers) if not answer.allowed}
    together: dict[int, list[Rejection]] = {}
    try:
        if not failures:
            together = judge_together(book, orders, answers, batch.before, now_ns)
    finally:
        batch.take_back()
    for index, rejections in together.items():
        reject(answers[index], rejections)
    if failures or together:
        for index, answer in enumerate(answers):
            if index not in failures and index not in together:
                reject(answer, [Rejection(RejectReason.BATCH_REJECTED)])
        share_without(book, orders, answers, now_ns)
    outcome = batch_outcome(book, now_ns, answers)
    outcome.keep_until_ns = max([answer.keep_until_ns for answer in answers])
    return outcome


def share_without(
    book: Book, orders: list[CheckOrder], answers: list[CheckOutcome], now_ns: int
) -> None:
    """Value accounts without the orders of a batch that is refused (4.26)."""
    policy = book.policy
    if policy is None or not policy.keeps_shares:
        return
    regime_bps = regime_multiplier(book, policy)
    for order, answer in zip(orders, answers, strict=True):
        if answer.share is not None:
            account = book.accounts[order.account_id]
            answer.share = share_now(account, policy, regime_bps, now_ns)


def reused_batch(book: Book, command: CheckOrders, now_ns: int) -> BatchOutcome:
    """Refuse a batch whose id stands for other orders; nothing of it is stored or counted."""
    outcome = batch_outcome(book, now_ns, [])
    for order in command.orders:
        rejection = id_reused(order.account_id)
        answer = CheckOutcome(outcome.sequence, now_ns, outcome.policy_version, (rejection,))
        if order.want_max:
            answer.max_quantity = 0
        outcome.answers.append(answer)
    return outcome


def id_reused(account_id: str) -> Rejection:
    """Say that an id stands for something else."""
    return Rejection(RejectReason.ORDER_ID_REUSED, None, None, ScopeKind.ACCOUNT, account_id)


def repeated_batch(book: Book, known: Batch, command: CheckOrders, now_ns: int) -> BatchOutcome:
    """Give the first answers again, or stricter ones; other content is refused whole."""
    if not same_batch(known.command, command):
        return reused_batch(book, command, now_ns)
    first = known.outcome
    answers = [
        repeated_answer(book, order, answer)
        for order, answer in zip(command.orders, first.answers, strict=True)
    ]
    outcome = BatchOutcome(first.sequence, first.decided_time_ns, first.policy_version, answers)
    outcome.replayed = True
    return outcome


def same_batch(first: CheckOrders, other: CheckOrders) -> bool:
    """Tell whether two batches ask for the same orders."""
    if len(first.orders) != len(other.orders):
        return False
    for before, after in zip(first.orders, other.orders, strict=True):
        if before.account_id != after.account_id or before.order_id != after.order_id:
            return False
        if not before.same_content(after):
            return False
    return True


def repeated_answer(book: Book, order: CheckOrder, first: CheckOutcome) -> CheckOutcome:
    """Repeat one answer of a batch; an order that was forgotten holds no reservation."""
    account = book.accounts.get(order.account_id)
    known = account.orders.get(order.order_id) if account is not None else None
    # An id that stood for another order then stands for that one still.
    if (
        account is not None
        and known is not None
        and known.command is not None
        and known.sequence == first.sequence
        and known.command.same_content(order)
    ):
        return repeated(book, account, known)
    answer = CheckOutcome(
        first.sequence, first.decided_time_ns, first.policy_version, first.rejections
    )
    answer.replayed = True
    answer.order_state = REFUSED
    answer.verified_exit = first.verified_exit
    answer.max_quantity = first.max_quantity
    answer.warnings = first.warnings
    if first.allowed:
        answer.order_state = UNKNOWN_TO_GATE
        reject(
            answer,
            [
                Rejection(
                    RejectReason.ORDER_NOT_RESERVED, None, None, ScopeKind.ACCOUNT, order.account_id
                )
            ],
        )
    return answer


def reject(answer: CheckOutcome, rejections: list[Rejection]) -> None:
    """Turn an answer into a reject, whatever it was."""
    answer.rejections = tuple(rejections)
    answer.allowed = False
    answer.reserved_price_e4 = -1
    answer.acknowledge_by_ns = 0
