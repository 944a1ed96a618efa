"""An account as it stands, or with an order in it, and what it uses of its limits (8.5)."""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import INT64_MAX, ONE, lower_ratio_bps, raw_up
from .checks.rate import next_time_ns
from .cn.judging import holding_with, order_cost
from .cn.kinds import MARGIN_BUY
from .effective import is_required, narrowest
from .judgement import Judgement
from .limit import NO_CHECK
from .overriding import effective_limits
from .policy import Policy
from .position import Position
from .rates import rates_at, regime_multiplier
from .reasons import RejectReason, ScopeKind
from .state import Book, roll_if_due
from .walk import projected_figures

# Whether a limit is set.
SET: Final = 1
UNLIMITED: Final = 2
UNSET: Final = 3
MISSING: Final = 4  # required and unset: new risk is refused (2.2)

NO_USAGE: Final = -1
EVERY_LIMIT: Final = -1


class Usage:
    """One limit and how much of it is used.

    `limit` and `measured` are in the limit's unit, None where there is none without an order.
    `usage_bps` is NO_USAGE where either is missing. `subject` is the instrument measured, for a
    limit of every instrument the one that uses most of it.
    """

    __slots__ = (
        "binds",
        "limit",
        "measured",
        "name",
        "reason",
        "scope_id",
        "scope_kind",
        "setting",
        "subject",
        "usage_bps",
        "warns",
    )

    def __init__(
        self,
        reason: RejectReason,
        name: str,
        setting: int,
        measured: int | None,
        limit: int | None,
        scope_kind: ScopeKind,
        scope_id: str,
        *,
        warns: bool,
        subject: str,
    ) -> None:
        self.reason = reason
        self.name = name
        self.setting = setting
        self.measured = measured
        self.limit = limit
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.warns = warns
        self.subject = subject
        self.binds = False
        self.usage_bps = NO_USAGE
        if measured is not None and limit is not None:
            self.usage_bps = used_bps(measured, limit)


class Standing:
    """An account's figures and counts, and the usages found so far.

    Figures are None without a mark. Positions are those that are not flat, by instrument id, so
    that ties go to the smallest. `borrowed` is what the order would finance (6.3), in e4.

    `least_bps` leaves out every limit that is used less, and those without a usage: whoever looks
    at each account that a record touches has no time for what is not set. EVERY_LIMIT: all of them.
    """

    __slots__ = (
        "account",
        "book",
        "borrowed",
        "day_order_count",
        "figures",
        "found",
        "least_bps",
        "limits",
        "next_order_ns",
        "now_ns",
        "open_order_count",
        "policy",
        "positions",
        "regime_bps",
        "turnover_e4",
    )

    def __init__(
        self,
        book: Book,
        policy: Policy,
        account: Account,
        now_ns: int,
        least_bps: int = EVERY_LIMIT,
    ) -> None:
        roll_if_due(book, account)
        self.least_bps = least_bps
        self.borrowed = 0
        self.book = book
        self.policy = policy
        self.account = account
        self.now_ns = now_ns
        self.limits = effective_limits(account, policy, now_ns)
        self.regime_bps = regime_multiplier(book, policy)
        self.figures = projected_figures(book, account, now_ns)
        self.positions = sorted(account.active, key=instrument_id_of)
        self.open_order_count = account.open_order_count
        self.day_order_count = account.day_order_count
        self.turnover_e4 = account.turnover_e4
        self.next_order_ns = account.next_order_ns
        self.found: list[Usage] = []

    def add_order(self, judged: Judgement) -> None:
        """Count an order as open that was valued, or only closes; the book stays as it is."""
        limits = self.limits
        if judged.valued:
            self.figures = judged.figures()
        if judged.order.margin_kind == MARGIN_BUY:
            self.borrowed = order_cost(judged)
        self.open_order_count += 1
        self.day_order_count += 1
        before = judged.turnover_before
        after = before + judged.quantity * judged.reserved_price
        self.turnover_e4 += raw_up(after, judged.unit) - raw_up(before, judged.unit)
        if limits.rate_cost_ns:
            self.next_order_ns = next_time_ns(
                self.next_order_ns, self.now_ns, limits.rate_cost_ns, limits.rate_tolerance_ns
            )
        others = [position for position in self.positions if position is not judged.position]
        self.positions = sorted([*others, position_with(judged)], key=instrument_id_of)

    def factor_of(self, position: Position) -> int:
        """Return v_eff of a position's instrument, in bps."""
        model = self.account.margin_model
        rates = rates_at(position.instrument, self.policy, self.regime_bps, model, self.now_ns)
        return max(ONE, rates[0])

    def limited(self, reason: RejectReason, name: str, measured: int | None) -> None:
        """Add the account's limit of that name in `Limits`; None: nothing without an order."""
        if self.least_bps != EVERY_LIMIT:
            limits = self.limits
            if measured is None or (getattr(limits, name) == NO_CHECK and limits.warning is None):
                return
        value, warns = self.value_of(name)
        if value == NO_CHECK:
            self.at_account(reason, name, self.setting_of(name), measured, None)
            return
        self.at_account(reason, name, SET, measured, value, warns=warns)

    def at_account(
        self,
        reason: RejectReason,
        name: str,
        setting: int,
        measured: int | None,
        limit: int | None,
        *,
        warns: bool = False,
        subject: str = "",
    ) -> None:
        """Add a limit whose scope is the account."""
        if self.leaves_out(measured, limit):
            return
        name_of_account = self.account.account_id
        self.found.append(
            Usage(
                reason,
                name,
                setting,
                measured,
                limit,
                ScopeKind.ACCOUNT,
                name_of_account,
                warns=warns,
                subject=subject,
            )
        )

    def at(
        self,
        reason: RejectReason,
        name: str,
        measured: int | None,
        limit: int,
        scope_kind: ScopeKind,
        scope_id: str,
        *,
        warns: bool = False,
        subject: str = "",
    ) -> None:
        """Add a limit that is set at another scope."""
        if self.leaves_out(measured, limit):
            return
        self.found.append(
            Usage(
                reason,
                name,
                SET,
                measured,
                limit,
                scope_kind,
                scope_id,
                warns=warns,
                subject=subject,
            )
        )

    def leaves_out(self, measured: int | None, limit: int | None) -> bool:
        """Tell whether a limit is used too little to be added."""
        if self.least_bps == EVERY_LIMIT:
            return False
        return measured is None or limit is None or used_bps(measured, limit) < self.least_bps

    def value_of(self, name: str) -> tuple[int, bool]:
        """Return the value in force and whether it only warns; NO_CHECK for none."""
        limits = self.limits
        value: int = getattr(limits, name)
        if name.startswith("price_collar"):
            return value, limits.collar_warns
        if value == NO_CHECK and limits.warning is not None:
            value = getattr(limits.warning, name)
            return value, value != NO_CHECK
        return value, False

    def setting_of(self, name: str) -> int:
        """Tell why a limit has no value; not where such limits are left out."""
        if self.least_bps != EVERY_LIMIT:
            return UNSET
        levels = self.limits.levels
        if name == "leverage_bps":
            levels = levels[:-1]
        if narrowest(name, levels) is not None:
            return UNLIMITED
        return MISSING if name == "leverage_bps" or is_required(name, levels) else UNSET


def position_with(judged: Judgement) -> Position:
    """Return what the account would have in the instrument, the order open."""
    position = Position(judged.instrument)
    position.quantity = judged.position_quantity
    position.open_buy = judged.open_buy + (judged.quantity if judged.buy else 0)
    position.open_sell = judged.open_sell + (0 if judged.buy else judged.quantity)
    known = judged.position
    if judged.valued:
        position.line = judged.line
    elif known is not None:
        position.line = known.line
    if judged.credit:
        position.holding = holding_with(judged)
    return position


def instrument_id_of(position: Position) -> str:
    """Return the instrument that a position is in."""
    return position.instrument.instrument_id


def used_bps(measured: int, limit: int) -> int:
    """Return how much of a limit is used, rounded down; the greatest int64 for "without bound"."""
    if measured <= 0:
        return 0
    return lower_ratio_bps(measured, limit) if limit > 0 and measured < INT64_MAX else INT64_MAX
