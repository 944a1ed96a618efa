"""Worlds in which most orders are plain, so that the gate's short way to an allow is taken often.

A third of the seeds are such. What is drawn is the same as elsewhere; then whatever makes an order
special is taken away from most of it: units of more than one share, contracts, missing rates and
lists, and in most worlds limits in mode warn.
"""

from collections.abc import Iterable
from random import Random

from tests.oracle.book import SECOND, Message

SPECIAL = ("add_ons", "trading_window", "self_trade_mode")
KEPT = {"add_ons": 0.6}  # how often; the fast path bears with them
MODELS = ("LEVERAGED", "LEVERAGED", "REG_T", "PORTFOLIO")
WARNING = 0.3  # how often limits keep the mode that was drawn
WIDENED = ("order_quantity", "order_notional_e4", "open_order_count", "day_turnover_e4", "position")


def is_calm(seed: int) -> bool:
    """Tell whether a seed is of a calm world."""
    return seed % 3 == 0


def calm_policy(rng: Random, policy: Message) -> None:
    """Let marks and factors live long, little warn, and room be found more often."""
    for name in SPECIAL:
        if rng.random() < 1 - KEPT.get(name, 0.1):
            policy.pop(name, None)
    if rng.random() < 0.5:
        policy.pop("reserve", None)
    policy |= {"max_mark_age_ns": 60 * SECOND, "max_volatility_age_ns": 600 * SECOND}
    policy["disclosure_version"] = 0
    _strip(policy, ("required",) if rng.random() < WARNING else ("required", "mode"))
    for level in (policy["default_limits"], *(tier["limits"] for tier in policy["tiers"])):
        for name in WIDENED:
            if "value" in level.get(name, {}):
                level[name]["value"] *= rng.choice((1, 3, 9))
        if "day_order_count" in level:
            level["day_order_count"]["value"] *= 99
        if "order_rate" in level:
            level["order_rate"] = {"per_second": 50, "burst": 50}
    policy["principal_order_rate"] = {"per_second": 50, "burst": 50}


def _strip(thing: object, names: tuple[str, ...]) -> None:
    if isinstance(thing, dict):
        for name in names:
            thing.pop(name, None)
    for part in thing.values() if isinstance(thing, dict) else thing:  # type: ignore[attr-defined]
        if isinstance(part, dict | list):
            _strip(part, names)


def calm_instrument(rng: Random, facts: Message, mark: int) -> tuple[Message, int]:
    """Make most instruments marginable shares with both rates."""
    if facts["instrument_id"] in {"DARK", "HUGE"} or rng.random() < 0.1:
        return facts, mark
    mark //= 10 ** facts.pop("quantity_decimals", 0)
    tick = facts.get("tick_e4", 0) or 1
    facts |= {"marginable": True, "shortable": True, "product_type": "CS", "restricted": False}
    facts |= {"rating_group": "A", "short_pool": 10**6, "average_volume": 60_000}
    for side in ("long", "short"):
        facts[f"initial_margin_{side}_bps"] = rng.choice((1_000, 2_500, 5_000))
        facts.pop(f"maintenance_margin_{side}_bps", None)
    for name in ("lower_price_limit_e4", "upper_price_limit_e4"):
        facts.pop(name, None)
    return facts, max(1, mark // tick) * tick


def calm_account(rng: Random, facts: Message) -> None:
    """Put most accounts under the common models, in a tier with limits, with every permission."""
    if facts["margin_model"] == "CN_MARGIN" or rng.random() < 0.1:
        return
    facts |= {"margin_model": rng.choice(MODELS), "acknowledged_disclosure_version": 9}
    if facts["tier_id"] not in {"gold", "silver"}:
        facts["tier_id"] = "gold"
    facts["permissions"] = {
        "short": True,
        "margin": True,
        "product_types": ["CS", "ETF"],
        "order_types": ["LIMIT", "MARKET"],
    }
    _strip(facts["limits"], ("required",) if rng.random() < WARNING else ("required", "mode"))


def calm_factors(rng: Random, names: Iterable[str]) -> Message:
    """Give every instrument a factor to begin with."""
    factors = [
        {"instrument_id": name, "factor_bps": rng.choice((10_000, 11_111, 15_000))}
        for name in names
    ]
    return {"factors": factors, "model_version": "calm"}
