"""The margin model `cn_margin` (6.3): what is owed, what it is worth, what is free.

An account keeps its collateral in `positions` and what it owes in `contracts`, a list. Every figure
is added up anew from them and from the open orders, term by term as the page has them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.oracle.book import (
    ONE,
    RATIO_MAX,
    Book,
    Contract,
    Instrument,
    Message,
    Order,
    down,
    scale_down,
    scale_up,
    up,
)

if TYPE_CHECKING:
    from tests.oracle.book import Account

OPENING = ("COLLATERAL_BUY", "MARGIN_BUY", "SHORT_SELL")
SIDE_OF = {
    "COLLATERAL_BUY": "BUY",
    "COLLATERAL_SELL": "SELL",
    "MARGIN_BUY": "BUY",
    "SHORT_SELL": "SELL",
    "SELL_TO_REPAY": "SELL",
    "BUY_TO_RETURN": "BUY",
}


class Open(NamedTuple):
    """An open order, or one that is judged: what is left of it at its price and ratio."""

    name: str
    kind: str
    rest: int
    price: int
    ratio: int


@dataclass
class Worth:
    """What an account under cn_margin comes to."""

    cash: int
    assets: int = 0
    debt: int = 0
    gross: int = 0
    weighted: int = 0
    available: int = 0
    short_value: int = 0


def is_credit(account: "Account") -> bool:
    """Say whether an account is under cn_margin."""
    return bool(account.facts.get("margin_model") == "CN_MARGIN")


def by_age(contracts: list[Contract]) -> list[Contract]:
    """Contracts, the oldest first."""
    return sorted(contracts, key=lambda one: (one.opened, one.contract_id))


def contracts_in(account: "Account", name: str, kind: str) -> list[Contract]:
    """The contracts of a kind in one instrument, the oldest first."""
    found = [c for c in account.contracts if c.instrument_id == name and c.kind == kind]
    return by_age(found)


def financed(account: "Account", name: str) -> int:
    """Shares that belong to financed contracts."""
    return sum(one.quantity for one in contracts_in(account, name, "FINANCED"))


def owed(account: "Account", name: str) -> int:
    """Shares that short contracts owe."""
    return sum(one.quantity for one in contracts_in(account, name, "SHORT"))


def long_of(account: "Account", name: str) -> int:
    """All shares that are held."""
    return account.positions.get(name, 0) + financed(account, name)


def opens(account: "Account") -> list[Open]:
    """Every open order."""
    return [
        Open(order.instrument_id, order.margin_kind, order.reserved, order.reserved_price, r)
        for order in account.open_orders()
        for r in [order.ratio]
    ]


def open_of(account: "Account", name: str, *kinds: str) -> int:
    """What is open of some kinds in one instrument."""
    return sum(one.rest for one in opens(account) if one.name == name and one.kind in kinds)


def short_of(account: "Account", name: str) -> int:
    """What an account is short of with its open short sales filled (4.19)."""
    return owed(account, name) + open_of(account, name, "SHORT_SELL")


def names_of(account: "Account") -> set[str]:
    """Instruments that count."""
    held = {name for name, quantity in account.positions.items() if quantity}
    return held | {c.instrument_id for c in account.contracts} | {o.name for o in opens(account)}


def haircut(book: Book, instrument: Instrument, now: int) -> int:
    """What share of the value counts: own or cap, whichever is less, over v_eff."""
    facts = instrument.facts
    caps = {c.get("haircut_class", ""): c.get("cap_bps", 0) for c in caps_of(book)}
    cap = caps.get(facts.get("haircut_class", ""))
    if not facts.get("marginable", False) or cap is None or "haircut_bps" not in facts:
        return 0
    return int(min(facts["haircut_bps"], cap)) * ONE // book.factor(instrument, now)


def caps_of(book: Book) -> list[Message]:
    """The caps on haircuts."""
    found: list[Message] = book.policy.get("haircut_caps", [])
    return found


def ratio_table(account: "Account", kind: str) -> str:
    """Which table of the policy a kind of contract is opened by."""
    if kind == "FINANCED":
        return "financing_ratios"
    return "private_fund_short_ratios" if account.facts.get("private_fund") else "short_ratios"


def ratio_in_force(book: Book, account: "Account", kind: str, time: int) -> int | None:
    """The ratio of a kind of contract at a time."""
    rows = book.policy.get(ratio_table(account, kind), [])
    known = [row for row in rows if row.get("effective_from_time_ns", 0) <= time]
    return known[-1].get("ratio_bps", 0) if known else None


def ratio_of(book: Book, account: "Account", kind: str, time: int) -> int:
    """The ratio that a contract gets, whether or not one is in force."""
    found = ratio_in_force(book, account, kind, time)
    if found is not None:
        return found
    return 12_000 if ratio_table(account, kind).startswith("private") else ONE


def worth(
    book: Book,
    account: "Account",
    now: int,
    extra: Open | None = None,
    *,
    fills_only: bool = False,
) -> Worth:
    """Add up everything, an order more if there is one."""
    found = Worth(account.cash)
    found.debt = account.fees
    found.available = account.cash - account.fees
    open_now = [] if fills_only else opens(account) + ([extra] if extra else [])
    names = names_of(account) | ({extra.name} if extra else set())
    for name in sorted(names):
        instrument = book.instruments[name]
        held, debt = long_of(account, name), owed(account, name)
        found.assets += down(held * instrument.low, instrument.unit)
        found.debt += up(debt * instrument.high, instrument.unit)
        found.short_value += up(debt * instrument.high, instrument.unit)
        rate = haircut(book, instrument, now)
        own = down(account.positions.get(name, 0) * instrument.low, instrument.unit)
        found.available += scale_down(own, rate)
        mine = [one for one in open_now if one.name == name]
        held += sum(one.rest for one in mine if one.kind in OPENING[:2])
        debt += sum(one.rest for one in mine if one.kind == "SHORT_SELL")
        gross = up(held * instrument.high, instrument.unit)
        gross += up(debt * instrument.high, instrument.unit)
        found.gross += gross
        found.weighted += scale_up(gross, book.factor(instrument, now))
    for contract in account.contracts:
        _add_contract(book, found, contract, now)
    for one in open_now:
        _add_open(book, found, one, now)
    found.assets += max(found.cash, 0)
    found.debt += max(-found.cash, 0)
    return found


def gross_in(book: Book, account: "Account", name: str, extra: Open | None) -> int:
    """gross_i of one instrument: both sides, for they never net."""
    instrument = book.instruments[name]
    mine = [o for o in opens(account) + ([extra] if extra else []) if o.name == name]
    held = long_of(account, name) + sum(o.rest for o in mine if o.kind in OPENING[:2])
    debt = owed(account, name) + sum(o.rest for o in mine if o.kind == "SHORT_SELL")
    high, unit = instrument.high, instrument.unit
    return up(held * high, unit) + up(debt * high, unit)


def _add_contract(book: Book, found: Worth, contract: Contract, now: int) -> None:
    instrument = book.instruments[contract.instrument_id]
    rate = haircut(book, instrument, now)
    found.debt += contract.interest
    found.available -= contract.interest
    if contract.kind == "FINANCED":
        gain = down(contract.quantity * instrument.low, instrument.unit) - contract.amount
        found.debt += contract.amount
        found.available -= scale_up(contract.amount, contract.ratio)
    else:
        value = up(contract.quantity * instrument.high, instrument.unit)
        gain = contract.amount - value
        found.available -= contract.amount + scale_up(value, contract.ratio)
    found.available += scale_down(gain, rate) if gain > 0 else gain


def _add_open(book: Book, found: Worth, one: Open, now: int) -> None:
    instrument = book.instruments[one.name]
    unit = instrument.unit
    cost = up(one.rest * one.price, unit)
    worth_low = min(down(one.rest * instrument.low, unit), cost)
    if one.kind == "COLLATERAL_BUY":
        found.cash -= cost
        found.assets += worth_low
        found.available += scale_down(worth_low, haircut(book, instrument, now)) - cost
    elif one.kind == "MARGIN_BUY":
        found.assets += worth_low
        found.debt += cost
        found.available -= cost - worth_low + scale_up(cost, one.ratio)
    elif one.kind == "SHORT_SELL":
        proceeds = down(one.rest * one.price, unit)
        worth_high = max(up(one.rest * instrument.high, unit), proceeds)
        found.cash += proceeds
        found.debt += worth_high
        found.short_value += worth_high
        found.available -= worth_high - proceeds + scale_up(worth_high, one.ratio)


def cost_of(book: Book, account: "Account", kind: str) -> int:
    """What open orders of a kind of buy would cost, each rounded up by itself."""
    mine = [one for one in opens(account) if one.kind == kind]
    return sum(up(one.rest * one.price, book.instruments[one.name].unit) for one in mine)


def free_cash(book: Book, account: "Account") -> int:
    """Cash that neither short proceeds nor open collateral buys hold."""
    proceeds = sum(c.amount for c in account.contracts if c.kind == "SHORT")
    return account.cash - proceeds - cost_of(book, account, "COLLATERAL_BUY")


def drawn(book: Book, account: "Account") -> int:
    """What is financed with all margin buys filled."""
    principal = sum(c.amount for c in account.contracts if c.kind == "FINANCED")
    return principal + cost_of(book, account, "MARGIN_BUY")


def is_exit_kind(order: Order | Message) -> bool:
    """Say whether a kind only closes."""
    kind = order.margin_kind if isinstance(order, Order) else order.get("margin_kind", "")
    return kind in SIDE_OF and kind not in OPENING


def is_opening(request: Message) -> bool:
    """Say whether an order takes new risk."""
    return request.get("margin_kind", "") in OPENING


assert RATIO_MAX > ONE
