"""Withdrawals (8.7): cash that a customer wants, unlike other bookings an intention.

Projected, with every opening order filled, what is left must be no borrowed cash, carry the initial
margin and keep the ratio at the withdraw line (2.6). Nobody borrows to withdraw, and who is called
for margin gets nothing.
"""

from __future__ import annotations

from typing import Final

from .account import Account
from .account_commands import AdjustCash
from .account_outcomes import CashOutcome
from .add_ons import charged
from .amounts import AMOUNT_BOUND, lower_ratio_bps, scale_up
from .checks.credit import credit_line
from .checks.credit_kinds import credit_margin
from .checks.leverage import leverage
from .checks.margin import initial_margin
from .checks.stops import halted
from .cn.booking import free_cash
from .commands import MODEL_CN_MARGIN
from .exposure import figures_of
from .footing import Footing
from .hedges import account_offset
from .limit import NO_CHECK
from .lines import Line
from .margin_lines import CALLED, Lines, release_of
from .outcomes import Figures
from .overriding import effective_limits
from .policy import Policy
from .rates import regime_multiplier
from .reasons import Rejection, RejectReason, ScopeKind
from .state import Book
from .valuing import held_beside
from .walk import walk

WITHDRAWAL: Final = 60


def may_withdraw(
    book: Book, account: Account | None, command: AdjustCash, outcome: CashOutcome
) -> bool:
    """Tell whether a withdrawal passes; if not, its outcome has every reason."""
    policy = book.policy
    if account is None:
        unknown = Rejection(
            RejectReason.ACCOUNT_UNKNOWN, None, None, ScopeKind.ACCOUNT, command.account_id
        )
        outcome.rejections = [unknown]
    elif policy is None:
        outcome.rejections = [Rejection(RejectReason.LIMIT_NOT_SET, subject="policy")]
    else:
        judge_withdrawal(book, policy, account, command, outcome)
    return not outcome.rejections


def judge_withdrawal(
    book: Book, policy: Policy, account: Account, command: AdjustCash, outcome: CashOutcome
) -> None:
    """Put every reason against a withdrawal into its outcome, and the most that would pass."""
    reasons = outcome.rejections
    found = halted(book, account, "", command.principal)
    if found is not None:
        reasons.append(found)
    now_ns = outcome.decided_time_ns
    regime_bps = regime_multiplier(book, policy)
    total = walk(account, None, policy, regime_bps, now_ns)
    limits = effective_limits(account, policy, now_ns)
    footing = Footing(account, limits, held_beside(account, total, None))
    name = total.missing_id
    if name:
        reasons.append(
            Rejection(RejectReason.PRICE_MISSING, None, None, ScopeKind.INSTRUMENT, name, name)
        )
    called = margin_called(account, limits.lines, footing)
    line_bps = limits.lines[0] if limits.lines and called is None else 0
    curable = not reasons and called is None
    if not name:
        offset = account_offset(account, policy, regime_bps, now_ns)
        line = charged(account, total.line, policy, regime_bps, now_ns)
        after = figures_of(account, with_cash(line, command.amount_e4), offset)
        free = free_cash(account) if account.margin_model == MODEL_CN_MARGIN else AMOUNT_BOUND
        reasons += figure_reasons(account, after, line_bps, free + command.amount_e4)
        if reasons and curable:
            outcome.largest_e4 = min(
                largest(figures_of(account, line, offset), line_bps), max(free, 0)
            )
    if called is not None:
        reasons.append(called)
        reasons.sort(key=lambda found: found.reason)
    if reasons and footing.change is not None:
        footing.change.account_id = account.account_id
        outcome.valued = [footing.change]


def with_cash(line: Line, amount: int) -> Line:
    """Return a sum of lines that leaves so much more cash."""
    return (
        line[0] + amount,
        line[1],
        line[2],
        line[3],
        line[4],
        line[5],
        line[6],
        line[7],
        line[8],
    )


def margin_called(account: Account, lines: Lines, footing: Footing) -> Rejection | None:
    """Refuse an account at margin_call or a deeper line, whatever the lines' mode (2.6)."""
    if footing.lines < CALLED or not lines:
        return None
    ratio = lower_ratio_bps(footing.assets, footing.debt) if footing.debt > 0 else None
    return Rejection(
        RejectReason.MAINTENANCE_RATIO,
        ratio,
        release_of(footing.lines, lines),
        ScopeKind.ACCOUNT,
        account.account_id,
    )


def figure_reasons(account: Account, after: Figures, line_bps: int, free: int) -> list[Rejection]:
    """Return what speaks against an account's projected figures after a withdrawal.

    `line_bps` is the withdraw line, 0 where it is not judged; `free` the free cash left (6.3).
    """
    name = account.account_id
    if after.gross > AMOUNT_BOUND:
        beyond = leverage(name, NO_CHECK, after.gross, after.weighted, after.equity)
        return [beyond] if beyond is not None else []
    reasons: list[Rejection] = []
    if account.margin_model == MODEL_CN_MARGIN:
        short_of = credit_margin(account, min(after.available, free))
    else:
        short_of = initial_margin(name, after.equity, after.initial)
    if short_of is not None:
        reasons.append(short_of)
    if line_bps and after.debt > 0 and after.assets < scale_up(after.debt, line_bps):
        reasons.append(
            Rejection(
                RejectReason.MAINTENANCE_RATIO,
                lower_ratio_bps(after.assets, after.debt),
                line_bps,
                ScopeKind.ACCOUNT,
                name,
            )
        )
    drawn = credit_line(name, 0, after.cash)
    if drawn is not None:
        reasons.append(drawn)
    return reasons


def largest(before: Figures, line_bps: int) -> int:
    """Return the largest amount that would pass, in e4; 0 for none.

    As long as cash stays at or above 0 debt stays as it is, and what is required with it: assets
    and what is available fall by the amount.
    """
    if before.gross > AMOUNT_BOUND:
        return 0
    most = min(before.cash, before.available)
    if line_bps and before.debt > 0:
        most = min(most, before.assets - scale_up(before.debt, line_bps))
    return max(most, 0)
