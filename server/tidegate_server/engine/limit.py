"""One limit at one level, and the values that stand for none; `effective` resolves them."""

from __future__ import annotations

from typing import Final

from .amounts import INT64_MAX

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
    "short_line_e4",
    "day_loss_e4",
    "drawdown_bps",
    "ownership_bps",
)

# What a customer may cap on its own account, whatever the firm allows (2.1).
CUSTOMER_LIMITS: Final = (
    "leverage_bps",
    "order_quantity",
    "order_notional_e4",
    "open_order_count",
    "day_order_count",
    "day_turnover_e4",
    "position",
    "credit_line_e4",
    "day_loss_e4",
    "drawdown_bps",
)

# A limit's mode (4.28); 0 is on.
MODE_WARN: Final = 2

UNSET: Final = -1
NO_CHECK: Final = INT64_MAX
NO_COLLAR: Final = -1


class Limit:
    """One limit at one level. A rate has a value (tokens a second) and a burst.

    One that `warns` refuses nothing: what breaks it is answered as a warning (4.28).
    """

    __slots__ = ("burst", "required", "unlimited", "value", "warns")

    def __init__(
        self,
        value: int | None = None,
        *,
        unlimited: bool = False,
        required: bool = False,
        burst: int = 0,
        warns: bool = False,
    ) -> None:
        self.value = value
        self.unlimited = unlimited
        self.required = required
        self.burst = burst
        self.warns = warns


class Band:
    """One band of a concentration table; `cap_bps` is None for no cap."""

    __slots__ = ("cap_bps", "ratio_from_bps")

    def __init__(self, ratio_from_bps: int, cap_bps: int | None) -> None:
        self.ratio_from_bps = ratio_from_bps
        self.cap_bps = cap_bps


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
