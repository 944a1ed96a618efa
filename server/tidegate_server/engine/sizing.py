"""The largest quantity of an order that would pass (4.0.3)."""

from __future__ import annotations

from .checks.permission import forbidden_type
from .judge import sized_reasons
from .judgement import Judgement
from .reasons import Rejection, RejectReason

# Reasons that no smaller quantity cures (4.0.3).
INCURABLE = frozenset(
    {
        RejectReason.HALTED,
        RejectReason.SESSION_CLOSED,
        RejectReason.TICK_SIZE,
        RejectReason.PRICE_LIMIT,
        RejectReason.PRICE_COLLAR,
        RejectReason.ORDER_RATE,
        RejectReason.ORDER_REPEATED,
        RejectReason.OPEN_ORDER_COUNT,
        RejectReason.SELF_TRADE,
    }
)


def max_acceptable(judged: Judgement, rejections: list[Rejection]) -> int:
    """Return the largest tradable quantity, at most the order's, that would pass (4.0.3)."""
    if not rejections:
        return judged.order.quantity
    if any(rejection.reason in INCURABLE for rejection in rejections) or forbidden_type(judged):
        return 0
    asked = judged.order.quantity
    terms = judged.instrument.terms
    least = terms.least_quantity
    step = terms.quantity_step
    low = 0
    high = 1 if asked <= least else -(-(asked - least) // step) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if passes(judged, least + (middle - 1) * step):
            low = middle
        else:
            high = middle
    best = least + (low - 1) * step if low else 0
    exiting = min(judged.exit_room, asked)
    if exiting > best and passes(judged, exiting):
        return exiting
    return best


def passes(judged: Judgement, quantity: int) -> bool:
    """Tell whether another quantity would have no reason that a quantity can cure."""
    judged.resize(quantity)
    rejections: list[Rejection] = []
    sized_reasons(judged, rejections)
    return not rejections
