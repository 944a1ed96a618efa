"""What 6.3 checks by kind, and how it reads 4.7, 4.8, 4.18, 4.19, 4.22 and 4.24."""

from tests.oracle import credit
from tests.oracle.book import Message, up
from tests.oracle.case import Case, entry, of_account, of_instrument
from tests.oracle.figures import Figures, closed_credit
from tests.oracle.limits import setting


def kind(case: Case) -> str:
    """What the order is for."""
    return str(case.request.get("margin_kind", ""))


def too_much(case: Case, quantity: int) -> list[Message]:
    """More than there is to be closed."""
    if not credit.is_exit_kind(case.request) or case.is_exit(quantity):
        return []
    limit = case.exit_quantity
    if kind(case) == "BUY_TO_RETURN":
        return [of_account(case, "POSITION_LIMIT", quantity, limit)]
    return [of_instrument(case, "NOT_SELLABLE", quantity, limit)]


def permission(case: Case) -> str:
    """Which permission the kind lacks."""
    granted = case.account.facts.get("permissions", {})
    if kind(case) == "SHORT_SELL" and not granted.get("short", False):
        return "short"
    if kind(case) == "MARGIN_BUY" and not granted.get("margin", False):
        return "margin"
    return ""


def gaps(case: Case) -> list[Message]:
    """What must be set for a haircut and a ratio."""
    found = []
    facts = case.instrument.facts
    here = ("INSTRUMENT", case.instrument_id)
    if kind(case) in credit.OPENING and facts.get("marginable", False):
        classes = [cap.get("haircut_class", "") for cap in credit.caps_of(case.book)]
        if "haircut_bps" not in facts:
            found.append(entry("LIMIT_NOT_SET", here, subject="haircut_bps"))
        elif facts.get("haircut_class", "") not in classes:
            found.append(entry("LIMIT_NOT_SET", here, subject="haircut_cap"))
    opened = contract_kind(case)
    if opened and credit.ratio_in_force(case.book, case.account, opened, case.now) is None:
        table = credit.ratio_table(case.account, opened)
        found.append(entry("LIMIT_NOT_SET", ("ACCOUNT", case.account.account_id), subject=table))
    return found


def contract_kind(case: Case) -> str:
    """The kind of contract that the order would open."""
    return {"MARGIN_BUY": "FINANCED", "SHORT_SELL": "SHORT"}.get(kind(case), "")


def order_ratio(case: Case) -> int:
    """The ratio that the order is reserved at."""
    opened = contract_kind(case)
    if opened and case.opened is not None:
        return case.opened[1]
    return credit.ratio_of(case.book, case.account, opened, case.now) if opened else 0


def as_open(case: Case, quantity: int, reserved_price: int) -> credit.Open:
    """The order as if it were open."""
    name = case.instrument_id
    return credit.Open(name, kind(case), quantity, reserved_price, order_ratio(case))


def opening_checks(case: Case, quantity: int) -> list[Message]:
    """4.19 of a short sale."""
    found: list[Message] = []
    if kind(case) != "SHORT_SELL" or case.warning:
        return found
    name, mark = case.instrument_id, case.instrument.mark or 0
    if not case.instrument.facts.get("shortable", False):
        after = credit.open_of(case.account, name, "SHORT_SELL") + quantity
        found.append(of_instrument(case, "SHORT_NOT_ALLOWED", after, 0))
    elif case.price is None:
        scope = ("INSTRUMENT", name)
        found.append(entry("SHORT_NOT_ALLOWED", scope, (None, mark)))
    elif case.price < mark:
        found.append(of_instrument(case, "SHORT_NOT_ALLOWED", case.price, mark))
    return found


def figures_with(case: Case, quantity: int, reserved_price: int) -> Figures | None:
    """The account with the order; none: it counts for nothing."""
    if kind(case) not in credit.OPENING:
        return None
    order = as_open(case, quantity, reserved_price)
    found = credit.worth(case.book, case.account, case.now, order)
    made = closed_credit(found)
    name = case.instrument_id
    names = credit.names_of(case.account) | {name}
    made.gross_of = {i: credit.gross_in(case.book, case.account, i, order) for i in names}
    cost = up(quantity * reserved_price, case.instrument.unit)
    made.drawn = credit.drawn(case.book, case.account)
    made.drawn += cost if kind(case) == "MARGIN_BUY" else 0
    made.least = made.available
    if kind(case) == "COLLATERAL_BUY":
        made.least = min(made.least, credit.free_cash(case.book, case.account) - cost)
    return made


def lines(case: Case, after: Figures) -> list[Message]:
    """4.24: the line that is passed by more."""
    financing = setting(case, "credit_line_e4").value
    short = setting(case, "short_line_e4").value
    over = after.drawn - financing if financing is not None else 0
    short_over = after.short_value - short if short is not None else 0
    scope = ("ACCOUNT", case.account.account_id)
    if over > 0 and over >= short_over:
        return [entry("CREDIT_LINE", scope, (after.drawn, financing), subject="financing")]
    if short_over > 0:
        return [entry("CREDIT_LINE", scope, (after.short_value, short), subject="short")]
    return []
