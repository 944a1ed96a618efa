"""The policy as the engine reads it, and how limits resolve.

A limit is taken from the narrowest level that sets it: the account's own, else its tier's, else the
policy's default (2.1). A level sets a limit by a value or by "unlimited", written down; leaving it
out passes on to the next wider level. Nothing set anywhere: the limit is skipped, unless a level
says that it is required (2.2).

Leverage is special: the tier or the account itself must set it.
"""

from __future__ import annotations

from typing import Final

from .amounts import INT64_MAX, scale_up

RULES_VERSION: Final = 1

# The limits of one account, in the order in which a missing one is named.
LIMIT_NAMES: Final = (
    "leverage_bps",
    "order_quantity",
    "order_notional_e4",
    "order_volume_share_bps",
    "price_collar_bps",
    "price_collar_floor_bps",
    "order_rate",
    "open_order_count",
    "day_order_count",
    "day_turnover_e4",
    "position",
    "credit_line_e4",
)

# What a policy's 0 stands for.
DEFAULT_RELEASE_WINDOW_NS: Final = 900 * 10**9
# Whose open orders an order is compared with (4.17); 0 is nobody's.
SELF_TRADE_ACCOUNT: Final = 1
SELF_TRADE_GROUP: Final = 2

UNSET: Final = -1
NO_CHECK: Final = INT64_MAX
NO_COLLAR: Final = -1


class Limit:
    """One limit at one level. A rate has a value (tokens a second) and a burst."""

    __slots__ = ("burst", "required", "unlimited", "value")

    def __init__(
        self,
        value: int | None = None,
        *,
        unlimited: bool = False,
        required: bool = False,
        burst: int = 0,
    ) -> None:
        self.value = value
        self.unlimited = unlimited
        self.required = required
        self.burst = burst


class Band:
    """One band of a concentration table; `cap_bps` is None for no cap."""

    __slots__ = ("cap_bps", "ratio_from_bps")

    def __init__(self, ratio_from_bps: int, cap_bps: int | None) -> None:
        self.ratio_from_bps = ratio_from_bps
        self.cap_bps = cap_bps


class Tier:
    """A class of accounts: its limits by name, its concentration tables by rating group."""

    __slots__ = ("concentration", "concentration_required", "limits", "tier_id")

    def __init__(
        self,
        tier_id: str,
        limits: dict[str, Limit],
        concentration: dict[str, list[Band]],
        *,
        concentration_required: bool,
    ) -> None:
        self.tier_id = tier_id
        self.limits = limits
        self.concentration = concentration
        self.concentration_required = concentration_required


class Policy:
    """A versioned document of limits. Ages and limits of time in ns, factors in bps.

    A `repeat_count` of 0 is none: orders alike are not counted (4.15).
    """

    __slots__ = (
        "acknowledgement_limit_ns",
        "comment",
        "default_limits",
        "elevated_regime_bps",
        "margin_classes",
        "max_clock_skew_ns",
        "max_mark_age_ns",
        "max_order_age_ns",
        "max_volatility_age_ns",
        "principal_cost_ns",
        "principal_order_rate",
        "principal_rate_missing",
        "principal_tolerance_ns",
        "release_window_ns",
        "repeat_count",
        "repeat_window_ns",
        "rules_version",
        "self_trade_scope",
        "slow_mark_step_bps",
        "stress_factor_bps",
        "stressed_regime_bps",
        "tiers",
        "version",
    )

    def __init__(
        self,
        *,
        version: int,
        rules_version: int,
        comment: str,
        max_order_age_ns: int,
        max_clock_skew_ns: int,
        max_mark_age_ns: int,
        max_volatility_age_ns: int,
        stress_factor_bps: int,
        elevated_regime_bps: int,
        stressed_regime_bps: int,
        slow_mark_step_bps: int,
        acknowledgement_limit_ns: int,
        principal_order_rate: Limit | None,
        default_limits: dict[str, Limit],
        tiers: dict[str, Tier],
        margin_classes: dict[str, int],
        self_trade_scope: int,
        repeat_count: int,
        repeat_window_ns: int,
        release_window_ns: int = 0,
    ) -> None:
        self.margin_classes = margin_classes
        self.version = version
        self.rules_version = rules_version
        self.comment = comment
        self.max_order_age_ns = max_order_age_ns
        self.max_clock_skew_ns = max_clock_skew_ns
        self.max_mark_age_ns = max_mark_age_ns
        self.max_volatility_age_ns = max_volatility_age_ns
        self.stress_factor_bps = stress_factor_bps
        self.elevated_regime_bps = elevated_regime_bps
        self.stressed_regime_bps = stressed_regime_bps
        self.slow_mark_step_bps = slow_mark_step_bps
        self.acknowledgement_limit_ns = acknowledgement_limit_ns
        self.principal_order_rate = principal_order_rate
        rate = principal_order_rate
        self.principal_rate_missing = (
            rate is not None and rate.required and rate.value is None and not rate.unlimited
        )
        self.principal_cost_ns, self.principal_tolerance_ns = bucket(principal_order_rate)
        self.default_limits = default_limits
        self.tiers = tiers
        self.release_window_ns = release_window_ns or DEFAULT_RELEASE_WINDOW_NS
        self.self_trade_scope = self_trade_scope
        self.repeat_count = repeat_count
        self.repeat_window_ns = repeat_window_ns


class Effective:
    """The limits of one account as they are judged: NO_CHECK where there is none.

    `missing` names the first required limit, leverage apart, that nothing sets; it is not judged.
    """

    __slots__ = (
        "concentration",
        "concentration_required",
        "credit_line_e4",
        "day_order_count",
        "day_turnover_e4",
        "is_complete",
        "leverage_bps",
        "leverage_missing",
        "missing",
        "open_order_count",
        "order_notional_e4",
        "order_quantity",
        "order_volume_share_bps",
        "position",
        "price_collar_bps",
        "price_collar_floor_bps",
        "rate_cost_ns",
        "rate_tolerance_ns",
        "tier_missing",
    )

    def __init__(self, policy: Policy, tier_id: str, own: dict[str, Limit]) -> None:
        tier = policy.tiers.get(tier_id)
        levels = [own, tier.limits if tier is not None else {}, policy.default_limits]
        self.missing = ""
        self.tier_missing = tier is None
        self.leverage_bps = self._take("leverage_bps", levels[:2])
        self.leverage_missing = self.leverage_bps == UNSET
        if self.leverage_missing:
            self.leverage_bps = NO_CHECK
        self.order_quantity = self._take_or_none("order_quantity", levels)
        self.order_notional_e4 = self._take_or_none("order_notional_e4", levels)
        self.order_volume_share_bps = self._take_or_none("order_volume_share_bps", levels)
        self.price_collar_bps = self._take_or_none("price_collar_bps", levels)
        self.price_collar_floor_bps = self._take_or_none("price_collar_floor_bps", levels)
        self.rate_cost_ns, self.rate_tolerance_ns = self._take_rate(levels)
        self.open_order_count = self._take_or_none("open_order_count", levels)
        self.day_order_count = self._take_or_none("day_order_count", levels)
        self.day_turnover_e4 = self._take_or_none("day_turnover_e4", levels)
        self.position = self._take_or_none("position", levels)
        self.credit_line_e4 = self._take_or_none("credit_line_e4", levels)
        self.concentration = tier.concentration if tier is not None else {}
        self.concentration_required = tier is not None and tier.concentration_required
        self.is_complete = not (self.tier_missing or self.leverage_missing or self.missing)

    def _take(self, name: str, levels: list[dict[str, Limit]]) -> int:
        """Return the value of the narrowest level that sets it, NO_CHECK, or UNSET."""
        limit = narrowest(name, levels)
        if limit is None:
            return UNSET
        return NO_CHECK if limit.value is None else limit.value

    def _take_or_none(self, name: str, levels: list[dict[str, Limit]]) -> int:
        """Return as `_take`, an unset one as no check; note it if it was required."""
        value = self._take(name, levels)
        if value != UNSET:
            return value
        if not self.missing and is_required(name, levels):
            self.missing = name
        return NO_CHECK

    def _take_rate(self, levels: list[dict[str, Limit]]) -> tuple[int, int]:
        limit = narrowest("order_rate", levels)
        if limit is None and not self.missing and is_required("order_rate", levels):
            self.missing = "order_rate"
        return bucket(limit)


def narrowest(name: str, levels: list[dict[str, Limit]]) -> Limit | None:
    """Return the first level's limit that sets a value or "unlimited"."""
    for level in levels:
        limit = level.get(name)
        if limit is not None and (limit.value is not None or limit.unlimited):
            return limit
    return None


def is_required(name: str, levels: list[dict[str, Limit]]) -> bool:
    """Tell whether any level says that the limit must be set."""
    for level in levels:
        limit = level.get(name)
        if limit is not None and limit.required:
            return True
    return False


def bucket(limit: Limit | None) -> tuple[int, int]:
    """Return a rate's cost of one order and its tolerance, in ns; (0, 0) for no rate (4.14)."""
    if limit is None or limit.value is None:
        return 0, 0
    cost = -(-(10**9) // limit.value)
    return cost, (limit.burst - 1) * cost


def band_cap(bands: list[Band], ratio_at_least: int) -> int:
    """Return the cap of the band that holds a ratio, NO_CHECK for none."""
    cap = NO_CHECK
    for band in bands:
        if band.ratio_from_bps > ratio_at_least:
            break
        cap = NO_CHECK if band.cap_bps is None else band.cap_bps
    return cap


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
