"""What a policy says about `cn_margin`: the ratios that contracts are opened at, caps on haircuts.

A ratio that is absent counts as infinite where two policies are compared: nothing may be opened.
"""

from __future__ import annotations

from typing import Final

from ..amounts import ONE, RATIO_BOUND, unscale_down  # noqa: TID252 - one level up is this room
from ..permissions import Dealing  # noqa: TID252 - the same

# What a contract is opened at by a fill that came although no ratio was in force.
UNSET_RATIO_BPS: Final = ONE
UNSET_FUND_RATIO_BPS: Final = 12_000

# From when on, in ns, and how many bps; times rise.
Ratios = tuple[tuple[int, int], ...]


class CreditRules:
    """Tables of ratios by time, and the greatest haircut of each class of instruments."""

    __slots__ = ("financing_ratios", "fund_short_ratios", "haircut_caps", "short_ratios")

    def __init__(
        self,
        financing_ratios: Ratios = (),
        short_ratios: Ratios = (),
        fund_short_ratios: Ratios = (),
        haircut_caps: dict[str, int] | None = None,
    ) -> None:
        self.financing_ratios = financing_ratios
        self.short_ratios = short_ratios
        self.fund_short_ratios = fund_short_ratios
        self.haircut_caps: dict[str, int] = haircut_caps if haircut_caps is not None else {}

    def ratios(self, *, short: bool, fund: bool) -> Ratios:
        """Return the table of a kind of contract; `fund` says that a private fund opens it."""
        if not short:
            return self.financing_ratios
        return self.fund_short_ratios if fund else self.short_ratios

    def fields(self) -> list[object]:
        """Return what was set; empty if nothing was (for the hash)."""
        found: list[object] = [
            self.financing_ratios,
            self.short_ratios,
            self.fund_short_ratios,
            sorted(self.haircut_caps.items()),
        ]
        return found if any(found) else []


NO_CREDIT: Final = CreditRules()


def ratio_at(ratios: Ratios, time_ns: int) -> int:
    """Return the ratio in force at a time, in bps; -1 for none."""
    found = -1
    for since_ns, ratio_bps in ratios:
        if since_ns > time_ns:
            break
        found = ratio_bps
    return found


def ratio_of_fill(rules: CreditRules, time_ns: int, *, short: bool, fund: bool) -> int:
    """Return the ratio that a fill opens a contract at; a fill is never refused."""
    found = ratio_at(rules.ratios(short=short, fund=fund), time_ns)
    if found >= 0:
        return found
    return UNSET_FUND_RATIO_BPS if short and fund else UNSET_RATIO_BPS


def missing_haircut(rules: CreditRules, dealing: Dealing) -> str:
    """Return what is not set of the haircut of a marginable instrument, empty for nothing."""
    if dealing.haircut_bps < 0:
        return "haircut_bps"
    return "" if dealing.haircut_class in rules.haircut_caps else "haircut_cap"


def effective_haircut(rules: CreditRules, dealing: Dealing, factor: int) -> int:
    """Return the share of a marginable instrument's value that counts, in bps (5.2)."""
    cap = rules.haircut_caps.get(dealing.haircut_class, 0)
    own = dealing.haircut_bps
    if own < 0:
        return 0
    return unscale_down(own if own < cap else cap, factor)


def loosened_rules(old: CreditRules, new: CreditRules) -> list[str]:
    """Return which tables of `new` let more through than those of `old` (8.2)."""
    fields = []
    if ratios_loosened(old.financing_ratios, new.financing_ratios):
        fields.append("financing_ratios")
    if ratios_loosened(old.short_ratios, new.short_ratios):
        fields.append("short_ratios")
    if ratios_loosened(old.fund_short_ratios, new.fund_short_ratios):
        fields.append("private_fund_short_ratios")
    fields += [
        f"haircut_caps[{name}]"
        for name, cap in sorted(new.haircut_caps.items())
        if name not in old.haircut_caps or cap > old.haircut_caps[name]
    ]
    return fields


def ratios_loosened(before: Ratios, after: Ratios) -> bool:
    """Tell whether a contract could be opened at less at any time."""
    return any(
        required(after, since_ns) < required(before, since_ns) for since_ns, _ in (*before, *after)
    )


def required(ratios: Ratios, time_ns: int) -> int:
    """Return the ratio in force, beyond all bounds where there is none."""
    found = ratio_at(ratios, time_ns)
    return found if found >= 0 else RATIO_BOUND + 1
