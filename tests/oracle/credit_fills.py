"""Fills, repayments and busts under cn_margin: contracts are changed where they stand.

What a fill changed is the difference of two images of the account, so a bust needs no rule of its
own for each kind.
"""

from copy import deepcopy
from dataclasses import dataclass, field

from tests.oracle import chains, credit
from tests.oracle.book import (
    LIVE,
    MONEY_MAX,
    QUANTITY_MAX,
    Account,
    Book,
    Contract,
    Message,
    Order,
    down,
    up,
)

FIGURES = ("quantity", "amount", "interest")


@dataclass
class Image:
    """Cash, fees, collateral and contracts at one moment, or the difference of two."""

    cash: int
    fees: int
    collateral: dict[str, int]
    contracts: dict[str, Contract] = field(default_factory=dict)


def image(account: Account) -> Image:
    """Look at an account."""
    contracts = {one.contract_id: deepcopy(one) for one in account.contracts}
    return Image(account.cash, account.fees, dict(account.positions), contracts)


def difference(before: Image, after: Image) -> Image:
    """Say what changed; contracts with the differences of their figures."""
    names = before.collateral.keys() | after.collateral.keys()
    moved = {n: after.collateral.get(n, 0) - before.collateral.get(n, 0) for n in names}
    found = Image(after.cash - before.cash, after.fees - before.fees, moved)
    for key in before.contracts.keys() | after.contracts.keys():
        old, new = before.contracts.get(key), after.contracts.get(key)
        one = deepcopy(new or old)
        assert one is not None
        for name in FIGURES:
            setattr(one, name, getattr(new, name, 0) - getattr(old, name, 0))
        if any(getattr(one, name) for name in FIGURES):
            found.contracts[key] = one
    return found


def kind_of_fill(order: Order, event: Message) -> str:
    """The kind that a fill counts as; empty: not known."""
    if order.content is None:
        return ""
    if (order.instrument_id, order.side) != (event["instrument_id"], event["side"]):
        return ""
    if order.chain is not None:
        return "" if chains.is_odd(order, event["quantity"]) else order.margin_kind
    if order.filled + event["quantity"] > order.quantity:
        return ""
    if order.state not in LIVE and event["quantity"] > order.reserved:
        return ""
    return order.margin_kind


def book_fill(book: Book, account: Account, order: Order, event: Message, now: int) -> bool:
    """Change an account by a fill, unless a bound would be passed; keep what changed."""
    before = image(account)
    opening = order.opening
    _fill(book, account, order, event, now)
    if not _in_bounds(account, event["instrument_id"]):
        account.cash, account.fees = before.cash, before.fees
        account.positions = before.collateral
        account.contracts = list(before.contracts.values())
        for member in order.chain or [order]:
            member.opening = opening
        return False
    account.last_change = difference(before, image(account))
    return True


def _in_bounds(account: Account, name: str) -> bool:
    sums = [
        sum(one.amount for one in account.contracts if one.kind == kind)
        for kind in ("FINANCED", "SHORT")
    ]
    shares = [credit.long_of(account, name), credit.owed(account, name)]
    money = [abs(account.cash), *sums]
    return all(one <= MONEY_MAX for one in money) and all(one <= QUANTITY_MAX for one in shares)


def _fill(book: Book, account: Account, order: Order, event: Message, now: int) -> None:
    name, quantity, price = event["instrument_id"], event["quantity"], event["price_e4"]
    unit = book.instruments[name].unit
    kind = kind_of_fill(order, event)
    stamp = event.get("transaction_time_ns", 0)
    time = stamp if 0 < stamp < now else now
    if kind in {"MARGIN_BUY", "SHORT_SELL"}:
        contract_kind = "FINANCED" if kind == "MARGIN_BUY" else "SHORT"
        if order.opening is None:
            opening = (time, credit.ratio_of(book, account, contract_kind, time))
            for member in order.chain or [order]:
                member.opening = opening
        assert order.opening is not None
        money = up(quantity * price, unit) if kind == "MARGIN_BUY" else down(quantity * price, unit)
        contract = _contract(account, event, contract_kind, name, order.opening)
        contract.quantity += quantity
        contract.amount += money
        account.cash += money if kind == "SHORT_SELL" else 0
        return
    if event["side"] == "BUY":
        account.cash -= up(quantity * price, unit)
        account.positions[name] = account.positions.get(name, 0) + quantity
        if kind == "BUY_TO_RETURN":
            give_back(account, name, quantity)
        return
    proceeds = down(quantity * price, unit)
    short = quantity - credit.long_of(account, name)
    if kind == "SELL_TO_REPAY":
        left = _take_financed(account, name, quantity)
        _take_collateral(account, name, left)
        proceeds = repay(account, proceeds, name)
    else:
        left = _take_collateral(account, name, quantity)
        _take_financed(account, name, left)
    account.cash += proceeds
    if short > 0:
        opening = (time, credit.ratio_of(book, account, "SHORT", time))
        contract = _contract(account, event, "SHORT", name, opening)
        contract.quantity += short
        contract.amount += down(short * price, unit)


def _contract(
    account: Account, event: Message, kind: str, name: str, opening: tuple[int, int]
) -> Contract:
    """The contract that a fill adds to, a new one if need be."""
    known = {one.contract_id: one for one in account.contracts}
    wanted = event["order_id"]
    order = account.orders.get(wanted)
    if order is not None and event["kind"] == "FILLED" and order.contract_root:
        wanted = order.contract_root  # of orders that replace each other
    tried = False
    while wanted in known:
        if (known[wanted].kind, known[wanted].instrument_id) == (kind, name):
            return known[wanted]
        other = event["event_id"]
        wanted = other if not tried and other != wanted else wanted + "+"
        tried = True
    made = Contract(wanted, kind, name, *opening)
    account.contracts.append(made)
    return made


def _take_collateral(account: Account, name: str, quantity: int) -> int:
    """Take shares of the collateral; say how many are still wanted."""
    taken = min(quantity, account.positions.get(name, 0))
    account.positions[name] = account.positions.get(name, 0) - taken
    return quantity - taken


def _take_financed(account: Account, name: str, quantity: int) -> int:
    """Take shares of financed contracts, the oldest first; say how many are still wanted."""
    for contract in credit.contracts_in(account, name, "FINANCED"):
        taken = min(quantity, contract.quantity)
        contract.quantity -= taken
        quantity -= taken
    return quantity


def repay(account: Account, amount: int, first: str = "") -> int:
    """Repay financed contracts, those of one instrument first; say what is left."""
    every = credit.by_age([one for one in account.contracts if one.kind == "FINANCED"])
    every.sort(key=lambda one: one.instrument_id != first)
    for contract in every:
        for name in ("interest", "amount"):
            paid = min(amount, getattr(contract, name))
            setattr(contract, name, getattr(contract, name) - paid)
            amount -= paid
    close_all(account)
    return amount


def give_back(account: Account, name: str, quantity: int) -> None:
    """Return shares out of the collateral to short contracts, the oldest first."""
    for contract in credit.contracts_in(account, name, "SHORT"):
        given = min(quantity, contract.quantity)
        if not given:
            continue
        contract.amount -= contract.amount * given // contract.quantity
        contract.quantity -= given
        account.positions[name] = account.positions.get(name, 0) - given
        quantity -= given
    close_all(account)


def close_all(account: Account) -> None:
    """End contracts that owe nothing: shares become collateral, interest of shorts a fee."""
    for contract in list(account.contracts):
        name = contract.instrument_id
        if contract.kind == "FINANCED" and not contract.amount and not contract.interest:
            account.positions[name] = account.positions.get(name, 0) + contract.quantity
            account.contracts.remove(contract)
        elif contract.kind == "SHORT" and not contract.quantity:
            account.fees += contract.interest
            account.contracts.remove(contract)


def bust(book: Book, account: Account, change: Image, event: Message, now: int) -> bool:
    """Take a fill's change back, though the account may have moved on."""
    name = event["booked_in"]
    held = credit.long_of(account, name) - long_change(change, name)
    if abs(account.cash - change.cash) > MONEY_MAX or abs(held) > QUANTITY_MAX:
        return False
    account.cash -= change.cash
    account.fees = max(0, account.fees - change.fees)
    for key, moved in change.collateral.items():
        account.positions[key] = account.positions.get(key, 0) - moved
    for key, gone in change.contracts.items():
        known = [one for one in account.contracts if one.contract_id == key]
        contract = known[0] if known else deepcopy(gone)
        if not known:
            contract.quantity = contract.amount = contract.interest = 0
            account.contracts.append(contract)
        for figure in FIGURES:
            setattr(contract, figure, getattr(contract, figure) - getattr(gone, figure))
        _mend(account, contract)
    names = {name} | {one.instrument_id for one in change.contracts.values()}
    for one in sorted(names):
        _cover(book, account, one, event, now)
    return True


def long_change(change: Image, name: str) -> int:
    """By how much a fill changed what is held of an instrument."""
    mine = [one for one in change.contracts.values() if one.instrument_id == name]
    financed = sum(one.quantity for one in mine if one.kind == "FINANCED")
    return change.collateral.get(name, 0) + financed


def _mend(account: Account, contract: Contract) -> None:
    """Leave no figure of a contract below 0."""
    name = contract.instrument_id
    if contract.quantity < 0:
        sign = 1 if contract.kind == "FINANCED" else -1
        moved = sign * contract.quantity
        account.positions[name] = account.positions.get(name, 0) + moved
        contract.quantity = 0
    for figure in ("amount", "interest"):
        value = getattr(contract, figure)
        if value < 0:
            account.cash += -value if contract.kind == "FINANCED" else 0
            setattr(contract, figure, 0)
    close_all(account)


def _cover(book: Book, account: Account, name: str, event: Message, now: int) -> None:
    """Let nothing be held that is not there."""
    missing = -credit.long_of(account, name)
    if missing > 0:
        opening = (now, credit.ratio_of(book, account, "SHORT", now))
        _contract(account, event, "SHORT", name, opening).quantity += missing
        account.positions[name] = account.positions.get(name, 0) + missing
    lacking = -account.positions.get(name, 0)
    if lacking > 0:
        _take_financed(account, name, lacking)
        account.positions[name] = 0
