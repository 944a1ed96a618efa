"""Drawn limits of scopes, and tables of sectors and boards: see world.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from tests.oracle.book import Message

SECTORS = ("", "tech", "oil")
SCOPES = (
    ("FIRM", ""),
    ("GROUP", "G1"),
    ("GROUP", "G2"),
    ("SECTOR", "tech"),
    ("SECTOR", ""),
    ("BOARD", "MAIN"),
    ("INSTRUMENT", "I1"),
    ("INSTRUMENT", "I2"),
)


def scopes(rng: Random) -> list[Message]:
    """Draw limits of a few scopes, of half of the worlds; some only warn."""
    if rng.random() < 0.5:
        return []
    made = []
    for kind, name in SCOPES:
        scope: Message = {"scope_kind": kind, "scope_id": name}
        wide = kind in {"FIRM", "GROUP"}
        drawn = {
            "order_quantity": rng.choice((500, 900, 900, 2_000)),
            "order_notional_e4": rng.choice((1_500_000_000, 2_500_000_000)),
            "order_volume_share_bps": rng.choice((300, 2_000)),
            "position": rng.choice((900, 2_000, 4_000) if wide else (900, 1_500, 2_500)),
            "ownership_bps": rng.choice((200, 500)),
        }
        if wide:
            drawn["open_order_count"] = rng.randint(1, 10)
        if kind != "GROUP":
            drawn["instrument_exposure_e4"] = rng.randint(2, 9) * 10**9 + rng.randint(0, 9)
        valued = rng.random() < 0.45
        if kind == "GROUP" and valued:
            scope["group_exposure_e4"] = {"value": rng.randint(0, 8) * 10**8 + rng.randint(0, 9)}
        if kind == "FIRM" and valued:
            financing = rng.choice((0, 0, 1, 5, 20)) * 10**8 + rng.randint(0, 9)
            scope["financing_e4"] = {"value": financing}
        for limit, value in drawn.items():
            if rng.random() < (0.25 if wide else 0.12):
                mode = {"mode": "WARN"} if rng.random() < 0.15 else {}
                scope[limit] = {"value": value} | mode
        made.append(scope)
    return made


def reserve(rng: Random) -> Message:
    """Draw a reserve for a few worlds, and how old valuations may be."""
    made: Message = {}
    if rng.random() < 0.3:
        stress = rng.choice((2_000, 4_000, 7_000))
        figures = {
            "pool_e4": rng.randint(0, 30) * 10**8,
            "coverage_bps": rng.choice((5_000, 11_000)),
        }
        mode = {"mode": "WARN"} if rng.random() < 0.2 else {}
        made["reserve"] = figures | {"stress_bps": stress} | mode
    made["max_valuation_age_ns"] = rng.choice((8, 25, 60)) * 10**9
    return made


def add_ons(rng: Random) -> Message:
    """Draw add-ons for a third of the worlds: some axes, edges that positions meet."""
    made: Message = {}
    if rng.random() < 0.65:
        return made
    times = rng.choice((1, 1, 10))  # beyond what a position is worth
    if rng.random() < 0.7:
        points = zip(_rising(rng, 3, 3_000 * times), _rising(rng, 3, 4_000 * times), strict=True)
        edges = _rising(rng, 3, 8_000)
        made["weight"] = [
            {"above_bps": edge, "long_points_bps": longs, "short_points_bps": shorts}
            for edge, (longs, shorts) in zip(edges, points, strict=True)
        ]
    for axis, highest in (("days", 4_000), ("ownership", 900)):
        if rng.random() < 0.7:
            bands = zip(_rising(rng, 3, highest), _rising(rng, 3, 5_000 * times), strict=True)
            made[axis] = [{"above_bps": edge, "points_bps": points} for edge, points in bands]
    return {"add_ons": made}


def _rising(rng: Random, count: int, highest: int) -> list[int]:
    """Figures that rise, some of them round."""
    return sorted(rng.sample(range(0, highest, rng.choice((1, 100))), count))


def change_add_ons(rng: Random, policy: Message) -> None:
    """Raise or lower points or an edge, take a band or an axis away, or begin with add-ons."""
    tables = policy.get("add_ons")
    if tables is None or rng.random() < 0.1:
        policy.pop("add_ons", None)
        policy.update(add_ons(rng))
        return
    written = [axis for axis in tables if tables[axis]]
    if not written:
        return
    axis = rng.choice(written)
    kind = rng.random()
    if kind < 0.15:
        del tables[axis][rng.randrange(len(tables[axis]))]
    elif kind < 0.2:
        del tables[axis]
    else:
        last = tables[axis][-1]
        name = rng.choice([name for name in last if name != "above_bps"] + ["above_bps"])
        last[name] += rng.choice((1, 1, -1)) if name != "above_bps" else rng.choice((1, 0, -1))


def tables(rng: Random, names: tuple[str, ...]) -> list[Message]:
    """Draw tables of sectors or boards."""
    made = []
    for name in names:
        if rng.random() < 0.7:
            continue
        caps = sorted(rng.choice((0, 2_000, 4_000, 6_000, 9_000)) for _ in range(3))
        edges = (0, 15_000, 20_000)
        bands: list[Message] = [
            {"ratio_from_bps": edge, "cap_bps": cap} for edge, cap in zip(edges, caps, strict=True)
        ]
        if rng.random() < 0.3:
            del bands[-1]["cap_bps"]
        mode = {"mode": "WARN"} if rng.random() < 0.15 else {}
        made.append({"scope_id": name, "bands": bands} | mode)
    return made


def describe(rng: Random, facts: Message) -> Message:
    """Give an instrument a sector and, mostly, a number of shares."""
    facts["sector"] = rng.choice(SECTORS)
    if rng.random() < 0.9:
        facts["shares_outstanding"] = rng.randint(20_000, 60_000)
    return facts


def change(rng: Random, policy: Message) -> None:
    """Tighten or loosen a limit of a scope, or take one away."""
    written = [
        (scope, name)
        for scope in policy.get("scopes", [])
        for name in scope
        if name not in {"scope_kind", "scope_id"}
    ]
    if not written:
        return
    scope, name = rng.choice(written)
    if rng.random() < 0.2:
        del scope[name]
    elif rng.random() < 0.2:
        scope[name]["mode"] = rng.choice(("ON", "WARN"))
    else:
        scope[name]["value"] = max(0, scope[name]["value"] + rng.choice((-1, -1, 1)))
