"""4.11 PRICE_MISSING and PRICE_STALE, 4.12 PRICE_COLLAR."""

from __future__ import annotations

from tidegate_server.engine.amounts import scale_down, upper_ratio_bps
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.limit import NO_COLLAR
from tidegate_server.engine.question import Question
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def price_missing(judged: Judgement) -> Rejection | None:
    """Refuse new risk while anything that counts has no mark; the ordered one is named first."""
    if not judged.mark:
        name = judged.instrument.instrument_id
    elif judged.rest.missing_id:
        name = judged.rest.missing_id
    else:
        return None
    return Rejection(RejectReason.PRICE_MISSING, None, None, ScopeKind.INSTRUMENT, name, name)


def price_stale(judged: Judgement) -> Rejection | None:
    """Refuse new risk while anything that counts has a mark older than the policy allows."""
    greatest = judged.policy.max_mark_age_ns
    own = judged.instrument
    if own.mark and judged.now_ns - own.mark_time_ns > greatest:
        stale = own
    elif judged.rest.stale_id:
        stale = judged.book.instruments[judged.rest.stale_id]
    else:
        return None
    return Rejection(
        RejectReason.PRICE_STALE,
        judged.now_ns - stale.mark_time_ns,
        greatest,
        ScopeKind.INSTRUMENT,
        stale.instrument_id,
        stale.instrument_id,
    )


def price_collar(judged: Question) -> Rejection | None:
    """Refuse a limit price too far through the mark."""
    mark = judged.mark
    collar = judged.collar
    if judged.limits.collar_warns != judged.warning:
        return None
    if judged.is_market or not mark or collar == NO_COLLAR:
        return None
    away = judged.price - mark if judged.buy else mark - judged.price
    if away <= scale_down(mark, collar):
        return None
    return Rejection(
        RejectReason.PRICE_COLLAR,
        upper_ratio_bps(away, mark),
        collar,
        ScopeKind.ACCOUNT,
        judged.account.account_id,
    )
