"""One order of an account under `cn_margin` under judgement.

Three kinds open and are judged by the account's figures; three kinds close, count for nothing in
them, and are verified exits if their quantity fits what is there to be closed.
"""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - the same
from ..amounts import raw_up  # noqa: TID252 - one level up is this room
from ..commands import CheckOrder  # noqa: TID252 - the same
from ..instrument import Instrument  # noqa: TID252 - the same
from ..judgement import Judgement  # noqa: TID252 - the same
from ..lines import Line  # noqa: TID252 - the same
from ..order import Order  # noqa: TID252 - the same
from ..policy import Policy  # noqa: TID252 - the same
from ..state import Book  # noqa: TID252 - the same
from ..walk import line_now  # noqa: TID252 - the same
from .booking import move_in
from .contracts import NOT_OPENED, Holding, OpenPart
from .kinds import (
    BUY_TO_RETURN,
    COLLATERAL_SELL,
    SELL_TO_REPAY,
    SHORT_SELL,
    opens,
)
from .ratios import ratio_of_kind
from .terms import line_of_terms, terms_of_part


class CreditJudgement(Judgement):
    """As `Judgement`, with exits and figures of 6.3."""

    __slots__ = ("ratio_bps",)

    def __init__(
        self,
        book: Book,
        policy: Policy,
        account: Account,
        instrument: Instrument,
        order: CheckOrder,
        now_ns: int,
    ) -> None:
        kind = order.margin_kind
        self.ratio_bps = ratio_of_kind(policy.credit, account.permissions, kind, now_ns)
        super().__init__(book, policy, account, instrument, order, now_ns)
        if order.margin_kind == BUY_TO_RETURN:
            self.lot_room = self._owed()

    def _exit_room(self) -> int:
        kind = self.order.margin_kind
        room = 0
        if kind == COLLATERAL_SELL:
            room = self._sellable()
        elif kind == SELL_TO_REPAY:
            credit = self.account.credit
            if credit is not None and credit.oldest_financed():
                room = self._deliverable()
        elif kind == BUY_TO_RETURN:
            room = self._whole_lots(self._owed())
        return room if room > 0 else 0

    def _deliverable(self) -> int:
        """Return what all sales out of the position can still deliver today."""
        position = self.position
        if position is None:
            return 0
        holding = position.holding
        room = position.quantity
        if holding is not None:
            room -= holding.open_sell + holding.open_repay
        if self.instrument.terms.dealing.sellable_next_day:
            room -= position.bought_today
        return room

    def _sellable(self) -> int:
        """Return what of the collateral can still be sold."""
        position = self.position
        if position is None:
            return 0
        room = self._deliverable()
        holding = position.holding
        if holding is None:
            return room
        beyond = holding.open_repay - holding.financed
        own = position.quantity - holding.financed - holding.open_sell
        if beyond > 0:
            own -= beyond
        return own if own < room else room

    def _owed(self) -> int:
        """Return what no open order is about to return."""
        position = self.position
        if position is None or position.holding is None:
            return 0
        room = position.holding.owed - position.holding.open_return
        return room if room > 0 else 0

    def _whole_lots(self, quantity: int) -> int:
        """Return the least tradable quantity that covers what is owed."""
        if not quantity:
            return 0
        terms = self.instrument.terms
        if quantity <= terms.least_quantity:
            return terms.least_quantity
        step = terms.quantity_step
        return terms.least_quantity - (terms.least_quantity - quantity) // step * step

    def counts(self) -> bool:
        """Tell whether the order counts in the account's figures: what only closes does not."""
        return opens(self.order.margin_kind)

    def _line_with_order(self) -> Line:
        instrument = self.instrument
        low = instrument.low
        high = instrument.high
        part = OpenPart(self.order.margin_kind, self.quantity, self.reserved_price, self.ratio_bps)
        more = terms_of_part(part, low, high, self.unit, self.rates[1])
        longs = 0 if part.kind == SHORT_SELL else self.quantity
        shorts = self.quantity - longs
        position = self.position
        if position is None or position.is_flat():
            return line_of_terms(more, longs, shorts, high, self.unit, self.factor, (0, 0))
        own = line_now(self.account, position, self.policy, self.regime_bps, self.now_ns)
        longs += position.quantity
        if position.holding is not None:
            longs += position.holding.open_long
            shorts += position.holding.owed + position.holding.open_short
        available = own[0] + own[1] - own[2] - own[5]
        terms = (
            own[0] + more[0],
            own[1] + more[1],
            own[2] + more[2],
            available + more[3],
            own[6] + more[4],
        )
        actual = (own[7], own[8])
        return line_of_terms(terms, longs, shorts, high, self.unit, self.factor, actual)


def holding_with(judged: Judgement) -> Holding:
    """Return what would belong to the position with the order open."""
    known = judged.position.holding if judged.position is not None else None
    holding = known.copy() if known is not None else Holding()
    order = judged.order
    kind, price = order.margin_kind, judged.reserved_price
    if opens(kind):
        ratio_bps = order_ratio(judged)
        move_in(holding, judged.unit, kind, order.order_id, judged.quantity, price, ratio_bps)
    return holding


def order_cost(judged: Judgement) -> int:
    """Return what an order costs at its reserved price, in e4."""
    return raw_up(judged.quantity * judged.reserved_price, judged.unit)


def order_ratio(judged: Judgement) -> int:
    """Return the ratio that a judged order is reserved at, in bps; 0 if it has none."""
    return judged.ratio_bps if isinstance(judged, CreditJudgement) else 0


def keep_ratio(judged: Judgement, old: Order) -> None:
    """Let a replace open at the ratio of the contract that what it replaces has opened."""
    if isinstance(judged, CreditJudgement) and old.opening != NOT_OPENED and judged.ratio_bps:
        judged.ratio_bps = old.opening[1]
