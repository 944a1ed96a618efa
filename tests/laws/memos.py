"""What memos would be if they were worked out anew: for the laws that hold them against it."""

from tidegate_server.engine.account import Account
from tidegate_server.engine.add_ons import more_of_position
from tidegate_server.engine.rates import rates_now, regime_multiplier
from tidegate_server.engine.scopes import owned_after
from tidegate_server.engine.state import Book


def wrong_add_ons(book: Book, account: Account) -> list[str]:
    """Name the positions of which a memo is taken to hold and add-ons require something else.

    Each is weighed against both ends of its span, too.
    """
    policy = book.policy
    assert policy is not None
    tables = policy.add_ons
    found: list[str] = []
    regime_bps = regime_multiplier(book, policy)
    for position in account.active:
        memo = position.add_on_memo
        instrument = position.instrument
        bought = position.quantity + position.open_buy
        sold = position.open_sell - position.quantity
        if (
            memo is None
            or tables is None
            or memo.tables is not tables
            or (memo.bought, memo.sold) != (bought, sold)
            or memo.revision != position.line_revision
            or memo.revision not in (instrument.revision, instrument.revision + 1)
            or account.margin_model != 1
        ):
            continue
        reach = position.reach()
        of_group = owned_after(account, instrument, reach, reach)
        if not memo.least_reach <= of_group <= memo.most_reach:
            continue
        stressed = memo.revision != instrument.revision
        rates = rates_now(instrument, policy, regime_bps, 1, stressed)
        for gross in (memo.least_gross, memo.most_gross):
            more = more_of_position(account, tables, position, position.line, rates, gross, reach)
            if more[0] != memo.initial:
                found.append(f"{account.account_id} in {instrument.instrument_id}, of {gross}")
    return found
