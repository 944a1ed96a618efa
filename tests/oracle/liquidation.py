"""8.6: the plan that brings an account in liquidation back to that line's release."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle import credit
from tests.oracle.add_ons import Weighed, weight_band
from tests.oracle.book import (
    INT64_MAX,
    LIVE,
    ONE,
    Account,
    Book,
    Instrument,
    Line,
    Message,
    Order,
    bought_today,
    down,
    lines_of,
    scale_up,
    up,
)
from tests.oracle.case import Case, lot
from tests.oracle.credit import is_credit
from tests.oracle.figures import projected
from tests.oracle.order_checks import standing_stop
from tests.oracle.valuations import NAMES, figures_of_lines, lines_in_force

DEEP = ("liquidation", "freeze")
LOOKS = 10_000


@dataclass
class Holding:
    """A position that has a mark."""

    name: str
    instrument: Instrument
    held: int
    free: int
    factor: int
    credit: bool = False

    @property
    def price(self) -> int:
        """The slow mark (3.7); under cn_margin sold at the low, bought back at the high."""
        if not self.credit:
            return self.instrument.slow
        return self.instrument.low if self.held > 0 else self.instrument.high

    def amount(self, quantity: int) -> int:
        """What so much brings or costs, and is worth or owes."""
        raw = quantity * self.price
        return down(raw, self.instrument.unit) if self.held > 0 else up(raw, self.instrument.unit)

    def sizes(self) -> list[int]:
        """What one stage may take of it, rising."""
        _, step = lot(self.instrument)
        most = max(step, int(self.instrument.facts.get("average_volume", 0)) // 10)
        whole = [self.free] if self.free <= most else []
        steps = range(step, min(most, self.free) + 1, step)
        return sorted({*steps, *whole})

    def gross(self) -> int:
        """What it counts for in the account's gross."""
        price = self.instrument.high if self.credit else self.instrument.slow
        return up(abs(self.held) * price, self.instrument.unit)

    def rank(self, band: int) -> tuple[object, ...]:
        """Most volatile, then heaviest first, then the smallest part of a day's volume, the id."""
        volume = self.instrument.facts.get("average_volume") or 0
        part = Fraction(abs(self.held), volume) if volume else Fraction(0)
        return -self.factor, -band, volume == 0, part, self.name


Planner = Callable[[Book, Account, int, int], Message]


def plan(book: Book, request: Message, now: int, credit_plan: Planner) -> Message:
    """Answer a PlanLiquidation; `credit_plan` makes those under cn_margin."""
    account = book.accounts.get(request["account_id"])
    if account is None:
        return {"error": "NOT_FOUND"}
    lines = figures_of_lines(lines_in_force(book, account))
    if not lines or not any(name in account.entered for name in DEEP):
        return {"error": "NOT_IN_LIQUIDATION"}
    assert set(lines) == set(NAMES)
    planner = credit_plan if is_credit(account) else plan_to
    return planner(book, account, lines["liquidation"][1], now)


def plan_to(book: Book, account: Account, target: int, now: int) -> Message:
    """Cancels, then stages until the target or until one adds nothing."""
    blocked: list[Message] = []
    holdings: list[Holding] = []
    unknown_debt = False
    for name, line in sorted(lines_of(account).items()):
        if not line.held:
            continue
        instrument = book.instruments[name]
        if instrument.mark is None:
            blocked.append({"instrument_id": name, "quantity": line.held, "reason": "UNPRICED"})
            unknown_debt = unknown_debt or line.held < 0
            continue
        free, stuck = free_of(book, account, name, line, now)
        blocked += stuck
        factor = book.factor(instrument, now)
        holdings.append(Holding(name, instrument, line.held, free, factor))
    cash, looks, cut = account.cash, 0, False
    found: Message = {"target_ratio_bps": target, "stages": [], "blocked": blocked}
    found["cancels"] = cancels(book, account, now)
    found |= ratio("before_ratio_bps", cash, account, holdings)
    while shortfall(cash, account, holdings, target) and any(one.free for one in holdings):
        usable = [holding for holding in holdings if holding.free]
        if looks + len(usable) > LOOKS:
            cut = True
            break
        looks += len(usable)
        trades = []
        whole = sum(holding.gross() for holding in holdings)
        bands = {one.name: weight_band(book, one.gross(), whole) for one in usable}
        for holding in sorted(usable, key=lambda one: one.rank(bands[one.name])):
            lacking = shortfall(cash, account, holdings, target)
            if not lacking:
                break
            quantity = chosen(holding, cash, account, holdings, target)
            new_cash, new_holdings = after(holding, quantity, cash, holdings)
            if shortfall(new_cash, account, new_holdings, target) >= lacking:
                continue
            trade: Message = {"instrument_id": holding.name, "quantity": quantity}
            trade |= {"side": "SELL" if holding.held > 0 else "BUY", "price_e4": holding.price}
            trade |= {"amount_e4": holding.amount(quantity), "factor_bps": holding.factor}
            trade["weight_band"] = bands[holding.name]
            cash, holdings = new_cash, new_holdings
            trade["shortfall_e4"] = shortfall(cash, account, holdings, target)
            trades.append(trade | ratio("ratio_bps", cash, account, holdings))
        if not trades:
            break
        found["stages"].append({"trades": trades})
    lacking = shortfall(cash, account, holdings, target)
    found |= ratio("after_ratio_bps", cash, account, holdings)
    found |= {"shortfall_e4": lacking, "reachable": not lacking and not unknown_debt, "cut": cut}
    found |= {"as_of_sequence": book.sequence, "planned_time_ns": now}
    return found | {"policy_version": book.version}


def free_of(
    book: Book, account: Account, name: str, line: Line, now: int
) -> tuple[int, list[Message]]:
    """How much of a position can be traded, and what cannot."""
    instrument = book.instruments[name]
    case = Case(book, account, instrument, {"instrument_id": name}, "", now, {})
    if standing_stop(case, "HALT") is not None:
        return 0, [{"instrument_id": name, "quantity": line.held, "reason": "HALTED"}]
    bought = bought_today(book, account, name)
    if line.held > 0 and bought > 0 and instrument.facts.get("sellable_next_day", False):
        locked = min(bought, line.held)
        stuck = {"instrument_id": name, "quantity": locked, "reason": "LOCKED"}
        return line.held - locked, [stuck]
    return abs(line.held), []


def sides(cash: int, account: Account, holdings: list[Holding]) -> tuple[int, int]:
    """Assets and debt."""
    assets = max(0, cash) + sum(one.amount(one.held) for one in holdings if one.held > 0)
    debt = max(0, -cash) + sum(one.amount(-one.held) for one in holdings if one.held < 0)
    return assets, debt


def shortfall(cash: int, account: Account, holdings: list[Holding], target: int) -> int:
    """What assets lack; nothing without debt."""
    assets, debt = sides(cash, account, holdings)
    return max(0, scale_up(debt, target) - assets) if debt else 0


def ratio(name: str, cash: int, account: Account, holdings: list[Holding]) -> Message:
    """Assets over debt under a name; nothing without debt."""
    assets, debt = sides(cash, account, holdings)
    return {name: min(down(assets * ONE, debt), INT64_MAX)} if debt else {}


def after(
    holding: Holding, quantity: int, cash: int, holdings: list[Holding]
) -> tuple[int, list[Holding]]:
    """Cash and holdings once so much is gone."""
    sign = 1 if holding.held > 0 else -1
    left = Holding(
        holding.name,
        holding.instrument,
        holding.held - sign * quantity,
        holding.free - quantity,
        holding.factor,
    )
    cash += sign * holding.amount(quantity)
    return cash, [left if one.name == holding.name else one for one in holdings]


def chosen(
    holding: Holding, cash: int, account: Account, holdings: list[Holding], target: int
) -> int:
    """The least quantity that reaches the target, else the most that a stage takes."""
    sizes = holding.sizes()

    def reaches(size: int) -> bool:
        return not shortfall(*_with(account, after(holding, size, cash, holdings)), target)

    if len(sizes) <= 400:  # one after the other; beyond that by halves
        return next((size for size in sizes if reaches(size)), sizes[-1])
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(sizes[middle]) else (middle + 1, high)
    return sizes[high]


def _with(account: Account, state: tuple[int, list[Holding]]) -> tuple[int, Account, list[Holding]]:
    return state[0], account, state[1]


def cancels(book: Book, account: Account, now: int) -> list[Message]:
    """Every order that rests, what frees most first."""
    live = [order for order in account.open_orders() if order.state in LIVE]
    found = [(-rise(book, account, one, now), one.sequence, one.order_id, one) for one in live]
    return [
        {
            "order_id": order.order_id,
            "instrument_id": order.instrument_id,
            "side": order.side,
            "reserved_quantity": order.reserved,
            "rise_e4": -fall,
        }
        for fall, _, _, order in sorted(found, key=lambda one: one[:3])
    ]


def rise(book: Book, account: Account, order: Order, now: int) -> int:
    """How much more would be available without an order; what has no mark counts as nothing."""
    if is_credit(account):
        return credit_rise(book, account, order, now)
    lines = {
        name: line
        for name, line in lines_of(account).items()
        if book.instruments[name].mark is not None
    }
    if order.instrument_id not in lines:
        return 0
    reserved = lines[order.instrument_id].plus(order.side, -order.reserved, order.reserved_price)
    alone = {**lines, order.instrument_id: reserved}
    before = projected(book, account, lines, now)
    weighed = Weighed([order.instrument_id], before.gross)
    return projected(book, account, alone, now, weighed).available - before.available


def credit_rise(book: Book, account: Account, order: Order, now: int) -> int:
    """The same under cn_margin: a part of its own, or nothing for what closes."""
    if book.instruments[order.instrument_id].mark is None:
        return 0
    before = credit.worth(book, account, now).available
    reserved, order.reserved = order.reserved, 0
    after = credit.worth(book, account, now).available
    order.reserved = reserved
    return after - before
