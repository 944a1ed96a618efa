"""The limits in mode warn: judged like the others, and answered as warnings (4.28)."""

from __future__ import annotations

from .amounts import AMOUNT_BOUND
from .checks.concentration import concentration_instrument
from .checks.counts import day_order_count, day_turnover, open_order_count
from .checks.credit import credit_line
from .checks.credit_kinds import credit_lines
from .checks.leverage import leverage_warning
from .checks.losses import day_loss, drawdown
from .checks.maintenance import maintenance_ratio
from .checks.position import ownership_limit, position_limit
from .checks.prices import price_collar
from .checks.rate import order_rate
from .checks.repeats import order_repeated
from .checks.self_trade import self_trade
from .checks.size import order_notional, order_quantity, order_volume_share
from .judge import sum_reasons
from .judgement import Judgement
from .question import Question
from .reasons import Rejection, precedence


def warnings_of(judged: Judgement) -> list[Rejection]:
    """Return every limit in mode warn that the order breaks, in order of precedence."""
    limits = judged.limits
    if limits.warning is None:
        return []
    judged.limits = limits.warning
    judged.warning = True
    warnings: list[Rejection] = []
    order_warnings(judged, warnings)
    if not judged.is_exit:
        risk_warnings(judged, warnings)
    judged.limits = limits
    judged.warning = False
    warnings.sort(key=precedence)
    return warnings


def shape_warnings_of(asked: Question) -> list[Rejection]:
    """Return every limit of 4.12 and 4.13 in mode warn that the order breaks; asked last."""
    warnings: list[Rejection] = []
    if asked.limits.warning is not None:
        asked.limits = asked.limits.warning
        asked.warning = True
        shape_warnings(asked, warnings)
    return warnings


def shape_warnings(asked: Question, warnings: list[Rejection]) -> None:
    """Add what speaks against price and quantity."""
    if found := price_collar(asked):
        warnings.append(found)
    if found := order_quantity(asked):
        warnings.append(found)
    if found := order_notional(asked):
        warnings.append(found)
    if found := order_volume_share(asked):
        warnings.append(found)


def order_warnings(judged: Judgement, warnings: list[Rejection]) -> None:
    """Add what exits face too (column X)."""
    shape_warnings(judged, warnings)
    if found := order_rate(judged):
        warnings.append(found)
    if found := order_repeated(judged):
        warnings.append(found)
    if found := open_order_count(judged):
        warnings.append(found)
    if found := self_trade(judged):
        warnings.append(found)


def risk_warnings(judged: Judgement, warnings: list[Rejection]) -> None:
    """Add what only new risk faces."""
    if found := day_order_count(judged):
        warnings.append(found)
    if found := day_turnover(judged):
        warnings.append(found)
    if not judged.priced:
        return
    if not judged.credit or judged.counts():
        if found := position_limit(judged):
            warnings.append(found)
        if found := ownership_limit(judged):
            warnings.append(found)
    if not judged.valued or not judged.alone or judged.gross > AMOUNT_BOUND:
        return
    account_id = judged.account.account_id
    limits = judged.limits
    if found := concentration_instrument(
        account_id,
        limits,
        judged.instrument.terms.rating_group,
        judged.factor,
        judged.line[3],
        judged.assets,
        judged.debt,
    ):
        warnings.append(found)
    sum_reasons(judged, warnings)
    if found := leverage_warning(
        account_id, limits.leverage_bps, judged.gross, judged.weighted, judged.equity
    ):
        warnings.append(found)
    footing = judged.footing
    if found := maintenance_ratio(account_id, limits, footing, judged.assets, judged.debt):
        warnings.append(found)
    drawn = credit_line(account_id, limits.credit_line_e4, judged.cash)
    if found := credit_lines(judged) if judged.credit else drawn:
        warnings.append(found)
    if found := day_loss(account_id, limits, footing):
        warnings.append(found)
    if found := drawdown(account_id, limits, footing):
        warnings.append(found)
