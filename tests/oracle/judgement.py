"""Chapter 4 for one order: every check that is in force, in the table's order.

`judge` answers the reasons for any quantity, which is also how the largest acceptable quantity is
found (4.0.3).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from tests.oracle import credit_checks
from tests.oracle.account_checks import (
    figures_after,
    figures_before,
    position_limits,
    solvency,
    turnover,
)
from tests.oracle.book import QUANTITY_MAX, Message, up
from tests.oracle.case import Case, lot, once
from tests.oracle.credit import is_credit
from tests.oracle.credit_checks import too_much
from tests.oracle.figures import valuable
from tests.oracle.limits import missing_limits
from tests.oracle.order_checks import (
    counts,
    halted,
    lot_and_tick,
    notional_bound,
    order_rate,
    order_repeated,
    order_size,
    price_collar,
    price_limit,
    prices,
    reduce_only,
    reserved_price_of,
    self_trade,
    session_closed,
)
from tests.oracle.permissions import not_permitted, wrong_type
from tests.oracle.scopes import scope_gaps
from tests.oracle.selling import not_sellable, pool_unset, short_sales

INCURABLE = frozenset(
    {
        "HALTED",
        "SESSION_CLOSED",
        "TICK_SIZE",
        "PRICE_LIMIT",
        "PRICE_COLLAR",
        "ORDER_RATE",
        "OPEN_ORDER_COUNT",
        "ORDER_REPEATED",
        "SELF_TRADE",
    }
)


@dataclass
class Judgement:
    """What became of one quantity."""

    rejections: list[Message]
    reserved_price: int | None
    verified_exit: bool
    warnings: list[Message] = field(default_factory=list)


def judge(case: Case, quantity: int, *, book_only: bool = False) -> Judgement:
    """Evaluate 4.4 to 4.22; with `book_only` up to 4.19, as atomic batches do first."""
    is_exit = case.is_exit(quantity)
    found = list(chain.from_iterable(table(case, quantity, book_only=book_only)))
    return Judgement(found, reserved_price_of(case, is_exit=is_exit), is_exit)


def passes(case: Case, quantity: int, *, book_only: bool = False) -> bool:
    """Say whether no check speaks against a quantity; the first that does settles it."""
    return not any(table(case, quantity, book_only=book_only))


def table(case: Case, quantity: int, *, book_only: bool = False) -> Iterator[list[Message]]:
    """What each check in force says, in the table's order, one after the other."""
    is_exit = case.is_exit(quantity)
    reserved_price = reserved_price_of(case, is_exit=is_exit)
    bound = notional_bound(case, quantity, reserved_price)
    yield halted(case)
    if not is_exit:
        yield reduce_only(case)
    yield session_closed(case)
    yield not_permitted(case, quantity, reserved_price, is_exit=is_exit, bound=bound)
    if not is_exit:
        yield (gaps(case) + pool_unset(case, is_exit=is_exit))[:1]
    yield lot_and_tick(case, quantity, is_exit=is_exit)
    yield price_limit(case)
    if not is_exit:
        yield prices(case)
    yield price_collar(case)
    yield order_size(case, quantity, bound)
    yield order_rate(case)
    yield order_repeated(case)
    yield counts(case, is_exit=is_exit)
    if not bound and not is_exit:
        yield turnover(case, quantity, reserved_price)
    yield self_trade(case)
    if is_exit:
        yield not_sellable(case, quantity)
        return
    if valuable(case.book, case.lines) and case.instrument.mark is not None:
        yield position_limits(case, quantity)
        yield short_sales(case, quantity)
    yield too_much(case, quantity) if is_credit(case.account) else not_sellable(case, quantity)
    if book_only or bound:
        return
    after = figures_after(case, quantity, reserved_price)
    if after is not None:
        unset = {str(gap["subject"]) for gap in gaps(case)}
        names = [case.instrument_id]
        yield solvency(case, names, figures_before(case), after, unset, quantity=quantity)


@once
def gaps(case: Case) -> list[Message]:
    """Everything that must be set and is not (4.8)."""
    own = credit_checks.gaps(case) if is_credit(case.account) else []
    return missing_limits(case, own) + scope_gaps(case)


def judge_whole(case: Case, quantity: int, *, book_only: bool = False) -> Judgement:
    """Judge the limits that are on, and those that only warn (4.28)."""
    found = judge(case, quantity, book_only=book_only)
    found.warnings = warnings(replace(case, warning=True), found, quantity, book_only=book_only)
    return found


def warnings(
    case: Case, found: Judgement, quantity: int, *, book_only: bool = False
) -> list[Message]:
    """What breaks limits in mode warn, in the table's order."""
    bound = notional_bound(case, quantity, found.reserved_price)
    reasons = price_collar(case) + order_size(case, quantity, bound)
    reasons += order_rate(case) + order_repeated(case)
    reasons += counts(case, is_exit=found.verified_exit)
    if not bound and not found.verified_exit:
        reasons += turnover(case, quantity, found.reserved_price)
    reasons += self_trade(case)
    if found.verified_exit:
        return reasons
    if valuable(case.book, case.lines) and case.instrument.mark is not None:
        reasons += position_limits(case, quantity)
    if book_only or bound:
        return reasons
    after = figures_after(case, quantity, found.reserved_price)
    if after is not None:
        reasons += solvency(case, [case.instrument_id], after, after, set(), quantity=quantity)
    return reasons


def largest_acceptable(
    case: Case, quantity: int, rejections: list[Message], *, book_only: bool = False
) -> int:
    """The largest quantity that would pass (4.0.3)."""
    if not rejections:
        return quantity
    if any(rejection["reason"] in INCURABLE for rejection in rejections) or wrong_type(case):
        return 0
    least, step = lot(case.instrument)

    def size(index: int) -> int:
        return 0 if index == 0 else least + (index - 1) * step

    low, high = 0, 1 if quantity <= least else 1 + up(quantity - least, step)
    while high - low > 1:
        middle = (low + high) // 2
        if passes(case, size(middle), book_only=book_only):
            low = middle
        else:
            high = middle
    answer = size(low)
    closing = min(case.exit_quantity, quantity)
    if closing > answer and passes(case, closing, book_only=book_only):
        return closing
    return answer


def limited(case: Case, quantity: int, rejections: list[Message]) -> Message:
    """The largest quantity of any order alike, and what stops a larger one."""
    for rejection in rejections:
        wrong = rejection["reason"] == "NOT_PERMITTED" and bool(wrong_type(case))
        if rejection["reason"] in INCURABLE or wrong:
            return {"largest_quantity": 0, "limiting": rejection}
    best = largest_acceptable(case, QUANTITY_MAX, [{"reason": ""}])
    if not rejections:
        best = max(best, quantity)
    least, step = lot(case.instrument)
    beyond = least
    while beyond <= best:
        beyond += max(1, (best - beyond) // step) * step
    if beyond > QUANTITY_MAX:
        return {"largest_quantity": best}
    stopping = judge(case, beyond).rejections
    return {"largest_quantity": best} | ({"limiting": stopping[0]} if stopping else {})
