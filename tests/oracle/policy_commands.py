"""Random proposals, approvals and withdrawals of policies, drawn as in commands.py."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from tests.oracle import scope_world
from tests.oracle.book import SECOND, Message

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands

# Limits whose mode matters wherever they are set: a default leverage cap and a floor never do.
CHANGING_MODE = (
    "order_quantity",
    "order_notional_e4",
    "price_collar_bps",
    "order_rate",
    "position",
)


def propose(source: Commands) -> Command:
    """A provable tightening, a loosening, an older version again, or a stale base."""
    book, rng = source.book, source.rng
    base = book.version
    versions = source.oracle.versions.versions
    policy = deepcopy(
        versions[rng.choice(list(versions))].policy if _one(source, 4) else book.policy
    )
    del policy["version"]
    if _one(source, 10):
        base += 1
    elif _one(source, 2):
        loosen(source, policy)
    else:
        tighten(source, policy)
    if _one(source, 3):
        scope_world.change(rng, policy)
    if _one(source, 4):
        scope_world.change_add_ons(rng, policy)
    request = {"policy": policy, "base_version": base}
    return source.command("ProposePolicy", request, rng.choice(("staff", "anna", "local")))


def tighten(source: Commands, policy: Message) -> None:
    """Tighten one figure or another."""
    rng, limits = source.rng, policy["default_limits"]
    name = rng.choice(("order_quantity", "position", "price_collar_bps"))
    limits[name]["value"] = limits[name]["value"] * 99 // 100
    if _one(source, 3):
        policy["stress_factor_bps"] += 1
    if _one(source, 3) and policy["max_order_age_ns"] > 2 * SECOND:
        policy["max_order_age_ns"] -= SECOND
    if "order_repeated" in policy and _one(source, 3):
        policy["order_repeated"]["count"] = 2
    if _one(source, 10):
        policy["disclosure_version"] += 1
    if "lines" in policy and _one(source, 3):
        tighten_lines(source, policy["lines"])
    if "trading_window" in policy and _one(source, 3):
        policy["trading_window"]["open_of_day_ns"] += SECOND
    if _one(source, 5):  # on, or to warn: that is a loosening
        changed = limits[rng.choice([name for name in CHANGING_MODE if name in limits])]
        changed["mode"] = rng.choice(("ON", "ON", "WARN"))


def tighten_lines(source: Commands, lines: Message) -> None:
    """Raise a release, or write lines down where there were none."""
    if lines.pop("off", False) or "margin_call" not in lines:
        return
    lines["margin_call"]["release_bps"] += 1


def loosen(source: Commands, policy: Message) -> None:
    """Loosen one figure."""
    looser: list[tuple[Message, str, int]] = [
        (policy, "max_order_age_ns", 3 * SECOND),
        (policy, "slow_mark_step_bps", 1),
        (policy["default_limits"]["position"], "value", 30),
        (policy["default_limits"]["order_quantity"], "value", 20),
        (policy["principal_order_rate"], "burst", 1),
        (policy["margin_classes"][1], "offset_bps", 1),
        (policy, "max_override_ns", SECOND),
        (policy["tiers"][0], "rank", 1),
    ]
    call = policy.get("lines", {}).get("margin_call")
    if call and call["release_bps"] > call["line_bps"]:
        looser.append((call, "release_bps", -1))
    if "trading_window" in policy:
        looser.append((policy["trading_window"], "close_of_day_ns", 1))
    holder, name, step = source.rng.choice(looser)
    holder[name] += step


def decide(source: Commands) -> Command:
    """Approve a version, mostly one that may be, or withdraw one."""
    versions = source.oracle.versions.versions
    waiting = [
        number
        for number, known in versions.items()
        if known.stamp is None and not known.withdrawn and known.base == source.book.version
    ]
    numbers = waiting if waiting and not _one(source, 5) else [*versions, 10_000]
    request = {"version": source.rng.choice(numbers)}
    if _one(source, 3):
        return source.command("WithdrawPolicy", request, "staff")
    persons = ("anna", "ben", "ben", "staff", "local")
    return source.command("ApprovePolicy", request, source.rng.choice(persons))


def _one(source: Commands, number: int) -> bool:
    """Say yes once in so many times."""
    return source.rng.randrange(number) == 0
