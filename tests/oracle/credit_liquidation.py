"""8.6 under cn_margin: cancel, repay out of free cash, then sell to repay and buy back."""

from dataclasses import dataclass, replace

from tests.oracle import credit
from tests.oracle.add_ons import weight_band
from tests.oracle.book import INT64_MAX, ONE, Account, Book, Message, bought_today, scale_up
from tests.oracle.case import Case
from tests.oracle.liquidation import LOOKS, Holding, cancels
from tests.oracle.order_checks import standing_stop


@dataclass(frozen=True)
class State:
    """What there is once so much of the plan is done; the dues are what no trade repays."""

    cash: int
    financed: int
    dues: int
    holdings: tuple[Holding, ...]

    def sides(self) -> tuple[int, int]:
        """Assets and debt."""
        longs = sum(one.amount(one.held) for one in self.holdings if one.held > 0)
        shorts = sum(one.amount(-one.held) for one in self.holdings if one.held < 0)
        return longs + max(0, self.cash), shorts + self.financed + self.dues + max(0, -self.cash)

    def lacking(self, target: int, spent: int = 0) -> int:
        """What assets lack of the target, with some cash given for debt."""
        assets, debt = (side - spent for side in self.sides())
        return max(0, scale_up(debt, target) - assets) if debt > 0 else 0

    def spendable(self) -> int:
        """Cash that could buy back what may be bought back."""
        free = sum(one.amount(one.free) for one in self.holdings if one.held < 0)
        return max(0, min(self.cash, free))

    def ratio(self, name: str) -> Message:
        """Assets over debt under a name; nothing without debt."""
        assets, debt = self.sides()
        return {name: min(assets * ONE // debt, INT64_MAX)} if debt else {}


def plan_to(book: Book, account: Account, target: int, now: int) -> Message:
    """Cancels, a repayment, then stages until the target or until one adds nothing."""
    holdings, blocked, unknown = _look(book, account, now)
    shorts = [one for one in account.contracts if one.kind == "SHORT"]
    owed = [one for one in account.contracts if one.kind == "FINANCED"]
    dues = account.fees + sum(one.interest for one in shorts)
    debt = sum(one.amount + one.interest for one in owed)
    state = State(account.cash, debt, dues, tuple(holdings))
    found: Message = {"target_ratio_bps": target, "blocked": blocked}
    found["cancels"] = cancels(book, account, now)
    found |= state.ratio("before_ratio_bps")
    free = account.cash - sum(one.amount for one in shorts)
    state, repaid = _repay(state, min(free, debt), target)
    if repaid:
        found["repay_e4"] = repaid
    found["stages"], looks, cut = [], 0, False
    while state.lacking(target) and any(one.free for one in state.holdings):
        usable = _ranked(book, state)
        looks += len(usable)
        if looks > LOOKS:
            cut = True
            break
        trades = []
        for holding, band in usable:
            if not state.lacking(target):
                break
            made = _trade(state, holding, target)
            if made is not None:
                state, trade = made
                trades.append(trade | {"weight_band": band})
        if not trades:
            break
        found["stages"].append({"trades": trades})
    lacking = state.lacking(target)
    found |= state.ratio("after_ratio_bps")
    found |= {"shortfall_e4": lacking, "reachable": not lacking and not unknown, "cut": cut}
    found |= {"as_of_sequence": book.sequence, "planned_time_ns": now}
    return found | {"policy_version": book.version}


def _look(book: Book, account: Account, now: int) -> tuple[list[Holding], list[Message], bool]:
    """What has a mark, what cannot be traded, and whether some debt has no mark."""
    holdings: list[Holding] = []
    blocked: list[Message] = []
    unknown = False
    names = {one.instrument_id for one in account.contracts} | set(account.positions)
    for name in sorted(names):
        instrument = book.instruments[name]
        for held in (credit.long_of(account, name), -credit.owed(account, name)):
            if not held:
                continue
            told = {"instrument_id": name, "quantity": held}
            if instrument.mark is None:
                blocked.append(told | {"reason": "UNPRICED"})
                unknown = unknown or held < 0
                continue
            free = abs(held)
            case = Case(book, account, instrument, {"instrument_id": name}, "", now, {})
            later = instrument.facts.get("sellable_next_day", False)
            bought = min(held, bought_today(book, account, name)) if held > 0 and later else 0
            if standing_stop(case, "HALT") is not None:
                blocked.append(told | {"reason": "HALTED"})
                free = 0
            elif bought > 0:
                blocked.append(told | {"quantity": bought, "reason": "LOCKED"})
                free -= bought
            factor = book.factor(instrument, now)
            holdings.append(Holding(name, instrument, held, free, factor, credit=True))
    return holdings, blocked, unknown


def _repay(state: State, most: int, target: int) -> tuple[State, int]:
    """Repay the least that reaches the target, or all that is free if that helps."""
    lacking = state.lacking(target)
    if most <= 0 or not lacking or state.lacking(target, most) >= lacking:
        return state, 0
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if state.lacking(target, middle):
            low = middle
        else:
            high = middle
    return replace(state, cash=state.cash - high, financed=state.financed - high), high


def _ranked(book: Book, state: State) -> list[tuple[Holding, int]]:
    """What can be traded with its band of weight, in order; what is held before what is owed."""
    whole = sum(one.gross() for one in state.holdings)
    found = [(one, weight_band(book, one.gross(), whole)) for one in state.holdings if one.free]
    return sorted(found, key=lambda pair: (*pair[0].rank(pair[1]), pair[0].held < 0))


def _after(state: State, holding: Holding, quantity: int) -> State:
    """Sell so much and repay, or buy so much back."""
    amount = holding.amount(quantity)
    sign = 1 if holding.held > 0 else -1
    left = replace(holding, held=holding.held - sign * quantity, free=holding.free - quantity)
    holdings = tuple(left if one is holding else one for one in state.holdings)
    if sign < 0:
        return replace(state, cash=state.cash - amount, holdings=holdings)
    repaid = min(amount, state.financed)
    cash = state.cash + amount - repaid
    return State(cash, state.financed - repaid, state.dues, holdings)


def _measure(state: State, holding: Holding, target: int) -> int:
    """What a trade is to bring down: a sale counts the cash that could buy back."""
    return state.lacking(target, state.spendable() if holding.held > 0 else 0)


def _trade(state: State, holding: Holding, target: int) -> tuple[State, Message] | None:
    """The fewest steps that reach the target, else the most; nothing where that does not help."""
    before = _measure(state, holding, target)
    sizes = holding.sizes()
    if holding.held < 0:
        paid = max(0, state.cash) * holding.instrument.unit // holding.price
        whole = [size for size in sizes if size <= paid]
        sizes = whole if whole or not sizes else []
    if not before or not sizes:
        return None
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        reached = not _measure(_after(state, holding, sizes[middle]), holding, target)
        low, high = (low, middle) if reached else (middle + 1, high)
    quantity = sizes[high]
    then = _after(state, holding, quantity)
    if _measure(then, holding, target) >= before:
        return None
    kind = "SELL_TO_REPAY" if state.financed else "COLLATERAL_SELL"
    trade: Message = {"instrument_id": holding.name, "quantity": quantity}
    trade |= {"side": "SELL" if holding.held > 0 else "BUY", "price_e4": holding.price}
    trade |= {"amount_e4": holding.amount(quantity), "factor_bps": holding.factor}
    trade["margin_kind"] = kind if holding.held > 0 else "BUY_TO_RETURN"
    trade["shortfall_e4"] = then.lacking(target)
    return then, trade | then.ratio("ratio_bps")
