"""Chapter 7.2 for what is open: orders that replace each other are one order at the venue.

Every member of a chain keeps its own quantity, price and state, and how much was filled in all.
What the chain reserves is worked out anew each time, and stands on one of its members.
"""

from tests.oracle.book import LIVE, Message, Order

ENDED_BY = frozenset({"CANCELLED", "EXPIRED"})  # the venue had it
REFUSED_BY = frozenset({"REJECTED", "UNSENT"})  # it never came about
TELLS_FILLS = frozenset({"CANCELLED", "REJECTED", "EXPIRED"})


def reserved_under(order: Order) -> int:
    """What is reserved under an order's id, or under any of its chain."""
    return sum(member.reserved for member in order.chain or [order])


def is_closed(order: Order) -> bool:
    """Say whether nothing is open under an order's id, or under any of its chain."""
    return reserved_under(order) == 0


def is_superseded(order: Order) -> bool:
    """Say whether an allow is of no use any more: replaced since, or nothing left to replace."""
    if order.chain is None:
        return False
    old = [member for member in order.chain if member.order_id == order.replaces]
    return order.chain[-1] is not order or any(member.state not in LIVE for member in old)


def still_open(order: Order) -> int:
    """What may still be filled of one member by itself."""
    return max(0, order.quantity - order.filled) if order.state in LIVE else order.awaited


def own_price(order: Order) -> int:
    """What a member is reserved at by itself."""
    return int((order.answer or {})["reserved_price_e4"])


def regroup(chain: list[Order]) -> None:
    """Reserve a chain as one: the most that is open, at the worst price, on its newest member."""
    holders = [member for member in chain if member.reserved > 0]
    most = max((still_open(member) for member in chain), default=0)
    if not holders:
        return
    (holder,) = holders
    price, ratio = holder.reserved_price, holder.ratio
    working = [member for member in chain if member.state in LIVE]
    if working and not any(member.awaited for member in chain):
        worst = max if holder.side == "BUY" else min
        price = worst(own_price(member) for member in working)
        ratio = max(member.own_ratio for member in working)
    newest = [member for member in working if still_open(member) > 0]
    holder.reserved, holder.reserved_price = 0, own_price(holder)
    if newest:
        holder = newest[-1]
    holder.reserved, holder.reserved_price, holder.ratio = most, price, ratio
    if not most:
        holder.reserved_price = own_price(holder)


def is_odd(order: Order, quantity: int) -> bool:
    """Say whether a fill is more than was ordered, or after an end that did not tell of it."""
    return bool(Told(order.chain or [order], order).fill_flags(quantity))


class Told:
    """One report on a member of a chain."""

    def __init__(self, chain: list[Order], order: Order) -> None:
        """Remember what was open, and who was working, before it."""
        self.chain = chain
        self.order = order
        self.working = [member for member in chain if member.state in LIVE]
        self.open = max(still_open(member) for member in chain)
        self.awaited = max(member.awaited for member in chain)

    def fill(self, quantity: int) -> set[str]:
        """Count a fill for every member."""
        flags = self.fill_flags(quantity)
        place = self.chain.index(self.order)
        for index, member in enumerate(self.chain):
            member.filled += quantity
            member.awaited = max(0, member.awaited - quantity)
            if member not in self.working:
                continue
            if member.filled >= member.quantity:
                member.state = "FILLED"
            elif index <= place or member.state != "RESERVED":
                member.state = "PARTLY_FILLED"
        self._close()
        return flags

    def fill_flags(self, quantity: int) -> set[str]:
        """What is odd about a fill."""
        if quantity <= self.awaited:
            return set()
        flags = set()
        totals = [member.quantity for member in self.working]
        if not totals:
            totals = [m.quantity for m in self.chain if m.state not in REFUSED_BY][-1:] or [0]
        if self.order.filled + quantity > max(totals):
            flags.add("OVERFILL")
        replaced = self.order.state == "REPLACED" and bool(self.working)
        if self.order.state not in LIVE and not replaced:
            flags.add("AFTER_END")
        return flags

    def end(self, kind: str, event: Message) -> set[str]:
        """Take an acknowledgement or an end."""
        order, was = self.order, self.order.state
        if kind == "ACKNOWLEDGED":
            if was == "RESERVED":
                order.state = "PARTLY_FILLED" if order.filled else "ACKNOWLEDGED"
                if order.filled >= order.quantity:
                    order.state = "FILLED"
            if was not in REFUSED_BY and was != "REPLACED":
                self._end_before()
            self._close()
            return set()
        if was not in LIVE:
            self._close()
            return {"AFTER_END"}
        order.state = kind
        if kind in TELLS_FILLS:
            told = max(0, event.get("cumulative_quantity", 0) - order.filled)
            order.awaited = min(told, self.open)
        if kind in ENDED_BY:
            self._end_before()
        self._close()
        return set()

    def _end_before(self) -> None:
        for member in self.chain[: self.chain.index(self.order)]:
            if member.state in LIVE:
                member.state = "REPLACED"

    def _close(self) -> None:
        """Nobody waits for an answer to what has ended; then reserve what is left."""
        if not any(still_open(member) for member in self.chain):
            for member in self.chain:
                member.state = "FILLED" if member.state in LIVE else member.state
        for member in self.working:
            if member.state not in LIVE:
                member.reported, member.acknowledge_by, member.unconfirmed = True, 0, False
        regroup(self.chain)
