"""The only place where money is multiplied or divided.

Money and prices are integers in 1/10 000 of the currency unit (`_e4`), ratios in basis points
(`_bps`), quantities in the instrument's smallest unit, of which 10**decimals make one. A *raw*
amount is price times quantity before the division by 10**decimals.

Every function takes and returns integers and rounds in the direction that its name says; what is
against the account rounds up, what is for it rounds down.
"""

from __future__ import annotations

from typing import Final

INT64_MAX: Final = 2**63 - 1
PRICE_BOUND: Final = 10**12
QUANTITY_BOUND: Final = 10**12
AMOUNT_BOUND: Final = 9 * 10**16
PRODUCT_BOUND: Final = 9 * 10**18
RATIO_BOUND: Final = 10**6
ONE: Final = 10_000
ROUND_UP: Final = ONE - 1
DECIMALS_BOUND: Final = 9


def scale_up(amount: int, bps: int) -> int:
    """Return amount x bps / 10 000, rounded up; both at least 0.

    Split at 10**4 so that no intermediate leaves 64 bits for an amount within its bound.
    """
    return amount // ONE * bps + (amount % ONE * bps + ROUND_UP) // ONE


def scale_down(amount: int, bps: int) -> int:
    """Return amount x bps / 10 000, rounded down; both at least 0."""
    return amount // ONE * bps + amount % ONE * bps // ONE


def unscale_down(amount: int, bps: int) -> int:
    """Return amount x 10 000 / bps, rounded down; for a limit that volatility divides."""
    return amount // bps * ONE + amount % bps * ONE // bps


def unscale_up(amount: int, bps: int) -> int:
    """Return amount x 10 000 / bps, rounded up: shares of less are below amount."""
    return amount // bps * ONE + (amount % bps * ONE + bps - 1) // bps


def raw_up(raw: int, unit: int) -> int:
    """Return a raw amount of at least 0 in e4, rounded up; `unit` is 10**decimals."""
    return raw if unit == 1 else (raw + unit - 1) // unit


def raw_down(raw: int, unit: int) -> int:
    """Return a raw amount of at least 0 in e4, rounded down; `unit` is 10**decimals."""
    return raw if unit == 1 else raw // unit


def product_in_bounds(quantity: int, price: int, unit: int) -> bool:
    """Tell whether price x quantity keeps the bounds, without multiplying them (1.4)."""
    if price == 0:
        return True
    bound = AMOUNT_BOUND * unit
    if bound > PRODUCT_BOUND:
        bound = PRODUCT_BOUND
    return quantity <= bound // price


def upper_ratio_bps(part: int, whole: int) -> int:
    """Return part / whole in bps, rounded up, for a report; the greatest int64 if whole <= 0."""
    if part <= 0:
        return 0
    if whole <= 0:
        return INT64_MAX
    ratio = -(-part * ONE // whole)
    return ratio if ratio < INT64_MAX else INT64_MAX


def lower_ratio_bps(part: int, whole: int) -> int:
    """Return part / whole in bps, rounded down, for a report; whole is above 0."""
    ratio = part * ONE // whole
    return ratio if ratio < INT64_MAX else INT64_MAX
