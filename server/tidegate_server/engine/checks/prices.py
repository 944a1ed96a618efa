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


def price_collar(asked: Question) -> Rejection | None:
    """Refuse a limit price too far through the mark."""
    mark = asked.mark
    collar = asked.collar
    if asked.limits.collar_warns != asked.warning:
        return None
    if asked.is_market or not mark or collar == NO_COLLAR:
        return None
    away = asked.price - mark if asked.buy else mark - asked.price
    if away <= scale_down(mark, collar):
        return None
    return Rejection(
        RejectReason.PRICE_COLLAR,
        upper_ratio_bps(away, mark),
        collar,
        ScopeKind.ACCOUNT,
        asked.account.account_id,
    )
