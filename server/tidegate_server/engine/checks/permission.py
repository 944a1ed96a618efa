"""4.7 NOT_PERMITTED, INSTRUMENT_RESTRICTED and DISCLOSURE_NOT_ACKNOWLEDGED.

Lists that are empty were never written down: they are 4.8's, which exits do not face (2.2).
"""

from __future__ import annotations

from tidegate_server.engine.checks.credit_kinds import cannot_finance, missing_permission
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def type_not_permitted(judged: Judgement) -> Rejection | None:
    """Refuse a product or order type that is not among the account's; exits face this too.

    So they do a margin kind that is missing under `cn_margin`, or set under another model (6.3).
    """
    subject = forbidden_type(judged)
    return _account(judged, RejectReason.NOT_PERMITTED, subject) if subject else None


def forbidden_type(judged: Judgement) -> str:
    """Return which type of the order the account's lists leave out; empty for none."""
    permissions = judged.account.permissions
    products = permissions.product_types
    product = judged.instrument.terms.dealing.product_type
    if products and product and product not in products:
        return "product_type"
    types = permissions.order_types
    if types and judged.order.order_type not in types:
        return "order_type"
    return "margin_kind" if (judged.order.margin_kind != 0) != judged.credit else ""


def risk_not_permitted(judged: Judgement) -> Rejection | None:
    """Refuse a short sale or financing to an account without the permission; one reason in all."""
    if forbidden_type(judged):
        return None
    permissions = judged.account.permissions
    if judged.credit:
        subject = missing_permission(judged)
        return _account(judged, RejectReason.NOT_PERMITTED, subject) if subject else None
    if not judged.buy and not permissions.short:
        return _account(judged, RejectReason.NOT_PERMITTED, "short")
    if not permissions.margin and draws_financing(judged):
        return _account(judged, RejectReason.NOT_PERMITTED, "margin")
    return None


def draws_financing(judged: Judgement) -> bool:
    """Tell whether projected cash is below 0 with the order; false where that has no value."""
    return judged.valued and judged.cash < 0


def instrument_restricted(judged: Judgement) -> Rejection | None:
    """Refuse new risk in what is on the restricted list."""
    unfinanced = judged.credit and cannot_finance(judged)
    if not judged.instrument.terms.dealing.restricted and not unfinanced:
        return None
    name = judged.instrument.instrument_id
    return Rejection(RejectReason.INSTRUMENT_RESTRICTED, None, None, ScopeKind.INSTRUMENT, name)


def disclosure_not_acknowledged(judged: Judgement) -> Rejection | None:
    """Refuse new risk before the disclosure in force is acknowledged."""
    if judged.account.permissions.disclosure_version >= judged.policy.disclosure_version:
        return None
    return _account(judged, RejectReason.DISCLOSURE_NOT_ACKNOWLEDGED, "")


def _account(judged: Judgement, reason: RejectReason, subject: str) -> Rejection:
    return Rejection(reason, None, None, ScopeKind.ACCOUNT, judged.account.account_id, subject)
