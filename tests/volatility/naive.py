"""The model once more, from the page's formulas: slow, in decimals, without running sums."""

from __future__ import annotations

import itertools
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidegate_server.volatility.settings import Settings


def ratios(prices: Sequence[float | None], settings: Settings, reference_bps: int) -> list[Decimal]:
    """Return sigma over reference in bps of every day that has an estimate."""
    with localcontext() as context:
        context.prec = 40
        closes = [Decimal(price) for price in prices if price is not None]
        moves = [(b / a).ln() for a, b in itertools.pairwise(closes)]
        found = []
        for day in range(settings.least_returns, len(moves) + 1):
            known = moves[:day]
            found.append(max(_now(known, settings), _floor(known, settings)))
        return [variance.sqrt() * 10**8 / reference_bps for variance in found]


def _now(moves: Sequence[Decimal], settings: Settings) -> Decimal:
    decay = Decimal(settings.decay_bps) / 10_000
    weights = [decay**age for age in range(len(moves))]
    total = sum(
        (w * move * move for w, move in zip(weights, reversed(moves), strict=True)), Decimal(0)
    )
    return total / sum(weights)


def _floor(moves: Sequence[Decimal], settings: Settings) -> Decimal:
    bound = Decimal(settings.outlier_bps) / 10_000
    last = [min(abs(move), bound) for move in moves[-settings.floor_returns :]]
    return sum((move * move for move in last), Decimal(0)) / len(last)


def factors(ratios_bps: Sequence[int], settings: Settings) -> list[int]:
    """Return the factors that the ladder gives to these ratios."""
    found: list[int] = []
    for ratio in ratios_bps:
        enough = [step for step in settings.ladder_bps if step >= ratio]
        asked = enough[0] if enough else settings.ladder_bps[-1]
        if not found or asked >= found[-1]:
            found.append(asked)
            continue
        lower = max(step for step in settings.ladder_bps if step < found[-1])
        deep = 10_000 * ratio <= lower * (10_000 - settings.hysteresis_bps)
        found.append(lower if deep else found[-1])
    return found
