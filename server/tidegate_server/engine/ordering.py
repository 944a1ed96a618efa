r"""How one order is decided, in order of precedence (rulebook section 4).

    4.1 known account and instrument  \
    4.2 the id, and repeats            > each of these ends it (ends.py)
    4.3 the order's age               /
    4.4 ... 4.26                        all evaluated; every failure is a reason (judge.py)

A plain order that nothing speaks against is accepted without the last of these (accept.py); one
that only its shape speaks against is refused without it (misshapen.py).
Nothing here changes the book. A fault in a check refuses the order with INTERNAL (4.27).
"""

from __future__ import annotations

from .accept import accepted
from .account import Account
from .checks.rate import next_time_ns
from .cn.judging import order_ratio
from .commands import CheckOrder
from .effective import Effective
from .ends import has_room, id_taken, no_new_risk, no_policy, order_stale, refuse, repeated, unknown
from .instrument import Instrument
from .judge import judge, judgement_of
from .judgement import Judgement
from .lines import plus
from .misshapen import refused_for_shape
from .outcomes import CheckOutcome, Refusal
from .overriding import effective_limits
from .policy import Policy
from .rates import known_rates
from .reasons import Rejection, RejectReason
from .sharing import share_after
from .sizing import max_acceptable
from .state import Book, roll_if_due
from .warn import warnings_of


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
            same = first is not None and not known.replaces and first.same_content(command)
            if alone and same:
                return repeated(book, account, known)
            if instrument is not None:
                return id_taken(book, policy, known, command, now_ns)
    full = bounded and (book.order_id_count >= book.order_id_limit or book.risk_refusal is not None)
    if account is None or instrument is None:
        outcome = unknown(book, policy, account, instrument, command, now_ns)
        return no_new_risk(book) if full and outcome.keep_until_ns else outcome
    outcome = CheckOutcome(sequence, now_ns, policy.version, ())
    outcome.keep_until_ns = (
        command.created_time_ns + policy.max_order_age_ns + policy.max_clock_skew_ns
    )
    stale = order_stale(book, policy, command, now_ns)
    if stale is not None:
        refuse(outcome, [stale])
        outcome.max_quantity = 0 if command.want_max else -1
        return no_new_risk(book) if full else outcome
    try:
        if account.trading_date != book.trading_date:
            roll_if_due(book, account)
        limits = effective_limits(account, policy, now_ns)
        if alone and not command.want_max and not full:
            strict = limits.strict or limits
            found = accepted(book, policy, account, instrument, command, strict, now_ns)
            if found is not None:
                price, outcome.line, outcome.totals, outcome.valued, exits, share, stressed = found
                outcome.verified_exit = exits
                outcome.share = share
                outcome.stressed = stressed
                accept_in_time(outcome, book, policy, limits, account, price, command.principal)
                return outcome
            if refused_for_shape(
                outcome, book, policy, account, instrument, command, limits, now_ns
            ):
                count_in_buckets(outcome, book, policy, limits, account, command.principal)
                return outcome
        return decide_in_full(
            outcome, book, policy, account, instrument, command, limits, alone=alone, full=full
        )
    except Exception:  # noqa: BLE001 - 4.27: whatever went wrong, the order is not allowed
        return internal_fault(book, policy, now_ns)


def decide_in_full(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    command: CheckOrder,
    limits: Effective,
    *,
    alone: bool,
    full: bool,
) -> CheckOutcome | Refusal:
    """Judge an order by every check; `full`: the gate takes exits alone."""
    judged = judgement_of(book, policy, account, instrument, command, outcome.decided_time_ns)
    judged.alone = alone
    outcome.valued = judged.footing.change
    rejections = judge(judged)
    outcome.warnings = tuple(warnings_of(judged))
    max_quantity = max_acceptable(judged, rejections) if command.want_max else -1
    if full and (command.quantity > judged.exit_room or not has_room(book, 1)):
        return no_new_risk(book)
    outcome.max_quantity = max_quantity
    outcome.verified_exit = command.quantity <= judged.exit_room
    if policy.keeps_shares:
        outcome.share = share_after(judged, allowed=not rejections)
    if rejections:
        refuse(outcome, rejections)
        count_in_buckets(outcome, book, policy, limits, account, command.principal)
    else:
        keep_figures(outcome, judged)
        accept(outcome, book, policy, limits, account, judged.reserved_price, command.principal)
    return outcome


def keep_figures(outcome: CheckOutcome, judged: Judgement) -> None:
    """Hand on the ratio that an order opens at, and the line with it if no factor is stale.

    A line with add-ons is none of a position's own (5.4).
    """
    current = known_rates(judged.instrument, judged.account.margin_model)
    if judged.credit:
        outcome.margin_ratio_bps = order_ratio(judged)
    if judged.valued and judged.rates == current and judged.policy.add_ons is None:
        outcome.line = judged.line
        outcome.totals = plus(judged.rest.line, judged.line)


def accept(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    price: int,
    principal: str,
) -> None:
    """Make an outcome an allow, reserved at `price`."""
    outcome.reserved_price_e4 = price
    outcome.acknowledge_by_ns = outcome.decided_time_ns + policy.acknowledgement_limit_ns
    count_in_buckets(outcome, book, policy, limits, account, principal)


def count_in_buckets(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    principal: str,
) -> None:
    """Count one order, whatever its verdict (4.29): in the token buckets, and among those alike."""
    now_ns = outcome.decided_time_ns
    if limits.rate_cost_ns:
        outcome.account_next_ns = next_time_ns(
            account.next_order_ns, now_ns, limits.rate_cost_ns, limits.rate_tolerance_ns
        )
    if policy.repeat_count:
        outcome.repeats_floor_ns = now_ns - policy.repeat_window_ns
    if policy.principal_cost_ns:
        outcome.principal_next_ns = next_time_ns(
            book.principal_next_ns.get(principal, 0),
            now_ns,
            policy.principal_cost_ns,
            policy.principal_tolerance_ns,
        )


def accept_in_time(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    price: int,
    principal: str,
) -> None:
    """Do as `accept` with an order that both buckets have room for, so that none overflows.

    48 of 2 735 byte codes and 3 of 65 calls an order less than asking for the overflow.
    """
    now_ns = outcome.decided_time_ns
    outcome.reserved_price_e4 = price
    outcome.acknowledge_by_ns = now_ns + policy.acknowledgement_limit_ns
    if limits.rate_cost_ns:
        next_ns = account.next_order_ns
        outcome.account_next_ns = (next_ns if next_ns > now_ns else now_ns) + limits.rate_cost_ns
    if policy.repeat_count:
        outcome.repeats_floor_ns = now_ns - policy.repeat_window_ns
    if policy.principal_cost_ns:
        next_ns = book.principal_next_ns.get(principal, 0)
        next_ns = next_ns if next_ns > now_ns else now_ns
        outcome.principal_next_ns = next_ns + policy.principal_cost_ns


def internal_fault(book: Book, policy: Policy, now_ns: int) -> CheckOutcome:
    """Refuse an order that a check failed on (4.27)."""
    rejection = Rejection(RejectReason.INTERNAL)
    return CheckOutcome(book.sequence + 1, now_ns, policy.version, (rejection,))
