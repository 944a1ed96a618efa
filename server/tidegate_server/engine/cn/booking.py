"""What `cn_margin` keeps in an account: contracts, and what open orders count for.

The parts of an order path: `move_part` follows every change of a reservation. The parts of facts:
`apply_change` books what changes.py worked out, `undo_change` takes it back for a bust.
"""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - the same
from ..amounts import raw_up  # noqa: TID252 - one level up is this room
from ..commands import OrderEvent  # noqa: TID252 - the same
from ..instrument import Instrument  # noqa: TID252 - the same
from ..position import Position  # noqa: TID252 - the same
from ..reach import tally  # noqa: TID252 - the same
from ..state import Book  # noqa: TID252 - the same
from .changes import Change
from .contracts import FINANCED, SHORT, Contract, Credit, Holding, Opening, OpenPart, age_rank
from .kinds import (
    BUY_TO_RETURN,
    COLLATERAL_BUY,
    COLLATERAL_SELL,
    MARGIN_BUY,
    SELL_TO_REPAY,
    SHORT_SELL,
)


def credit_of(account: Account) -> Credit:
    """Return the account's contracts."""
    credit = account.credit
    if credit is None:
        credit = Credit()
        account.credit = credit
    return credit


def holding_of(position: Position) -> Holding:
    """Return what belongs to a position beside its quantity."""
    holding = position.holding
    if holding is None:
        holding = Holding()
        position.holding = holding
    return holding


def collateral_of(position: Position) -> int:
    """Return what of a position no financed contract holds."""
    holding = position.holding
    return position.quantity if holding is None else position.quantity - holding.financed


def free_cash(account: Account) -> int:
    """Return cash less unreleased proceeds and the cost of open collateral buys, in e4."""
    credit = account.credit
    return account.cash if credit is None else account.cash - credit.proceeds - credit.paying


def drawn_of(account: Account) -> int:
    """Return the principal of financed contracts with all open margin buys filled, in e4."""
    credit = account.credit
    return 0 if credit is None else credit.principal + credit.borrowing


def move_part(
    account: Account,
    position: Position,
    kind: int,
    order_id: str,
    quantity: int,
    price: int,
    ratio_bps: int,
) -> None:
    """Change what is reserved of an order, at its reserved price and ratio."""
    holding = holding_of(position)
    if kind == COLLATERAL_SELL:
        holding.open_sell += quantity
    elif kind == SELL_TO_REPAY:
        holding.open_repay += quantity
    elif kind == BUY_TO_RETURN:
        holding.open_return += quantity
    else:
        move_opening(account, position, kind, order_id, quantity, price, ratio_bps)


def move_opening(
    account: Account,
    position: Position,
    kind: int,
    order_id: str,
    quantity: int,
    price: int,
    ratio_bps: int,
) -> None:
    """Change what is reserved of an order that opens; its cost rounds by itself."""
    credit = credit_of(account)
    unit = position.instrument.terms.unit
    holding = holding_of(position)
    cost = move_in(holding, unit, kind, order_id, quantity, price, ratio_bps)
    if kind == SHORT_SELL:
        position.instrument.short_use += quantity
    elif kind == COLLATERAL_BUY:
        credit.paying += cost
    elif kind == MARGIN_BUY:
        credit.borrowing += cost


def move_in(
    holding: Holding,
    unit: int,
    kind: int,
    order_id: str,
    quantity: int,
    price: int,
    ratio_bps: int,
) -> int:
    """Change what is open of an order in its holding; return by how much its cost changes."""
    part = holding.parts.get(order_id)
    if part is None:
        part = OpenPart(kind, 0, price, ratio_bps)
        holding.parts[order_id] = part
    before = raw_up(part.remaining * price, unit)
    part.remaining += quantity
    if kind == SHORT_SELL:
        holding.open_short += quantity
    else:
        holding.open_long += quantity
    if not part.remaining:
        del holding.parts[order_id]
    return raw_up(part.remaining * price, unit) - before


def contract_name(
    account: Account, order_id: str, event_id: str, kind: int, instrument_id: str
) -> str:
    """Return the id of the contract that a fill may open: its order's, unless another has it."""
    name = order_id
    while True:
        known = credit_of(account).contracts.get(name)
        if known is None or (known.kind == kind and known.instrument_id == instrument_id):
            return name
        name = event_id if name == order_id != event_id else name + "+"


def apply_change(
    book: Book, account: Account, instrument: Instrument | None, change: Change, sign: int = 1
) -> None:
    """Book a change, or with a sign of -1 its opposite; the instrument is that of `long`."""
    account.cash += sign * change.cash
    account.interest_and_fees += sign * change.fees
    if instrument is not None:
        shift(account, account.position_in(instrument), sign * change.long, None, sign)
    for move in change.moves:
        shift(account, account.position_in(book.instruments[move.instrument_id]), 0, move, sign)


def shift(
    account: Account, position: Position, quantity: int, move: Contract | None, sign: int
) -> None:
    """Change a position's quantity, or one of its contracts; keep the list of active ones."""
    was_flat = position.is_flat()
    short = position.short()
    reach = position.reach()
    position.quantity += quantity
    account.forget_line(position)
    if move is not None:
        shift_contract(credit_of(account), holding_of(position), move, sign)
    position.instrument.short_use += position.short() - short
    tally(account, position, reach)
    now_flat = position.is_flat()
    if was_flat and not now_flat:
        account.activate(position)
    elif now_flat and not was_flat:
        account.deactivate(position)


def shift_contract(credit: Credit, holding: Holding, move: Contract, sign: int) -> None:
    """Add a move to its contract; one that comes to nothing ends, an unknown one begins."""
    contract = credit.contracts.get(move.contract_id)
    if contract is None:
        contract = Contract(
            move.contract_id, move.kind, move.instrument_id, move.opened_time_ns, move.ratio_bps
        )
        credit.contracts[move.contract_id] = contract
        holding.contracts.append(contract)
        holding.contracts.sort(key=age_rank)
    quantity = sign * move.quantity
    amount = sign * move.amount
    contract.quantity += quantity
    contract.amount += amount
    contract.interest += sign * move.interest
    if contract.kind == FINANCED:
        holding.financed += quantity
        credit.principal += amount
    else:
        holding.owed += quantity
        credit.proceeds += amount
    if not (contract.quantity or contract.amount or contract.interest):
        del credit.contracts[contract.contract_id]
        holding.contracts.remove(contract)


def undo_change(
    book: Book,
    account: Account,
    instrument: Instrument,
    change: Change,
    bust: OrderEvent,
    opening: Opening,
) -> None:
    """Take a change back, though the account may have moved on since.

    What is no longer there to be taken back comes out of what is: a repaid principal returns as
    cash, missing shares come out of collateral, then financed contracts, and in the end are owed.
    """
    apply_change(book, account, instrument, change, -1)
    if account.interest_and_fees < 0:
        account.interest_and_fees = 0
    names = {instrument.instrument_id: instrument}
    for move in change.moves:
        names[move.instrument_id] = book.instruments[move.instrument_id]
        mend_contract(account, book.instruments[move.instrument_id], move.contract_id)
    for name in sorted(names):
        mend_holding(account, names[name], bust, opening)


def mend_contract(account: Account, instrument: Instrument, contract_id: str) -> None:
    """Leave no figure of a contract below 0, and end it if nothing is owed."""
    contract = credit_of(account).contracts.get(contract_id)
    if contract is None:
        return
    position = account.position_in(instrument)
    change = Change()
    quantity = -contract.quantity if contract.quantity < 0 else 0
    amount = -contract.amount if contract.amount < 0 else 0
    interest = -contract.interest if contract.interest < 0 else 0
    if contract.kind == FINANCED:
        account.cash += amount + interest
    else:
        shift(account, position, quantity, None, 1)
    change.move(contract, quantity, amount, interest)
    if contract.kind == FINANCED and contract.amount + amount == 0 == contract.interest + interest:
        change.move(contract, -contract.quantity - quantity, 0, 0)
    elif contract.kind == SHORT and contract.quantity + quantity == 0:
        owed = contract.interest + interest
        account.interest_and_fees += owed
        change.move(contract, 0, -contract.amount - amount, -owed)
    for move in change.moves:
        shift(account, position, 0, move, 1)


def mend_holding(
    account: Account, instrument: Instrument, bust: OrderEvent, opening: Opening
) -> None:
    """Let a position hold no less than nothing, and financed contracts no more than it holds."""
    position = account.position_in(instrument)
    missing = -position.quantity
    if missing > 0:
        opened_time_ns, ratio_bps = opening
        name = instrument.instrument_id
        contract_id = contract_name(account, bust.order_id, bust.event_id, SHORT, name)
        short = Contract(contract_id, SHORT, name, opened_time_ns, ratio_bps, missing)
        shift(account, position, missing, short, 1)
    holding = holding_of(position)
    excess = holding.financed - position.quantity
    for contract in list(holding.contracts):
        if excess <= 0:
            break
        if contract.kind == FINANCED:
            taken = contract.quantity if contract.quantity < excess else excess
            change = Change()
            change.move(contract, -taken, 0, 0)
            for move in change.moves:
                shift(account, position, 0, move, 1)
            excess -= taken


def leave_model(account: Account) -> None:
    """Drop what belongs to `cn_margin`; the account is empty."""
    account.credit = None
    for position in account.positions.values():
        position.holding = None
