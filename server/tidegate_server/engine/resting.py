"""Orders that rest, or may rest, at the venue, by side and price: what 4.17 compares an order with.

The ladders are memos: they are made anew when a policy or a snapshot comes into force, and followed
order by order only while the policy asks for the check.
"""

from __future__ import annotations

from .commands import BUY, MARKET_ORDER, SELL, CheckOrder
from .ladders import Ladder
from .order import Order
from .policy import SELF_TRADE_GROUP
from .reasons import ScopeKind
from .state import Account, Book, LadderKey

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


def ladder_key(book: Book, account: Account, instrument_id: str, side: int) -> LadderKey:
    """Return which ladder holds an account's orders of one side."""
    scope_kind, scope_id = self_trade_scope(book, account)
    return int(scope_kind), scope_id, instrument_id, side


def put_to_rest(book: Book, account: Account, order: Order) -> None:
    """Put an order on its ladder."""
    command = order.command
    if command is None:
        return
    key = ladder_key(book, account, command.instrument_id, command.side)
    ladder = book.ladders.get(key)
    if ladder is None:
        ladder = Ladder(is_resting)
        book.ladders[key] = ladder
    price = resting_price(order)
    if command.order_type == MARKET_ORDER:
        price += MARKET_EDGE if command.side == BUY else -MARKET_EDGE
    ladder.add(-price if command.side == BUY else price, order)


def resting_price(order: Order) -> int:
    """Return an order's limit; of a market order the price that it is reserved at."""
    if order.command is None or order.outcome is None:
        return 0
    return order.command.price_e4 or order.outcome.reserved_price_e4


def crossed_order(book: Book, account: Account, order: CheckOrder) -> Order | None:
    """Return the best opposite order, if this one could trade with it: at its price or better."""
    opposite = SELL if order.side == BUY else BUY
    ladder = book.ladders.get(ladder_key(book, account, order.instrument_id, opposite))
    best = ladder.first() if ladder is not None else None
    if best is None or best.command is None:
        return None
    if not order.price_e4 or not best.command.price_e4:  # a market order reaches any price
        return best
    price = best.command.price_e4
    crosses = order.price_e4 >= price if order.side == BUY else order.price_e4 <= price
    return best if crosses else None


def make_ladders(book: Book) -> None:
    """Make every ladder anew if the policy asks for them otherwise than they are."""
    scope = book.policy.self_trade_scope if book.policy is not None else 0
    if scope == book.self_trade_scope:
        return
    book.self_trade_scope = scope
    book.ladders = {}
    if not scope:
        return
    for account in book.accounts.values():
        for order in account.orders.values():
            if is_resting(order):
                put_to_rest(book, account, order)


def change_group(book: Book, account: Account, group_id: str) -> None:
    """Let an account change its group, and its orders their ladders."""
    moving: list[Order] = []
    if book.self_trade_scope == SELF_TRADE_GROUP and group_id != account.group_id:
        moving = [order for order in account.orders.values() if is_resting(order)]
    gone = set(moving)
    keys = {
        ladder_key(book, account, order.command.instrument_id, order.command.side)
        for order in moving
        if order.command is not None
    }
    for key in keys:
        book.ladders[key].remove(gone)
    account.group_id = group_id
    for order in moving:
        put_to_rest(book, account, order)
