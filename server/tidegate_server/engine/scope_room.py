"""What the limits of all scopes come to for one group's orders in one instrument (2.1).

The full judgement asks each scope, since it must name the one that decides. The fast path only asks
whether all hold: limits on the same figure come down to the smallest, worked out once, so that an
order compares a dozen figures instead of asking six scopes for eight limits each (3 of 46 us an
order instead of 22; bench: engine_ns_per_check). A limit in mode warn counts like any other.
"""

from __future__ import annotations

from .amounts import scale_down, unscale_down
from .policy import NO_CHECK, Policy
from .scope_limits import FIRM, GROUP, ScopeLimits
from .scopes import firm_exposure, scopes_over
from .state import Account, Book, Instrument


class ScopeRoom:
    """The smallest limit of each kind, NO_CHECK where there is none.

    Those of the firm and of groups on sums of their own are apart: `firm_orders` and `group_orders`
    count open orders, `firm_position` and `group_positions` positions; `position` is of the account
    alone.
    """

    __slots__ = (
        "exposure_e4",
        "firm_orders",
        "firm_position",
        "group_orders",
        "group_positions",
        "order_notional_e4",
        "order_quantity",
        "order_volume_share_bps",
        "ownership_bps",
        "position",
    )

    def __init__(self, scopes: list[ScopeLimits]) -> None:
        self.order_quantity = least(scopes, "order_quantity")
        self.order_notional_e4 = least(scopes, "order_notional_e4")
        self.order_volume_share_bps = least(scopes, "order_volume_share_bps")
        self.ownership_bps = least(scopes, "ownership_bps")
        self.exposure_e4 = least(scopes, "instrument_exposure_e4")
        firm = [scope for scope in scopes if scope.kind == FIRM]
        groups = [scope for scope in scopes if scope.kind == GROUP]
        beside = [scope for scope in scopes if scope.kind not in (FIRM, GROUP)]
        self.position = least(beside, "position")
        self.firm_position = least(firm, "position")
        self.firm_orders = least(firm, "open_order_count")
        self.group_positions = caps_of(groups, "position")
        self.group_orders = caps_of(groups, "open_order_count")


def least(scopes: list[ScopeLimits], name: str) -> int:
    """Return the smallest limit of a name."""
    return min((scope.caps.get(name, NO_CHECK) for scope in scopes), default=NO_CHECK)


def caps_of(scopes: list[ScopeLimits], name: str) -> list[tuple[str, int]]:
    """Return the limits of a name by the id of their scope."""
    return [(scope.scope_id, scope.caps[name]) for scope in scopes if name in scope.caps]


def room_of(policy: Policy, account: Account, instrument: Instrument) -> ScopeRoom:
    """Return the room that an account's group has in an instrument (a memo)."""
    key = account.group_id, instrument.instrument_id
    room = policy.rooms.get(key)
    if room is None:
        room = policy.rooms[key] = ScopeRoom(scopes_over(policy, account, instrument))
    return room


def forget_rooms(book: Book) -> None:
    """Forget what was worked out: groups or instruments are others now."""
    if book.policy is not None:
        book.policy.rooms.clear()


def order_fits(
    book: Book, room: ScopeRoom, instrument: Instrument, quantity: int, highest: int, factor: int
) -> bool:
    """Tell whether one more order of a size breaks no limit of a scope; exits face these too.

    `highest` is the higher of its price and the mark. The unit is 1.
    """
    notional = room.order_notional_e4
    share = room.order_volume_share_bps
    if (
        quantity > room.order_quantity
        or (notional != NO_CHECK and quantity * highest > unscale_down(notional, factor))
        or book.open_order_count >= room.firm_orders
    ):
        return False
    for group_id, cap in room.group_orders:
        if book.open_orders_of.get(group_id, 0) >= cap:
            return False
    volume = instrument.terms.average_volume
    return share == NO_CHECK or (volume >= 0 and quantity <= scale_down(volume, share))


def position_fits(room: ScopeRoom, instrument: Instrument, before: int, after: int) -> bool:
    """Tell whether a position may reach so far, where it reached `before` (4.18, 4.26)."""
    if after > room.position or instrument.reach - before + after > room.firm_position:
        return False
    for group_id, cap in room.group_positions:
        if instrument.reach_of.get(group_id, 0) - before + after > cap:
            return False
    return (
        room.exposure_e4 == NO_CHECK
        or firm_exposure(instrument, after - before) <= room.exposure_e4
    )
