"""What an order is reserved at (3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .amounts import scale_up
from .limit import NO_COLLAR

if TYPE_CHECKING:
    from .instrument import Instrument
    from .question import Question

NO_PRICE: Final = -1


def reserved_price(asked: Question) -> int:
    """Return the price that the order is reserved at; NO_PRICE where nothing bounds it."""
    mark = asked.mark
    if not asked.is_market:
        if not mark:
            return asked.price
        return max(asked.price, mark) if asked.buy else min(asked.price, mark)
    terms = asked.instrument.terms
    day_limit = terms.upper_limit_e4 if asked.buy else terms.lower_limit_e4
    if not mark:
        return max(day_limit, 0) if asked.is_exit else NO_PRICE
    if asked.collar == NO_COLLAR:
        if day_limit >= 0:
            return day_limit
        return mark if asked.is_exit else NO_PRICE
    return market_price(asked.collar, asked.instrument, buys=asked.buy)


def market_price(collar_bps: int, instrument: Instrument, *, buys: bool) -> int:
    """Return the worst price that a collar lets a market order reach; there is a mark."""
    mark = instrument.mark
    reach = scale_up(mark, collar_bps)
    if not buys:
        return max(mark - reach, instrument.terms.lower_limit_e4, 0)
    highest = instrument.terms.upper_limit_e4
    return highest if 0 <= highest < mark + reach else mark + reach
