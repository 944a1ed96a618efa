"""What an order is for under `cn_margin`, and which side each kind has."""

from __future__ import annotations

from typing import Final

from ..commands import BUY, SELL, CheckOrder  # noqa: TID252 - one level up is this room

COLLATERAL_BUY: Final = 1
COLLATERAL_SELL: Final = 2
MARGIN_BUY: Final = 3
SHORT_SELL: Final = 4
SELL_TO_REPAY: Final = 5
BUY_TO_RETURN: Final = 6

SIDES: Final = (0, BUY, SELL, BUY, SELL, SELL, BUY)


def opens(kind: int) -> bool:
    """Tell whether a kind takes new risk; the other three only close."""
    return kind in (COLLATERAL_BUY, MARGIN_BUY, SHORT_SELL)


def fits(kind: int, side: int) -> bool:
    """Tell whether a kind is known and goes with the side; an order without one fits any."""
    return kind == 0 or (0 < kind < len(SIDES) and SIDES[kind] == side)


def kind_of_listed(order: CheckOrder) -> int:
    """Return what an order on a list is for; one that does not say closes or opens no contract."""
    if order.margin_kind:
        return order.margin_kind
    return COLLATERAL_BUY if order.side == BUY else COLLATERAL_SELL
