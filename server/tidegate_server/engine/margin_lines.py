"""The lines on the maintenance ratio (2.6): which an account has entered and not left.

Figures are actual ones (3.7), in e4. A line is entered below its ratio and left at its release, so
that a ratio that trembles about a line does not enter it again and again. The account keeps a mask
with one bit a line, the first line's the lowest; its state is the deepest that is set.
"""

from __future__ import annotations

from typing import Final

from .amounts import INT64_MAX, scale_up
from .shares import Share

LINE_NAMES: Final = ("withdraw", "warning", "margin_call", "top_up", "liquidation", "freeze")

# Line and release of each in bps, one after the other; empty: no lines, written down.
Lines = tuple[int, ...]

NO_LINES: Lines = ()
DEFAULT_LINES: Lines = (
    30_000,
    30_000,
    15_000,
    16_000,
    14_000,
    15_000,
    13_000,
    14_000,
    11_000,
    13_000,
    10_000,
    11_000,
)

WARNING: Final = 1
MARGIN_CALL: Final = 2
LIQUIDATION: Final = 4

# A high-water mark before the first valuation: below every equity.
NEVER: Final = -INT64_MAX - 1

# Masks from here on have margin_call or a deeper line: no new risk (4.23).
CALLED: Final = 1 << MARGIN_CALL


class LineSet:
    """Lines as a policy or tier writes them down; with a mode, like a limit (4.28)."""

    __slots__ = ("lines", "warns")

    def __init__(self, lines: Lines, *, warns: bool = False) -> None:
        self.lines = lines
        self.warns = warns


class Valued:
    """What a valuation changed: -1, NEVER and None where it changed nothing.

    `account_id` is empty in an order's outcome: there it is the order's account.

    `high_water` is the greatest actual equity so far, `start_of_day` the equity that the day's loss
    is counted from (4.25), `share` what sums above the account count (4.26); an order's outcome has
    a place of its own for that.
    """

    __slots__ = ("account_id", "high_water", "lines", "share", "start_of_day")

    def __init__(self, account_id: str = "") -> None:
        self.account_id = account_id
        self.lines = -1
        self.high_water = NEVER
        self.start_of_day: int | None = None
        self.share: Share | None = None


def entered(before: int, lines: Lines, assets: int, debt: int) -> int:
    """Return the mask of lines that are entered and not left."""
    if debt <= 0 or not lines:
        return 0
    mask = before
    for index in range(len(lines) // 2):
        bit = 1 << index
        if assets < scale_up(debt, lines[2 * index]):
            mask |= bit
        elif not mask >> index:
            break  # the deeper lines are lower, and none of them was entered
        elif mask & bit and assets >= scale_up(debt, lines[2 * index + 1]):
            mask -= bit
    return mask


def state_of(mask: int) -> int:
    """Return the deepest line that is entered, counted from 1; 0 for none."""
    return mask.bit_length()


def release_of(mask: int, lines: Lines) -> int:
    """Return the release of the deepest line that is entered, in bps."""
    return lines[2 * mask.bit_length() - 1]


def lines_loosened(before: LineSet, after: LineSet) -> bool:
    """Tell whether some account would be let through that was not (8.2)."""
    if not before.lines:
        return False
    if not after.lines or (after.warns and not before.warns):
        return True
    pairs = zip(before.lines, after.lines, strict=True)
    return any(new < old for old, new in pairs)
