"""What a report may touch of an account under `cn_margin`, as it was before."""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - one level up is this room
from .contracts import FINANCED, Contract, Credit, Holding, OpenPart, age_rank

Part = tuple[str, int, int, int, int]


class SavedCredit:
    """Copies of contracts and of what is open, to be put back."""

    __slots__ = ("contracts", "fees", "open_sums", "parts", "sums")

    def __init__(self, account: Account) -> None:
        self.fees = account.interest_and_fees
        self.sums = (0, 0)
        self.contracts: list[tuple[str, int, str, int, int, int, int, int]] = []
        self.open_sums: dict[str, tuple[int, int, int, int, int]] = {}
        self.parts: dict[str, list[Part]] = {}
        credit = account.credit
        if credit is not None:
            self.sums = (credit.borrowing, credit.paying)
            self.contracts = [one.fields() for one in credit.contracts.values()]
        for name, position in account.positions.items():
            kept = position.holding
            if kept is None:
                continue
            self.open_sums[name] = (
                kept.open_long,
                kept.open_short,
                kept.open_sell,
                kept.open_repay,
                kept.open_return,
            )
            self.parts[name] = [
                (order_id, part.kind, part.remaining, part.price, part.ratio_bps)
                for order_id, part in kept.parts.items()
            ]

    def put_back(self, account: Account) -> None:
        """Make the account's contracts and open orders what they were."""
        account.interest_and_fees = self.fees
        credit = Credit()
        credit.borrowing, credit.paying = self.sums
        account.credit = credit
        for name, position in account.positions.items():
            position.holding = None
            if name not in self.open_sums:
                continue
            holding = Holding()
            (
                holding.open_long,
                holding.open_short,
                holding.open_sell,
                holding.open_repay,
                holding.open_return,
            ) = self.open_sums[name]
            for order_id, kind, remaining, price, ratio_bps in self.parts[name]:
                holding.parts[order_id] = OpenPart(kind, remaining, price, ratio_bps)
            position.holding = holding
        for fields in self.contracts:
            take_contract(account, Contract(*fields))


def take_contract(account: Account, contract: Contract) -> None:
    """Put a contract where it belongs; its position is there."""
    if account.credit is None:
        account.credit = Credit()
    position = account.positions[contract.instrument_id]
    if position.holding is None:
        position.holding = Holding()
    holding = position.holding
    account.credit.contracts[contract.contract_id] = contract
    holding.contracts.append(contract)
    holding.contracts.sort(key=age_rank)
    if contract.kind == FINANCED:
        holding.financed += contract.quantity
        account.credit.principal += contract.amount
    else:
        holding.owed += contract.quantity
        account.credit.proceeds += contract.amount
