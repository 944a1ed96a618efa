"""4.8 LIMIT_NOT_SET: what must be set before new risk passes (2.2)."""

from __future__ import annotations

from tidegate_server.engine.checks.credit_kinds import unset_haircut, unset_ratio
from tidegate_server.engine.checks.position import shares_unknown
from tidegate_server.engine.checks.selling import pool_unknown
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.limit import NO_CHECK, NO_COLLAR
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.scopes import has_limit


def limit_not_set(judged: Judgement) -> Rejection | None:
    """Refuse, naming the first of what must be set and is not."""
    limits = judged.limits
    if limits.tier_missing:
        return _account(judged, "tier")
    if limits.leverage_missing:
        return _account(judged, "leverage_bps")
    permissions = judged.account.permissions
    if not permissions.product_types:
        return _account(judged, "product_types")
    if not permissions.order_types:
        return _account(judged, "order_types")
    if not judged.instrument.terms.dealing.product_type:
        return _instrument(judged, "product_type")
    rate = missing_rate(judged)
    if rate:
        return _instrument(judged, rate)
    if judged.credit:
        haircut = unset_haircut(judged)
        if haircut:
            return _instrument(judged, haircut)
        ratio = unset_ratio(judged)
        if ratio:
            return _account(judged, ratio)
    if limits.missing:
        return _account(judged, limits.missing)
    if judged.policy.principal_rate_missing:
        return _named(ScopeKind.PRINCIPAL, judged.order.principal, "principal_order_rate")
    group = judged.instrument.terms.rating_group
    if limits.concentration_required and group not in limits.concentration_tables:
        return _account(judged, "concentration")
    if judged.is_market and reach_unknown(judged):
        return _account(judged, "market_collar")
    if volume_unknown(judged):
        return _instrument(judged, "average_volume")
    if shares_unknown(judged):
        return _instrument(judged, "shares_outstanding")
    if pool_unknown(judged):
        return _instrument(judged, "short_pool")
    return None


def missing_rate(judged: Judgement) -> str:
    """Return the name of the margin rate that the order needs and its instrument lacks."""
    terms = judged.instrument.terms
    if judged.credit or not terms.marginable:
        return ""
    if judged.buy:
        return "initial_margin_long_bps" if terms.initial_long_bps < 0 else ""
    return "initial_margin_short_bps" if terms.initial_short_bps < 0 else ""


def reach_unknown(judged: Judgement) -> bool:
    """Tell whether nothing says how far a market order may reach (3.1)."""
    terms = judged.instrument.terms
    day_limit = terms.upper_limit_e4 if judged.buy else terms.lower_limit_e4
    return judged.collar == NO_COLLAR and day_limit < 0


def volume_unknown(judged: Judgement) -> bool:
    """Tell whether a share of volume is limited and the volume is not known (4.13)."""
    limits = judged.limits
    limited = limits.order_volume_share_bps != NO_CHECK
    limited = limited or has_limit(judged.scopes, "order_volume_share_bps")
    if limits.warning is not None and limits.warning.order_volume_share_bps != NO_CHECK:
        limited = True  # 4.8 is on whatever the mode of what cannot be judged
    return limited and judged.instrument.terms.average_volume < 0


def _account(judged: Judgement, subject: str) -> Rejection:
    return _named(ScopeKind.ACCOUNT, judged.account.account_id, subject)


def _instrument(judged: Judgement, subject: str) -> Rejection:
    return _named(ScopeKind.INSTRUMENT, judged.instrument.instrument_id, subject)


def _named(scope_kind: ScopeKind, scope_id: str, subject: str) -> Rejection:
    return Rejection(RejectReason.LIMIT_NOT_SET, None, None, scope_kind, scope_id, subject)
