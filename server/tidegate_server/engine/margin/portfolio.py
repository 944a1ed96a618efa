"""The `portfolio` margin model (6.4): what a position loses over ten moves of the price.

The moves are k x range / 5 for k = -5 to -1 and 1 to 5; the range is 15 %, scaled by volatility.
Positions of one class hedge each other: the sum of what each would lose at its own worst move is
lowered by a share of what they cannot all lose at once.
"""

from __future__ import annotations

from typing import Final

from ..amounts import ONE, raw_down, raw_up, scale_down, scale_up  # noqa: TID252 - one level up is this room
from ..instrument_terms import InstrumentTerms  # noqa: TID252 - the same

RANGE_BPS: Final = 1_500
STEPS: Final = 5
# A whole range, in steps of a basis point.
WHOLE: Final = STEPS * ONE

# What a class would lose: at each one's worst move, then at each move from -5 to 5.
Losses = tuple[int, ...]

NO_LOSSES: Losses = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def effective_rates(terms: InstrumentTerms, factor: int) -> tuple[int, int, int, int, int]:
    """Return v_eff, and the range as every rate: a line requires its loss over the range.

    What is not marginable may lose all of its value (6.1), and hedges nothing.
    """
    reach = min(ONE, scale_up(RANGE_BPS, factor)) if terms.marginable else ONE
    return factor, reach, reach, reach, reach


def losses_of(
    quantity: int, open_buy: int, open_sell: int, high: int, unit: int, reach_bps: int
) -> Losses:
    """Return what a position loses: the greatest over what may become of its open orders.

    Its quantity may stay, its opening buys may all be filled, or its opening sells.
    """
    held = quantity if quantity > 0 else 0
    owed = -quantity if quantity < 0 else 0
    bought = max(0, quantity + open_buy)
    sold = max(0, open_sell - quantity)
    ends = [quantity]
    if bought > held:
        ends.append(bought)
    if sold > owed:
        ends.append(-sold)
    worst = scale_up(raw_up(max(bought, sold) * high, unit), reach_bps)
    at = [max([loss(end, move, high, unit, reach_bps) for end in ends]) for move in MOVES]
    return (worst, *at)


MOVES: Final = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)


def loss(quantity: int, move: int, high: int, unit: int, reach_bps: int) -> int:
    """Return what a quantity loses at a move, rounded up; a gain is negative, rounded down."""
    size = (move if move > 0 else -move) * reach_bps
    raw = (quantity if quantity > 0 else -quantity) * high
    if (quantity > 0) == (move < 0):
        return share_up(raw_up(raw, unit), size)
    return -share_down(raw_down(raw, unit), size)


def share_up(amount: int, size: int) -> int:
    """Return amount x size / 50 000, rounded up, within 64 bits."""
    return amount // WHOLE * size + (amount % WHOLE * size + WHOLE - 1) // WHOLE


def share_down(amount: int, size: int) -> int:
    """Return amount x size / 50 000, rounded down, within 64 bits."""
    return amount // WHOLE * size + amount % WHOLE * size // WHOLE


def added(losses: Losses, more: Losses) -> Losses:
    """Return the losses of a class with those of another position."""
    return tuple([one + other for one, other in zip(losses, more, strict=True)])


def offset_of(losses: Losses, offset_bps: int) -> int:
    """Return by how much a class needs less than its positions one by one."""
    together = max(losses[1:])
    return scale_down(losses[0] - max(together, 0), offset_bps)
