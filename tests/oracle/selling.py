"""4.19: short sales and what may be sold of today's purchases."""

from tests.oracle.book import Account, Book, Message, lines_of
from tests.oracle.case import Case, entry, of_instrument


def short_sales(case: Case, quantity: int) -> list[Message]:
    """Of a sale that opens: whether the instrument can be sold short, and is located."""
    after = case.line.plus(case.side, quantity, 0)
    if case.side != "SELL" or after.opening_sells() <= 0:
        return []
    reasons = []
    if not case.instrument.facts.get("shortable", False):
        reasons.append(of_instrument(case, "SHORT_NOT_ALLOWED", after.opening_sells(), 0))
    pool = case.instrument.facts.get("short_pool")
    if pool is not None:
        use = max(0, after.open_sells - after.held)
        for account in case.book.accounts.values():
            line = lines_of(account).get(case.instrument_id)
            if account is not case.account and line is not None:
                use += max(0, line.open_sells - line.held)
        if use > pool:
            reasons.append(of_instrument(case, "SHORT_UNLOCATED", use, pool))
    return reasons


def pool_unset(case: Case, *, is_exit: bool) -> list[Message]:
    """A short sale of what can be sold short needs a pool."""
    facts = case.instrument.facts
    if is_exit or case.side != "SELL" or not facts.get("shortable", False) or "short_pool" in facts:
        return []
    return [entry("LIMIT_NOT_SET", ("INSTRUMENT", case.instrument_id), subject="short_pool")]


def not_sellable(case: Case, quantity: int) -> list[Message]:
    """What was bought today waits for the next day; exits face this too."""
    if case.side != "SELL" or not case.instrument.facts.get("sellable_next_day", False):
        return []
    line = case.line
    bought = bought_today(case.book, case.account, case.instrument_id)
    sellable = max(0, line.held - bought - line.open_sells)
    if min(quantity, max(0, line.held - line.open_sells)) <= sellable:
        return []
    return [of_instrument(case, "NOT_SELLABLE", quantity, sellable)]


def bought_today(book: Book, account: Account, instrument_id: str) -> int:
    """Add up the purchases of the trading date, and of later ones, that stand."""
    total = 0
    for event in account.events.values():
        if event.booked is None or event.busted or event.trade_date < book.trading_date:
            continue
        name, quantity, _ = event.booked
        if name == instrument_id and quantity > 0:
            total += quantity
    return total
