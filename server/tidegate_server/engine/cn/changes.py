"""What fills, repayments and returns change of contracts: worked out here, applied elsewhere.

A `Change` is a set of differences, so that a bust can undo it. Its moves are contracts with their
terms, whose figures are the differences; a position's collateral is what of its quantity no
financed contract holds, so shares that a contract gives up become collateral by themselves.
"""

from __future__ import annotations

from ..amounts import raw_down, raw_up  # noqa: TID252 - one level up is this room
from ..commands import BUY  # noqa: TID252 - the same
from .contracts import FINANCED, SHORT, Contract, Credit, Holding, Opening
from .kinds import BUY_TO_RETURN, MARGIN_BUY, SELL_TO_REPAY, SHORT_SELL


class Change:
    """Differences of cash, fees and what is held of one instrument, and of contracts."""

    __slots__ = ("cash", "fees", "long", "moves")

    def __init__(self) -> None:
        self.cash = 0
        self.fees = 0
        self.long = 0
        self.moves: list[Contract] = []

    def move(self, contract: Contract, quantity: int, amount: int, interest: int) -> None:
        """Note a change of a contract's figures; nothing is no change."""
        if not (quantity or amount or interest):
            return
        for known in self.moves:
            if known.contract_id == contract.contract_id:
                known.quantity += quantity
                known.amount += amount
                known.interest += interest
                return
        self.moves.append(
            Contract(
                contract.contract_id,
                contract.kind,
                contract.instrument_id,
                contract.opened_time_ns,
                contract.ratio_bps,
                quantity,
                amount,
                interest,
            )
        )

    def fields(self) -> list[object]:
        """Return what differs beside cash (for the hash)."""
        return [self.long, self.fees, *[move.fields() for move in self.moves]]

    def moved_quantity(self, contract: Contract) -> int:
        """Return by how much a contract's quantity has changed so far."""
        for known in self.moves:
            if known.contract_id == contract.contract_id:
                return known.quantity
        return 0


class Fill:
    """A fill as contracts see it; `kind` is 0 where it is not known.

    `contract_id` names the contract that it may open, and `opening` says since when and how.
    """

    __slots__ = ("contract_id", "instrument_id", "kind", "opening", "price", "quantity", "side")

    def __init__(
        self,
        kind: int,
        side: int,
        instrument_id: str,
        quantity: int,
        price: int,
        contract_id: str,
        opening: Opening,
    ) -> None:
        self.kind = kind
        self.side = side
        self.instrument_id = instrument_id
        self.quantity = quantity
        self.price = price
        self.contract_id = contract_id
        self.opening = opening

    def new_contract(self, kind: int) -> Contract:
        """Return the contract that it opens, without figures."""
        opened_time_ns, ratio_bps = self.opening
        return Contract(self.contract_id, kind, self.instrument_id, opened_time_ns, ratio_bps)


def change_of_fill(
    credit: Credit, holding: Holding | None, held: int, fill: Fill, unit: int
) -> Change:
    """Return what a fill changes; `held` is the position's quantity."""
    change = Change()
    raw = fill.quantity * fill.price
    if fill.side == BUY:
        cost = raw_up(raw, unit)
        if fill.kind == MARGIN_BUY:
            change.long = fill.quantity
            change.move(fill.new_contract(FINANCED), fill.quantity, cost, 0)
            return change
        change.cash = -cost
        change.long = fill.quantity
        if fill.kind == BUY_TO_RETURN:
            change.long -= give_back(change, holding, fill.quantity)
        return change
    proceeds = raw_down(raw, unit)
    if fill.kind == SHORT_SELL:
        change.cash = proceeds
        change.move(fill.new_contract(SHORT), fill.quantity, proceeds, 0)
        return change
    financed = holding.financed if holding is not None else 0
    if fill.kind == SELL_TO_REPAY:
        take_shares(change, holding, fill, held, financed, unit)
        proceeds = repay(change, credit, proceeds, fill.instrument_id)
    else:
        own = held - financed
        take_shares(change, holding, fill, held, fill.quantity - own, unit)
    change.cash = proceeds
    return change


def take_shares(
    change: Change,
    holding: Holding | None,
    fill: Fill,
    held: int,
    from_contracts: int,
    unit: int,
) -> None:
    """Sell shares, at most so many of financed contracts; what is not held is sold short."""
    sold = fill.quantity if fill.quantity < held else held
    change.long = -sold
    left = from_contracts if from_contracts < sold else sold
    if holding is not None:
        for contract in holding.contracts:
            if left <= 0:
                break
            if contract.kind != FINANCED:
                continue
            taken = contract.quantity if contract.quantity < left else left
            change.move(contract, -taken, 0, 0)
            left -= taken
    short = fill.quantity - sold
    if short:
        change.move(fill.new_contract(SHORT), short, raw_down(short * fill.price, unit), 0)


def repay(change: Change, credit: Credit, amount: int, first_in: str) -> int:
    """Repay financed contracts, those of one instrument first; return what is left.

    Of each the interest, then the principal. One that owes nothing more gives up its shares.
    """
    contracts = credit.oldest_financed()
    own = [one for one in contracts if one.instrument_id == first_in]
    others = [one for one in contracts if one.instrument_id != first_in]
    for contract in own + others:
        interest = contract.interest if contract.interest < amount else amount
        principal = amount - interest
        if principal > contract.amount:
            principal = contract.amount
        amount -= interest + principal
        change.move(contract, 0, -principal, -interest)
        if interest == contract.interest and principal == contract.amount:
            change.move(contract, -contract.quantity - change.moved_quantity(contract), 0, 0)
        if not amount:
            break
    return amount


def give_back(change: Change, holding: Holding | None, quantity: int) -> int:
    """Return shares to short contracts, the oldest first; say how many were owed.

    Proceeds are released in proportion. A contract that is owed nothing more ends, and what it
    owes of interest becomes a fee.
    """
    left = quantity
    for contract in holding.contracts if holding is not None else []:
        if contract.kind != SHORT:
            continue
        given = contract.quantity if contract.quantity < left else left
        if not given:
            break
        if given < contract.quantity:
            change.move(contract, -given, -(contract.amount * given // contract.quantity), 0)
        else:
            change.move(contract, -given, -contract.amount, -contract.interest)
            change.fees += contract.interest
        left -= given
    return quantity - left
