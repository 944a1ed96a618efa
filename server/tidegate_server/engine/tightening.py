"""What counts as a tightening of the policy (8.2): all that is not provably one is a loosening."""

from __future__ import annotations

from typing import Final

from .add_on_tables import add_ons_loosened
from .cn.rules import loosened_rules
from .effective import is_required, narrowest
from .limit import LIMIT_NAMES, Band, Limit, band_cap, bucket
from .margin_lines import lines_loosened
from .policy import Policy
from .scope_limits import loosened, reserve_loosened
from .sessions import is_within
from .tier import Tier

HIGHER: Final = 1
LOWER: Final = 2
ANY: Final = 3
NEVER: Final = 4

# Which change of a policy's own figures lets more through; the contract says the same, field by
# field, and a test compares the two.
SCALAR_LOOSER: Final = {
    "rules_version": ANY,
    "max_order_age_ns": HIGHER,
    "max_clock_skew_ns": HIGHER,
    "max_mark_age_ns": HIGHER,
    "max_volatility_age_ns": HIGHER,
    "stress_factor_bps": LOWER,
    "elevated_regime_bps": LOWER,
    "stressed_regime_bps": LOWER,
    "slow_mark_step_bps": ANY,
    "acknowledgement_limit_ns": HIGHER,
    "release_window_ns": HIGHER,
    "max_valuation_age_ns": HIGHER,
    "self_trade_scope": LOWER,
    "self_trade_mode": HIGHER,
    "disclosure_version": LOWER,
    "max_override_ns": HIGHER,
    "automatic_upgrade": HIGHER,
}


def loosened_fields(old: Policy, new: Policy) -> list[str]:
    """Return what in `new` is not provably at least as tight as in `old`; empty for a tightening.

    Limits are compared as they resolve for accounts without limits of their own: an account's own
    ones replace both sides alike.
    """
    fields = [name for name in SCALAR_LOOSER if _scalar_loosened(name, old, new)]
    if _rate_loosened(old.principal_order_rate, new.principal_order_rate):
        fields.append("principal_order_rate")
    if _repeats_loosened(old, new):
        fields.append("order_repeated")
    fields += [
        f"default_limits.{name}"
        for name in LIMIT_NAMES[1:]  # a default leverage cap never counts
        if _limit_loosened(name, [old.default_limits], [new.default_limits])
    ]
    fields += [
        f"margin_classes[{name}]"
        for name, offset_bps in sorted(new.margin_classes.items())
        if offset_bps > old.margin_classes.get(name, 0)
    ]
    fields += loosened_rules(old.credit, new.credit)
    fields += loosened(old.written_scopes, new.written_scopes)
    if reserve_loosened(old.reserve, new.reserve):
        fields.append("reserve")
    fields += add_ons_loosened(old.add_ons, new.add_ons)
    if not is_within(new.trading_window, old.trading_window):
        fields.append("trading_window")
    if lines_loosened(old.lines_of(None), new.lines_of(None)):
        fields.append("lines")
    for tier_id in sorted(new.tiers):
        fields += _tier_loosened(tier_id, old, new)
    return fields


def _scalar_loosened(name: str, old: Policy, new: Policy) -> bool:
    if name == "self_trade_mode" and not old.self_trade_scope:
        return False  # what was not checked may begin with warnings
    before = int(getattr(old, name))
    after = int(getattr(new, name))
    direction = SCALAR_LOOSER[name]
    if direction == HIGHER:
        return after > before
    if direction == LOWER:
        return after < before
    return after != before


def _repeats_loosened(old: Policy, new: Policy) -> bool:
    """Tell whether more orders alike would pass: a higher count, or a shorter window."""
    if not old.repeat_count:
        return False
    if new.repeat_warns and not old.repeat_warns:
        return True
    shorter = new.repeat_window_ns < old.repeat_window_ns
    return not new.repeat_count or new.repeat_count > old.repeat_count or shorter


def _tier_loosened(tier_id: str, old: Policy, new: Policy) -> list[str]:
    before = old.tiers.get(tier_id)
    after = new.tiers[tier_id]
    if before is None:
        return [f"tiers[{tier_id}]"]
    old_levels = [before.limits, old.default_limits]
    new_levels = [after.limits, new.default_limits]
    fields = [
        f"tiers[{tier_id}].limits.{name}"
        for name in LIMIT_NAMES[1:]
        if _limit_loosened(name, old_levels, new_levels)
    ]
    if _leverage_loosened([before.limits], [after.limits]):
        fields.append(f"tiers[{tier_id}].limits.leverage_bps")
    if after.rank != before.rank:
        fields.append(f"tiers[{tier_id}].rank")
    if _concentration_loosened(before, after):
        fields.append(f"tiers[{tier_id}].concentration")
    if lines_loosened(old.lines_of(before), new.lines_of(after)):
        fields.append(f"tiers[{tier_id}].lines")
    if _tables_loosened(
        before.sector_tables, before.sector_warned, after.sector_tables, after.sector_warned
    ):
        fields.append(f"tiers[{tier_id}].sector_concentration")
    if _tables_loosened(
        before.board_tables, before.board_warned, after.board_tables, after.board_warned
    ):
        fields.append(f"tiers[{tier_id}].board_concentration")
    return fields


def is_looser(name: str, before: list[dict[str, Limit]], after: list[dict[str, Limit]]) -> bool:
    """Tell whether a limit is not provably at least as tight; the default is the last level."""
    if name == "leverage_bps":
        return _leverage_loosened(before[:-1], after[:-1])
    return _limit_loosened(name, before, after)


def _leverage_loosened(before: list[dict[str, Limit]], after: list[dict[str, Limit]]) -> bool:
    """Tell whether a leverage cap loosens: without one all new risk is refused."""
    old = narrowest("leverage_bps", before)
    new = narrowest("leverage_bps", after)
    if new is None:
        return False
    if old is None:
        return True
    if old.value is None:
        return False
    return new.value is None or new.value > old.value or mode_loosened(old, new)


def _limit_loosened(
    name: str, old_levels: list[dict[str, Limit]], new_levels: list[dict[str, Limit]]
) -> bool:
    before = narrowest(name, old_levels)
    after = narrowest(name, new_levels)
    if name == "price_collar_floor_bps":
        return floor_of(after) > floor_of(before)
    if name == "price_collar_bps" and (before is None or before.value is None):
        # Without a collar a market order may be refused for want of one (3.1).
        return after is not None and after.value is not None
    if after is None:
        if before is not None and before.value is not None:
            return True
        return is_required(name, old_levels) and not is_required(name, new_levels)
    if before is None:
        return after.value is None or is_required(name, old_levels)
    if name == "order_rate":
        return _rate_loosened(before, after)
    if before.value is None:
        return False
    return after.value is None or after.value > before.value or mode_loosened(before, after)


def mode_loosened(before: Limit, after: Limit) -> bool:
    """Tell whether a limit that refused would only warn (4.28)."""
    return after.warns and not before.warns


def floor_of(limit: Limit | None) -> int:
    """Return a collar's floor; an unset or unlimited one is 0 (4.12)."""
    return 0 if limit is None or limit.value is None else limit.value


def _rate_loosened(before: Limit | None, after: Limit | None) -> bool:
    if before is None or before.value is None:
        refuses = before is not None and before.required and not before.unlimited
        still = after is not None and after.required and after.value is None
        return refuses and not (still and after is not None and not after.unlimited)
    if after is None or after.value is None:
        return True
    # A lower rate at the same burst has a greater tolerance: a bucket that is drained under the old
    # one would let more through at once.
    before_cost, before_tolerance = bucket(before)
    after_cost, after_tolerance = bucket(after)
    looser = after_cost < before_cost or after_tolerance > before_tolerance
    return looser or mode_loosened(before, after)


def _concentration_loosened(before: Tier, after: Tier) -> bool:
    if before.concentration_required and not after.concentration_required:
        return True
    for group in {**before.concentration, **after.concentration}:
        old_bands = before.concentration.get(group)
        new_bands = after.concentration.get(group)
        if new_bands is None:
            if old_bands is not None and not after.concentration_required:
                return True
        elif old_bands is None:
            if before.concentration_required:
                return True
        elif _bands_loosened(old_bands, new_bands) or (
            group in after.concentration_warned and group not in before.concentration_warned
        ):
            return True
    return False


def _tables_loosened(
    before: dict[str, list[Band]],
    before_warned: list[str],
    after: dict[str, list[Band]],
    after_warned: list[str],
) -> bool:
    """Tell whether a sector's or board's table is gone, higher somewhere, or only warns now."""
    for name, bands in before.items():
        if name not in after or (name in after_warned and name not in before_warned):
            return True
        if _bands_loosened(bands, after[name]):
            return True
    return False


def _bands_loosened(before: list[Band], after: list[Band]) -> bool:
    edges = [band.ratio_from_bps for band in before] + [band.ratio_from_bps for band in after]
    return any(band_cap(after, edge) > band_cap(before, edge) for edge in edges)
