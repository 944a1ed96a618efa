"""An account under `cn_margin` while its forced close-out is planned (8.6).

Free cash repays first. Then what is held is sold to repay, and what is owed in shares is bought
back with the cash that there is. Selling for cash alone moves no ratio, so a sale is measured by
where the account stands once its cash has bought back what can be bought.
"""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - the same
from ..amounts import scale_up  # noqa: TID252 - one level up is this room
from ..holdings import Balance, Holding  # noqa: TID252 - the same
from ..position import Position  # noqa: TID252 - the same
from .booking import credit_of, free_cash
from .contracts import SHORT
from .kinds import BUY_TO_RETURN, COLLATERAL_SELL, SELL_TO_REPAY


class CreditBalance(Balance):
    """As `Balance`, with what is financed and what of short debt can be bought back, in e4."""

    __slots__ = ("buyable", "financed")

    def __init__(self, cash: int, due: int, target_bps: int) -> None:
        super().__init__(cash, due, target_bps)
        self.financed = 0
        self.buyable = 0

    @classmethod
    def of(cls, account: Account, target_bps: int) -> CreditBalance:
        """Return an account's balance before its positions are added."""
        due = account.interest_and_fees
        financed = 0
        for contract in credit_of(account).contracts.values():
            if contract.kind == SHORT:
                due += contract.interest
            else:
                financed += contract.amount + contract.interest
        made = cls(account.cash, due, target_bps)
        made.financed = financed
        return made

    def use(self, holding: Holding) -> None:
        """Note what of short debt can be bought back."""
        if holding.quantity < 0:
            self.buyable += holding.value(holding.free)

    def debt(self) -> int:
        """Return what is owed."""
        return self.owed + self.due + self.financed + (-self.cash if self.cash < 0 else 0)

    def lacking(self, holding: Holding) -> int:
        """Return what a trade is to bring down: of a sale, what cash could not buy back."""
        if holding.quantity < 0 or self.cash <= 0:
            return self.shortfall()
        paid = self.cash if self.cash < self.buyable else self.buyable
        debt = self.debt() - paid
        assets = self.held + self.cash - paid
        return max(0, scale_up(debt, self.target_bps) - assets) if debt > 0 else 0

    def most(self, holding: Holding) -> int:
        """Return the most that a stage can take: of what is bought back, what cash pays for."""
        most = holding.largest()
        if holding.quantity > 0:
            return most
        cash = self.cash if self.cash > 0 else 0
        paid: int = cash * holding.unit // holding.price
        if paid >= most:
            return most
        step: int = holding.instrument.terms.quantity_step
        return paid // step * step

    def kind_of(self, holding: Holding) -> int:
        """Return the kind of an order in a position."""
        if holding.quantity < 0:
            return BUY_TO_RETURN
        return SELL_TO_REPAY if self.financed else COLLATERAL_SELL

    def after(self, holding: Holding, quantity: int) -> CreditBalance:
        """Return where the account stands once so much of a position is gone."""
        then = CreditBalance(self.cash, self.due, self.target_bps)
        then.held = self.held
        then.owed = self.owed
        then.financed = self.financed
        then.buyable = self.buyable
        left = abs(holding.quantity) - quantity
        change = holding.value(left) - holding.value(left + quantity)
        then.gross = self.gross - holding.gross(left + quantity) + holding.gross(left)
        then.add(holding.quantity, change)
        amount = holding.value(quantity)
        if holding.quantity < 0:
            then.cash -= amount
            then.buyable += change
        else:
            repaid = amount if amount < self.financed else self.financed
            then.financed -= repaid
            then.cash += amount - repaid
        return then


def repay_first(balance: CreditBalance, account: Account) -> int:
    """Repay as little in cash as reaches the target, at most what is free; say how much."""
    free = free_cash(account) + credit_of(account).paying  # open orders are cancelled before
    most = min(free, balance.financed)
    lacking = balance.shortfall()
    if most <= 0 or not lacking:
        return 0
    if repaid(balance, most) >= lacking:
        return 0
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if repaid(balance, middle):
            low = middle
        else:
            high = middle
    balance.cash -= high
    balance.financed -= high
    return high


def repaid(balance: CreditBalance, amount: int) -> int:
    """Return what is lacking once so much was repaid in cash."""
    debt = balance.debt() - amount
    assets = balance.held + balance.cash - amount
    return max(0, scale_up(debt, balance.target_bps) - assets) if debt > 0 else 0


def parts_of(position: Position) -> list[int]:
    """Return what is held of an instrument and what is owed, signed; they never net (6.3)."""
    holding = position.holding
    found = [position.quantity] if position.quantity else []
    if holding is not None and holding.owed:
        found.append(-holding.owed)
    return found
