"""The ladder: which of a few values a factor takes, so that limits do not tremble with every close.

A factor is never below what the ratio asks for (unless that is beyond the last step): it rises at
once, over as many steps as it takes. It falls by one step a day at most, and only once the ratio is
some way under the lower step, so that a ratio that wavers about a step does not move it at all.
Everything is an integer, in bps.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE = 10_000


def next_step(
    ladder_bps: Sequence[int], step: int | None, ratio_bps: int, hysteresis_bps: int
) -> int:
    """Return the index of today's step, from yesterday's (None on the first day) and the ratio."""
    needed = step_for(ladder_bps, ratio_bps)
    if step is None or needed >= step:
        return needed
    lower_bps = ladder_bps[step - 1]
    falls = ratio_bps * _ONE <= lower_bps * (_ONE - hysteresis_bps)
    return step - 1 if falls else step


def step_for(ladder_bps: Sequence[int], ratio_bps: int) -> int:
    """Return the index of the least step that is at least the ratio; the last if none is."""
    return min(bisect_left(ladder_bps, ratio_bps), len(ladder_bps) - 1)
