"""Policies between the contract and the engine, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2
from tidegate_server.engine.amounts import AMOUNT_BOUND, ONE, RATIO_BOUND
from tidegate_server.engine.limit import LIMIT_NAMES, MODE_WARN, Limit
from tidegate_server.engine.policy import RULES_VERSION, SELF_TRADE_GROUP, Policy
from tidegate_server.engine.tier import Tier
from tidegate_server.engine.tightening import SCALAR_LOOSER

from .add_ons import read_add_ons, write_add_ons
from .bands import read_bands, write_bands
from .margin_policies import read_credit, write_credit
from .modes import read_mode, write_mode
from .permissions import DISCLOSURE_BOUND
from .policy_lines import read_lines, write_lines
from .policy_parts import read_classes, read_window
from .reserves import read_reserve, write_reserve
from .scopes import read_scopes, read_tables, write_scopes, write_tables

if TYPE_CHECKING:
    from .validation import Problems

TIER_LIMIT = 1_000
RANK_BOUND = 1_000
RATE_BOUND = 1_000_000
REPEAT_BOUND = 1_000
REPEAT_WINDOW_BOUND = 3_600 * 10**9
COMMENT_LENGTH = 256
DURATION_BOUND = 400 * 86_400 * 10**9
DURATIONS = (
    "max_order_age_ns",
    "max_clock_skew_ns",
    "max_mark_age_ns",
    "max_volatility_age_ns",
    "acknowledgement_limit_ns",
)


def read_policy(message: policy_pb2.Policy, problems: Problems) -> Policy:
    """Read a policy; what is wrong is noted in `problems`."""
    if message.rules_version != RULES_VERSION:
        problems.add("rules_version", f"must be {RULES_VERSION}, the rules of this program")
    if len(message.comment) > COMMENT_LENGTH:
        problems.add("comment", f"must be at most {COMMENT_LENGTH} characters")
    for name in DURATIONS:
        problems.need_range(name, getattr(message, name), 1, DURATION_BOUND)
    problems.need_range("release_window_ns", message.release_window_ns, 0, DURATION_BOUND)
    problems.need_range("max_override_ns", message.max_override_ns, 0, DURATION_BOUND)
    problems.need_range("stress_factor_bps", message.stress_factor_bps, ONE, RATIO_BOUND)
    problems.need_range("elevated_regime_bps", message.elevated_regime_bps, ONE, RATIO_BOUND)
    problems.need_range(
        "stressed_regime_bps", message.stressed_regime_bps, message.elevated_regime_bps, RATIO_BOUND
    )
    problems.need_range("slow_mark_step_bps", message.slow_mark_step_bps, 0, ONE)
    problems.need_range("self_trade_scope", message.self_trade_scope, 0, SELF_TRADE_GROUP)
    if message.HasField("order_repeated"):
        repeats = message.order_repeated
        problems.need_range("order_repeated.count", repeats.count, 2, REPEAT_BOUND)
        problems.need_range("order_repeated.window_ns", repeats.window_ns, 1, REPEAT_WINDOW_BOUND)
    version = message.disclosure_version
    problems.need_range("disclosure_version", version, 0, DISCLOSURE_BOUND)
    problems.need_count("tiers", len(message.tiers), 0, TIER_LIMIT)
    tiers = {}
    for index, tier in enumerate(message.tiers):
        if tier.tier_id in tiers:
            problems.add(f"tiers[{index}].tier_id", "stands twice")
        tiers[tier.tier_id] = read_tier(tier, problems, f"tiers[{index}].")
    rate = None
    if message.HasField("principal_order_rate"):
        rate = read_rate(message.principal_order_rate, problems, "principal_order_rate")
    return Policy(
        version=message.version,
        rules_version=message.rules_version,
        comment=message.comment,
        max_order_age_ns=message.max_order_age_ns,
        max_clock_skew_ns=message.max_clock_skew_ns,
        max_mark_age_ns=message.max_mark_age_ns,
        max_volatility_age_ns=message.max_volatility_age_ns,
        stress_factor_bps=message.stress_factor_bps,
        elevated_regime_bps=message.elevated_regime_bps,
        stressed_regime_bps=message.stressed_regime_bps,
        slow_mark_step_bps=message.slow_mark_step_bps,
        acknowledgement_limit_ns=message.acknowledgement_limit_ns,
        principal_order_rate=rate,
        default_limits=read_limits(message.default_limits, problems, "default_limits."),
        tiers=tiers,
        margin_classes=read_classes(message, problems),
        self_trade_scope=message.self_trade_scope,
        repeat_count=message.order_repeated.count,
        repeat_window_ns=message.order_repeated.window_ns,
        self_trade_mode=MODE_WARN
        if read_mode(message.self_trade_mode, problems, "self_trade_mode")
        else 0,
        repeat_warns=read_mode(message.order_repeated.mode, problems, "order_repeated.mode"),
        trading_window=read_window(message, problems),
        disclosure_version=message.disclosure_version,
        release_window_ns=message.release_window_ns,
        lines=read_lines(message, problems, ""),
        credit=read_credit(message, problems),
        scopes=read_scopes(message, problems),
        max_override_ns=message.max_override_ns,
        automatic_upgrade=message.automatic_upgrade,
        reserve=read_reserve(message, problems),
        max_valuation_age_ns=message.max_valuation_age_ns,
        add_ons=read_add_ons(message, problems),
    )


def read_tier(message: policy_pb2.Tier, problems: Problems, prefix: str) -> Tier:
    """Read a tier."""
    problems.need_id(prefix + "tier_id", message.tier_id)
    problems.need_range(prefix + "rank", message.rank, 0, RANK_BOUND)
    concentration = {}
    warned = []
    for index, table in enumerate(message.concentration):
        field = f"{prefix}concentration[{index}]."
        problems.may_id(field + "rating_group", table.rating_group)
        if table.rating_group in concentration:
            problems.add(field + "rating_group", "stands twice")
        concentration[table.rating_group] = read_bands(table, problems, field)
        if read_mode(table.mode, problems, field + "mode"):
            warned.append(table.rating_group)
    sectors, sectors_warned = read_tables(
        message.sector_concentration, problems, prefix + "sector_concentration"
    )
    boards, boards_warned = read_tables(
        message.board_concentration, problems, prefix + "board_concentration"
    )
    return Tier(
        message.tier_id,
        read_limits(message.limits, problems, prefix + "limits."),
        concentration,
        concentration_required=message.concentration_required,
        concentration_warned=warned,
        lines=read_lines(message, problems, prefix),
        sector_tables=sectors,
        sector_warned=sectors_warned,
        board_tables=boards,
        board_warned=boards_warned,
        rank=message.rank,
    )


def read_limits(message: policy_pb2.Limits, problems: Problems, prefix: str) -> dict[str, Limit]:
    """Read the limits that are set, by name."""
    limits: dict[str, Limit] = {}
    for name in LIMIT_NAMES:
        if not message.HasField(name):
            continue
        if name == "order_rate":
            limits[name] = read_rate(message.order_rate, problems, prefix + name)
        else:
            limits[name] = read_limit(name, getattr(message, name), problems, prefix + name)
    return limits


def read_limit(name: str, message: policy_pb2.Limit, problems: Problems, field: str) -> Limit:
    """Read one limit."""
    value = None
    if message.HasField("value"):
        value = message.value
        high = RATIO_BOUND if name.endswith("_bps") else AMOUNT_BOUND
        problems.need_range(field + ".value", value, 0, high)
        if message.unlimited:
            problems.add(field, "must be a value or unlimited, not both")
    warns = read_mode(message.mode, problems, field + ".mode")
    if warns and name == "price_collar_floor_bps":
        problems.add(field + ".mode", "must be left out: the collar's own counts")
    return Limit(value, unlimited=message.unlimited, required=message.required, warns=warns)


def read_rate(message: policy_pb2.Rate, problems: Problems, field: str) -> Limit:
    """Read one token bucket."""
    if message.per_second or message.burst:
        problems.need_range(field + ".per_second", message.per_second, 1, RATE_BOUND)
        problems.need_range(field + ".burst", message.burst, 1, RATE_BOUND)
        if message.unlimited:
            problems.add(field, "must be figures or unlimited, not both")
    return Limit(
        message.per_second or None,
        unlimited=message.unlimited,
        required=message.required,
        burst=message.burst,
        warns=read_mode(message.mode, problems, field + ".mode"),
    )


def write_policy(policy: Policy) -> policy_pb2.Policy:
    """Return a policy as the contract has it."""
    message = policy_pb2.Policy(version=policy.version, comment=policy.comment)
    for name in SCALAR_LOOSER:
        setattr(message, name, getattr(policy, name))
    if policy.principal_order_rate is not None:
        message.principal_order_rate.CopyFrom(write_rate(policy.principal_order_rate))
    if policy.repeat_count:
        message.order_repeated.count = policy.repeat_count
        message.order_repeated.window_ns = policy.repeat_window_ns
        message.order_repeated.mode = write_mode(warns=policy.repeat_warns)
    if policy.trading_window is not None:
        opens, closes = policy.trading_window
        window = policy_pb2.TradingWindow(open_of_day_ns=opens, close_of_day_ns=closes)
        message.trading_window.CopyFrom(window)
    message.default_limits.CopyFrom(write_limits(policy.default_limits))
    for class_id, offset_bps in policy.margin_classes.items():
        message.margin_classes.add(class_id=class_id, offset_bps=offset_bps)
    write_credit(policy.credit, message)
    if policy.lines is not None:
        message.lines.CopyFrom(write_lines(policy.lines))
    message.tiers.extend([write_tier(tier) for tier in policy.tiers.values()])
    message.scopes.extend(write_scopes(policy.written_scopes))
    if policy.reserve is not None:
        message.reserve.CopyFrom(write_reserve(policy.reserve))
    if policy.add_ons is not None:
        message.add_ons.CopyFrom(write_add_ons(policy.add_ons))
    return message


def write_tier(tier: Tier) -> policy_pb2.Tier:
    """Return a tier as the contract has it."""
    message = policy_pb2.Tier(
        tier_id=tier.tier_id,
        limits=write_limits(tier.limits),
        concentration=[
            write_bands(group, bands, warns=group in tier.concentration_warned)
            for group, bands in tier.concentration.items()
        ],
        concentration_required=tier.concentration_required,
        sector_concentration=write_tables(tier.sector_tables, tier.sector_warned),
        board_concentration=write_tables(tier.board_tables, tier.board_warned),
        rank=tier.rank,
    )
    if tier.lines is not None:
        message.lines.CopyFrom(write_lines(tier.lines))
    return message


def write_limits(limits: dict[str, Limit]) -> policy_pb2.Limits:
    """Return limits as the contract has them."""
    message = policy_pb2.Limits()
    for name, limit in limits.items():
        if name == "order_rate":
            message.order_rate.CopyFrom(write_rate(limit))
        else:
            getattr(message, name).CopyFrom(
                policy_pb2.Limit(
                    value=limit.value,
                    unlimited=limit.unlimited,
                    required=limit.required,
                    mode=write_mode(warns=limit.warns),
                )
            )
    return message


def write_rate(limit: Limit) -> policy_pb2.Rate:
    """Return a token bucket as the contract has it."""
    return policy_pb2.Rate(
        per_second=limit.value or 0,
        burst=limit.burst,
        unlimited=limit.unlimited,
        required=limit.required,
        mode=write_mode(warns=limit.warns),
    )
