"""What an account is valued at for the sums above it: gross, financing, shortfall (4.26, 2.7)."""

from __future__ import annotations

from .account import Account
from .amounts import INT64_MAX, scale_up
from .cn.booking import drawn_of
from .cn.judging import order_cost
from .cn.kinds import MARGIN_BUY
from .exposure import line_of_position
from .judgement import Judgement
from .lines import NO_LINE, Line, minus, plus
from .margin_lines import Valued
from .policy import Policy
from .position import Position
from .rates import rates_at, regime_multiplier
from .shares import NEVER_VALUED, UNSTRESSED, Share, ages, stress_rate
from .state import Book
from .walk import walk


def with_share(found: Valued | None, share: Share | None) -> Valued | None:
    """Let a valuation change the share too; None: the account keeps the last one."""
    if share is None:
        return found
    if found is None:
        found = Valued()
    found.share = share
    return found


def unvalued(account: Account) -> Share | None:
    """Return the share of an account that cannot be valued: the last one, which grows old.

    One of nothing does not, and is no longer true: then the account was as good as never valued.
    """
    share = account.share
    return NEVER_VALUED if share is None or not ages(share) else None


def share_now(
    account: Account,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
    cash: int | None = None,
    others: list[Position] | None = None,
    borrowed: int = 0,
) -> Share | None:
    """Value an account as it stands, or with other cash, or with `others` in place of positions.

    Positions in `others` replace those in the same instruments, `borrowed` is financed beside.
    None where something has no mark and the account keeps the share that it has.
    """
    total = walk(account, None, policy, regime_bps, now_ns)
    line = total.line
    positions = account.active
    if others:
        names = [position.instrument.instrument_id for position in others]
        positions = [one for one in positions if one.instrument.instrument_id not in names]
        for position in account.active:
            if position not in positions:
                line = minus(line, position.line)
        for position in others:
            if not position.is_flat():
                position.line = line_at(account, position, policy, regime_bps, now_ns)
                line = plus(line, position.line)
                positions.append(position)
    if any(not position.instrument.mark for position in positions):
        return unvalued(account)
    if cash is None:
        cash = account.cash
    stressed = UNSTRESSED
    if policy.reserve is not None:
        stress_bps = policy.reserve.stress_bps
        if others:
            stressed = stressed_sum(
                account, None, stress_bps, policy, regime_bps, now_ns, positions
            )
        else:
            stressed = stressed_now(account, stress_bps, policy, regime_bps, now_ns)
    financed = drawn_of(account) + borrowed
    return share_of(account, line, cash, stressed, now_ns, financed)


def line_at(
    account: Account, position: Position, policy: Policy, regime_bps: int, now_ns: int
) -> Line:
    """Return the line of a position that is not the account's own yet; none without a mark."""
    instrument = position.instrument
    if not instrument.mark:
        return NO_LINE
    rates = rates_at(instrument, policy, regime_bps, account.margin_model, now_ns)
    return line_of_position(position, rates, account.margin_model)


def share_of(
    account: Account, line: Line, cash: int, stressed: int, now_ns: int, financed: int
) -> Share:
    """Return the share that follows from the sum of an account's lines and its stressed gross.

    `financed` is the principal of contracts, which is no negative cash but financing all the same.
    """
    cash += line[0]
    gross = line[3]
    equity = cash + line[1] - line[2] - account.interest_and_fees
    shortfall = UNSTRESSED
    if stressed != UNSTRESSED:
        shortfall = stressed - equity if stressed > equity else 0
    elif not gross and equity >= 0:
        shortfall = 0
    drawn = financed - cash if cash < 0 else financed
    if gross > INT64_MAX or drawn > INT64_MAX or shortfall > INT64_MAX:
        return now_ns, min(gross, INT64_MAX), min(drawn, INT64_MAX), min(shortfall, INT64_MAX)
    return now_ns, gross, drawn, shortfall


def stressed_sum(
    account: Account,
    without: Position | None,
    stress_bps: int,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
    positions: list[Position],
) -> int:
    """Return what positions would lose under stress, each by its factor, 100 % at most."""
    total = 0
    model = account.margin_model
    for position in positions:
        if position is without:
            continue
        factor = rates_at(position.instrument, policy, regime_bps, model, now_ns)[0]
        total += loss_of(position.line[3], stress_bps, factor)
    return total


def stressed_now(
    account: Account, stress_bps: int, policy: Policy, regime_bps: int, now_ns: int
) -> int:
    """Return as `stressed_sum` of all positions as they stand (a memo); their lines hold."""
    if account.stressed < 0:
        account.stressed = stressed_sum(
            account, None, stress_bps, policy, regime_bps, now_ns, account.active
        )
    return account.stressed


def loss_of(gross: int, stress_bps: int, factor: int) -> int:
    """Return what a position would lose under stress."""
    return scale_up(gross, stress_rate(stress_bps, factor))


def stressed_with(
    book: Book,
    account: Account,
    position: Position | None,
    policy: Policy,
    own_bps: int,
    line: Line,
    now_ns: int,
) -> int:
    """Return what positions would lose under stress with `line` as the position's.

    It loses `own_bps`; UNSTRESSED if nobody asks. The account's lines hold.
    """
    if policy.reserve is None:
        return UNSTRESSED
    without = account.stressed
    if without < 0:
        stress_bps = policy.reserve.stress_bps
        regime_bps = regime_multiplier(book, policy)
        without = stressed_now(account, stress_bps, policy, regime_bps, now_ns)
    if position is not None:
        without -= scale_up(position.line[3], own_bps)
    return without + scale_up(line[3], own_bps)


def share_with(judged: Judgement) -> Share:
    """Return the account's share with the order; only where it is valued."""
    reserve = judged.policy.reserve
    stressed = UNSTRESSED
    account = judged.account
    if reserve is not None:
        if judged.rest_stressed < 0:
            judged.rest_stressed = stressed_beside(judged, reserve.stress_bps)
        own = loss_of(judged.line[3], reserve.stress_bps, judged.factor)
        stressed = judged.rest_stressed + own
    line = plus(judged.rest.line, judged.line)
    financed = drawn_of(account) if judged.credit else 0
    if judged.credit and judged.order.margin_kind == MARGIN_BUY:
        financed += order_cost(judged)
    return share_of(account, line, account.cash, stressed, judged.now_ns, financed)


def stressed_beside(judged: Judgement, stress_bps: int) -> int:
    """Return what all positions but the order's would lose under stress; everything has a mark."""
    account = judged.account
    policy, regime_bps, now_ns = judged.policy, judged.regime_bps, judged.now_ns
    walk(account, None, policy, regime_bps, now_ns)
    stressed = stressed_now(account, stress_bps, policy, regime_bps, now_ns)
    position = judged.position
    if position is None:
        return stressed
    return stressed - loss_of(position.line[3], stress_bps, judged.factor)


def share_after(judged: Judgement, *, allowed: bool) -> Share | None:
    """Return the account's share once the order is decided: with it where it is allowed."""
    if allowed and judged.counts():
        if not judged.valued:  # an exit
            judged.value()
        return share_with(judged) if judged.valued else unvalued(judged.account)
    return share_now(judged.account, judged.policy, judged.regime_bps, judged.now_ns)
