"""What an account may use of its limits before any of them reaches the first level of 8.5.

It is worked out once for all accounts of a group with the same limits, as `Room` is for orders
(room.py), in either mode (4.28); who compares with it is far.py.
"""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import ONE
from .checks.sums import FINANCING, GROUP_EXPOSURE
from .effective import Effective
from .instrument import Instrument
from .limit import NO_CHECK
from .policy import Policy
from .room import Caps, caps_of, divided, least, least_cap
from .scope_limits import FIRM, GROUP, ScopeLimits
from .scopes import scopes_over

# What is used less has reached no level.
NEAR_BPS: Final = 5_000

COUNT: Final = "open_order_count"


class Slack:
    """The greatest figures of an account that are used less than NEAR_BPS; NO_CHECK for no limit.

    `group_exposures`, `financing_e4` and `reserve_e4` are of sums of valued accounts (4.26), the
    last of what the reserve must be. `of_instruments` is what it has in each instrument. `epoch` is
    what it was worked out at.
    """

    __slots__ = (
        "credit_line_e4",
        "day_loss_e4",
        "day_order_count",
        "day_turnover_e4",
        "drawdown_bps",
        "epoch",
        "financing_e4",
        "firm_orders",
        "group_exposures",
        "group_orders",
        "has_tables",
        "leverage_bps",
        "of_instruments",
        "open_order_count",
        "reserve_e4",
    )

    def __init__(self, policy: Policy, limits: Effective, account: Account) -> None:
        self.epoch = policy.rooms_epoch
        self.of_instruments: dict[str, InstrumentSlack] = {}
        limits = limits.strict or limits
        self.open_order_count = most_below(limits.open_order_count)
        self.day_order_count = most_below(limits.day_order_count)
        self.day_turnover_e4 = most_below(limits.day_turnover_e4)
        self.leverage_bps = most_below(limits.leverage_bps)
        self.credit_line_e4 = most_below(limits.credit_line_e4)
        self.day_loss_e4 = most_below(limits.day_loss_e4)
        self.drawdown_bps = most_below(limits.drawdown_bps)
        self.has_tables = bool(limits.sector_concentration or limits.board_concentration)
        keys = [(FIRM, ""), *[(GROUP, group_id) for group_id in account.groups]]
        above = [policy.scopes[key] for key in keys if key in policy.scopes]
        firm = [one for one in above if one.kind == FIRM]
        groups = [one for one in above if one.kind == GROUP]
        self.firm_orders = most_below(least(firm, COUNT))
        self.group_orders = below(groups, COUNT)
        self.financing_e4 = most_below(least(firm, FINANCING))
        self.group_exposures = below(groups, GROUP_EXPOSURE)
        self.reserve_e4 = NO_CHECK
        if policy.reserve is not None:
            self.reserve_e4 = most_below(policy.reserve.pool_e4)


class InstrumentSlack:
    """The same of figures in one instrument, at a volatility factor that divides limits (5.2).

    `position` is of one account, `shares` of its topmost group (4.18), `firm_position`,
    `group_positions`, `short_pool` and `exposure_raw` of sums over accounts. `concentration_bps` is
    of the smallest cap of a table, `tables_bps` of those of sector and board (4.20); where more is
    used, the `bands` tell (`is_concentrated`).
    """

    __slots__ = (
        "bands",
        "board_bands",
        "concentration_bps",
        "exposure_raw",
        "factor",
        "firm_position",
        "group_positions",
        "position",
        "sector_bands",
        "shares",
        "short_pool",
        "tables_bps",
    )

    def __init__(
        self,
        policy: Policy,
        limits: Effective,
        account: Account,
        instrument: Instrument,
        factor: int,
    ) -> None:
        terms = instrument.terms
        limits = limits.strict or limits
        scopes = scopes_over(policy, account, instrument) if policy.scopes else []
        self.factor = factor
        self._take_positions(limits, terms.position_limit, scopes)
        pool = terms.dealing.short_pool
        self.short_pool = NO_CHECK if pool < 0 else most_below(pool)
        owned_bps = min(limits.ownership_bps, least(scopes, "ownership_bps"))
        self.shares = NO_CHECK
        if owned_bps != NO_CHECK and terms.shares_outstanding >= 0:
            self.shares = most_below(owned_bps) * terms.shares_outstanding // ONE
        exposure = least(scopes, "instrument_exposure_e4")
        self.exposure_raw = NO_CHECK
        if exposure != NO_CHECK:
            self.exposure_raw = most_below(exposure) * terms.unit
        self.bands = limits.concentration.get(terms.rating_group, [])
        self.sector_bands = limits.sector_concentration.get(terms.sector, [])
        self.board_bands = limits.board_concentration.get(terms.board, [])
        self.concentration_bps = most_below(divided(least_cap(self.bands), factor))
        of_tables = min(least_cap(self.sector_bands), least_cap(self.board_bands))
        self.tables_bps = most_below(divided(of_tables, factor))

    def _take_positions(self, limits: Effective, own: int, scopes: list[ScopeLimits]) -> None:
        """Take what limits positions, by whose they are."""
        beside = [scope for scope in scopes if scope.kind not in (FIRM, GROUP)]
        position = min(limits.position, least(beside, "position"))
        if 0 <= own < position:
            position = own
        self.position = most_below(position)
        firm = [scope for scope in scopes if scope.kind == FIRM]
        self.firm_position = most_below(least(firm, "position"))
        self.group_positions = below([one for one in scopes if one.kind == GROUP], "position")


def most_below(limit: int) -> int:
    """Return the greatest figure that uses less than NEAR_BPS of a limit; 0 uses nothing of 0."""
    if limit == NO_CHECK:
        return NO_CHECK
    return (limit * NEAR_BPS - 1) // ONE if limit > 0 else 0


def below(scopes: list[ScopeLimits], name: str) -> Caps:
    """Return as `most_below` of the limits of a name, by the id of their scope."""
    return [(scope_id, most_below(cap)) for scope_id, cap in caps_of(scopes, name)]


def slack_of(policy: Policy, limits: Effective, account: Account) -> Slack:
    """Return the slack of an account with these limits (a memo)."""
    slack = limits.slacks.get(account.group_id)
    if slack is None or slack.epoch != policy.rooms_epoch:
        slack = limits.slacks[account.group_id] = Slack(policy, limits, account)
    return slack
