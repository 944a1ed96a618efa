"""Valuations (2.7): what an account keeps of its actual figures (3.7), in e4.

Lines, the high-water mark and a missing start-of-day equity change only here, and only as the
outcome of a command says: when the command touches the account, and when it asks for a valuation.
What cannot be valued, because something that is held has no mark, stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .amounts import AMOUNT_BOUND, INT64_MAX, scale_down, scale_up
from .cn.terms import held_and_owed
from .commands import MODEL_CN_MARGIN
from .limit import NO_CHECK
from .margin_lines import NEVER, Valued, entered
from .shares import set_share
from .walk import Walk, walk

if TYPE_CHECKING:
    from .account import Account
    from .effective import Effective
    from .instrument import Instrument
    from .lines import Line
    from .policy import Policy
    from .position import Position
    from .state import Book

# What of an account is held and owed, without its cash.
Held = tuple[int, int]


def valued(
    account: Account, limits: Effective, cash: int, held: int, owed: int, moved: int = 0
) -> Valued | None:
    """Value an account; None where nothing changes.

    `owed` has interest and fees in it. `moved` is what a booking changed equity by: no gain and no
    loss, so both references move with it (4.25).
    """
    assets = held + cash if cash > 0 else held
    debt = owed - cash if cash < 0 else owed
    equity = assets - debt
    if max(assets, debt) > INT64_MAX or abs(equity) > INT64_MAX:
        return None
    mask = entered(account.lines, limits.lines, assets, debt)
    high = account.high_water
    if high != NEVER:
        high = fitting(high + moved)
    if equity > high:
        high = equity
    start = account.start_of_day_equity
    start = equity if start is None else fitting(start + moved)
    if (
        mask == account.lines
        and high == account.high_water
        and start == account.start_of_day_equity
    ):
        return None
    found = Valued()
    if mask != account.lines:
        found.lines = mask
    if high != account.high_water:
        found.high_water = high
    if start != account.start_of_day_equity:
        found.start_of_day = start
    return found


def stays(
    account: Account,
    limits: Effective,
    totals: Line,
    is_exit: bool,  # noqa: FBT001 - a keyword costs an order more
) -> bool:
    """Tell at first sight that a valuation changes nothing, and that 4.23 and 4.25 let pass.

    Those let every exit pass.
    """
    cash = account.cash
    assets = totals[7]
    debt = totals[8] + account.interest_and_fees
    if cash >= 0:
        assets += cash
    else:
        debt -= cash
    equity = assets - debt
    high = account.high_water
    start = account.start_of_day_equity
    mask = account.lines
    if start is None or mask > 1 or high < 0 or equity > high or assets > AMOUNT_BOUND:
        return False
    lines = limits.lines
    if debt <= 0 or not lines:
        if mask:
            return False
    elif assets < scale_up(debt, lines[2 * mask]):
        return False  # it enters the next line
    elif mask and assets >= scale_up(debt, lines[1]):
        return False
    if limits.is_still or is_exit:
        return True
    fall_bps = limits.drawdown_bps
    return start - equity <= limits.day_loss_e4 and (
        fall_bps == NO_CHECK or high - equity <= scale_down(high, fall_bps)
    )


def kept_values(account: Account) -> Valued:
    """Return what valuations may change, as it is now."""
    found = Valued()
    found.lines = account.lines
    found.high_water = account.high_water
    found.start_of_day = account.start_of_day_equity
    found.share = account.share
    return found


def fitting(amount: int) -> int:
    """Return an amount cut to 64 bits."""
    return max(min(amount, INT64_MAX), -INT64_MAX)


def apply_valued(book: Book, account: Account, found: Valued) -> None:
    """Keep what a valuation changed."""
    if found.lines >= 0:
        account.lines = found.lines
    if found.high_water != NEVER:
        account.high_water = found.high_water
    if found.start_of_day is not None:
        account.start_of_day_equity = found.start_of_day
    if found.share is not None:
        set_share(book, account, found.share)


def with_moved(account: Account, moved: int) -> Valued | None:
    """Move the references of an account that cannot be valued."""
    if not moved:
        return None
    found = Valued()
    if account.high_water != NEVER:
        found.high_water = fitting(account.high_water + moved)
    if account.start_of_day_equity is not None:
        found.start_of_day = fitting(account.start_of_day_equity + moved)
    return found


def value_of(held: Held) -> int:
    """Return what is held less what is owed."""
    return held[0] - held[1]


def held_in(instrument: Instrument, quantity: int, model: int) -> Held | None:
    """Return what a quantity is worth and what it owes; None without a mark.

    At the slow mark on both sides (3.7); under `cn_margin` at low and high, as its page has it.
    """
    if not quantity:
        return 0, 0
    if not instrument.mark:
        return None
    unit = instrument.terms.unit
    credit = model == MODEL_CN_MARGIN
    if quantity > 0:
        return quantity * (instrument.low if credit else instrument.slow_mark) // unit, 0
    return 0, -(quantity * (instrument.high if credit else instrument.slow_mark) // unit)


def held_at(position: Position, quantity: int, model: int) -> Held | None:
    """Return what a position of such a quantity is worth and owes; None without a mark."""
    if position.holding is None:
        return held_in(position.instrument, quantity, model)
    instrument = position.instrument
    if not instrument.mark:
        return None if quantity or position.holding.contracts else (0, 0)
    low = instrument.low
    high = instrument.high
    return held_and_owed(quantity, position.holding, low, high, instrument.terms.unit)


def held_by(account: Account, policy: Policy, regime_bps: int, now_ns: int) -> Held | None:
    """Return what an account holds and owes in its positions; None where a mark is missing."""
    found = walk(account, None, policy, regime_bps, now_ns)
    return held_beside(account, found, None)


def held_beside(account: Account, found: Walk, without: Position | None) -> Held | None:
    """Return as `held_by` from a walk; None where something held but `without` has no mark."""
    if found.missing_id:
        for position in account.active:
            if position is not without and position.holds() and not position.instrument.mark:
                return None
    return found.line[7], found.line[8]
