"""The common refusal: an order that nothing speaks against but its own shape (4.9 to 4.13).

A price off the tick or through the collar, an odd or a too great quantity: what is compared beyond
these holds at the fast path's first sight (accept.py), so the reasons of shape are all there are.
Every other refusal, and every doubt, is left to the full judgement (judge.py).
"""

from __future__ import annotations

from .accept import plain_room, within_limits
from .account import Account
from .commands import CheckOrder
from .effective import Effective
from .ends import refuse
from .instrument import Instrument
from .judge import price_reasons, size_reasons
from .outcomes import CheckOutcome
from .policy import Policy
from .question import Question
from .rates import regime_multiplier
from .reasons import Rejection, precedence
from .room import NOTHING_FITS
from .sharing import share_now
from .state import Book
from .warn import shape_warnings_of


def refused_for_shape(
    outcome: CheckOutcome,
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    now_ns: int,
) -> bool:
    """Make the outcome a refusal of 4.9 to 4.13 alone; false where that is not all, or in doubt."""
    if not (order.price_e4 or limits.takes_market):
        return False
    strict = limits.strict or limits
    room = plain_room(book, policy, account, instrument, order, strict, now_ns)
    if room is None or room.quantity == NOTHING_FITS:
        return False
    asked = Question(book, policy, account, instrument, order, now_ns)
    if not asked.in_bounds or asked.reserved_price < 0:
        return False
    rejections: list[Rejection] = []
    price_reasons(asked, rejections)
    size_reasons(asked, rejections)
    if not rejections:
        return False
    price = asked.reserved_price
    found = within_limits(book, policy, account, instrument, order, strict, room, price, now_ns)
    if found is None:
        return False
    rejections.sort(key=precedence)
    refuse(outcome, rejections)
    outcome.warnings = tuple(shape_warnings_of(asked))
    outcome.valued = found[3]
    outcome.verified_exit = found[4]
    if policy.keeps_shares:
        regime_bps = regime_multiplier(book, policy)
        outcome.share = share_now(account, policy, regime_bps, now_ns)  # without the order
    return True
