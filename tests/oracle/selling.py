"""4.19: short sales and what may be sold of today's purchases."""

from tests.oracle.book import Message, bought_today
from tests.oracle.case import Case, entry, of_instrument
from tests.oracle.credit import is_credit
from tests.oracle.scopes import line_of


def short_sales(case: Case, quantity: int) -> list[Message]:
    """Of a sale that opens: whether the instrument can be sold short, and is located."""
    if is_credit(case.account):
        return located(case, quantity) if case.request.get("margin_kind") == "SHORT_SELL" else []
    after = case.line.plus(case.side, quantity, 0)
    if case.side != "SELL" or after.opening_sells() <= 0:
        return []
    reasons = []
    if not case.instrument.facts.get("shortable", False):
        reasons.append(of_instrument(case, "SHORT_NOT_ALLOWED", after.opening_sells(), 0))
    return reasons + located(case, after.open_sells - after.held)


def located(case: Case, own: int) -> list[Message]:
    """Whether the pool covers all accounts, this one short of so much more or in all."""
    pool = case.instrument.facts.get("short_pool")
    if pool is None:
        return []
    use = max(0, own)
    for account in case.book.accounts.values():
        if account is not case.account or is_credit(account):
            use += line_of(case, account.account_id).short()
    return [of_instrument(case, "SHORT_UNLOCATED", use, pool)] if use > pool else []


def pool_unset(case: Case, *, is_exit: bool) -> list[Message]:
    """A short sale of what can be sold short needs a pool."""
    facts = case.instrument.facts
    if is_credit(case.account) and case.request.get("margin_kind") != "SHORT_SELL":
        return []
    if is_exit or case.side != "SELL" or not facts.get("shortable", False) or "short_pool" in facts:
        return []
    return [entry("LIMIT_NOT_SET", ("INSTRUMENT", case.instrument_id), subject="short_pool")]


def not_sellable(case: Case, quantity: int) -> list[Message]:
    """What was bought today waits for the next day; exits face this too."""
    if is_credit(case.account):
        return []  # by kind
    if case.side != "SELL" or not case.instrument.facts.get("sellable_next_day", False):
        return []
    line = case.line
    bought = bought_today(case.book, case.account, case.instrument_id)
    sellable = max(0, line.held - bought - line.open_sells)
    if min(quantity, max(0, line.held - line.open_sells)) <= sellable:
        return []
    return [of_instrument(case, "NOT_SELLABLE", quantity, sellable)]
