"""How an account could get back to a maintenance ratio: an answer with its reasoning (8.6).

First every open order is cancelled. Then stages: in each, every position once, the most volatile
first, of equally volatile ones that of the greatest weight, gives up the fewest steps that reach
the target, at most a tenth of a day's volume. Figures are actual ones: trades are valued at the
slow mark (3.7), under `cn_margin` sales at the low and purchases at the high (6.3). What an account
lacks of the target is its shortfall: debt x target - assets. Whatever lowers it helps; where assets
are below debt the ratio itself falls meanwhile.

Nothing here changes the book. One plan looks at no more than `LOOKS` positions in all its stages.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Final

from .account import Account
from .cancelling import Cancel, cancels_of
from .checks.stops import halted
from .cn.closeout import CreditBalance, parts_of, repay_first
from .commands import BUY, MODEL_CN_MARGIN, SELL
from .holdings import Balance, Holding, compared
from .margin_lines import LINE_NAMES, LIQUIDATION, state_of
from .outcomes import Refusal
from .overriding import effective_limits
from .policy import Policy
from .position import Position
from .rates import rates_at, regime_multiplier
from .state import Book, roll_if_due

LOOKS: Final = 10_000

# Why a position cannot be used.
LOCKED: Final = 1
HALTED: Final = 2
UNPRICED: Final = 3


class Blocked:
    """A quantity, signed, that cannot be sold or bought back, and the first reason why."""

    __slots__ = ("instrument_id", "quantity", "why")

    def __init__(self, instrument_id: str, quantity: int, why: int) -> None:
        self.instrument_id = instrument_id
        self.quantity = quantity
        self.why = why


class Trade:
    """One sale or purchase, with what ranked it and where the account stands after it.

    `ratio_bps` is -1 without debt.
    """

    __slots__ = (
        "amount_e4",
        "factor_bps",
        "instrument_id",
        "margin_kind",
        "price_e4",
        "quantity",
        "ratio_bps",
        "shortfall_e4",
        "side",
        "weight_band",
    )

    def __init__(self, holding: Holding, quantity: int, amount_e4: int) -> None:
        self.instrument_id = holding.instrument.instrument_id
        self.side = SELL if holding.quantity > 0 else BUY
        self.quantity = quantity
        self.price_e4 = holding.price
        self.amount_e4 = amount_e4
        self.factor_bps = holding.factor
        self.weight_band = holding.band
        self.margin_kind = 0
        self.ratio_bps = -1
        self.shortfall_e4 = 0


class Plan:
    """What to cancel, what to trade stage by stage, what is blocked, and what is reached.

    `repay_e4` is repaid in cash before anything is traded (6.3).
    """

    __slots__ = (
        "after_bps",
        "before_bps",
        "blocked",
        "cancels",
        "cut",
        "reachable",
        "repay_e4",
        "shortfall_e4",
        "stages",
        "target_bps",
    )

    def __init__(self, target_bps: int, cancels: list[Cancel], blocked: list[Blocked]) -> None:
        self.target_bps = target_bps
        self.cancels = cancels
        self.blocked = blocked
        self.stages: list[list[Trade]] = []
        self.before_bps = self.after_bps = -1
        self.reachable = False
        self.repay_e4 = 0
        self.shortfall_e4 = 0
        self.cut = False


def plan_liquidation(book: Book, account: Account, now_ns: int) -> Plan | Refusal:
    """Return how an account at the line liquidation or deeper would reach that line's release."""
    state = state_of(account.lines)
    policy = book.policy
    lines = effective_limits(account, policy, now_ns).lines if policy is not None else ()
    if state <= LIQUIDATION or not lines:
        name = LINE_NAMES[state - 1].upper() if state else "NONE"
        figures = {"account_id": account.account_id, "line_state": name}
        message = (
            f"{account.account_id} is at the line {name.lower()}: there is nothing to liquidate"
        )
        return Refusal("NOT_IN_LIQUIDATION", message, figures)
    return plan_to(book, account, lines[2 * LIQUIDATION + 1], now_ns)


def plan_to(book: Book, account: Account, target_bps: int, now_ns: int) -> Plan:
    """Return what would bring an account to a ratio, from its figures as they are."""
    roll_if_due(book, account)
    balance = balance_of(account, target_bps)
    holdings, blocked, known = looked_at(book, account, balance, now_ns)
    plan = Plan(target_bps, cancels_of(book, account, now_ns), blocked)
    plan.before_bps = balance.ratio_bps()
    if isinstance(balance, CreditBalance):
        plan.repay_e4 = repay_first(balance, account)
    looks = 0
    while balance.shortfall() and holdings:
        if looks + len(holdings) > LOOKS:
            plan.cut = True
            break
        looks += len(holdings)
        if book.policy is not None:
            weigh(holdings, balance, book.policy)
        balance, stage = staged(balance, holdings)
        if not stage:
            break
        plan.stages.append(stage)
        holdings = [holding for holding in holdings if holding.free]
    plan.after_bps = balance.ratio_bps()
    plan.shortfall_e4 = balance.shortfall()
    plan.reachable = known and not plan.shortfall_e4
    return plan


def balance_of(account: Account, target_bps: int) -> Balance:
    """Return an account's balance before its positions are added."""
    if account.margin_model == MODEL_CN_MARGIN:
        return CreditBalance.of(account, target_bps)
    return Balance(account.cash, account.interest_and_fees, target_bps)


def looked_at(
    book: Book, account: Account, balance: Balance, now_ns: int
) -> tuple[list[Holding], list[Blocked], bool]:
    """Return what can be used, what cannot, and whether all that is owed has a mark.

    Everything with a mark counts in the account's balance.
    """
    holdings: list[Holding] = []
    blocked: list[Blocked] = []
    known = True
    policy = book.policy
    if policy is None:
        return holdings, blocked, known
    regime_bps = regime_multiplier(book, policy)
    for name in sorted(account.positions):
        position = account.positions[name]
        instrument = position.instrument
        for quantity in parts_of(position):
            if not instrument.mark:
                blocked.append(Blocked(name, quantity, UNPRICED))
                known = known and quantity > 0
                continue
            model = account.margin_model
            rates = rates_at(instrument, policy, regime_bps, model, now_ns)
            free = free_of(book, account, position, quantity, blocked)
            credit = model == MODEL_CN_MARGIN
            holding = Holding(instrument, quantity, free, rates[0], credit=credit)
            balance.add(quantity, holding.value(abs(quantity)))
            balance.gross += holding.gross(abs(quantity))
            if free:
                holdings.append(holding)
                balance.use(holding)
    return holdings, blocked, known


def free_of(
    book: Book, account: Account, position: Position, quantity: int, blocked: list[Blocked]
) -> int:
    """Return how much of a position can be traded, and note what cannot."""
    instrument = position.instrument
    name = instrument.instrument_id
    if halted(book, account, name, ""):
        blocked.append(Blocked(name, quantity, HALTED))
        return 0
    if quantity > 0 and instrument.terms.dealing.sellable_next_day and position.bought_today:
        locked = min(quantity, position.bought_today)
        blocked.append(Blocked(name, locked, LOCKED))
        return quantity - locked
    return abs(quantity)


def weigh(holdings: list[Holding], balance: Balance, policy: Policy) -> None:
    """Find each holding's band of weight, as a stage begins."""
    tables = policy.add_ons
    if tables is None:
        return
    for holding in holdings:
        gross = holding.gross(abs(holding.quantity))
        holding.band = tables.weight_band(gross, balance.gross)


def staged(balance: Balance, holdings: list[Holding]) -> tuple[Balance, list[Trade]]:
    """Return where one stage leads, and its trades; the holdings give up what is traded."""
    stage: list[Trade] = []
    for holding in sorted(holdings, key=cmp_to_key(compared)):
        if not balance.shortfall():
            break
        before = balance.lacking(holding)
        quantity = least(balance, holding) if before else 0
        then = balance.after(holding, quantity)
        if then.lacking(holding) >= before:
            continue
        trade = Trade(holding, quantity, holding.value(quantity))
        trade.margin_kind = balance.kind_of(holding)
        balance = then
        holding.quantity -= quantity if holding.quantity > 0 else -quantity
        holding.free -= quantity
        trade.ratio_bps = balance.ratio_bps()
        trade.shortfall_e4 = balance.shortfall()
        stage.append(trade)
    return balance, stage


def least(balance: Balance, holding: Holding) -> int:
    """Return the fewest steps that reach the target, else the most that a stage takes."""
    step = holding.instrument.terms.quantity_step
    most = balance.most(holding)
    low, high = 0, -(-most // step)
    while high - low > 1:
        middle = (low + high) // 2
        if balance.after(holding, min(middle * step, most)).lacking(holding):
            low = middle
        else:
            high = middle
    return min(high * step, most)
