"""What one order may be in one instrument: limits on the same figure come down to the smallest.

The full judgement asks limit after limit and scope after scope, since it must name the one that
decides. The fast path (accept.py) only asks whether all hold, so it compares with a `Room`, worked
out once for all accounts of a group with the same limits and margin model. With limits at every
scope that is 12 of 55 us an order less than asking each (in process, alternating runs). A limit in
mode warn counts like any other.
"""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import AMOUNT_BOUND, scale_down, unscale_down
from .checks.sums import FINANCING, GROUP_EXPOSURE
from .effective import Effective, collar_bps
from .instrument import Instrument, Rates
from .limit import NO_CHECK, Band
from .policy import Policy
from .scope_limits import FIRM, GROUP, ScopeLimits
from .scopes import scopes_over
from .shares import stress_rate
from .state import Book

NOTHING_FITS: Final = -1

# An id of a group, and its limit.
Caps = list[tuple[str, int]]


class Room:
    """The smallest limits, NO_CHECK where there is none; what volatility divides is divided.

    `is_plain`: neither limits nor instrument need the full judgement. `quantity` and `notional_e4`
    are of one order; `position` is of one account, `shares` of its topmost group (4.18).
    `concentration_bps` is the smallest of the rating group's table, `tables_bps` of those of sector
    and board (4.20). `stress_bps` is what the firm's reserve has a position lose (4.26). Firm and
    groups have sums of their own: `firm_orders` and `group_orders` count open orders,
    `firm_position` and `group_positions` what positions reach, `financing_e4` and
    `group_exposures` what accounts were valued at (4.26). `epoch` and `rates` are what it was
    worked out at.
    """

    __slots__ = (
        "collar_bps",
        "concentration_bps",
        "epoch",
        "exposure_e4",
        "financing_e4",
        "firm_orders",
        "firm_position",
        "group_exposures",
        "group_orders",
        "group_positions",
        "is_plain",
        "notional_e4",
        "position",
        "quantity",
        "rates",
        "shares",
        "stress_bps",
        "tables_bps",
    )

    def __init__(
        self,
        policy: Policy,
        limits: Effective,
        instrument: Instrument,
        rates: Rates,
        scopes: list[ScopeLimits],
    ) -> None:
        terms = instrument.terms
        factor = rates[0]
        self.epoch = policy.rooms_epoch
        self.rates = rates
        self.is_plain = (
            limits.is_plain
            and terms.unit == 1
            and terms.dealing.plain_product in limits.plain_products
        )
        self.collar_bps = collar_bps(limits, factor, terms.price_limit_bps)
        self.quantity = min(limits.order_quantity, least(scopes, "order_quantity"))
        share_bps = min(limits.order_volume_share_bps, least(scopes, "order_volume_share_bps"))
        self.quantity = min(self.quantity, part_of(terms.average_volume, share_bps))
        notional = min(limits.order_notional_e4, least(scopes, "order_notional_e4"))
        self.notional_e4 = min(divided(notional, factor), AMOUNT_BOUND)
        ownership_bps = min(limits.ownership_bps, least(scopes, "ownership_bps"))
        self.shares = part_of(terms.shares_outstanding, ownership_bps)
        self.concentration_bps = NO_CHECK
        table = limits.concentration.get(terms.rating_group)
        if table is not None:
            self.concentration_bps = divided(least_cap(table), factor)
        elif limits.concentration_required:
            self.is_plain = False
        of_sector = least_cap(limits.sector_concentration.get(terms.sector, []))
        of_board = least_cap(limits.board_concentration.get(terms.board, []))
        self.tables_bps = divided(min(of_sector, of_board), factor)
        self.stress_bps = 0
        if policy.reserve is not None:
            self.stress_bps = stress_rate(policy.reserve.stress_bps, factor)
        self._take_positions(limits, terms.position_limit, scopes)
        self.exposure_e4 = least(scopes, "instrument_exposure_e4")

    def _take_positions(self, limits: Effective, own: int, scopes: list[ScopeLimits]) -> None:
        """Take what limits positions and open orders, by whose they are."""
        firm = [scope for scope in scopes if scope.kind == FIRM]
        groups = [scope for scope in scopes if scope.kind == GROUP]
        beside = [scope for scope in scopes if scope.kind not in (FIRM, GROUP)]
        self.position = min(limits.position, least(beside, "position"))
        if 0 <= own < self.position:
            self.position = own
        self.firm_position = least(firm, "position")
        self.firm_orders = least(firm, "open_order_count")
        self.financing_e4 = least(firm, FINANCING)
        self.group_exposures = caps_of(groups, GROUP_EXPOSURE)
        self.group_positions = caps_of(groups, "position")
        self.group_orders = caps_of(groups, "open_order_count")


def least_cap(bands: list[Band]) -> int:
    """Return the smallest cap of a table in bps; NO_CHECK where no band has any."""
    return min((band.cap_bps for band in bands if band.cap_bps is not None), default=NO_CHECK)


def least(scopes: list[ScopeLimits], name: str) -> int:
    """Return the smallest limit of a name."""
    return min((scope.caps.get(name, NO_CHECK) for scope in scopes), default=NO_CHECK)


def caps_of(scopes: list[ScopeLimits], name: str) -> Caps:
    """Return the limits of a name by the id of their scope."""
    return [(scope.scope_id, scope.caps[name]) for scope in scopes if name in scope.caps]


def part_of(whole: int, share_bps: int) -> int:
    """Return a share of what there is; nothing fits where that is not known."""
    if share_bps == NO_CHECK:
        return NO_CHECK
    return scale_down(whole, share_bps) if whole >= 0 else NOTHING_FITS


def divided(limit: int, factor: int) -> int:
    """Return a limit that volatility divides (5.2)."""
    return limit if limit == NO_CHECK else unscale_down(limit, factor)


def room_of(
    policy: Policy, limits: Effective, account: Account, instrument: Instrument, rates: Rates
) -> Room:
    """Return the room of an account in an instrument (a memo)."""
    key = account.group_id, instrument.instrument_id, account.margin_model
    room = limits.rooms.get(key)
    if room is None or room.rates != rates or room.epoch != policy.rooms_epoch:
        scopes = scopes_over(policy, account, instrument) if policy.scopes else []
        room = limits.rooms[key] = Room(policy, limits, instrument, rates, scopes)
    return room


def forget_rooms(book: Book) -> None:
    """Forget what was worked out: groups or instruments are others now."""
    if book.policy is not None:
        book.policy.rooms_epoch += 1
