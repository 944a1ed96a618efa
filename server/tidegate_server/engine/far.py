"""Whether every limit of an account is so far from used that no level of 8.5 can be reached.

The theory. The follower looks at each account that a record touches, and nearly always nothing is
used as much as the first level. So a look is one pass of comparisons over the positions with what
slack.py has worked out. "Far" is said only where it is sure of every limit that `used_limits` could
report, those of either mode (4.28) among them; in any doubt the account is looked at in full. A law
holds the two against each other: a limit that is added in usage.py has its comparison here.
"""

from __future__ import annotations

from .account import Account
from .amounts import ONE, scale_up, unscale_down, upper_ratio_bps
from .checks.concentration import cap_at
from .checks.sums import DRAWN, GROSS, SHORTFALL, sum_with, unstressed
from .commands import MODEL_CN_MARGIN, MODEL_LEVERAGED
from .effective import Effective
from .limit import NO_CHECK, Band
from .outcomes import Figures
from .overriding import effective_limits
from .policy import Policy
from .rates import rates_at, regime_multiplier
from .sharing import stressed_now
from .slack import NEAR_BPS, InstrumentSlack, Slack, most_below, slack_of
from .standing import used_bps
from .state import Book, roll_if_due
from .walk import projected_figures


def is_far_from_limits(book: Book, policy: Policy, account: Account, now_ns: int) -> bool:
    """Tell that every limit of an account as it stands is used less than NEAR_BPS; false in doubt.

    A look at 18 positions with every limit of the account set takes 23 us with it, 298 us without
    (median of 9 rounds over 200 accounts of the bench, orders between them; in process, not
    compiled); with limits at every scope 39 us, not 6.6 ms.
    """
    if account.margin_model == MODEL_CN_MARGIN:
        return False
    roll_if_due(book, account)
    limits = effective_limits(account, policy, now_ns)
    slack = slack_of(policy, limits, account)
    if not counts_are_far(book, account, slack):
        return False
    figures = projected_figures(book, account, now_ns)
    if figures is None or not figures_are_far(account, slack, figures):
        return False
    if not sums_are_far(book, policy, account, slack, figures, now_ns):
        return False
    if not positions_are_far(book, policy, limits, account, slack, figures, now_ns):
        return False
    return not slack.has_tables or tables_are_far(account, slack, figures)


def counts_are_far(book: Book, account: Account, slack: Slack) -> bool:
    """Tell it of what is counted: orders and turnover (4.16)."""
    for group_id, orders in slack.group_orders:
        if book.open_orders_of.get(group_id, 0) > orders:
            return False
    return (
        account.open_order_count <= slack.open_order_count
        and account.day_order_count <= slack.day_order_count
        and account.turnover_e4 <= slack.day_turnover_e4
        and book.open_order_count <= slack.firm_orders
    )


def sums_are_far(
    book: Book, policy: Policy, account: Account, slack: Slack, figures: Figures, now_ns: int
) -> bool:
    """Tell it of sums of valued accounts, this one as it is now (4.26); its lines hold."""
    reserve = policy.reserve
    if reserve is not None:
        if unstressed(book, account):
            return False
        regime_bps = regime_multiplier(book, policy)
        lost = stressed_now(account, reserve.stress_bps, policy, regime_bps, now_ns)
        short = now_ns, 0, 0, max(0, lost - figures.equity)
        total = sum_with(book, "", account, short, SHORTFALL)
        if scale_up(total, reserve.coverage_bps) > slack.reserve_e4:
            return False
    share = now_ns, figures.gross, -figures.cash if figures.cash < 0 else 0, 0
    for group_id, gross in slack.group_exposures:
        if sum_with(book, group_id, account, share, GROSS) > gross:
            return False
    if slack.financing_e4 == NO_CHECK:
        return True
    return sum_with(book, "", account, share, DRAWN) <= slack.financing_e4


def figures_are_far(account: Account, slack: Slack, figures: Figures) -> bool:
    """Tell it of leverage, initial margin, credit line and losses (4.21, 4.22, 4.24, 4.25)."""
    if (
        -figures.cash > slack.credit_line_e4
        or upper_ratio_bps(figures.weighted, figures.equity) > slack.leverage_bps
        or used_bps(figures.initial, max(0, figures.equity)) >= NEAR_BPS
    ):
        return False
    totals = account.totals
    if totals is None:
        return False
    equity = account.cash + totals[7] - totals[8] - account.interest_and_fees  # actual (3.7)
    start = account.start_of_day_equity
    if start is not None and start - equity > slack.day_loss_e4:
        return False
    high = max(account.high_water, equity)
    return upper_ratio_bps(high - equity, high) <= slack.drawdown_bps


def positions_are_far(
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    slack: Slack,
    figures: Figures,
    now_ns: int,
) -> bool:
    """Tell it of what is limited in each instrument, tables of sector and board left out."""
    model = account.margin_model
    regime_bps = regime_multiplier(book, policy)
    # Then some factor may be too old, or the rates are not the instrument's own.
    is_slow = model != MODEL_LEVERAGED or now_ns > account.fresh_until_ns
    groups = account.groups
    topmost = groups[-1] if groups else ""
    assets = figures.assets
    of_instruments = slack.of_instruments
    for position in account.active:
        instrument = position.instrument
        rates = instrument.rates
        if is_slow or rates is None:
            rates = rates_at(instrument, policy, regime_bps, model, now_ns)
        part = of_instruments.get(instrument.instrument_id)
        if part is None or part.factor != rates[0]:
            part = InstrumentSlack(policy, limits, account, instrument, rates[0])
            of_instruments[instrument.instrument_id] = part
        reach = position.quantity + position.open_buy
        sold = position.open_sell - position.quantity
        if sold > 0 and instrument.short_use > part.short_pool:
            return False
        if sold > reach:
            reach = sold
        owned = instrument.reach_of.get(topmost, 0) if topmost else reach
        if (
            reach > part.position
            or owned > part.shares
            or instrument.reach > part.firm_position
            or (
                part.exposure_raw != NO_CHECK
                and instrument.reach * instrument.high > part.exposure_raw
            )
        ):
            return False
        gross = position.line[3]
        if gross * ONE > part.concentration_bps * assets and is_concentrated(
            part.bands, part.factor, gross, figures
        ):
            return False
        for group_id, most in part.group_positions:
            if instrument.reach_of.get(group_id, 0) > most:
                return False
    return True


def tables_are_far(account: Account, slack: Slack, figures: Figures) -> bool:
    """Tell it of sectors and boards (4.20), each position's slack being there."""
    by_sector: dict[str, int] = {}
    by_board: dict[str, int] = {}
    for position in account.active:
        terms = position.instrument.terms
        gross = position.line[3]
        by_sector[terms.sector] = by_sector.get(terms.sector, 0) + gross
        by_board[terms.board] = by_board.get(terms.board, 0) + gross
    for position in account.active:
        instrument = position.instrument
        part = slack.of_instruments[instrument.instrument_id]
        in_sector = by_sector[instrument.terms.sector]
        on_board = by_board[instrument.terms.board]
        most = part.tables_bps * figures.assets
        if (
            in_sector * ONE > most
            and is_concentrated(part.sector_bands, part.factor, in_sector, figures)
        ) or (
            on_board * ONE > most
            and is_concentrated(part.board_bands, part.factor, on_board, figures)
        ):
            return False
    return True


def is_concentrated(bands: list[Band], factor: int, gross: int, figures: Figures) -> bool:
    """Tell whether a gross uses NEAR_BPS of the cap that the account's ratio gives (4.20)."""
    cap = cap_at(bands, figures.assets, figures.debt)
    if cap == NO_CHECK:
        return False
    return gross * ONE > most_below(unscale_down(cap, factor)) * figures.assets
