"""One order under judgement: its question and its account's figures, worked out once.

The quantity can be changed (`resize`), for the largest quantity that would pass: what depends on
it is then taken anew, and the rest of the account stays summed (4.0.3).
"""

from __future__ import annotations

from .account import Account
from .commands import MODEL_LEVERAGED, MODEL_PORTFOLIO, CheckOrder
from .exposure import figures_of, line_in_model, line_of, line_of_position
from .footing import Footing
from .hedges import class_losses, class_of, losses_in, offsets
from .instrument import Instrument
from .lines import Line, plus
from .margin.models import required
from .margin.portfolio import NO_LOSSES, Losses, added, offset_of
from .outcomes import Figures
from .policy import Policy
from .pricing import reserved_price
from .question import Question
from .state import Book
from .valuing import held_at, held_beside
from .walk import Walk, walk


class Judgement(Question):
    """An order, its account and instrument, and the figures that checks compare.

    `asked_quantity` is the one that was sent, of a replace what would be open. `valued`: 4.20 to
    4.22 can be judged; only then `line` (with the order) and the account's figures from `cash` to
    `initial` are set. `footing` is what 4.23 and 4.25 read besides.
    """

    __slots__ = (
        "alone",
        "asked_quantity",
        "assets",
        "cash",
        "debt",
        "equity",
        "footing",
        "gross",
        "initial",
        "line",
        "offset",
        "other_losses",
        "priced",
        "principal_next_ns",
        "rest",
        "rest_offset",
        "rest_stressed",
        "turnover_before",
        "valued",
        "weighted",
    )

    def __init__(
        self,
        book: Book,
        policy: Policy,
        account: Account,
        instrument: Instrument,
        order: CheckOrder,
        now_ns: int,
    ) -> None:
        super().__init__(book, policy, account, instrument, order, now_ns)
        self.alone = True
        self.asked_quantity = order.quantity
        self.principal_next_ns = book.principal_next_ns.get(order.principal, 0)
        position = self.position
        self.turnover_before = self.buy_notional + self.sell_notional
        if position is not None:
            self.turnover_before += position.day_traded
        self.rest: Walk = walk(account, position, policy, self.regime_bps, now_ns)
        self.footing = self._footing()
        self.other_losses: dict[str, Losses] | None = None
        self.offset = self.rest_offset = 0
        self.rest_stressed = -1
        self.priced = self.valued = False
        self._value_new_risk()

    def _footing(self) -> Footing:
        """Value the account before it is judged (2.7)."""
        held = held_beside(self.account, self.rest, self.position)
        position = self.position
        if held is not None and position is not None and position.holds():
            own = held_at(position, position.quantity, self.account.margin_model)
            held = None if own is None else (held[0] + own[0], held[1] + own[1])
        return Footing(self.account, self.limits, held)

    def resize(self, quantity: int) -> None:
        """Take what depends on the quantity anew."""
        self.quantity = quantity
        self.is_exit = quantity <= self.exit_room or quantity <= self.old_room
        if self.is_market:
            self.reserved_price = reserved_price(self)
        self.in_bounds = self._in_bounds()
        self._value_new_risk()

    def _value_new_risk(self) -> None:
        """Value what is no exit."""
        self.valued = False
        if not self.is_exit:
            self.value()

    def value(self) -> None:
        """Project the account with the order, if everything that counts has a mark (3.5, 3.6)."""
        rest = self.rest
        self.priced = self.mark != 0 and not rest.missing_id
        if not self.priced or self.reserved_price < 0 or not self.in_bounds or not self.counts():
            return
        line = self._line_with_order()
        others = rest.line
        account = self.account
        cash = account.cash + others[0] + line[0]
        assets = others[1] + line[1]
        debt = others[2] + line[2] + account.interest_and_fees
        if cash >= 0:
            assets += cash
        else:
            debt -= cash
        self.line = line
        self.cash = cash
        self.assets = assets
        self.debt = debt
        self.equity = assets - debt
        self.gross = others[3] + line[3]
        self.weighted = others[4] + line[4]
        self.initial = required(account.margin_model, others[5] + line[5] - self._hedged(), debt)
        self.valued = True

    def value_exactly(self) -> None:
        """Do as `value`, with every figure as a person is to see it."""
        self.value()

    def counts(self) -> bool:
        """Tell whether the order counts in the account's figures."""
        return True

    def _line_with_order(self) -> Line:
        """Return the line of the order's position with the order reserved."""
        added = self.quantity * self.reserved_price
        if self.buy:
            line = line_of(
                self.position_quantity,
                self.open_buy + self.quantity,
                self.open_sell,
                self.buy_notional + added,
                self.sell_notional,
                self.instrument,
                self.rates,
            )
        else:
            line = line_of(
                self.position_quantity,
                self.open_buy,
                self.open_sell + self.quantity,
                self.buy_notional,
                self.sell_notional + added,
                self.instrument,
                self.rates,
            )
        model = self.account.margin_model
        if model != MODEL_LEVERAGED:
            open_sell = self.open_sell if self.buy else self.open_sell + self.quantity
            return line_in_model(model, line, self.position_quantity, open_sell, self.instrument)
        return line

    def _hedged(self) -> int:
        """Return what the account's classes need less with the order (6.4)."""
        if self.account.margin_model != MODEL_PORTFOLIO:
            return 0
        open_buy = self.open_buy + (self.quantity if self.buy else 0)
        open_sell = self.open_sell + (0 if self.buy else self.quantity)
        self.offset = self.offset_with(open_buy, open_sell)
        return self.offset

    def offset_with(self, open_buy: int, open_sell: int) -> int:
        """Return what the account's classes need less, with so much open of the instrument."""
        policy = self.policy
        if self.other_losses is None:
            self.other_losses = class_losses(
                self.account, self.position, policy, self.regime_bps, self.now_ns
            )
            self.rest_offset = offsets(self.other_losses, policy)
        name = class_of(self.instrument, policy)
        if not name:
            return self.rest_offset
        others = self.other_losses.get(name, NO_LOSSES)
        held, high = self.position_quantity, self.instrument.high
        mine = losses_in(self.instrument, held, open_buy, open_sell, self.rates, high)
        offset_bps = policy.margin_classes[name]
        without = offset_of(others, offset_bps)
        return self.rest_offset - without + offset_of(added(others, mine), offset_bps)

    def before(self) -> Figures:
        """Return the account's figures without the order; only where it is valued."""
        position = self.position
        line = self.rest.line
        offset = 0
        if self.account.margin_model == MODEL_PORTFOLIO:
            offset = self.offset_with(self.open_buy, self.open_sell)
        if position is not None and not position.is_flat():
            line = plus(line, line_of_position(position, self.rates, self.account.margin_model))
        return figures_of(self.account, line, offset)

    def figures(self) -> Figures:
        """Return the account's figures with the order; only where it is valued."""
        return figures_of(self.account, plus(self.rest.line, self.line), self.offset)
