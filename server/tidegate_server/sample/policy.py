"""The sample policy: four tiers, every limit of the rules set.

No verdict under it depends on the wall clock: ages and rates are wider than any demonstration, the
slow mark is pinned (a step of 0), and nothing looks back at when the follower had accounts valued
(lines are left where they are entered, and no drawdown is limited). So the same flow gets the same
decisions on every run.
"""

from __future__ import annotations

from tidegate.v1 import policy_pb2

_HOUR_NS = 3_600 * 10**9
# 2026-01-19 00:00 in Shanghai: from then on financing takes a margin of 100 %.
_CN_2026_NS = 1_768_752_000 * 10**9
RULES_VERSION = 1
MAX_ORDER_AGE_NS = _HOUR_NS
#: Rating groups from the steadiest to the wildest.
RATING_GROUPS = ("A", "B", "C")
#: A listing without a rating: every tier but the house refuses it.
UNRATED = ""


def build_policy() -> policy_pb2.Policy:
    """Return the policy as it is proposed: without a version."""
    tiers = [
        _tier("retail", 20_000, 2_000, 50_000, (5_000, 7_000, 9_000)),
        with_lines(_tier("standard", 40_000, 5_000, 200_000, (6_000, 8_000, None)), STANDARD_LINES),
        with_lines(
            _tier("professional", 80_000, 20_000, 1_500_000, (7_000, None, None)),
            PROFESSIONAL_LINES,
        ),
        _house(),
    ]
    for rank, tier in enumerate(tiers, 1):
        tier.rank = rank
    return policy_pb2.Policy(
        rules_version=RULES_VERSION,
        comment="sample: four tiers, no verdict depends on the clock",
        max_order_age_ns=MAX_ORDER_AGE_NS,
        max_clock_skew_ns=60 * 10**9,
        max_mark_age_ns=24 * _HOUR_NS,
        max_volatility_age_ns=24 * _HOUR_NS,
        stress_factor_bps=20_000,
        elevated_regime_bps=15_000,
        stressed_regime_bps=20_000,
        slow_mark_step_bps=0,
        acknowledgement_limit_ns=_HOUR_NS,
        release_window_ns=_HOUR_NS // 4,
        principal_order_rate=policy_pb2.Rate(per_second=1_000_000, burst=1_000_000, required=True),
        default_limits=_default_limits(),
        max_override_ns=8 * _HOUR_NS,
        lines=DEFAULT_LINES,
        financing_ratios=[_ratio(0, 8_000), _ratio(_CN_2026_NS, 10_000)],
        short_ratios=[_ratio(0, 10_000)],
        private_fund_short_ratios=[_ratio(0, 12_000)],
        haircut_caps=[
            policy_pb2.HaircutCap(haircut_class="", cap_bps=6_500),
            policy_pb2.HaircutCap(haircut_class="index", cap_bps=7_000),
        ],
        tiers=tiers,
    )


def _lines(*figures: int) -> policy_pb2.Lines:
    """Return lines that are left where they are entered."""
    names = ("withdraw", "warning", "margin_call", "top_up", "liquidation", "freeze")
    lines = policy_pb2.Lines()
    for name, bps in zip(names, figures, strict=True):
        getattr(lines, name).CopyFrom(policy_pb2.Line(line_bps=bps, release_bps=bps))
    return lines


def with_lines(tier: policy_pb2.Tier, lines: policy_pb2.Lines) -> policy_pb2.Tier:
    """Return a tier with lines of its own."""
    tier.lines.CopyFrom(lines)
    return tier


#: Without a gap between line and release.
DEFAULT_LINES = _lines(30_000, 15_000, 14_000, 13_000, 11_000, 10_000)
#: Below what so much leverage comes to: at 4x assets are 133 % of the debt, at 8x 114 %.
STANDARD_LINES = _lines(30_000, 12_200, 11_900, 11_400, 10_800, 10_300)
PROFESSIONAL_LINES = _lines(30_000, 11_200, 11_000, 10_700, 10_500, 10_200)


def _default_limits() -> policy_pb2.Limits:
    return policy_pb2.Limits(
        leverage_bps=_required(None),
        order_quantity=_required(5_000),
        order_notional_e4=_required(_units(250_000)),
        order_volume_share_bps=_required(25),
        price_collar_bps=_required(200),
        price_collar_floor_bps=_required(50),
        order_rate=policy_pb2.Rate(per_second=1_000_000, burst=1_000_000, required=True),
        open_order_count=_required(50),
        day_order_count=_required(10_000),
        day_turnover_e4=_required(_units(5_000_000)),
        position=_required(50_000),
        credit_line_e4=_required(_units(5_000_000)),
        short_line_e4=_required(_units(2_000_000)),
        day_loss_e4=_required(_units(1_000_000)),
        drawdown_bps=policy_pb2.Limit(unlimited=True),
        ownership_bps=_required(500),
    )


def _tier(
    tier_id: str,
    leverage_bps: int,
    order_quantity: int,
    order_notional: int,
    caps: tuple[int, int | None, int | None],
) -> policy_pb2.Tier:
    """Return a tier whose concentration caps loosen as the maintenance ratio rises."""
    limits = policy_pb2.Limits(
        leverage_bps=_required(leverage_bps),
        order_quantity=_required(order_quantity),
        order_notional_e4=_required(_units(order_notional)),
        day_turnover_e4=_required(_units(40 * order_notional)),
    )
    tables = [
        _table(group, tuple(cap and max(1_000, cap - 1_500 * step) for cap in caps))
        for step, group in enumerate(RATING_GROUPS)
    ]
    return policy_pb2.Tier(
        tier_id=tier_id,
        limits=limits,
        concentration=tables,
        concentration_required=True,
    )


def _house() -> policy_pb2.Tier:
    """Return the firm's own tier: what is unlimited is written down as such."""
    unlimited = policy_pb2.Limit(unlimited=True)
    limits = policy_pb2.Limits(
        leverage_bps=_required(100_000),
        order_quantity=_required(25_000),
        order_notional_e4=_required(_units(5_000_000)),
        order_volume_share_bps=_required(200),
        day_turnover_e4=unlimited,
        day_order_count=unlimited,
        position=_required(250_000),
        credit_line_e4=unlimited,
        short_line_e4=unlimited,
        day_loss_e4=unlimited,
        drawdown_bps=unlimited,
    )
    return policy_pb2.Tier(
        tier_id="house",
        limits=limits,
        concentration_required=False,
        lines=_lines(30_000, 10_900, 10_700, 10_500, 10_300, 10_200),
    )


def _table(group: str, caps: tuple[int | None, ...]) -> policy_pb2.ConcentrationTable:
    edges = (0, 18_000, 24_000)  # of the maintenance ratio
    bands = [
        policy_pb2.ConcentrationBand(ratio_from_bps=edge, cap_bps=cap)
        for edge, cap in zip(edges, caps, strict=True)
    ]
    return policy_pb2.ConcentrationTable(rating_group=group, bands=bands)


def _ratio(since_ns: int, ratio_bps: int) -> policy_pb2.MarginRatio:
    return policy_pb2.MarginRatio(effective_from_time_ns=since_ns, ratio_bps=ratio_bps)


def _required(value: int | None) -> policy_pb2.Limit:
    return policy_pb2.Limit(value=value, required=True)


def _units(amount: int) -> int:
    return amount * 10_000
