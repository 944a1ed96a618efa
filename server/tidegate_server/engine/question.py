"""One order as it is asked: what the checks of its shape look at (4.9, 4.10, 4.12, 4.13).

No figure of its account beyond the position in its instrument: judgement.py adds those.
"""

from __future__ import annotations

from .account import Account
from .amounts import product_in_bounds
from .commands import BUY, MARKET_ORDER, MODEL_CN_MARGIN, CheckOrder
from .effective import collar_bps
from .exposure import exit_quantity
from .instrument import Instrument
from .overriding import effective_limits
from .policy import Policy
from .pricing import reserved_price
from .rates import rates_of, regime_multiplier
from .scopes import scopes_over
from .state import Book


class Question:
    """An order, the limits and rates that it meets, and its account's position in the instrument.

    `price` is 0 for a market order, `mark` 0 where there is none. `reserved_price` is NO_PRICE
    where rule 3.1 has none; `collar` is NO_COLLAR where none is set. `warning` says that limits in
    mode warn are judged: `limits` are then those; `strict` are those of either mode. `scopes` are
    those other than the account that limit anything. A replace is an exit up to `old_room`, too;
    `lot_room` is what 4.9 counts odd parts of.
    """

    __slots__ = (
        "account",
        "book",
        "buy",
        "buy_notional",
        "collar",
        "credit",
        "exit_room",
        "factor",
        "in_bounds",
        "instrument",
        "is_exit",
        "is_market",
        "limits",
        "lot_room",
        "mark",
        "now_ns",
        "old_room",
        "open_buy",
        "open_sell",
        "order",
        "policy",
        "position",
        "position_quantity",
        "price",
        "quantity",
        "rates",
        "regime_bps",
        "reserved_price",
        "scopes",
        "sell_notional",
        "strict",
        "unit",
        "warning",
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
        self.now_ns = now_ns
        self.warning = False
        self.limits = limits = effective_limits(account, policy, now_ns)
        self.strict = limits.strict or limits
        self.scopes = scopes_over(policy, account, instrument) if policy.scopes else []
        self.buy = order.side == BUY
        self.is_market = order.order_type == MARKET_ORDER
        self.price = order.price_e4
        self.mark = instrument.mark
        self.unit = instrument.terms.unit
        self.regime_bps = regime_multiplier(book, policy)
        stressed = instrument.factor_time_ns < now_ns - policy.max_volatility_age_ns
        model = account.margin_model
        self.credit = model == MODEL_CN_MARGIN
        self.rates = rates_of(instrument, policy, self.regime_bps, model, stressed=stressed)
        self.factor = self.rates[0]
        position = account.positions.get(instrument.instrument_id)
        self.position = position
        if position is None:
            self.position_quantity = self.open_buy = self.open_sell = 0
            self.buy_notional = self.sell_notional = 0
        else:
            self.position_quantity = position.quantity
            self.open_buy = position.open_buy
            self.open_sell = position.open_sell
            self.buy_notional = position.buy_notional
            self.sell_notional = position.sell_notional
        self.exit_room = self.lot_room = self._exit_room()
        self.collar = collar_bps(self.limits, self.factor, instrument.terms.price_limit_bps)
        self.old_room = 0
        self.quantity = order.quantity
        self.is_exit = order.quantity <= self.exit_room
        self.reserved_price = reserved_price(self)
        self.in_bounds = self._in_bounds()

    def _exit_room(self) -> int:
        """Return how much an order of this side can close (3.3)."""
        return exit_quantity(self.position_quantity, self.open_buy, self.open_sell, self.buy)

    def _in_bounds(self) -> bool:
        """Test the bounds of the arithmetic (1.4)."""
        highest = self.price
        if self.mark > highest:
            highest = self.mark
        if self.reserved_price > highest:
            highest = self.reserved_price
        return product_in_bounds(self.quantity, highest, self.unit)
