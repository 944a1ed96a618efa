"""How limits resolve for one account, and in which mode (2.1, 4.28).

A limit is taken from the narrowest level that sets it: an override's, else the account's own, else
its tier's, else the policy's default (2.1). A level sets a limit by a value or by "unlimited",
written down; leaving it out passes on to the next wider level. Nothing set anywhere: the limit is
skipped, unless a level says that it is required (2.2). Its mode comes with it.

Leverage is special: the tier or the account itself must set it. A cap that the customer set on the
account stands beside these levels: it counts where it is the stricter one, and never says what the
firm allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .amounts import scale_up
from .limit import LIMIT_NAMES, NO_CHECK, NO_COLLAR, UNSET, Band, Limit, bucket
from .margin_lines import MARGIN_CALL, LineSet
from .permissions import NOTHING
from .policy import Policy
from .tier import Tier

if TYPE_CHECKING:
    from .room import Room
    from .slack import Slack

NO_LIMITS: Final[dict[str, Limit]] = {}


class Effective:
    """The limits of one account as they are judged: NO_CHECK where there is none.

    `missing` names the first required limit, leverage apart, that nothing sets; it is not judged.

    `warning` holds those in mode warn, None where nothing warns. `strict` holds all of them as if
    every one refused, None where that is no other: whoever keeps within it meets neither a refusal
    nor a warning. Collar and rate are here whatever their mode, since reservations and buckets
    follow them in either (3.1, 4.14): whether they are judged says `collar_warns`, `rate_warns`.

    `is_plain`: nothing is missing. `has_sums`: ownership, a sector or a board is limited. Of the
    products in `plain_products` a limit order has nothing of 4.7 to fear from lists, nor has a
    market order where the account `takes_market`. `lines` are kept whatever their mode (2.6);
    `margin_call_bps` is 0 where they are not judged (4.23); `is_still` says that 4.25 is not.
    """

    __slots__ = (
        "_any_mode",
        "_customers",
        "board_concentration",
        "collar_warns",
        "concentration",
        "concentration_required",
        "concentration_tables",
        "credit_line_e4",
        "day_loss_e4",
        "day_order_count",
        "day_turnover_e4",
        "drawdown_bps",
        "has_sums",
        "is_plain",
        "is_still",
        "levels",
        "leverage_bps",
        "leverage_missing",
        "lines",
        "margin_call_bps",
        "missing",
        "open_order_count",
        "order_notional_e4",
        "order_quantity",
        "order_volume_share_bps",
        "ownership_bps",
        "plain_products",
        "position",
        "price_collar_bps",
        "price_collar_floor_bps",
        "rate_cost_ns",
        "rate_tolerance_ns",
        "rate_warns",
        "rooms",
        "sector_concentration",
        "short_line_e4",
        "slacks",
        "strict",
        "takes_market",
        "tier_missing",
        "warning",
        "warns",
    )

    def __init__(
        self,
        policy: Policy,
        tier_id: str,
        own: dict[str, Limit],
        overriding: dict[str, Limit],
        customers: dict[str, Limit],
        *,
        warns: bool = False,
        strict: bool = False,
    ) -> None:
        tier = policy.tiers.get(tier_id)
        self.levels = levels = [overriding, *levels_of(policy, tier_id, own)]
        self._customers = NO_LIMITS if warns else customers
        self.plain_products: frozenset[str] = NOTHING
        self.takes_market = False
        self.rooms: dict[tuple[str, str, int], Room] = {}
        self.slacks: dict[str, Slack] = {}
        self.warns = warns
        self._any_mode = strict
        self.missing = ""
        self.tier_missing = tier is None
        leverage = self._take("leverage_bps", levels[:-1])
        self.leverage_missing = leverage == UNSET
        self.leverage_bps = (
            NO_CHECK if leverage == UNSET else self._capped("leverage_bps", leverage)
        )
        self.order_quantity = self._take_or_none("order_quantity", levels)
        self.order_notional_e4 = self._take_or_none("order_notional_e4", levels)
        self.order_volume_share_bps = self._take_or_none("order_volume_share_bps", levels)
        self.price_collar_bps = self._take_or_none("price_collar_bps", levels)
        self.price_collar_floor_bps = self._take_or_none("price_collar_floor_bps", levels)
        self.collar_warns = does_warn("price_collar_bps", levels)
        self.rate_cost_ns, self.rate_tolerance_ns = self._take_rate(levels)
        self.rate_warns = does_warn("order_rate", levels)
        self.open_order_count = self._take_or_none("open_order_count", levels)
        self.day_order_count = self._take_or_none("day_order_count", levels)
        self.day_turnover_e4 = self._take_or_none("day_turnover_e4", levels)
        self.position = self._take_or_none("position", levels)
        self.credit_line_e4 = self._take_or_none("credit_line_e4", levels)
        self.short_line_e4 = self._take_or_none("short_line_e4", levels)
        self.day_loss_e4 = self._take_or_none("day_loss_e4", levels)
        self.drawdown_bps = self._take_or_none("drawdown_bps", levels)
        self.is_still = self.day_loss_e4 == NO_CHECK and self.drawdown_bps == NO_CHECK
        line_set = policy.lines_of(tier)
        self._take_lines(line_set)
        self.ownership_bps = self._take_or_none("ownership_bps", levels)
        warned = self._take_concentration(tier)
        self.has_sums = (
            self.ownership_bps != NO_CHECK
            or bool(self.sector_concentration)
            or bool(self.board_concentration)
        )
        self.warning: Effective | None = None
        self.strict: Effective | None = None
        some = line_set.warns or policy_warns(policy)
        some = some or bool(warned) or any(does_warn(name, levels) for name in LIMIT_NAMES)
        if some and not warns and not strict:
            self.warning = Effective(policy, tier_id, own, overriding, customers, warns=True)
            self.strict = Effective(policy, tier_id, own, overriding, customers, strict=True)
        self.is_plain = not (self.tier_missing or self.leverage_missing or self.missing)

    def _take_concentration(self, tier: Tier | None) -> list[str]:
        """Take the tables of this mode (4.20); return which tables only warn."""
        self.concentration_tables = tier.concentration if tier is not None else {}
        warned = tier.concentration_warned if tier is not None else []
        self.concentration = self._of_mode(self.concentration_tables, warned)
        self.concentration_required = tier is not None and tier.concentration_required
        self.sector_concentration: dict[str, list[Band]] = {}
        self.board_concentration: dict[str, list[Band]] = {}
        if tier is not None:
            self.sector_concentration = self._of_mode(tier.sector_tables, tier.sector_warned)
            self.board_concentration = self._of_mode(tier.board_tables, tier.board_warned)
            warned = warned + tier.sector_warned + tier.board_warned
        return warned

    def _of_mode(self, tables: dict[str, list[Band]], warned: list[str]) -> dict[str, list[Band]]:
        """Return the concentration tables of the mode that is judged (4.28)."""
        return {
            name: bands
            for name, bands in tables.items()
            if self._any_mode or (name in warned) == self.warns
        }

    def _take_lines(self, line_set: LineSet) -> None:
        """Take the lines, and the one that refuses new risk if it is of this mode."""
        self.lines = line_set.lines
        self.margin_call_bps = 0
        if self.lines and (self._any_mode or line_set.warns == self.warns):
            self.margin_call_bps = self.lines[2 * MARGIN_CALL]

    def _take(self, name: str, levels: list[dict[str, Limit]]) -> int:
        """Return the value of the narrowest level that sets it, NO_CHECK, or UNSET."""
        limit = narrowest(name, levels)
        if limit is None:
            return UNSET
        is_other = limit.warns != self.warns and not self._any_mode
        if is_other and not name.startswith("price_collar"):
            return NO_CHECK
        return NO_CHECK if limit.value is None else limit.value

    def _take_or_none(self, name: str, levels: list[dict[str, Limit]]) -> int:
        """Return as `_take`, an unset one as no check; note it if it was required."""
        value = self._take(name, levels)
        if value == UNSET and is_required(name, levels):
            self.missing = self.missing or name
            return NO_CHECK
        return self._capped(name, value)

    def _capped(self, name: str, value: int) -> int:
        """Return a limit's value, or the customer's cap where that is stricter; NO_CHECK."""
        if value == UNSET:
            value = NO_CHECK
        cap = self._customers.get(name)
        return value if cap is None or cap.value is None or cap.value > value else cap.value

    def _take_rate(self, levels: list[dict[str, Limit]]) -> tuple[int, int]:
        limit = narrowest("order_rate", levels)
        if limit is None and not self.missing and is_required("order_rate", levels):
            self.missing = "order_rate"
        return bucket(limit)


def policy_warns(policy: Policy) -> bool:
    """Tell whether anything that is not an account's limit only warns."""
    return (
        policy.principal_warns
        or policy.self_trade_warns
        or policy.repeat_warns
        or policy.scopes_warn
    )


def levels_of(policy: Policy, tier_id: str, own: dict[str, Limit]) -> list[dict[str, Limit]]:
    """Return the levels that limits are taken from without overrides, the narrowest first (2.1)."""
    tier = policy.tiers.get(tier_id)
    return [own, tier.limits if tier is not None else {}, policy.default_limits]


def narrowest(name: str, levels: list[dict[str, Limit]]) -> Limit | None:
    """Return the first level's limit that sets a value or "unlimited"."""
    for level in levels:
        limit = level.get(name)
        if limit is not None and (limit.value is not None or limit.unlimited):
            return limit
    return None


def does_warn(name: str, levels: list[dict[str, Limit]]) -> bool:
    """Tell whether the limit that applies is in mode warn (4.28)."""
    limit = narrowest(name, levels)
    return limit is not None and limit.warns


def is_required(name: str, levels: list[dict[str, Limit]]) -> bool:
    """Tell whether any level says that the limit must be set."""
    for level in levels:
        limit = level.get(name)
        if limit is not None and limit.required:
            return True
    return False


def collar_bps(limits: Effective, factor: int, day_limit_bps: int) -> int:
    """Return c of 4.12 in bps: widened by volatility, from the floor to the day's limit."""
    collar = limits.price_collar_bps
    if collar == NO_CHECK:
        return NO_COLLAR
    collar = scale_up(collar, factor)
    floor = limits.price_collar_floor_bps
    if floor != NO_CHECK and floor > collar:
        collar = floor
    return day_limit_bps if 0 <= day_limit_bps < collar else collar
