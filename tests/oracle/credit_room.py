"""How much an order under cn_margin can still close (6.3)."""

from tests.oracle import credit
from tests.oracle.book import Account, Book, Instrument, bought_today, up


def room(book: Book, account: Account, instrument: Instrument, kind: str) -> int:
    """How much can still be closed by an order of a kind, before lots."""
    name = str(instrument.facts["instrument_id"])
    sells = credit.open_of(account, name, "COLLATERAL_SELL")
    repays = credit.open_of(account, name, "SELL_TO_REPAY")
    deliverable = credit.long_of(account, name) - sells - repays
    if instrument.facts.get("sellable_next_day", False):
        deliverable -= bought_today(book, account, name)
    if kind == "COLLATERAL_SELL":
        own = account.positions.get(name, 0) - sells
        own -= max(0, repays - credit.financed(account, name))
        return max(0, min(own, deliverable))
    if kind == "SELL_TO_REPAY":
        any_financed = any(one.kind == "FINANCED" for one in account.contracts)
        return max(0, deliverable) if any_financed else 0
    if kind == "BUY_TO_RETURN":
        back = credit.open_of(account, name, "BUY_TO_RETURN")
        return max(0, credit.owed(account, name) - back)
    return 0


def whole_lots(instrument: Instrument, quantity: int) -> int:
    """The least tradable quantity that covers what is owed."""
    least = instrument.facts.get("least_quantity", 0) or 1
    step = instrument.facts.get("quantity_step", 0) or 1
    if not quantity or quantity <= least:
        return int(least) if quantity else 0
    return int(least + up(quantity - least, step) * step)
