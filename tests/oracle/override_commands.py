"""Random overrides and scorecards, drawn as in commands.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.book import SECOND, Message
from tests.oracle.scope_world import SCOPES

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands

PERSONS = ("staff", "anna", "ben", "local")


def propose(source: Commands) -> Command:
    """A limit of an account for a while: tighter, looser, once more, too long."""
    rng, book = source.rng, source.book
    known = list(book.overrides.values())
    if known and rng.random() < 0.1:
        again = rng.choice(known)
        request = dict(again.request)
        if rng.random() < 0.3:
            request["reason"] = "another"
        return source.command("ProposeOverride", request, again.proposer)
    if rng.random() < 0.35:
        return source.command("ProposeOverride", at_scope(source), rng.choice(PERSONS))
    name = rng.choice(list(VALUES))
    limit = dict(rng.choice(VALUES[name]))
    if rng.random() < 0.1:
        limit["mode"] = "WARN" if name != "price_collar_floor_bps" else "UNSPECIFIED"
    accounts = [*book.accounts, "NOBODY"] if rng.random() < 0.05 else list(book.accounts)
    request = {
        "override_id": source.name("v"),
        "scope_kind": "ACCOUNT",
        "scope_id": rng.choice(accounts),
        "limits": {name: limit},
        "reason": "a large order",
        "expiry_time_ns": end(source),
    }
    return source.command("ProposeOverride", request, rng.choice(PERSONS))


def end(source: Commands) -> int:
    """Soon, as late as may be, or later."""
    longest = source.book.number("max_override_ns")
    lengths = (SECOND // 2, SECOND, 4 * SECOND, longest, longest, longest + 1, 0)
    return source.now + source.rng.choice(lengths)


def at_scope(source: Commands) -> Message:
    """A limit of the firm, a group, a sector, a board or an instrument, set or not."""
    rng = source.rng
    kind, scope_id = rng.choice(SCOPES)
    if rng.random() < 0.03:
        kind, scope_id = rng.choice(("GROUP", "SECTOR", "INSTRUMENT")), "NOWHERE"
    name = rng.choice([name for name, (kinds, _) in AT_SCOPES.items() if kind in kinds])
    limit: Message = {"value": rng.choice(AT_SCOPES[name][1])}
    if rng.random() < 0.1:
        limit["mode"] = "WARN"
    return {
        "override_id": source.name("v"),
        "scope_kind": kind,
        "scope_id": scope_id,
        "scope_limits": {name: limit},
        "reason": "a large order",
        "expiry_time_ns": end(source),
    }


WIDE = ("FIRM", "GROUP")
NARROW = ("SECTOR", "BOARD", "INSTRUMENT")
AT_SCOPES: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "order_quantity": ((*WIDE, *NARROW), (90, 700, 5_000)),
    "order_notional_e4": ((*WIDE, *NARROW), (1_000_000_000, 9_000_000_000)),
    "order_volume_share_bps": ((*WIDE, *NARROW), (300, 5_000)),
    "open_order_count": (WIDE, (3, 40)),
    "position": ((*WIDE, *NARROW), (500, 3_000, 20_000)),
    "ownership_bps": ((*WIDE, *NARROW), (200, 2_000)),
    "instrument_exposure_e4": (("FIRM", *NARROW), (10**9, 10**11)),
    "group_exposure_e4": (("GROUP",), (10**8, 10**11)),
    "financing_e4": (("FIRM",), (0, 10**9, 10**11)),
}


VALUES: dict[str, list[Message]] = {
    "leverage_bps": [{"value": 7_000}, {"value": 30_000}, {"value": 70_000}],
    "order_quantity": [{"value": 90}, {"value": 400}, {"value": 5_000}],
    "order_notional_e4": [{"value": 400_000_000}, {"value": 9_000_000_000}],
    "order_volume_share_bps": [{"value": 100}, {"value": 5_000}],
    "price_collar_bps": [{"value": 40}, {"value": 700}],
    "price_collar_floor_bps": [{"value": 0}, {"value": 900}],
    "order_rate": [{"per_second": 1, "burst": 1}, {"per_second": 50, "burst": 20}],
    "open_order_count": [{"value": 2}, {"value": 30}],
    "day_order_count": [{"value": 3}, {"value": 3_000}],
    "day_turnover_e4": [{"value": 10**9}, {"value": 10**11}],
    "position": [{"value": 200}, {"value": 20_000}],
    "credit_line_e4": [{"value": 0}, {"value": 10**10}],
    "day_loss_e4": [{"value": 10**7}, {"value": 10**10}],
    "drawdown_bps": [{"value": 50}, {"value": 9_000}],
}


def decide(source: Commands) -> Command:
    """Approve one, mostly one that waits; sometimes at the very end of one."""
    rng, overrides = source.rng, source.book.overrides
    waiting = [name for name, one in overrides.items() if not one.approver]
    ends = [one.expiry for one in overrides.values() if one.expiry > source.now]
    if ends and rng.random() < 0.3 and min(ends) - source.now < SECOND:
        source.now = max(source.now, min(ends) - rng.choice((0, 1)))
    names = waiting if waiting and rng.random() < 0.9 else [*overrides, "nothing"]
    request = {"override_id": rng.choice(names)}
    return source.command("ApproveOverride", request, rng.choice(PERSONS))


def set_tier(source: Commands) -> Command:
    """A scorecard's tier: new, the same again, older than the last."""
    rng, tiers = source.rng, source.oracle.tiers
    names = [name for name in source.book.accounts if name != "WHALE"]
    waiting = [name for name in names if name in tiers.standings and tiers.standings[name].asked]
    if waiting and rng.random() < 0.5:
        account = rng.choice(waiting)
        asked = tiers.standings[account].asked
        tier, version, time = asked[0] if asked else ("", "", 1)
    else:
        account = rng.choice(names)
        known = [tier["tier_id"] for tier in source.book.policy.get("tiers", [])]
        tier = rng.choices((*known, "gone", ""), (*[4] * len(known), 0.2, 0.2))[0]
        version = rng.choice(("v1", "v2"))
        time = source.now + rng.choices((0, -SECOND, -9 * SECOND, 2 * SECOND), (8, 2, 1, 1))[0]
    request = {
        "account_id": account,
        "tier_id": tier,
        "scorecard_version": version,
        "scorecard_time_ns": time,
    }
    return source.command("SetTier", request, rng.choice(PERSONS))
