"""The limits of one scope above or beside the account, as the policy has them (2.1)."""

from __future__ import annotations

from typing import Final

from .amounts import INT64_MAX

FIRM: Final = 1
GROUP: Final = 2
SECTOR: Final = 4
BOARD: Final = 5
INSTRUMENT: Final = 6

# Which kinds of scope may have which limit.
SCOPE_KINDS: Final[dict[str, tuple[int, ...]]] = {
    "order_quantity": (FIRM, GROUP, SECTOR, BOARD, INSTRUMENT),
    "order_notional_e4": (FIRM, GROUP, SECTOR, BOARD, INSTRUMENT),
    "order_volume_share_bps": (FIRM, GROUP, SECTOR, BOARD, INSTRUMENT),
    "open_order_count": (FIRM, GROUP),
    "position": (FIRM, GROUP, SECTOR, BOARD, INSTRUMENT),
    "ownership_bps": (FIRM, GROUP, SECTOR, BOARD, INSTRUMENT),
    "instrument_exposure_e4": (FIRM, SECTOR, BOARD, INSTRUMENT),
    "group_exposure_e4": (GROUP,),
    "financing_e4": (FIRM,),
}

# Those on sums of what accounts were last valued at (4.26).
VALUED_SUMS: Final = ("group_exposure_e4", "financing_e4")


class ScopeLimits:
    """One scope and its limits by name; `warned` are those in mode warn (4.28)."""

    __slots__ = ("caps", "kind", "scope_id", "warned")

    def __init__(self, kind: int, scope_id: str, caps: dict[str, int], warned: list[str]) -> None:
        self.kind = kind
        self.scope_id = scope_id
        self.caps = caps
        self.warned = warned

    def cap(self, name: str, *, warning: bool) -> int:
        """Return a limit of the mode that is judged, the greatest int64 where there is none."""
        value = self.caps.get(name, INT64_MAX)
        if value != INT64_MAX and (name in self.warned) != warning:
            return INT64_MAX
        return value

    def fields(self) -> list[object]:
        """Return what a hash is made of."""
        return [self.kind, self.scope_id, sorted(self.caps.items()), sorted(self.warned)]


Scopes = dict[tuple[int, str], ScopeLimits]


class Reserve:
    """The reserve, in e4, and what share of all shortfalls under stress it must cover (4.26)."""

    __slots__ = ("coverage_bps", "pool_e4", "stress_bps", "warns")

    def __init__(self, pool_e4: int, coverage_bps: int, stress_bps: int, *, warns: bool) -> None:
        self.pool_e4 = pool_e4
        self.coverage_bps = coverage_bps
        self.stress_bps = stress_bps
        self.warns = warns

    def fields(self) -> list[object]:
        """Return what a hash is made of."""
        figures: list[object] = [self.pool_e4, self.coverage_bps, self.stress_bps]
        return [*figures, *["warn"] * self.warns]


def reserve_loosened(before: Reserve | None, after: Reserve | None) -> bool:
    """Tell whether some order would be let through that was not (8.2)."""
    if before is None:
        return False
    if after is None or (after.warns and not before.warns):
        return True
    return (
        after.pool_e4 > before.pool_e4
        or after.coverage_bps < before.coverage_bps
        or after.stress_bps < before.stress_bps
    )


def loosened(before: Scopes, after: Scopes) -> list[str]:
    """Return the limits of scopes that let more through than before (8.2)."""
    found: list[str] = []
    for key in sorted(before):
        old = before[key]
        new = after.get(key)
        for name in sorted(old.caps):
            if new is None or name not in new.caps:
                found.append(f"scopes[{key[0]}:{key[1]}].{name}")
                continue
            softer = name in new.warned and name not in old.warned
            if softer or new.caps[name] > old.caps[name]:
                found.append(f"scopes[{key[0]}:{key[1]}].{name}")
    return found
