"""One order under judgement where the policy has margin add-ons (5.4)."""

from __future__ import annotations

from .account import Account
from .add_on_memos import most_of_all
from .add_on_tables import NO_ADD_ONS
from .add_ons import charged, more_of, with_more
from .commands import MODEL_PORTFOLIO, CheckOrder
from .exposure import figures_of, line_of_position
from .instrument import Instrument
from .judgement import Judgement
from .lines import NO_LINE, Line, plus
from .outcomes import Figures
from .policy import Policy
from .scopes import owned_after
from .state import Book


class AddOnJudgement(Judgement):
    """As `Judgement`, with the add-ons in `line` and in the line of the rest once it is `exact`.

    Until then add-ons are left out, since the equity covers the most that they can require: no
    check needs to know how much. Those of the rest are weighed against `gross_before`, the
    account's gross without the order, so they are worked out once, whatever quantity is tried. The
    gross is below 0 until then.
    """

    __slots__ = ("exact", "gross_before", "tables")

    def __init__(
        self,
        book: Book,
        policy: Policy,
        account: Account,
        instrument: Instrument,
        order: CheckOrder,
        now_ns: int,
    ) -> None:
        self.exact = False
        self.gross_before = -1
        self.tables = policy.add_ons or NO_ADD_ONS
        super().__init__(book, policy, account, instrument, order, now_ns)

    def value(self) -> None:
        """Project the account with the order, with add-ons where they may matter."""
        if not self.exact:
            super().value()
            if not self.valued or self._is_covered():
                return
        self.value_exactly()

    def value_exactly(self) -> None:
        """Project the account with the order, its other positions charged once."""
        self.exact = True
        self._charge_rest()
        super().value()

    def _is_covered(self) -> bool:
        """Tell whether the account has the most that add-ons can require."""
        totals = plus(self.rest.line, self.line)
        account = self.account
        most = most_of_all(self.tables, totals, len(account.active) + 1, account.margin_model)
        return most <= self.equity - self.initial

    def _charge_rest(self) -> None:
        """Add the add-ons of all other positions to their lines' sum, once all have marks."""
        rest = self.rest
        position = self.position
        held = position is not None and not position.is_flat()
        if self.gross_before >= 0 or rest.missing_id or (held and not self.mark):
            return
        self.gross_before = rest.line[3] + self._line_before()[3]
        rest.line = charged(
            self.account,
            rest.line,
            self.policy,
            self.regime_bps,
            self.now_ns,
            without=self.position,
            gross=self.gross_before,
        )

    def _line_with_order(self) -> Line:
        line = super()._line_with_order()
        if not self.exact:
            return line
        buys = self.open_buy + (self.quantity if self.buy else 0)
        sells = self.open_sell + (0 if self.buy else self.quantity)
        return self._charged_own(line, self.rest.line[3] + line[3], buys, sells)

    def _charged_own(self, line: Line, gross: int, open_buy: int, open_sell: int) -> Line:
        """Return a line of the order's instrument with its add-ons, the account's gross with it."""
        before = self.position.reach() if self.position is not None else 0
        bought = self.position_quantity + open_buy
        sold = open_sell - self.position_quantity
        reach = max(bought, sold)
        of_group = owned_after(self.account, self.instrument, before, reach)
        more = more_of(
            self.account,
            self.tables,
            self.instrument,
            line,
            self.rates,
            gross,
            of_group,
            bought,
            sold,
            self.instrument.high,
        )
        return with_more(line, more)

    def _line_before(self) -> Line:
        """Return the line of the order's instrument without the order, add-ons left out."""
        position = self.position
        if position is None or position.is_flat():
            return NO_LINE
        return line_of_position(position, self.rates, self.account.margin_model)

    def before(self) -> Figures:
        """Return the account's figures without the order; only where it is valued exactly."""
        own = self._line_before()
        own = self._charged_own(own, self.gross_before, self.open_buy, self.open_sell)
        offset = 0
        if self.account.margin_model == MODEL_PORTFOLIO:
            offset = self.offset_with(self.open_buy, self.open_sell)
        return figures_of(self.account, plus(self.rest.line, own), offset)
