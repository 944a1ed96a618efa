"""4.7: what an account may do and what an instrument lets be done with it."""

from tests.oracle import credit_checks
from tests.oracle.account_checks import figures_after
from tests.oracle.book import Message
from tests.oracle.case import Case, entry
from tests.oracle.credit import is_credit


def granted(case: Case) -> Message:
    """What the account may do."""
    found: Message = case.account.facts.get("permissions", {})
    return found


def product_type(case: Case) -> str:
    """What the instrument is; empty: nobody said."""
    return str(case.instrument.facts.get("product_type", ""))


def wrong_type(case: Case) -> str:
    """Which type of the order a written list leaves out; empty: none."""
    products, types = granted(case).get("product_types", []), granted(case).get("order_types", [])
    if products and product_type(case) and product_type(case) not in products:
        return "product_type"
    if types and case.request["order_type"] not in types:
        return "order_type"
    given = bool(case.request.get("margin_kind", ""))
    return "margin_kind" if given != is_credit(case.account) else ""


def not_permitted(
    case: Case, quantity: int, reserved_price: int | None, *, is_exit: bool, bound: int
) -> list[Message]:
    """4.7; of an exit only its product and order type."""
    scope = ("ACCOUNT", case.account.account_id)
    subject = wrong_type(case)
    if not subject and not is_exit and is_credit(case.account):
        subject = credit_checks.permission(case)
    elif not subject and not is_exit:
        if case.side == "SELL" and not granted(case).get("short", False):
            subject = "short"
        elif not granted(case).get("margin", False) and not bound:
            after = figures_after(case, quantity, reserved_price)
            subject = "margin" if after is not None and after.cash < 0 else ""
    reasons = [entry("NOT_PERMITTED", scope, subject=subject)] if subject else []
    if is_exit:
        return reasons
    unfinanced = is_credit(case.account) and case.request.get("margin_kind") == "MARGIN_BUY"
    unfinanced = unfinanced and not case.instrument.facts.get("marginable", False)
    if unfinanced or case.instrument.facts.get("restricted", False):
        reasons.append(entry("INSTRUMENT_RESTRICTED", ("INSTRUMENT", case.instrument_id)))
    acknowledged = case.account.facts.get("acknowledged_disclosure_version", 0)
    if acknowledged < case.book.number("disclosure_version"):
        reasons.append(entry("DISCLOSURE_NOT_ACKNOWLEDGED", scope))
    return reasons
