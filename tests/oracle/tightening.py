"""Whether a policy is provably no looser than the one in force (8.2 and the policy's `looser`)."""

from tests.oracle import add_ons
from tests.oracle.book import DAY, SECOND, Message
from tests.oracle.order_checks import in_window
from tests.oracle.scopes import tighter as scopes_tighter
from tests.oracle.valuations import figures_of_lines
from tests.oracle.valued_sums import tighter as reserve_tighter

HIGHER = (
    "max_order_age_ns",
    "max_clock_skew_ns",
    "max_mark_age_ns",
    "max_volatility_age_ns",
    "acknowledgement_limit_ns",
)
LOWER = (
    "stress_factor_bps",
    "elevated_regime_bps",
    "stressed_regime_bps",
    "disclosure_version",
)
WINDOW = ("open_of_day_ns", "close_of_day_ns")
ANY = ("rules_version", "slow_mark_step_bps")
SCOPES = ("UNSPECIFIED", "ACCOUNT", "GROUP")


def is_tightening(old: Message, new: Message) -> bool:
    """Compare field by field; whatever cannot be compared is a loosening."""
    tighter = _figures_tighter(old, new) and _classes_tighter(old, new)
    tighter = tighter and scopes_tighter(old.get("scopes", []), new.get("scopes", []))
    tighter = tighter and reserve_tighter(old.get("reserve"), new.get("reserve"))
    tighter = tighter and add_ons.tighter(old.get("add_ons"), new.get("add_ons"))
    ages = [policy.get("max_valuation_age_ns", 0) or 120 * SECOND for policy in (old, new)]
    if not (tighter and ages[1] <= ages[0] and _all_limits_tighter(old, new)):
        return False
    if not _lines_tighter(old.get("lines", {}), new.get("lines", {})):
        return False
    if not _window_tighter(old.get("trading_window"), new.get("trading_window")):
        return False
    old_tiers, new_tiers = old.get("tiers", []), new.get("tiers", [])
    if len(old_tiers) != len(new_tiers):
        return False
    whole = (old.get("lines", {}), new.get("lines", {}))
    return all(
        _tier_tighter(*pair) and _tier_lines_tighter(*pair, whole)
        for pair in zip(old_tiers, new_tiers, strict=True)
    )


def _tier_lines_tighter(old: Message, new: Message, whole: tuple[Message, Message]) -> bool:
    return _lines_tighter(old.get("lines", whole[0]), new.get("lines", whole[1]))


def _lines_tighter(old: Message, new: Message) -> bool:
    """No line or release may fall, none may go, none may only warn (2.6)."""
    before, after = figures_of_lines(old), figures_of_lines(new)
    if not before:
        return True
    if not after or (_warns(new) and not _warns(old)):
        return False
    return all(
        new_one >= old_one
        for name, pair in before.items()
        for old_one, new_one in zip(pair, after[name], strict=True)
    )


def _classes_tighter(old: Message, new: Message) -> bool:
    before = {one["class_id"]: one.get("offset_bps", 0) for one in old.get("margin_classes", [])}
    return all(
        one.get("offset_bps", 0) <= before.get(one["class_id"], 0)
        for one in new.get("margin_classes", [])
    )


def _window_tighter(old: Message | None, new: Message | None) -> bool:
    """A window must not be open where the old one was closed; looked at where either changes."""
    if old is None:
        return True
    if new is None:
        return False
    edges = {0} | {int(window.get(name, 0)) % DAY for window in (old, new) for name in WINDOW}
    return all(in_window(old, edge) for edge in edges if in_window(new, edge))


def _figures_tighter(old: Message, new: Message) -> bool:
    windows = [policy.get("release_window_ns", 0) or 900 * SECOND for policy in (old, new)]
    lengths = [policy.get("max_override_ns", 0) or DAY for policy in (old, new)]
    return (
        lengths[1] <= lengths[0]
        and new.get("automatic_upgrade", False) <= old.get("automatic_upgrade", False)
        and windows[1] <= windows[0]
        and all(new.get(name, 0) <= old.get(name, 0) for name in HIGHER)
        and all(new.get(name, 0) >= old.get(name, 0) for name in LOWER)
        and all(new.get(name, 0) == old.get(name, 0) for name in ANY)
        and _scope(new) >= _scope(old)
        and not (_scope(old) and _warns(new, "self_trade_mode") > _warns(old, "self_trade_mode"))
        and _repeats_tighter(old.get("order_repeated"), new.get("order_repeated"))
    )


def _warns(limit: Message, name: str = "mode") -> bool:
    """Whether a limit only warns (4.28)."""
    return bool(limit.get(name, "ON") == "WARN")


def _scope(policy: Message) -> int:
    """How wide orders are kept from trading with each other."""
    return SCOPES.index(policy.get("self_trade_scope", "UNSPECIFIED"))


def _repeats_tighter(old: Message | None, new: Message | None) -> bool:
    """Fewer orders alike, counted over no shorter a window (4.15)."""
    if not old:
        return True
    if not new or (_warns(new) and not _warns(old)):
        return False
    return bool(new["count"] <= old["count"] and new["window_ns"] >= old["window_ns"])


def _all_limits_tighter(old: Message, new: Message) -> bool:
    rate, limits = "principal_order_rate", "default_limits"
    return _limit_tighter(old.get(rate, {}), new.get(rate, {})) and _limits_tighter(
        old.get(limits, {}), new.get(limits, {})
    )


def _tier_tighter(old: Message, new: Message) -> bool:
    if old["tier_id"] != new["tier_id"] or old.get("rank", 0) != new.get("rank", 0):
        return False
    if old.get("concentration_required", False) and not new.get("concentration_required", False):
        return False
    old_tables, new_tables = old.get("concentration", []), new.get("concentration", [])
    if len(old_tables) != len(new_tables):
        return False
    tables = zip(old_tables, new_tables, strict=True)
    if not all(_table_tighter(*pair) for pair in tables):
        return False
    for kind in ("sector_concentration", "board_concentration"):
        known = {table.get("scope_id", ""): table for table in new.get(kind, [])}
        for table in old.get(kind, []):
            other = known.get(table.get("scope_id", ""))
            if other is None or not _table_tighter(table, other):
                return False
    return _limits_tighter(old.get("limits", {}), new.get("limits", {}))


def _table_tighter(old: Message, new: Message) -> bool:
    if old.get("rating_group", "") != new.get("rating_group", ""):
        return False
    if _warns(new) and not _warns(old):
        return False
    old_bands, new_bands = old.get("bands", []), new.get("bands", [])
    if len(old_bands) != len(new_bands):
        return False
    for before, after in zip(old_bands, new_bands, strict=True):
        if before.get("ratio_from_bps", 0) != after.get("ratio_from_bps", 0):
            return False
        if "cap_bps" in before and after.get("cap_bps", before["cap_bps"] + 1) > before["cap_bps"]:
            return False
    return True


def _limits_tighter(old: Message, new: Message) -> bool:
    names = old.keys() | new.keys()
    return all(_limit_tighter(old.get(name, {}), new.get(name, {})) for name in names)


def _limit_tighter(old: Message, new: Message) -> bool:
    """A limit that begins or ceases to be set at a level may be looser than a wider level's."""
    if old.get("required", False) and not new.get("required", False):
        return False
    if _is_set(old) != _is_set(new):
        return False
    if new.get("unlimited", False) or old.get("unlimited", False):
        return bool(old.get("unlimited", False))
    if _is_set(new) and _warns(new) and not _warns(old):  # what refuses nothing has no mode
        return False
    if new.get("value", 0) > old.get("value", 0):
        return False
    (cost, tolerance), (new_cost, new_tolerance) = _bucket(old), _bucket(new)
    return new_cost >= cost and new_tolerance <= tolerance


def _bucket(rate: Message) -> tuple[int, int]:
    """Cost and tolerance of a rate (4.14); a lower rate of the same burst tolerates more."""
    if not rate.get("per_second", 0):
        return 0, 0
    cost = -(-(10**9) // rate["per_second"])
    return cost, (rate["burst"] - 1) * cost


def _is_set(limit: Message) -> bool:
    return bool(limit.get("unlimited", False) or "value" in limit or limit.get("per_second", 0))
