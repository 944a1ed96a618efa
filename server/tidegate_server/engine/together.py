"""An atomic batch judged as a whole: 4.20 to 4.25 once an account, on the book with all (4.30)."""

from __future__ import annotations

from .account import Account
from .add_ons import charged
from .amounts import AMOUNT_BOUND, scale_down
from .checks.concentration import concentration_instrument
from .checks.credit import credit_line
from .checks.credit_kinds import credit_margin, over_lines
from .checks.leverage import leverage, leverage_warning
from .checks.losses import day_loss, drawdown
from .checks.maintenance import maintenance_ratio
from .checks.margin import initial_margin
from .checks.sums import valued_sums
from .cn.booking import free_cash
from .cn.kinds import COLLATERAL_BUY
from .commands import MODEL_CN_MARGIN, MODEL_PORTFOLIO, CheckOrder, CheckOrders
from .effective import Effective
from .exposure import figures_of, line_of_position
from .footing import Footing
from .hedges import account_offset
from .lines import Line
from .outcomes import CheckOutcome, Figures
from .overriding import effective_limits
from .policy import Policy
from .rates import rates_at, regime_multiplier
from .reasons import Rejection, precedence
from .sharing import share_now
from .state import Book, roll_if_due
from .together_sums import worst_sums
from .valuing import held_beside
from .walk import projected_figures, walk


def figures_before(book: Book, command: CheckOrders, now_ns: int) -> dict[str, Figures]:
    """Return the projected figures that accounts of an atomic batch are compared with.

    Under `portfolio` it may hedge (4.22); add-ons of other positions are as before it (5.4).
    """
    found: dict[str, Figures] = {}
    policy = book.policy
    if not command.atomic or policy is None:
        return found
    for order in command.orders:
        account = book.accounts.get(order.account_id)
        if account is None or order.account_id in found:
            continue
        if account.margin_model != MODEL_PORTFOLIO and policy.add_ons is None:
            continue
        roll_if_due(book, account)
        figures = projected_figures(book, account, now_ns)
        if figures is not None:
            found[order.account_id] = figures
    return found


def judge_together(
    book: Book,
    orders: list[CheckOrder],
    answers: list[CheckOutcome],
    before: dict[str, Figures],
    now_ns: int,
) -> dict[int, list[Rejection]]:
    """Judge every account's figures once, with the whole batch in the book.

    A failure is put on the account's last opening order; the result is by index.
    """
    last: dict[str, int] = {}
    for index, answer in enumerate(answers):
        if not answer.verified_exit:
            last[orders[index].account_id] = index
    failures: dict[int, list[Rejection]] = {}
    for account_id, index in last.items():
        opened = [
            order.instrument_id
            for order, answer in zip(orders, answers, strict=True)
            if order.account_id == account_id and not answer.verified_exit
        ]
        account = book.accounts[account_id]
        answer = answers[index]
        pays = any(
            order.account_id == account_id and order.margin_kind == COLLATERAL_BUY
            for order in orders
        )
        warnings = list(answer.warnings)
        rejections = account_reasons(
            book, account, opened, before.get(account_id), now_ns, warnings, pays=pays
        )
        answer.warnings = tuple(warnings)
        if rejections:
            failures[index] = rejections
    return failures


def account_reasons(
    book: Book,
    account: Account,
    opened: list[str],
    before: Figures | None,
    now_ns: int,
    warnings: list[Rejection],
    *,
    pays: bool,
) -> list[Rejection]:
    """Return 4.20 to 4.25 of an account as it stands; 4.20 for the instruments it opened.

    Under `portfolio` as much may be missing of what is available as was `before`. What breaks
    limits in mode warn is added to `warnings`. `pays` says that collateral is bought: the free cash
    must reach (6.3).
    """
    policy = book.policy
    if policy is None:
        return []
    regime_bps = regime_multiplier(book, policy)
    total = walk(account, None, policy, regime_bps, now_ns)
    gross = -1 if before is None else before.gross
    line = charged(account, total.line, policy, regime_bps, now_ns, gross=gross, weighed=opened)
    figures = figures_of(account, line, account_offset(account, policy, regime_bps, now_ns))
    limits = effective_limits(account, policy, now_ns)
    footing = Footing(account, limits, held_beside(account, total, None))
    rejections: list[Rejection] = []
    names = sorted(set(opened))
    if figures.gross <= AMOUNT_BOUND:
        rejections += worst_sums(
            book, policy, limits, account, names, figures, now_ns, warning=False
        )
        rejections += worst_concentration(book, policy, limits, account, opened, figures, now_ns)
    found = leverage(
        account.account_id, limits.leverage_bps, figures.gross, figures.weighted, figures.equity
    )
    if found is not None:
        rejections.append(found)
    if limits.warning is not None and figures.gross <= AMOUNT_BOUND:
        warned = limits.warning
        warnings += worst_concentration(book, policy, warned, account, opened, figures, now_ns)
        warnings += worst_sums(book, policy, warned, account, names, figures, now_ns, warning=True)
        warnings += account_warnings(account, warned, footing, figures, total.line)
        warnings.sort(key=precedence)
    if figures.gross <= AMOUNT_BOUND:
        if account.margin_model == MODEL_CN_MARGIN:
            found = credit_margin(account, available_for(account, figures, pays=pays))
        elif figures.available < least_available(account, before):
            found = initial_margin(account.account_id, figures.equity, figures.initial)
        else:
            found = None
        if found is not None:
            rejections.append(found)
        rejections += lines_and_losses(account, limits, footing, figures, total.line)
        add_valued_sums(book, policy, account, now_ns, rejections, warnings)
    rejections.sort(key=precedence)
    return rejections


def least_available(account: Account, before: Figures | None) -> int:
    """Return what must be available: 0, of a portfolio no more than there was before (4.22)."""
    if before is None or account.margin_model != MODEL_PORTFOLIO:
        return 0
    return min(0, before.available)


def available_for(account: Account, figures: Figures, *, pays: bool) -> int:
    """Return what 4.22 measures under `cn_margin`: the free cash too where collateral is bought."""
    available = figures.available
    return min(available, free_cash(account)) if pays else available


def add_valued_sums(
    book: Book,
    policy: Policy,
    account: Account,
    now_ns: int,
    rejections: list[Rejection],
    warnings: list[Rejection],
) -> None:
    """Add what 4.26 says of sums over groups and the firm, of both modes."""
    if not policy.keeps_shares:
        return
    share = share_now(account, policy, regime_multiplier(book, policy), now_ns)
    if share is None:
        return
    rejections += valued_sums(book, policy, account, share, now_ns, warning=False)
    warnings += valued_sums(book, policy, account, share, now_ns, warning=True)
    warnings.sort(key=precedence)


def lines_and_losses(
    account: Account, limits: Effective, footing: Footing, figures: Figures, line: Line
) -> list[Rejection]:
    """Return 4.23 to 4.25."""
    account_id = account.account_id
    drawn = credit_line(account_id, limits.credit_line_e4, figures.cash)
    if account.margin_model == MODEL_CN_MARGIN:
        drawn = over_lines(account, limits, 0, line[6])
    found = [
        maintenance_ratio(account_id, limits, footing, figures.assets, figures.debt),
        drawn,
        day_loss(account_id, limits, footing),
        drawdown(account_id, limits, footing),
    ]
    return [rejection for rejection in found if rejection is not None]


def account_warnings(
    account: Account, limits: Effective, footing: Footing, figures: Figures, line: Line
) -> list[Rejection]:
    """Return what 4.21 to 4.25 warn of."""
    found = [
        leverage_warning(
            account.account_id, limits.leverage_bps, figures.gross, figures.weighted, figures.equity
        ),
    ]
    warnings = [warning for warning in found if warning is not None]
    return warnings + lines_and_losses(account, limits, footing, figures, line)


def worst_concentration(
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    opened: list[str],
    figures: Figures,
    now_ns: int,
) -> list[Rejection]:
    """Return 4.20 of the instrument with the greatest excess, ties by id; empty if none fails."""
    regime_bps = regime_multiplier(book, policy)
    worst = 0
    named: list[Rejection] = []
    for instrument_id in sorted(set(opened)):
        instrument = book.instruments[instrument_id]
        rates = rates_at(instrument, policy, regime_bps, account.margin_model, now_ns)
        gross = line_of_position(account.positions[instrument_id], rates, account.margin_model)[3]
        found = concentration_instrument(
            account.account_id,
            limits,
            instrument.terms.rating_group,
            rates[0],
            gross,
            figures.assets,
            figures.debt,
        )
        if found is None or found.limit is None:
            continue
        excess = gross - scale_down(figures.assets, found.limit)
        if excess > worst:
            worst = excess
            named = [found]
    return named
