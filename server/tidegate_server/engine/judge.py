"""The row of checks 4.4 to 4.25: all are evaluated, and every failure is a reason."""

from __future__ import annotations

from .account import Account
from .add_on_judgement import AddOnJudgement
from .amounts import AMOUNT_BOUND
from .checks.concentration import (
    concentration_instrument,
    concentration_sum,
    gross_in_sector,
    gross_on_board,
)
from .checks.counts import day_order_count, day_turnover, open_order_count
from .checks.credit import credit_line
from .checks.credit_kinds import credit_lines, credit_reasons, credit_valued_reasons, room_exceeded
from .checks.firm import firm_instrument_exposure
from .checks.leverage import leverage
from .checks.losses import day_loss, drawdown
from .checks.maintenance import maintenance_ratio
from .checks.margin import initial_margin
from .checks.permission import (
    disclosure_not_acknowledged,
    instrument_restricted,
    risk_not_permitted,
    type_not_permitted,
)
from .checks.position import (
    ownership_limit,
    position_limit,
    reach_after,
    reach_before,
)
from .checks.prices import price_collar, price_missing, price_stale
from .checks.rate import order_rate
from .checks.repeats import order_repeated
from .checks.self_trade import self_trade
from .checks.selling import not_sellable, short_not_allowed, short_unlocated
from .checks.session import session_closed
from .checks.setup import limit_not_set, missing_rate
from .checks.shape import lot_size, price_limit, tick_size
from .checks.size import order_notional, order_quantity, order_volume_share
from .checks.stops import false_claim, halted, reduce_only
from .checks.sums import valued_sums
from .cn.judging import CreditJudgement
from .commands import MODEL_CN_MARGIN, MODEL_PORTFOLIO, REGIME_HALTED, CheckOrder
from .instrument import Instrument
from .judgement import Judgement
from .policy import Policy
from .question import Question
from .rates import known_rates
from .reasons import Rejection, RejectReason, precedence
from .room import room_of
from .shares import Share
from .sharing import share_with
from .state import Book
from .within import sums_within


def judge(judged: Judgement) -> list[Rejection]:
    """Return every reason against the order, in order of precedence."""
    rejections: list[Rejection] = []
    fixed_reasons(judged, rejections)
    sized_reasons(judged, rejections)
    if len(rejections) > 1:
        rejections.sort(key=precedence)
    return rejections


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
    if found := session_closed(judged):
        rejections.append(found)
    if found := type_not_permitted(judged):
        rejections.append(found)
    price_reasons(judged, rejections)
    if found := order_rate(judged):
        rejections.append(found)
    if (judged.policy.repeat_count or book.latches) and (found := order_repeated(judged)):
        rejections.append(found)
    if found := open_order_count(judged):
        rejections.append(found)
    if found := self_trade(judged):
        rejections.append(found)


def sized_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that a smaller quantity might cure."""
    size_reasons(judged, rejections)
    if found := not_sellable(judged) if not judged.credit else room_exceeded(judged):
        rejections.append(found)
    if not judged.is_exit:
        new_risk_reasons(judged, rejections)


def price_reasons(asked: Question, rejections: list[Rejection]) -> None:
    """Add what speaks against the limit price."""
    if asked.is_market:
        return
    if found := tick_size(asked):
        rejections.append(found)
    if found := price_limit(asked):
        rejections.append(found)
    if found := price_collar(asked):
        rejections.append(found)


def size_reasons(asked: Question, rejections: list[Rejection]) -> None:
    """Add what speaks against the quantity, of itself and at its price."""
    if found := lot_size(asked):
        rejections.append(found)
    if found := order_quantity(asked):
        rejections.append(found)
    if found := order_notional(asked):
        rejections.append(found)
    if found := order_volume_share(asked):
        rejections.append(found)


def new_risk_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add the reasons that verified exits do not face (column X)."""
    if found := no_reduction(judged):
        rejections.append(found)
    if found := risk_not_permitted(judged):
        rejections.append(found)
    if found := instrument_restricted(judged):
        rejections.append(found)
    if found := disclosure_not_acknowledged(judged):
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
    if judged.priced and judged.credit:
        credit_reasons(judged, rejections)
    elif judged.priced:
        if found := position_limit(judged):
            rejections.append(found)
        if found := ownership_limit(judged):
            rejections.append(found)
        if found := short_not_allowed(judged):
            rejections.append(found)
        if found := short_unlocated(judged):
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
    sum_reasons(judged, rejections)
    if judged.credit:
        credit_valued_reasons(judged, rejections)
    elif judged.equity < judged.initial and not missing_rate(judged):
        found = initial_margin(account_id, judged.equity, judged.initial)
        if found is not None and not hedges(judged):
            rejections.append(found)
    footing = judged.footing
    if found := maintenance_ratio(account_id, limits, footing, judged.assets, judged.debt):
        rejections.append(found)
    drawn = credit_line(account_id, limits.credit_line_e4, judged.cash)
    if found := credit_lines(judged) if judged.credit else drawn:
        rejections.append(found)
    if found := day_loss(account_id, limits, footing):
        rejections.append(found)
    if found := drawdown(account_id, limits, footing):
        rejections.append(found)


def judgement_of(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    now_ns: int,
) -> Judgement:
    """Open the judgement of an order under its account's margin model."""
    if account.margin_model == MODEL_CN_MARGIN:
        return CreditJudgement(book, policy, account, instrument, order, now_ns)
    if policy.add_ons is not None:
        return AddOnJudgement(book, policy, account, instrument, order, now_ns)
    return Judgement(book, policy, account, instrument, order, now_ns)


def sum_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add what is summed over sector, board (4.20) and firm (4.26), where anything limits it."""
    limits = judged.limits
    account = judged.account
    terms = judged.instrument.terms
    gross = judged.line[3]
    if terms.sector in limits.sector_concentration and (
        found := concentration_sum(
            RejectReason.CONCENTRATION_SECTOR,
            account.account_id,
            limits.sector_concentration,
            terms.sector,
            judged.factor,
            gross + gross_in_sector(account, terms.sector, judged.position),
            judged.assets,
            judged.debt,
        )
    ):
        rejections.append(found)
    if terms.board in limits.board_concentration and (
        found := concentration_sum(
            RejectReason.CONCENTRATION_BOARD,
            account.account_id,
            limits.board_concentration,
            terms.board,
            judged.factor,
            gross + gross_on_board(account, terms.board, judged.position),
            judged.assets,
            judged.debt,
        )
    ):
        rejections.append(found)
    if judged.scopes and (
        found := firm_instrument_exposure(
            judged.scopes,
            judged.instrument,
            reach_after(judged) - reach_before(judged),
            warning=judged.warning,
        )
    ):
        rejections.append(found)
    if judged.policy.keeps_shares:
        share = share_with(judged)
        if not sums_hold(judged, share):
            rejections += valued_sums(
                judged.book, judged.policy, account, share, judged.now_ns, warning=judged.warning
            )


def sums_hold(judged: Judgement, share: Share) -> bool:
    """Tell at first sight that sums of valuations hold, in whatever mode; false in doubt (4.26)."""
    account, instrument, policy = judged.account, judged.instrument, judged.policy
    rates = judged.rates
    if rates != known_rates(instrument, account.margin_model):
        return False  # a stale factor: no room is kept
    room = room_of(policy, judged.strict, account, instrument, rates)
    return sums_within(judged.book, policy, account, room, share, judged.now_ns)


def hedges(judged: Judgement) -> bool:
    """Tell whether an order leaves no less available than there was; `portfolio` only (4.22)."""
    if judged.account.margin_model != MODEL_PORTFOLIO:
        return False
    return judged.equity - judged.initial >= judged.before().available
