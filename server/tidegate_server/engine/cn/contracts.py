"""What an account under `cn_margin` owes, and what is open beside it.

Long holdings and short debt of one instrument never net. A position's quantity is what is held, and
a part of it belongs to financed contracts; the rest is collateral. What is owed in shares stands in
short contracts.
"""

from __future__ import annotations

from typing import Final

FINANCED: Final = 1
SHORT: Final = 2

# When a contract was opened and at what ratio; (0, 0) before its first fill.
Opening = tuple[int, int]
NOT_OPENED: Opening = (0, 0)


class Contract:
    """One contract: `quantity` shares held or owed, `amount` principal or unreleased proceeds."""

    __slots__ = (
        "amount",
        "contract_id",
        "instrument_id",
        "interest",
        "kind",
        "opened_time_ns",
        "quantity",
        "ratio_bps",
    )

    def __init__(
        self,
        contract_id: str,
        kind: int,
        instrument_id: str,
        opened_time_ns: int,
        ratio_bps: int,
        quantity: int = 0,
        amount: int = 0,
        interest: int = 0,
    ) -> None:
        self.contract_id = contract_id
        self.kind = kind
        self.instrument_id = instrument_id
        self.opened_time_ns = opened_time_ns
        self.ratio_bps = ratio_bps
        self.quantity = quantity
        self.amount = amount
        self.interest = interest

    def fields(self) -> tuple[str, int, str, int, int, int, int, int]:
        """Return its terms and figures, in the order of the constructor."""
        return (
            self.contract_id,
            self.kind,
            self.instrument_id,
            self.opened_time_ns,
            self.ratio_bps,
            self.quantity,
            self.amount,
            self.interest,
        )


def age_rank(contract: Contract) -> tuple[int, str]:
    """Return what contracts are ordered by: the oldest first."""
    return contract.opened_time_ns, contract.contract_id


class OpenPart:
    """What is reserved of an order that opens: counted in the figures as if it were filled."""

    __slots__ = ("kind", "price", "ratio_bps", "remaining")

    def __init__(self, kind: int, remaining: int, price: int, ratio_bps: int) -> None:
        self.kind = kind
        self.remaining = remaining
        self.price = price
        self.ratio_bps = ratio_bps


class Holding:
    """What belongs to one position beside its quantity.

    `parts` are the open orders that open, by id. Memos: `financed` and `owed` (sums over
    `contracts`, which are ordered by age), and sums of open orders by kind.
    """

    __slots__ = (
        "contracts",
        "financed",
        "open_long",
        "open_repay",
        "open_return",
        "open_sell",
        "open_short",
        "owed",
        "parts",
    )

    def __init__(self) -> None:
        self.contracts: list[Contract] = []
        self.financed = 0
        self.owed = 0
        self.parts: dict[str, OpenPart] = {}
        self.open_long = 0
        self.open_short = 0
        self.open_sell = 0
        self.open_repay = 0
        self.open_return = 0

    def copy(self) -> Holding:
        """Return a holding like this one whose open orders can be changed."""
        made = Holding()
        made.contracts = self.contracts
        made.financed = self.financed
        made.owed = self.owed
        for order_id, part in self.parts.items():
            made.parts[order_id] = OpenPart(part.kind, part.remaining, part.price, part.ratio_bps)
        made.open_long = self.open_long
        made.open_short = self.open_short
        made.open_sell = self.open_sell
        made.open_repay = self.open_repay
        made.open_return = self.open_return
        return made


class Credit:
    """The contracts of one account, by id.

    Memos, in e4: `principal` (of financed contracts) and `proceeds` (of short ones), what open
    margin buys would borrow and open collateral buys would pay.
    """

    __slots__ = ("borrowing", "contracts", "paying", "principal", "proceeds")

    def __init__(self) -> None:
        self.contracts: dict[str, Contract] = {}
        self.principal = 0
        self.proceeds = 0
        self.borrowing = 0
        self.paying = 0

    def owed_cash(self) -> int:
        """Return the principal and all interest that is owed, in e4."""
        return self.principal + sum([one.interest for one in self.contracts.values()])

    def fields(self) -> list[object]:
        """Return the contracts in order of id (for the hash)."""
        return [contract.fields() for _, contract in sorted(self.contracts.items())]

    def oldest_financed(self) -> list[Contract]:
        """Return financed contracts, the oldest first."""
        found = [one for one in self.contracts.values() if one.kind == FINANCED]
        found.sort(key=age_rank)
        return found
