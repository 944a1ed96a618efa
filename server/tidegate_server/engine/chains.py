"""Orders that replace each other, reserved as one until the venue has answered (7.2).

A chain is one order at the venue under several ids. Each member has its own quantity, price and
state; what is filled counts for all of them, under whichever id it was reported. Until the venue
has taken or refused a replace, both may be working: the chain reserves the larger open quantity at
the worse price, once.

    acknowledged, cancelled, expired    the venue had it: those before it are replaced
    rejected, unsent                    it never came about: those before it stand
    filled                              says nothing of the replace: it may have either id

What a report does is worked out as `Stand`s, without touching an order: `decide` looks at them, and
`evolve` applies the same ones.
"""

from __future__ import annotations

from .account import Account
from .commands import (
    BUY,
    EVENT_ACKNOWLEDGED,
    EVENT_CANCELLED,
    EVENT_EXPIRED,
    EVENT_FILLED,
    EVENT_REJECTED,
    EVENT_UNSENT,
    OrderEvent,
)
from .order import (
    ACKNOWLEDGED,
    CANCELLED,
    EXPIRED,
    FILLED,
    PARTLY_FILLED,
    REJECTED,
    REPLACED,
    RESERVED,
    UNSENT,
    Chain,
    Order,
)
from .reach import count_open
from .reserve import move_open
from .state import Book

LIVE = (RESERVED, ACKNOWLEDGED, PARTLY_FILLED)
ENDS = {
    EVENT_UNSENT: UNSENT,
    EVENT_CANCELLED: CANCELLED,
    EVENT_REJECTED: REJECTED,
    EVENT_EXPIRED: EXPIRED,
}
# Ends after which those before it are no more.
PROOFS = (CANCELLED, EXPIRED)
# Ends of what never came about.
REFUSALS = (REJECTED, UNSENT)


class Stand:
    """Where one member of a chain is, or will be."""

    __slots__ = ("awaited", "filled", "member", "quantity", "state")

    def __init__(self, member: Order) -> None:
        self.member = member
        self.quantity = member.command.quantity if member.command is not None else 0
        self.state = member.state
        self.filled = member.filled
        self.awaited = member.awaited

    def is_live(self) -> bool:
        """Tell whether it has not ended."""
        return self.state in LIVE

    def open(self) -> int:
        """Return what the venue may still fill of it."""
        if self.state not in LIVE:
            return self.awaited
        return self.quantity - self.filled if self.quantity > self.filled else 0


def stands_of(chain: Chain) -> list[Stand]:
    """Return where the members of a chain are."""
    return [Stand(member) for member in chain.members]


def open_of(stands: list[Stand]) -> int:
    """Return what a chain reserves: the largest of what its members have open."""
    return max([stand.open() for stand in stands], default=0)


def holder_of(chain: Chain) -> Order | None:
    """Return the member that holds what the chain reserves."""
    for member in chain.members:
        if member.reserved:
            return member
    return None


def open_under(order: Order) -> int:
    """Return what is reserved under an order's id, or under those of its chain."""
    if order.chain is None:
        return order.reserved
    holder = holder_of(order.chain)
    return holder.reserved if holder is not None else 0


def after(order: Order, event: OrderEvent) -> list[Stand]:
    """Return where a report on one member, that matches it, leaves its chain."""
    if order.chain is None:
        return []
    stands = stands_of(order.chain)
    if event.kind == EVENT_FILLED:
        fill(stands, order, event.quantity)
    elif event.kind == EVENT_ACKNOWLEDGED:
        acknowledge(stands, order)
    elif event.kind in ENDS and order.state in LIVE:
        end(stands, order, ENDS[event.kind], event.cumulative_quantity)
    close(stands)
    return stands


def close(stands: list[Stand]) -> None:
    """End what waits with nothing open, once nothing else of the chain is open."""
    if not open_of(stands):
        for stand in stands:
            if stand.is_live():
                stand.state = FILLED


def fill(stands: list[Stand], order: Order, quantity: int) -> None:
    """Take a fill off every member; of those after the one filled nothing was reported."""
    after_it = False
    for stand in stands:
        untold = after_it
        after_it = after_it or stand.member is order
        stand.filled += quantity
        stand.awaited -= min(quantity, stand.awaited)
        if not stand.is_live():
            continue
        if stand.filled >= stand.quantity:
            stand.state = FILLED
        elif not untold or stand.state != RESERVED:
            stand.state = PARTLY_FILLED


def acknowledge(stands: list[Stand], order: Order) -> None:
    """Let a member stand, and those before it be replaced; a refused one stays refused."""
    own = next(stand for stand in stands if stand.member is order)
    if own.state in REFUSALS or own.state == REPLACED:
        return
    if own.state == RESERVED:
        own.state = PARTLY_FILLED if own.filled else ACKNOWLEDGED
        if own.filled >= own.quantity:
            own.state = FILLED
    replace_before(stands, own)


def end(stands: list[Stand], order: Order, state: int, cumulative: int) -> None:
    """End a member; fills that the venue knows of and the gate does not are awaited."""
    reserved = open_of(stands)
    own = next(stand for stand in stands if stand.member is order)
    own.state = state
    own.awaited = min(max(0, cumulative - own.filled), reserved)
    if state in PROOFS:
        replace_before(stands, own)


def replace_before(stands: list[Stand], own: Stand) -> None:
    """End the members before one that the venue had."""
    for stand in stands:
        if stand is own:
            return
        if stand.is_live():
            stand.state = REPLACED


def is_too_much(order: Order, quantity: int) -> bool:
    """Tell whether a fill passes what was ordered in all, and was not awaited."""
    if order.chain is None:
        return False
    stands = stands_of(order.chain)
    if quantity <= max([stand.awaited for stand in stands], default=0):
        return False
    limits = [stand.quantity for stand in stands if stand.is_live()]
    if not limits:
        limits = [stand.quantity for stand in stands if stand.state not in REFUSALS][-1:]
    return order.filled + quantity > max(limits, default=0)


def is_late(order: Order, quantity: int) -> bool:
    """Tell whether a fill comes after the end of its order, and was not awaited."""
    if order.chain is None or order.state in LIVE:
        return False
    stands = stands_of(order.chain)
    if order.state == REPLACED and any(stand.is_live() for stand in stands):
        return False
    return quantity > max([stand.awaited for stand in stands], default=0)


def settle(book: Book, account: Account, chain: Chain, stands: list[Stand]) -> None:
    """Put a chain's members where they stand, and reserve what is open of them as one."""
    before = holder_of(chain)
    for stand in stands:
        member = stand.member
        if member.state in LIVE and not stand.is_live():
            end_quietly(book, member)
        member.state = stand.state
        member.filled = stand.filled
        member.awaited = stand.awaited
    if before is None or before.command is None:
        return
    quantity = before.reserved
    price = before.reserved_price
    now_open = open_of(stands)
    now_price = price_of(stands, price)
    now_ratio = ratio_of(stands, chain.ratio_bps)
    holder = newest_live(stands, before)
    same = now_price == price and now_ratio == chain.ratio_bps
    if holder is before and now_open == quantity and same:
        return
    position = account.positions[before.command.instrument_id]
    move_open(account, position, before.command, before, -quantity)
    before.reserved = 0
    before.reserved_price = own_price(before)
    chain.ratio_bps = now_ratio
    if holder.command is not None:
        holder.reserved = now_open
        holder.reserved_price = now_price
        move_open(account, position, holder.command, holder, now_open)
    if not now_open:
        count_open(book, account, -1)
    if position.is_flat():
        account.deactivate(position)


def end_quietly(book: Book, member: Order) -> None:
    """Await no answer for a member that ended; whatever ended it said enough."""
    member.reported = True
    if member.unconfirmed:
        member.unconfirmed = False
        book.unconfirmed_count -= 1


def own_price(order: Order) -> int:
    """Return the price that an order is reserved at by itself."""
    return order.outcome.reserved_price_e4 if order.outcome is not None else 0


def own_ratio(order: Order) -> int:
    """Return the ratio that an order is reserved at by itself (6.3)."""
    return order.outcome.margin_ratio_bps if order.outcome is not None else 0


def ratio_of(stands: list[Stand], ratio_bps: int) -> int:
    """Return the greatest ratio of the members that may be working, as `price_of` does."""
    if any(stand.awaited for stand in stands):
        return ratio_bps
    live = [own_ratio(stand.member) for stand in stands if stand.is_live()]
    return max(live, default=ratio_bps)


def price_of(stands: list[Stand], price: int) -> int:
    """Return the worst price of the members that may be working.

    Fills that are awaited may be at any price that was reserved so far: then `price` stays.
    """
    if any(stand.awaited for stand in stands):
        return price
    live = [stand.member for stand in stands if stand.is_live()]
    prices = [own_price(member) for member in live]
    if not prices:
        return price
    command = live[0].command
    buys = command is not None and command.side == BUY
    return max(prices) if buys else min(prices)


def newest_live(stands: list[Stand], before: Order) -> Order:
    """Return who holds the reservation: the newest member that may be working."""
    for stand in reversed(stands):
        if stand.is_live() and stand.open():
            return stand.member
    return before
