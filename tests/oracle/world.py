"""Small worlds for the generator: one policy, a handful of accounts and instruments, all seeded.

Limits are tight enough that every reason occurs often, and money, marks and lots are of sizes that
let them meet.
"""

from copy import deepcopy
from random import Random

from tests.oracle import credit_commands, scope_world
from tests.oracle.book import DAY, SECOND, Message

START = 1_700_000_000 * SECOND
TIERS = ("gold", "silver", "bare")
GROUPS = ("G1", "G2", "G3", "")
ALL: Message = {
    "short": True,
    "margin": True,
    "product_types": ["CS", "ETF"],
    "order_types": ["LIMIT", "MARKET"],
}
BOARDS = ("", "MAIN", "STAR")
RATING_GROUPS = ("", "", "A", "A", "STAR")


def policy(rng: Random) -> Message:
    """A policy with three tiers: a rich one, one that requires tables, one without leverage."""
    aside = Random(rng.getstate()[1][2])  # draws that leave the others as they are
    scoped = Random(aside.getstate()[1][3])
    made: Message = {
        "rules_version": 1,
        "comment": "a small world",
        "max_order_age_ns": rng.choice((3, 5, 10)) * SECOND,
        "max_clock_skew_ns": rng.choice((SECOND // 2, SECOND)),
        "max_mark_age_ns": rng.choice((5, 12)) * SECOND,
        "max_volatility_age_ns": rng.choice((40, 120)) * SECOND,
        "stress_factor_bps": rng.choice((12_000, 15_001, 18_333)),
        "elevated_regime_bps": rng.choice((11_000, 12_345)),
        "stressed_regime_bps": rng.choice((15_000, 17_777)),
        "slow_mark_step_bps": rng.choice((5, 20, 100)),
        "disclosure_version": rng.choice((0, 1, 2)),
        "acknowledgement_limit_ns": rng.choice((1, 2, 4)) * SECOND,
        "release_window_ns": rng.choice((1, 3)) * SECOND,
        "principal_order_rate": _rate(rng, 8, 10),
        "default_limits": _default_limits(rng),
        "tiers": [_gold(rng), _silver(rng), {"tier_id": "bare", "limits": {}}],
        "margin_classes": [
            {"class_id": "C", "offset_bps": rng.choice((5_000, 9_000, 10_000))},
            {"class_id": "D", "offset_bps": rng.choice((0, 3_333))},
        ],
        **credit_commands.tables(Random(rng.getstate()[1][2])),
        **_repeats(aside),
        "scopes": scope_world.scopes(scoped),
        **scope_world.reserve(Random(scoped.getstate()[1][5])),
        **scope_world.add_ons(Random(scoped.getstate()[1][7])),
        "max_override_ns": aside.choice((3, 20)) * SECOND,
        "automatic_upgrade": aside.random() < 0.5,
        "self_trade_scope": aside.choice(("UNSPECIFIED", "ACCOUNT", "GROUP")),
    }
    made |= lines(aside)
    for tier in made["tiers"]:
        if aside.random() < 0.3:
            tier.update(lines(aside))
    _losses(aside, made["default_limits"])
    for tier in made["tiers"][:2]:
        tier["sector_concentration"] = scope_world.tables(scoped, scope_world.SECTORS)
        tier["board_concentration"] = scope_world.tables(scoped, BOARDS)
        if scoped.random() < 0.4:
            tier["limits"]["ownership_bps"] = {"value": scoped.choice((300, 800))}
    warn_somewhere(aside, made)
    if rng.random() < 0.6:
        made["trading_window"] = _window(rng)
    return made


def lines(rng: Random) -> Message:
    """Lines of some policies; others have the default ones, or none."""
    kind = rng.random()
    if kind < 0.3:
        return {}
    if kind < 0.6:
        return {"lines": {"off": True}}
    call = rng.choice((11_000, 12_345, 13_900))
    figures = {
        "margin_call": {"line_bps": call, "release_bps": call + rng.choice((0, 500, 2_000))},
        "top_up": {"line_bps": call - 500, "release_bps": call + rng.choice((-500, 100, 1_000))},
        "liquidation": {"line_bps": call - 900, "release_bps": call},
        "freeze": {"line_bps": 9_000, "release_bps": 9_000},
    }
    mode = {"mode": "WARN"} if rng.random() < 0.2 else {}
    return {"lines": figures | mode}


def _losses(rng: Random, limits: Message) -> None:
    if rng.random() < 0.5:
        limits["day_loss_e4"] = {"value": rng.choice((3_000_000, 30_000_000, 400_000_000))}
    if rng.random() < 0.5:
        limits["drawdown_bps"] = {"value": rng.choice((100, 500, 2_000, 5_000))}


def warn_somewhere(rng: Random, policy: Message) -> None:
    """Let some limits of half of the worlds only warn (4.28)."""
    if rng.random() < 0.5:
        return
    tables = [table for tier in policy["tiers"] for table in tier.get("concentration", [])]
    limits = [policy["default_limits"], *(tier["limits"] for tier in policy["tiers"])]
    single = [level[name] for level in limits for name in level if "floor" not in name]
    for limit in (*single, *tables, policy["principal_order_rate"]):
        if rng.random() < 0.25:
            limit["mode"] = "WARN"
    if rng.random() < 0.5:
        policy["self_trade_mode"] = "WARN"
    if "order_repeated" in policy and rng.random() < 0.5:
        policy["order_repeated"]["mode"] = "WARN"


def _window(rng: Random) -> Message:
    """All day but a few seconds, over midnight."""
    closes = (START + rng.randint(20, 60) * SECOND) % DAY
    return {"open_of_day_ns": closes + rng.randint(1, 5) * SECOND, "close_of_day_ns": closes}


def _repeats(rng: Random) -> Message:
    if rng.random() < 0.5:
        return {}
    window = rng.choice((SECOND // 5, SECOND, 4 * SECOND))
    return {"order_repeated": {"count": rng.choice((2, 3)), "window_ns": window}}


def _rate(rng: Random, per_second: int, burst: int) -> Message:
    return {"per_second": rng.randint(per_second // 2, per_second), "burst": rng.randint(2, burst)}


def _default_limits(rng: Random) -> Message:
    limits: Message = {
        "order_quantity": {"value": rng.choice((900, 2_000, 3_333))},
        "order_notional_e4": {"value": rng.choice((2_500_000_000, 6_000_000_007))},
        "price_collar_bps": {"value": rng.choice((150, 301))},
        "price_collar_floor_bps": {"value": rng.choice((0, 100, 400))},
        "order_rate": _rate(rng, 5, 5),
        "open_order_count": {"value": rng.randint(4, 8)},
        "day_order_count": {"value": rng.randint(30, 100)},
        "day_turnover_e4": {"value": rng.randint(1, 4) * 1_000_000_000 + rng.randint(0, 9)},
        "position": {"value": rng.choice((1_500, 2_500, 4_000))},
        "leverage_bps": {"value": 90_000},  # does not count: the tier must set it
    }
    if rng.random() < 0.8:
        limits["credit_line_e4"] = {"value": rng.randint(0, 6) * 100_000_000}
    if rng.random() < 0.3:
        limits["order_volume_share_bps"] = {"required": True}
    return limits


def _gold(rng: Random) -> Message:
    return {
        "tier_id": "gold",
        "rank": 2,
        "limits": {
            "leverage_bps": {"value": rng.choice((20_000, 35_001, 50_000))},
            "order_volume_share_bps": {"value": rng.choice((400, 2_000))},
            "day_turnover_e4": rng.choice(({"unlimited": True}, {})),
        },
        "concentration": [
            {
                "rating_group": "STAR",
                "bands": [
                    {"ratio_from_bps": 0, "cap_bps": 0},
                    {"ratio_from_bps": 15_000, "cap_bps": 2_000},
                    {"ratio_from_bps": 20_000, "cap_bps": 4_000},
                    {"ratio_from_bps": 30_000, "cap_bps": 7_000},
                ],
            },
            {
                "rating_group": "A",
                "bands": [
                    {"ratio_from_bps": 0, "cap_bps": 5_000},
                    {"ratio_from_bps": 18_000, "cap_bps": 7_000},
                    {"ratio_from_bps": 24_000},
                ],
            },
        ],
    }


def _silver(rng: Random) -> Message:
    return {
        "tier_id": "silver",
        "rank": 1,
        "limits": {
            "leverage_bps": {"value": rng.choice((8_000, 12_000, 15_000))},
            "order_volume_share_bps": {"unlimited": True},
            "position": {"value": rng.choice((800, 3_000)), "required": True},
        },
        "concentration": [
            {"rating_group": "", "bands": [{"ratio_from_bps": 0, "cap_bps": 6_000}]},
            {"rating_group": "A", "bands": [{"ratio_from_bps": 0, "cap_bps": 3_333}]},
        ],
        "concentration_required": True,
    }


def instruments(rng: Random) -> list[tuple[Message, int]]:
    """Instruments with their first marks; a mark of 0 is none at all."""
    made = [_instrument(rng, f"I{index}") for index in range(1, rng.randint(4, 7))]
    dark = {
        "instrument_id": "DARK",
        "product_type": "CS",
        "marginable": True,
        "initial_margin_long_bps": 5_000,
    }
    huge = {
        "instrument_id": "HUGE",
        "product_type": "CS",
        "shortable": True,
        "short_pool": 10**15,
        "quantity_decimals": 3,
        "marginable": True,
        "initial_margin_long_bps": 1_000,
        "initial_margin_short_bps": 2_000,
    }
    margin = credit_commands.instruments(Random(rng.getstate()[1][2]))
    return [*made, *margin, (dark, 0), (huge, 9 * 10**11)]


def _instrument(rng: Random, name: str) -> tuple[Message, int]:
    decimals = rng.choice((0, 0, 1, 2, 3))
    tick = rng.choice((1, 10, 100, 100))
    mark = rng.randint(50_000, 1_500_000) * 10**decimals // tick * tick
    facts: Message = {
        "instrument_id": name,
        "board": rng.choice(BOARDS),
        "restricted": rng.random() < 0.05,
        "rating_group": rng.choice(RATING_GROUPS),
        "margin_class": rng.choice(("", "C", "C", "D", "unknown")),
        "quantity_decimals": decimals,
        "least_quantity": rng.choice((0, 1, 10, 50)),
        "quantity_step": rng.choice((0, 1, 7, 50)),
        "tick_e4": tick,
        "marginable": rng.random() < 0.85,
    }
    if rng.random() < 0.9:
        facts["shortable"] = True
    if rng.random() < 0.97:
        facts["short_pool"] = rng.choice((800, 2_500, 10**6))
    if rng.random() < 0.3:
        facts["sellable_next_day"] = True
    if rng.random() < 0.985:
        facts["product_type"] = rng.choice(("CS", "CS", "CS", "ETF"))
    facts |= credit_commands.haircut(Random(rng.getstate()[1][2]))
    facts |= _day_limits(rng, mark, tick) | _rates(rng)
    if rng.random() < 0.93:
        facts["average_volume"] = rng.randint(5_000, 60_000)
    if rng.random() < 0.3:
        facts["position_limit"] = rng.choice((1_000, 2_500))
    scope_world.describe(Random(rng.getstate()[1][2]), facts)
    return facts, mark


def _day_limits(rng: Random, mark: int, tick: int) -> Message:
    facts: Message = {}
    if rng.random() < 0.6:
        facts["lower_price_limit_e4"] = max(1, mark * 90 // 100 // tick) * tick
    if rng.random() < 0.6:
        facts["upper_price_limit_e4"] = mark * 110 // 100 // tick * tick
    if rng.random() < 0.3:
        facts["price_limit_bps"] = rng.choice((120, 1_000))
    return facts


def _rates(rng: Random) -> Message:
    facts: Message = {}
    if rng.random() < 0.95:
        facts["initial_margin_long_bps"] = rng.choice((0, 2_500, 5_000, 6_667))
    if rng.random() < 0.9:
        facts["initial_margin_short_bps"] = rng.choice((3_000, 5_000, 12_000))
    for side in ("long", "short"):
        initial = facts.get(f"initial_margin_{side}_bps")
        if initial and rng.random() < 0.5:
            facts[f"maintenance_margin_{side}_bps"] = initial * 3 // 4
    return facts


def accounts(rng: Random) -> list[Message]:
    """Accounts of all tiers, some with limits of their own, and one of hardly any limits."""
    made = [account(rng, f"A{index}") for index in range(1, rng.randint(3, 7))]
    unlimited = {"unlimited": True}
    names = ("leverage_bps", "order_quantity", "order_notional_e4", "price_collar_bps", "position")
    counts = (
        "open_order_count",
        "day_order_count",
        "day_turnover_e4",
        "order_volume_share_bps",
        "credit_line_e4",
        "day_loss_e4",
        "drawdown_bps",
        "ownership_bps",
    )
    whale = {
        "account_id": "WHALE",
        "tier_id": "gold",
        "margin_model": "LEVERAGED",
        "permissions": ALL,
        "acknowledged_disclosure_version": 9,
        "limits": dict.fromkeys(names + counts, unlimited),
    }
    margin = credit_commands.accounts(Random(rng.getstate()[1][2]), whale)
    return [*made, *margin, whale]


def _permissions(rng: Random) -> Message:
    """Mostly all there is."""
    found = deepcopy(ALL)
    if rng.random() < 0.1:
        found["short"] = False
    if rng.random() < 0.2:
        found["margin"] = False
    if rng.random() < 0.15:
        found["product_types"] = rng.choice((["CS"], ["ETF"], ["CS", "BOND"]))
    if rng.random() < 0.15:
        found["order_types"] = rng.choice((["LIMIT"], ["LIMIT"], ["MARKET"]))
    if rng.random() < 0.04:
        found[rng.choice(("product_types", "order_types"))] = []
    return found


def account(rng: Random, name: str) -> Message:
    """One account."""
    aside = Random(rng.getstate()[1][2])
    tier = rng.choices((*TIERS, "unknown"), (6, 5, 0.6, 0.3))[0]
    facts: Message = {
        "account_id": name,
        "group_id": rng.choice(GROUPS),
        "tier_id": tier,
        "margin_model": rng.choice(("LEVERAGED", "LEVERAGED", "REG_T", "PORTFOLIO")),
        "limits": {},
        "permissions": _permissions(rng),
        "acknowledged_disclosure_version": rng.choices((9, 2, 1, 0), (16, 2, 1, 1))[0],
    }
    own: Message = {
        "leverage_bps": {"value": rng.choice((9_999, 25_000, 60_000))},
        "position": {"value": rng.choice((500, 1_000))},
        "order_notional_e4": {"value": 700_000_000},
        "price_collar_bps": {"unlimited": True},
        "order_rate": {"unlimited": True},
        "day_order_count": {"value": 15},
        "open_order_count": {"unlimited": True},
    }
    for limit, value in own.items():
        if rng.random() < 0.15:
            facts["limits"][limit] = value | ({"mode": "WARN"} if aside.random() < 0.2 else {})
    if aside.random() < 0.3:
        facts["customer_limits"] = _customers(aside)
    return facts


def _customers(rng: Random) -> Message:
    """Caps that a customer set."""
    caps = {
        "leverage_bps": 9_000,
        "order_quantity": 300,
        "order_notional_e4": 500_000_000,
        "open_order_count": 4,
        "day_order_count": 40,
        "day_turnover_e4": 3_000_000_000,
        "position": 700,
        "credit_line_e4": 100_000_000,
        "day_loss_e4": 50_000_000,
        "drawdown_bps": 300,
    }
    return {name: {"value": caps[name]} for name in rng.sample(list(caps), 2)}
