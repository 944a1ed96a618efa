"""One order under judgement: what the checks look at, worked out once.

The quantity can be changed (`resize`), for the largest quantity that would pass: what depends on
it is then taken anew, and the rest of the account stays summed (4.0.3).
"""

from __future__ import annotations

from .account import Account
from .amounts import ONE, product_in_bounds
from .commands import (
    BUY,
    MARKET_ORDER,
    MODEL_CN_MARGIN,
    MODEL_LEVERAGED,
    MODEL_PORTFOLIO,
    REGIME_CALM,
    CheckOrder,
)
from .effective import collar_bps
from .exposure import (
    exit_quantity,
    figures_of,
    line_in_model,
    line_of,
    line_of_position,
    rates_of,
    regime_multiplier,
)
from .footing import Footing
from .hedges import class_losses, class_of, losses_in, offsets
from .instrument import Instrument
from .lines import Line, plus
from .margin.models import required
from .margin.portfolio import NO_LOSSES, Losses, added, offset_of
from .outcomes import Figures
from .overriding import effective_limits
from .policy import Policy
from .pricing import reserved_price
from .scopes import scopes_over
from .state import Book
from .valuing import held_at, held_beside
from .walk import Walk, walk


class Judgement:
    """An order, its account and instrument, and the figures that checks compare.

    `asked` is the quantity that was sent, of a replace what would be open; that is an exit up to
    `old_room`, too. `price` is 0 for a market order, `mark` 0 where there is none. `reserved_price`
    is NO_PRICE where rule 3.1 has none; `collar` is NO_COLLAR where none is set. `warning` says
    that limits in mode warn are judged: `limits` are then those. `scopes` are those other than the
    account that limit anything. `valued`: 4.20 to 4.22 can be judged; only then `line` (with the
    order) and the account's figures from `cash` to `initial` are set. `footing` is what 4.23 and
    4.25 read besides, `lot_room` what 4.9 counts odd parts of.
    """

    __slots__ = (
        "account",
        "alone",
        "asked",
        "assets",
        "book",
        "buy",
        "buy_notional",
        "cash",
        "collar",
        "credit",
        "debt",
        "equity",
        "exit_room",
        "factor",
        "footing",
        "gross",
        "in_bounds",
        "initial",
        "instrument",
        "is_exit",
        "is_market",
        "limits",
        "line",
        "lot_room",
        "mark",
        "now_ns",
        "offset",
        "old_room",
        "open_buy",
        "open_sell",
        "order",
        "other_losses",
        "policy",
        "position",
        "position_quantity",
        "price",
        "priced",
        "principal_next_ns",
        "quantity",
        "rates",
        "regime_bps",
        "reserved_price",
        "rest",
        "rest_offset",
        "rest_stressed",
        "scopes",
        "sell_notional",
        "turnover_before",
        "unit",
        "valued",
        "warning",
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
        self.book = book
        self.policy = policy
        self.account = account
        self.instrument = instrument
        self.order = order
        self.alone = True
        self.warning = False
        self.now_ns = now_ns
        self.limits = effective_limits(account, policy, now_ns)
        self.scopes = scopes_over(policy, account, instrument) if policy.scopes else []
        self.principal_next_ns = book.principal_next_ns.get(order.principal, 0)
        self.buy = order.side == BUY
        self.is_market = order.order_type == MARKET_ORDER
        self.price = order.price_e4
        self.mark = instrument.mark
        self.unit = instrument.terms.unit
        self.regime_bps = ONE if book.regime == REGIME_CALM else regime_multiplier(book, policy)
        stressed = instrument.factor_time_ns < now_ns - policy.max_volatility_age_ns
        model = account.margin_model
        self.rates = rates_of(instrument, policy, self.regime_bps, model, stressed=stressed)
        self.factor = self.rates[0]
        position = account.positions.get(instrument.instrument_id)
        self.position = position
        if position is None:
            self.position_quantity = self.open_buy = self.open_sell = 0
            self.buy_notional = self.sell_notional = self.turnover_before = 0
        else:
            self.position_quantity = position.quantity
            self.open_buy = position.open_buy
            self.open_sell = position.open_sell
            self.buy_notional = position.buy_notional
            self.sell_notional = position.sell_notional
            self.turnover_before = position.day_traded + self.buy_notional + self.sell_notional
        self.credit = account.margin_model == MODEL_CN_MARGIN
        self.exit_room = self.lot_room = self._exit_room()
        self.collar = collar_bps(self.limits, self.factor, instrument.terms.price_limit_bps)
        self.rest: Walk = walk(account, position, policy, self.regime_bps, now_ns)
        self.footing = self._footing()
        self.other_losses: dict[str, Losses] | None = None
        self.offset = self.rest_offset = 0
        self.rest_stressed = -1
        self.priced = self.valued = False
        self.old_room = 0
        self.quantity = self.asked = order.quantity
        self.is_exit = order.quantity <= self.exit_room
        self.reserved_price = reserved_price(self)
        self.in_bounds = True
        self._measure()

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
        self._measure()

    def _exit_room(self) -> int:
        """Return how much an order of this side can close (3.3)."""
        return exit_quantity(self.position_quantity, self.open_buy, self.open_sell, self.buy)

    def _measure(self) -> None:
        """Test the bounds of the arithmetic (1.4), and value what is no exit."""
        highest = self.price
        if self.mark > highest:
            highest = self.mark
        if self.reserved_price > highest:
            highest = self.reserved_price
        self.in_bounds = product_in_bounds(self.quantity, highest, self.unit)
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
