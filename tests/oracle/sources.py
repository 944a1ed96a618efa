"""Chapter 7.6: one execution as several sources report it."""

from tests.oracle.book import Account, Book, Event, Message


def disagrees(event: Message, known: Event) -> bool:
    """Say whether another source told an execution of the account otherwise."""
    if event["kind"] != "FILLED" or event.get("source", "") == known.source:
        return False
    if known.booked is None:
        return not known.is_fill and not known.busted
    quantity = event["quantity"] if event["side"] == "BUY" else -event["quantity"]
    told = (event["instrument_id"], quantity, event["price_e4"])
    return told != (*known.booked[:2], known.price)


def elsewhere(book: Book, event: Message) -> list[Account]:
    """The other accounts for which another source told the same execution."""
    if event["kind"] != "FILLED":
        return []
    found = []
    for account in book.accounts.values():
        known = account.events.get(event["event_id"])
        if known is None or known.booked is None or account.account_id == event["account_id"]:
            continue
        forgotten = known.trade_date < book.trading_date
        if known.source != event.get("source", "") and not forgotten:
            found.append(account)
    return found
