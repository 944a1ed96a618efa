"""Limits: how they resolve, and which ones are not set (2.1, 2.2, 4.8, 5.3)."""

from typing import NamedTuple

from tests.oracle.book import SECOND, Instrument, Message, scale_up, up
from tests.oracle.case import Case, entry, once
from tests.oracle.credit import is_credit
from tests.oracle.overrides import levels_below, overriding

LIMIT_NAMES = (
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


class Setting(NamedTuple):
    """A limit as it resolves: its value if it has one, and whether it must be set but is not."""

    value: int | None = None
    missing: bool = False


class Bucket(NamedTuple):
    """A token bucket: nanoseconds an order, nanoseconds of burst."""

    cost: int
    tolerance: int

    def after(self, next_time: int, now: int) -> int:
        """Take a token, whether or not there is one (4.14)."""
        return min(max(next_time, now) + self.cost, now + self.tolerance + self.cost)


def in_mode(case: Case, level: Message) -> bool:
    """Say whether a limit is of the mode that is being judged (4.28)."""
    return bool((level.get("mode", "ON") == "WARN") == case.warning)


@once
def setting(case: Case, name: str, *, any_mode: bool = False) -> Setting:
    """Resolve a limit; a stricter cap that the customer set counts beside it (2.1)."""
    firms = firms_setting(case, name, any_mode=any_mode)
    cap = case.account.facts.get("customer_limits", {}).get(name, {}).get("value")
    if cap is None or case.warning or firms.missing:
        return firms
    return Setting(cap if firms.value is None else min(cap, firms.value))


def firms_setting(case: Case, name: str, *, any_mode: bool = False) -> Setting:
    """Resolve a limit; one of the other mode has no value now."""
    found = levels(case, name)
    for level in found:
        if level.get("unlimited", False):
            return Setting()
        if "value" in level:
            judged = any_mode or in_mode(case, level)
            return Setting(int(level["value"]) if judged else None)
    required = name == "leverage_bps" or any(level.get("required", False) for level in found)
    return Setting(missing=required)


@once
def levels(case: Case, name: str) -> list[Message]:
    """One limit as each level has it, the narrowest first."""
    found = overriding(case.book, case.account, name, case.now)
    return [found, *levels_below(case.book, case.account, name)]


@once
def tier_of(case: Case) -> Message | None:
    """The account's tier, if the policy knows it."""
    for tier in case.book.policy.get("tiers", []):
        if tier["tier_id"] == case.account.facts.get("tier_id", ""):
            found: Message = tier
            return found
    return None


def rate_in_mode(case: Case, found: list[Message]) -> bool:
    """Say whether the rate that applies is of the mode that is being judged."""
    for level in found:
        if level.get("unlimited", False) or level.get("per_second", 0) > 0:
            return in_mode(case, level)
    return False


def bucket(found: list[Message]) -> Bucket | None:
    """Resolve a rate; none: unset or unlimited."""
    for level in found:
        if level.get("unlimited", False):
            return None
        if level.get("per_second", 0) > 0:
            cost = up(SECOND, level["per_second"])
            return Bucket(cost, (level["burst"] - 1) * cost)
    return None


def account_bucket(case: Case) -> Bucket | None:
    """The account's token bucket."""
    return bucket(levels(case, "order_rate"))


def principal_bucket(case: Case) -> Bucket | None:
    """The principal's token bucket."""
    return bucket(principal_levels(case))


@once
def collar(case: Case) -> int | None:
    """c of 4.12 and 3.1, if a collar is set."""
    found = setting(case, "price_collar_bps", any_mode=True).value
    if found is None:
        return None
    floor = setting(case, "price_collar_floor_bps", any_mode=True).value or 0
    wide = max(scale_up(found, case.factor), floor)
    day = case.instrument.facts.get("price_limit_bps")
    return wide if day is None else min(wide, day)


def concentration_bands(case: Case, instrument: Instrument) -> list[Message] | None:
    """The bands of the instrument's rating group; none: required and not set."""
    tier = tier_of(case) or {}
    for table in tier.get("concentration", []):
        if table.get("rating_group", "") == instrument.facts.get("rating_group", ""):
            bands: list[Message] = table.get("bands", [])
            return bands
    return None if tier.get("concentration_required", False) else []


def table_in_mode(case: Case, instrument: Instrument) -> bool:
    """Say whether the table of the instrument's rating group is of the mode being judged."""
    for table in (tier_of(case) or {}).get("concentration", []):
        if table.get("rating_group", "") == instrument.facts.get("rating_group", ""):
            return in_mode(case, table)
    return False


def missing_limits(case: Case, kind_gaps: list[Message]) -> list[Message]:
    """Everything that must be set and is not, in the order in which it is named."""
    scope = ("ACCOUNT", case.account.account_id)
    gaps = []
    if tier_of(case) is None:
        gaps.append(entry("LIMIT_NOT_SET", scope, subject="tier"))
    if setting(case, "leverage_bps").missing:
        gaps.append(entry("LIMIT_NOT_SET", scope, subject="leverage_bps"))
    gaps += permissions_unset(case)
    rate = f"initial_margin_{'long' if case.side == 'BUY' else 'short'}_bps"
    own_rate = not is_credit(case.account) and case.instrument.facts.get("marginable", False)
    if own_rate and rate not in case.instrument.facts:
        gaps.append(entry("LIMIT_NOT_SET", ("INSTRUMENT", case.instrument_id), subject=rate))
    gaps += kind_gaps
    gaps += [
        entry("LIMIT_NOT_SET", scope, subject=name)
        for name in LIMIT_NAMES[1:]
        if _limit_missing(case, name)
    ]
    if rate_missing(principal_levels(case)):
        gaps.append(
            entry("LIMIT_NOT_SET", ("PRINCIPAL", case.principal), subject="principal_order_rate")
        )
    if concentration_bands(case, case.instrument) is None:
        gaps.append(entry("LIMIT_NOT_SET", scope, subject="concentration"))
    if case.price is None and collar(case) is None and case.day_limit is None:
        gaps.append(entry("LIMIT_NOT_SET", scope, subject="market_collar"))
    if _volume_missing(case):
        here = ("INSTRUMENT", case.instrument_id)
        gaps.append(entry("LIMIT_NOT_SET", here, subject="average_volume"))
    return gaps


def _limit_missing(case: Case, name: str) -> bool:
    if name == "order_rate":
        return rate_missing(levels(case, name))
    return setting(case, name).missing


def _volume_missing(case: Case) -> bool:
    """A share of the volume is capped and the volume is not known (4.13)."""
    share = setting(case, "order_volume_share_bps", any_mode=True).value
    return share is not None and "average_volume" not in case.instrument.facts


def rate_missing(found: list[Message]) -> bool:
    """Say whether a rate must be set but is not."""
    is_set = any(level.get("unlimited", False) or level.get("per_second", 0) for level in found)
    return not is_set and any(level.get("required", False) for level in found)


def principal_levels(case: Case) -> list[Message]:
    """The one level of a principal's rate."""
    return [case.book.policy.get("principal_order_rate", {})]


def permissions_unset(case: Case) -> list[Message]:
    """What nobody has written down (2.2)."""
    scope = ("ACCOUNT", case.account.account_id)
    granted = case.account.facts.get("permissions", {})
    names = [name for name in ("product_types", "order_types") if not granted.get(name)]
    gaps = [entry("LIMIT_NOT_SET", scope, subject=name) for name in names]
    if not case.instrument.facts.get("product_type", ""):
        here = ("INSTRUMENT", case.instrument_id)
        gaps.append(entry("LIMIT_NOT_SET", here, subject="product_type"))
    return gaps
