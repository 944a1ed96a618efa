r"""How one order is decided: the row of checks in order of precedence (rulebook section 4).

    4.1 known account and instrument  \
    4.2 the id, and repeats            > each of these ends it
    4.3 the order's age               /
    4.4 ... 4.22                        all evaluated; every failure is a reason

Nothing here changes the book. A fault in a check refuses the order with INTERNAL (4.27).
"""

from __future__ import annotations

from .accept import IN_DOUBT, accepted_price
from .amounts import AMOUNT_BOUND
from .checks.concentration import concentration_instrument
from .checks.counts import day_order_count, day_turnover, open_order_count
from .checks.leverage import leverage
from .checks.margin import initial_margin
from .checks.position import position_limit
from .checks.prices import price_collar, price_missing, price_stale
from .checks.rate import next_time_ns, order_rate
from .checks.setup import limit_not_set, missing_rate
from .checks.shape import lot_size, price_limit, tick_size
from .checks.size import order_notional, order_quantity, order_volume_share
from .checks.stops import false_claim, halted, reduce_only
from .commands import REGIME_HALTED, CheckOrder
from .exposure import difference, figures_of, line_of_position
from .judgement import Judgement
from .outcomes import CheckOutcome, PreviewOutcome, Refusal
from .policy import Policy
from .reasons import Rejection, RejectReason, ScopeKind
from .state import (
    NO_LINE,
    RESERVED,
    Account,
    Book,
    Instrument,
    Order,
    effective_limits,
    roll_if_due,
)

# Reasons that no smaller quantity cures (4.0.3).
INCURABLE = frozenset(
    {
        RejectReason.HALTED,
        RejectReason.TICK_SIZE,
        RejectReason.PRICE_LIMIT,
        RejectReason.PRICE_COLLAR,
        RejectReason.ORDER_RATE,
        RejectReason.OPEN_ORDER_COUNT,
    }
)

# Exits may use this share of the id table beyond its limit, so that a full one never blocks them.
EXIT_RESERVE = 16


def decide_check(
    book: Book, command: CheckOrder, now_ns: int, *, alone: bool = True, bounded: bool = True
) -> CheckOutcome | Refusal:
    """Decide one order, or give its first answer again.

    Not `alone`: it is part of an atomic batch, whose figures are judged together (4.30). Not
    `bounded`: whoever asks sees to it that the id table has room.
    """
    policy = book.policy
    if policy is None:
        return no_policy()
    sequence = book.sequence + 1
    account = book.accounts.get(command.account_id)
    instrument = book.instruments.get(command.instrument_id)
    if account is not None:
        known = account.orders.get(command.order_id)
        if known is not None:
            first = known.command
            if alone and first is not None and first.same_content(command):
                return repeated(book, account, known)
            if instrument is not None:
                return id_taken(book, policy, known, command, now_ns)
    full = bounded and (book.order_id_count >= book.order_id_limit or book.risk_refusal is not None)
    if account is None or instrument is None:
        outcome = unknown(book, policy, account, instrument, command, now_ns)
        return no_new_risk(book) if full and outcome.keep_until_ns else outcome
    outcome = CheckOutcome(sequence, now_ns, policy.version, [])
    outcome.keep_until_ns = (
        command.created_time_ns + policy.max_order_age_ns + policy.max_clock_skew_ns
    )
    stale = order_stale(policy, command, now_ns)
    if stale is not None:
        refuse(outcome, [stale])
        outcome.max_quantity = 0 if command.want_max else -1
        return no_new_risk(book) if full else outcome
    try:
        roll_if_due(book, account)
        if alone and not command.want_max and not full:
            price = accepted_price(book, policy, account, instrument, command, now_ns)
            if price != IN_DOUBT:
                accept(outcome, book, policy, account, price, command.principal)
                return outcome
        judged = Judgement(book, policy, account, instrument, command, now_ns)
        judged.alone = alone
        rejections = judge(judged)
        max_quantity = max_acceptable(judged, rejections) if command.want_max else -1
    except Exception:  # noqa: BLE001 - 4.27: whatever went wrong, the order is not allowed
        return internal_fault(book, policy, now_ns)
    if full and (command.quantity > judged.exit_room or not has_room(book, 1)):
        return no_new_risk(book)
    outcome.max_quantity = max_quantity
    outcome.verified_exit = command.quantity <= judged.exit_room
    if rejections:
        refuse(outcome, rejections)
        count_in_buckets(outcome, book, policy, account, command.principal)
    else:
        accept(outcome, book, policy, account, judged.reserved_price, command.principal)
    return outcome


def accept(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    account: Account,
    price: int,
    principal: str,
) -> None:
    """Make an outcome an allow, reserved at `price`."""
    outcome.reserved_price_e4 = price
    outcome.acknowledge_by_ns = outcome.decided_time_ns + policy.acknowledgement_limit_ns
    count_in_buckets(outcome, book, policy, account, principal)


def decide_preview(book: Book, command: CheckOrder, now_ns: int) -> PreviewOutcome | Refusal:
    """Judge an order without an id; nothing is counted, and nothing changes."""
    policy = book.policy
    if policy is None:
        return no_policy()
    account = book.accounts.get(command.account_id)
    instrument = book.instruments.get(command.instrument_id)
    if account is None or instrument is None:
        outcome = unknown(book, policy, account, instrument, command, now_ns)
        outcome.sequence = book.sequence
        return PreviewOutcome(outcome, None, None)
    roll_if_due(book, account)
    judged = Judgement(book, policy, account, instrument, command, now_ns)
    rejections = judge(judged)
    outcome = CheckOutcome(book.sequence, now_ns, policy.version, rejections)
    outcome.max_quantity = max_acceptable(judged, rejections)
    judged.resize(command.quantity)
    outcome.verified_exit = judged.is_exit
    outcome.reserved_price_e4 = judged.reserved_price
    judged.is_exit = False
    judged.value()  # exits are not judged by figures, but a person wants to see them
    rest = judged.rest
    position = judged.position
    held = position is not None and not position.is_flat()
    if rest is None or rest.missing_id or (held and not judged.mark):
        return PreviewOutcome(outcome, None, None)
    line = NO_LINE
    if position is not None and held:
        line = line_of_position(position, judged.rates)
    before = figures_of(account, difference(rest.line, difference(NO_LINE, line)))
    return PreviewOutcome(outcome, before, judged.figures() if judged.valued else None)


def judge(judged: Judgement) -> list[Rejection]:
    """Return every reason against the order, in order of precedence."""
    rejections: list[Rejection] = []
    fixed_reasons(judged, rejections)
    sized_reasons(judged, rejections)
    if len(rejections) > 1:
        rejections.sort(key=precedence)
    return rejections


def precedence(rejection: Rejection) -> int:
    """Return the reason's place in the table of section 4."""
    return int(rejection.reason)


# In the functions below every check has a call site of its own. A loop over a tuple of checks reads
# nicer and costs 40 % more: the interpreter specialises a call site for one callee.


def fixed_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that do not depend on the quantity; all of them face exits too."""
    book = judged.book
    if (book.stops or book.regime == REGIME_HALTED) and (
        found := halted(
            book, judged.account, judged.instrument.instrument_id, judged.order.principal
        )
    ):
        rejections.append(found)
    if not judged.is_market:
        if found := tick_size(judged):
            rejections.append(found)
        if found := price_limit(judged):
            rejections.append(found)
        if found := price_collar(judged):
            rejections.append(found)
    if found := order_rate(judged):
        rejections.append(found)
    if found := open_order_count(judged):
        rejections.append(found)


def sized_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that a smaller quantity might cure."""
    if found := lot_size(judged):
        rejections.append(found)
    if found := order_quantity(judged):
        rejections.append(found)
    if found := order_notional(judged):
        rejections.append(found)
    if found := order_volume_share(judged):
        rejections.append(found)
    if not judged.is_exit:
        new_risk_reasons(judged, rejections)


def new_risk_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that verified exits do not face (column X)."""
    if found := no_reduction(judged):
        rejections.append(found)
    if found := limit_not_set(judged):
        rejections.append(found)
    if found := price_missing(judged):
        rejections.append(found)
    if found := price_stale(judged):
        rejections.append(found)
    if found := day_order_count(judged):
        rejections.append(found)
    if found := day_turnover(judged):
        rejections.append(found)
    if judged.priced:
        if found := position_limit(judged):
            rejections.append(found)
        if judged.valued and judged.alone:
            valued_reasons(judged, rejections)


def no_reduction(judged: Judgement) -> Rejection | None:
    """Refuse new risk where only exits may pass, or that claims to be one (4.5)."""
    book = judged.book
    if book.stops:
        found = reduce_only(
            book, judged.account, judged.instrument.instrument_id, judged.order.principal
        )
        if found is not None:
            return found
    return false_claim(judged.account) if judged.order.reduce_only else None


def valued_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that compare the account's figures with the order in the book."""
    gross = judged.gross
    account_id = judged.account.account_id
    limits = judged.limits
    if found := leverage(account_id, limits.leverage_bps, gross, judged.weighted, judged.equity):
        rejections.append(found)
        if gross > AMOUNT_BOUND:
            return
    if found := concentration_instrument(
        account_id,
        limits,
        judged.instrument.terms.rating_group,
        judged.factor,
        judged.line[3],
        judged.assets,
        judged.debt,
    ):
        rejections.append(found)
    if judged.equity < judged.initial and not missing_rate(judged):
        found = initial_margin(account_id, judged.equity, judged.initial)
        if found is not None:
            rejections.append(found)


def max_acceptable(judged: Judgement, rejections: list[Rejection]) -> int:
    """Return the largest tradable quantity, at most the order's, that would pass (4.0.3)."""
    if not rejections:
        return judged.order.quantity
    if any(rejection.reason in INCURABLE for rejection in rejections):
        return 0
    asked = judged.order.quantity
    terms = judged.instrument.terms
    least = terms.least_quantity
    step = terms.quantity_step
    low = 0
    high = 1 if asked <= least else -(-(asked - least) // step) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if passes(judged, least + (middle - 1) * step):
            low = middle
        else:
            high = middle
    best = least + (low - 1) * step if low else 0
    exiting = min(judged.exit_room, asked)
    if exiting > best and passes(judged, exiting):
        return exiting
    return best


def passes(judged: Judgement, quantity: int) -> bool:
    """Tell whether another quantity would have no reason that a quantity can cure."""
    judged.resize(quantity)
    rejections: list[Rejection] = []
    sized_reasons(judged, rejections)
    return not rejections


def repeated(book: Book, account: Account, order: Order) -> CheckOutcome:
    """Return the first answer, or a stricter one (4.2): never a looser one."""
    first = order.outcome
    command = order.command
    if first is None or command is None:
        raise ValueError("a tombstone has no first answer")
    outcome = CheckOutcome(
        first.sequence, first.decided_time_ns, first.policy_version, first.rejections
    )
    outcome.replayed = True
    outcome.order_state = order.state
    outcome.verified_exit = first.verified_exit
    outcome.max_quantity = first.max_quantity
    if not first.allowed:
        return outcome
    stricter = moved_on(book, account, order, command)
    if stricter is not None:
        refuse(outcome, [stricter])
        return outcome
    outcome.reserved_price_e4 = first.reserved_price_e4
    outcome.acknowledge_by_ns = first.acknowledge_by_ns
    return outcome


def moved_on(book: Book, account: Account, order: Order, command: CheckOrder) -> Rejection | None:
    """Return why an allow may not be repeated."""
    if order.reported or order.state != RESERVED:
        return not_reserved(account)
    found = halted(book, account, command.instrument_id, command.principal)
    first = order.outcome
    if found is None and first is not None and not first.verified_exit:
        found = reduce_only(book, account, command.instrument_id, command.principal)
    return found


def not_reserved(account: Account) -> Rejection:
    """Say that the id's order holds no fresh reservation."""
    return Rejection(
        RejectReason.ORDER_NOT_RESERVED, None, None, ScopeKind.ACCOUNT, account.account_id
    )


def id_taken(
    book: Book, policy: Policy, known: Order, command: CheckOrder, now_ns: int
) -> CheckOutcome:
    """Refuse an id that stands for another order, or for one known only from its reports."""
    reason = RejectReason.ORDER_ID_REUSED
    if known.command is None:
        reason = RejectReason.ORDER_NOT_RESERVED
    rejection = Rejection(reason, None, None, ScopeKind.ACCOUNT, known.account_id)
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, [rejection])
    outcome.max_quantity = 0 if command.want_max else -1
    return outcome


def unknown(
    book: Book,
    policy: Policy,
    account: Account | None,
    instrument: Instrument | None,
    command: CheckOrder,
    now_ns: int,
) -> CheckOutcome:
    """Refuse what names an unknown account or instrument (4.1)."""
    rejections = []
    if account is None:
        rejections.append(
            Rejection(
                RejectReason.ACCOUNT_UNKNOWN,
                None,
                None,
                ScopeKind.ACCOUNT,
                command.account_id,
            )
        )
    if instrument is None:
        rejections.append(
            Rejection(
                RejectReason.INSTRUMENT_UNKNOWN,
                None,
                None,
                ScopeKind.INSTRUMENT,
                command.instrument_id,
            )
        )
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, rejections)
    outcome.max_quantity = 0 if command.want_max else -1
    if account is not None and command.order_id not in account.orders:
        outcome.keep_until_ns = (
            command.created_time_ns + policy.max_order_age_ns + policy.max_clock_skew_ns
        )
    return outcome


def order_stale(policy: Policy, command: CheckOrder, now_ns: int) -> Rejection | None:
    """Refuse an order created too long ago or too far ahead (4.3)."""
    age = now_ns - command.created_time_ns
    if age > policy.max_order_age_ns:
        measured, limit = age, policy.max_order_age_ns
    elif -age > policy.max_clock_skew_ns:
        measured, limit = -age, policy.max_clock_skew_ns
    else:
        return None
    return Rejection(
        RejectReason.ORDER_STALE, measured, limit, ScopeKind.ACCOUNT, command.account_id
    )


def count_in_buckets(
    outcome: CheckOutcome, book: Book, policy: Policy, account: Account, principal: str
) -> None:
    """Advance the token buckets by one order, whatever its verdict (4.14, 4.29)."""
    limits = effective_limits(account, policy)
    now_ns = outcome.decided_time_ns
    if limits.rate_cost_ns:
        outcome.account_next_ns = next_time_ns(
            account.next_order_ns, now_ns, limits.rate_cost_ns, limits.rate_tolerance_ns
        )
    if policy.principal_cost_ns:
        outcome.principal_next_ns = next_time_ns(
            book.principal_next_ns.get(principal, 0),
            now_ns,
            policy.principal_cost_ns,
            policy.principal_tolerance_ns,
        )


def refuse(outcome: CheckOutcome, rejections: list[Rejection]) -> None:
    """Make an outcome a reject."""
    outcome.rejections = rejections
    outcome.allowed = False


def internal_fault(book: Book, policy: Policy, now_ns: int) -> CheckOutcome:
    """Refuse an order that a check failed on (4.27)."""
    rejection = Rejection(RejectReason.INTERNAL)
    return CheckOutcome(book.sequence + 1, now_ns, policy.version, [rejection])


def has_room(book: Book, count: int) -> bool:
    """Tell whether a full id table still takes verified exits (4.3)."""
    limit = book.order_id_limit
    return book.order_id_count + count <= limit + limit // EXIT_RESERVE


def no_policy() -> Refusal:
    """Say that nothing can be judged before the first policy."""
    return Refusal("DRAINING", "no policy is in force: run `tidegate init`", {})


def no_new_risk(book: Book) -> Refusal:
    """Say why only verified exits pass: the gate takes no new risk, or keeps no more ids."""
    if book.risk_refusal is not None:
        return book.risk_refusal
    figures = {"kept": str(book.order_id_count), "limit": str(book.order_id_limit)}
    return Refusal("ORDER_TABLE_FULL", "the table of order ids is full", figures)
