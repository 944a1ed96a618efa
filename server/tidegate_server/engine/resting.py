"""Orders that rest, or may rest, at the venue, by side and price: what 4.17 compares an order with.

The ladders are memos: they are made anew when a policy or a snapshot comes into force, and followed
order by order only while the policy asks for the check. A group's ladder holds the orders of what
is nested in it as well.
"""

from __future__ import annotations

from .account import Account
from .commands import BUY, MARKET_ORDER, SELL, CheckOrder
from .ladders import Ladder
from .order import Order
from .policy import SELF_TRADE_GROUP
from .position import Position
from .reasons import ScopeKind
from .state import Book, LadderKey

# Better than any price: where a market order stands.
MARKET_EDGE = 1 << 60


def is_resting(order: Order) -> bool:
    """Tell whether some of an order is open and it has not ended."""
    return (order.reserved > 0 or order.chain is not None) and order.is_live()


def self_trade_scope(book: Book, account: Account) -> tuple[ScopeKind, str]:
    """Return whose orders an account's are compared with: its group's, or its own."""
    if book.self_trade_scope == SELF_TRADE_GROUP and account.group_id:
        return ScopeKind.GROUP, account.group_id
    return ScopeKind.ACCOUNT, account.account_id


def put_to_rest(book: Book, account: Account, position: Position, order: Order) -> None:
    """Put an order on its ladder: its position's, or those of its group and the groups above."""
    command = order.command
    if command is None:
        return
    buys = command.side == BUY
    price = command.price_e4
    if command.order_type == MARKET_ORDER:
        price = resting_price(order) + (MARKET_EDGE if buys else -MARKET_EDGE)
    if account.group_id and book.self_trade_scope == SELF_TRADE_GROUP:
        for group_id in account.groups:
            key = group_id, command.instrument_id, command.side
            ladder = book.ladders.get(key)
            if ladder is None:
                ladder = book.ladders[key] = Ladder(is_resting)
            ladder.add(-price if buys else price, order)
        return
    if buys:
        ladder = position.buy_ladder
        if ladder is None:
            ladder = position.buy_ladder = Ladder(is_resting)
    else:
        ladder = position.sell_ladder
        if ladder is None:
            ladder = position.sell_ladder = Ladder(is_resting)
    ladder.add(-price if buys else price, order)


def resting_price(order: Order) -> int:
    """Return an order's limit; of a market order the price that it is reserved at."""
    if order.command is None or order.outcome is None:
        return 0
    return order.command.price_e4 or order.outcome.reserved_price_e4


def crossed_order(
    book: Book, account: Account, position: Position | None, order: CheckOrder
) -> Order | None:
    """Return the best opposite order, if this one could trade with it: at its price or better."""
    buys = order.side == BUY
    if account.group_id and book.self_trade_scope == SELF_TRADE_GROUP:
        ladder = book.ladders.get((account.group_id, order.instrument_id, SELL if buys else BUY))
    elif position is None:
        return None
    else:
        ladder = position.sell_ladder if buys else position.buy_ladder
    if ladder is None:
        return None
    best = ladder.first()
    if best is None or best.command is None:
        return None
    if not order.price_e4 or not best.command.price_e4:  # a market order reaches any price
        return best
    price = best.command.price_e4
    crosses = order.price_e4 >= price if buys else order.price_e4 <= price
    return best if crosses else None


def make_ladders(book: Book) -> None:
    """Make every ladder anew if the policy asks for them otherwise than they are."""
    scope = book.policy.self_trade_scope if book.policy is not None else 0
    if scope == book.self_trade_scope:
        return
    book.self_trade_scope = scope
    book.ladders = {}
    for account in book.accounts.values():
        for position in account.positions.values():
            position.buy_ladder = position.sell_ladder = None
        if scope:
            put_all_to_rest(book, account, resting_orders(account))


def resting_orders(account: Account) -> list[Order]:
    """Return an account's orders that rest; looks at all of them."""
    return [order for order in account.orders.values() if is_resting(order)]


def put_all_to_rest(book: Book, account: Account, orders: list[Order]) -> None:
    """Put an account's orders on their ladders."""
    for order in orders:
        if order.command is not None:
            put_to_rest(book, account, account.positions[order.command.instrument_id], order)


def take_from_rest(book: Book, accounts: list[Account]) -> list[Order]:
    """Take accounts' orders off the ladders of 4.17; looks at all orders of their groups' ladders.

    Return what was taken, to be put back once the accounts' groups have changed.
    """
    if book.self_trade_scope != SELF_TRADE_GROUP:
        return []
    taken: list[Order] = []
    keys: set[LadderKey] = set()
    for account in accounts:
        moving = resting_orders(account)
        taken += moving
        for group_id in account.groups:
            for order in moving:
                if order.command is not None:
                    keys.add((group_id, order.command.instrument_id, order.command.side))
        for position in account.positions.values():
            position.buy_ladder = position.sell_ladder = None
    gone = set(taken)
    for key in keys:
        book.ladders[key].remove(gone)
    return taken


def put_back(book: Book, orders: list[Order]) -> None:
    """Put orders that were taken off on the ladders that are theirs now."""
    for order in orders:
        put_all_to_rest(book, book.accounts[order.account_id], [order])
