"""Repayments, returns, interest and fees of accounts under `cn_margin`: booked once an id.

Repaying and returning are refused beyond what is free for it; interest and fees are facts, and only
what would take back more than is owed is refused.
"""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - the same
from ..account_outcomes import CashOutcome  # noqa: TID252 - the same
from ..account_terms import AccountTerms  # noqa: TID252 - the same
from ..adjustments import known_booking  # noqa: TID252 - the same
from ..amounts import AMOUNT_BOUND  # noqa: TID252 - one level up is this room
from ..commands import MODEL_CN_MARGIN, Command  # noqa: TID252 - the same
from ..outcomes import Refusal  # noqa: TID252 - the same
from ..own_stops import freeze  # noqa: TID252 - the same
from ..reasons import ScopeKind  # noqa: TID252 - the same
from ..state import Book, roll_if_due  # noqa: TID252 - the same
from .booking import apply_change, collateral_of, credit_of, free_cash
from .changes import Change, give_back, repay
from .contracts import FINANCED
from .fills import change_in_bounds


class CreditFact(Command):
    """A booking of an account: `amount` is in e4, or shares of the instrument that is named."""

    __slots__ = ("account_id", "adjustment_id", "amount", "expected_sequence", "instrument_id")

    def __init__(
        self,
        principal: str,
        account_id: str,
        adjustment_id: str,
        expected_sequence: int,
        amount: int,
        instrument_id: str = "",
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.adjustment_id = adjustment_id
        self.expected_sequence = expected_sequence
        self.amount = amount
        self.instrument_id = instrument_id


class RepayCash(CreditFact):
    """Cash to repay financed contracts with."""

    __slots__ = ()


class ReturnShares(CreditFact):
    """Collateral to return to short contracts."""

    __slots__ = ()


class ChargeFee(CreditFact):
    """A fee of the account; negative takes back."""

    __slots__ = ()


class AccrueInterest(CreditFact):
    """Interest on a contract; negative takes back."""

    __slots__ = ("contract_id",)

    def __init__(
        self,
        principal: str,
        account_id: str,
        adjustment_id: str,
        expected_sequence: int,
        amount: int,
        contract_id: str,
    ) -> None:
        super().__init__(principal, account_id, adjustment_id, expected_sequence, amount)
        self.contract_id = contract_id


def content_of(command: CreditFact) -> str:
    """Return what a fact books, by which a repeat of its id is known."""
    if isinstance(command, RepayCash):
        return f"repay {command.amount}"
    if isinstance(command, ReturnShares):
        return f"return {command.amount} {command.instrument_id}"
    if isinstance(command, AccrueInterest):
        return f"interest {command.amount} {command.contract_id}"
    if isinstance(command, ChargeFee):
        return f"fee {command.amount}"
    raise TypeError("not a fact of the engine")


def decide_credit(
    book: Book, command: CreditFact, stale: Refusal | None, now_ns: int
) -> tuple[CashOutcome, Change | None] | Refusal:
    """Book a fact once an id; say what it changes, None for what was booked before.

    `stale` is why its sequence is not the account's. What would pass a bound changes nothing.
    """
    account = book.accounts.get(command.account_id)
    if account is None:
        return not_found("account", command.account_id)
    roll_if_due(book, account)
    known = known_booking(account, command.adjustment_id, content_of(command), now_ns)
    if known is not None:
        return known if isinstance(known, Refusal) else (known, None)
    if stale is not None:
        return stale
    if account.margin_model != MODEL_CN_MARGIN:
        return other_model(account, f"account {account.account_id} is not under cn_margin")
    change = change_of(account, command)
    if isinstance(change, Refusal):
        return change
    if not fits(account, command, change):
        change = Change()
    return CashOutcome(book.sequence + 1, now_ns, account.cash + change.cash), change


def change_of(account: Account, command: CreditFact) -> Change | Refusal:
    """Return what a fact changes, or why it cannot."""
    if isinstance(command, RepayCash):
        return change_of_repayment(account, command)
    if isinstance(command, ReturnShares):
        return change_of_return(account, command)
    if isinstance(command, AccrueInterest):
        return change_of_interest(account, command)
    if isinstance(command, ChargeFee):
        owed = account.interest_and_fees
        if command.amount < -owed:
            return more_than_free(account, "amount_e4", -command.amount, owed)
        change = Change()
        change.fees = command.amount
        return change
    raise TypeError("not a fact of cn_margin")


def change_of_repayment(account: Account, command: RepayCash) -> Change | Refusal:
    """Repay the oldest financed contracts first; what is left stays cash."""
    most = free_cash(account)
    if command.amount > most:
        return more_than_free(account, "amount_e4", command.amount, most)
    change = Change()
    left = repay(change, credit_of(account), command.amount, "")
    change.cash = left - command.amount
    return change


def change_of_return(account: Account, command: ReturnShares) -> Change | Refusal:
    """Return collateral that no open sale needs to the oldest short contracts first."""
    position = account.positions.get(command.instrument_id)
    holding = position.holding if position is not None else None
    most = 0
    if position is not None and holding is not None:
        beyond = holding.open_repay - holding.financed
        most = collateral_of(position) - holding.open_sell - (beyond if beyond > 0 else 0)
        if most > holding.owed:
            most = holding.owed
    if command.amount > most:
        return more_than_free(account, "quantity", command.amount, most)
    change = Change()
    change.long = -command.amount
    give_back(change, holding, command.amount)
    return change


def change_of_interest(account: Account, command: AccrueInterest) -> Change | Refusal:
    """Owe interest on a contract; one that owes nothing any more ends."""
    contract = credit_of(account).contracts.get(command.contract_id)
    if contract is None:
        return not_found("contract", command.contract_id)
    if command.amount < -contract.interest:
        return more_than_free(account, "amount_e4", -command.amount, contract.interest)
    change = Change()
    change.move(contract, 0, 0, command.amount)
    if contract.kind == FINANCED and not contract.amount + contract.interest + command.amount:
        change.move(contract, -contract.quantity, 0, 0)
    return change


def fits(account: Account, command: CreditFact, change: Change) -> bool:
    """Tell whether what a fact changes stays within the bounds of the arithmetic (1.4)."""
    owed = account.interest_and_fees + change.fees
    if isinstance(command, AccrueInterest):
        owed = credit_of(account).contracts[command.contract_id].interest + command.amount
    return owed <= AMOUNT_BOUND and change_in_bounds(account, command.instrument_id, change)


def apply_credit(
    book: Book, command: CreditFact, outcome: CashOutcome, sequence: int, time_ns: int
) -> None:
    """Book a fact; where a bound kept it from being booked, freeze the account."""
    account = book.accounts[command.account_id]
    roll_if_due(book, account)
    account.sequence = sequence
    account.adjustments[command.adjustment_id] = book.trading_date, content_of(command)
    change = change_of(account, command)
    if isinstance(change, Refusal):
        raise TypeError(change.message)  # it was decided on this very state
    if not fits(account, command, change):
        freeze(book, ScopeKind.ACCOUNT, account.account_id, "out of bounds", time_ns)
        return
    apply_change(book, account, book.instruments.get(command.instrument_id), change)
    account.cash = outcome.cash_e4


def is_empty(account: Account) -> bool:
    """Tell whether the margin model may change to or from `cn_margin`.

    Nothing is held, owed or open, and no execution is kept that a bust could still undo.
    """
    return not (
        account.active
        or account.open_order_count
        or any(entry.fill_quantity for entry in account.events.values())
    )


def model_refusal(book: Book, accounts: list[AccountTerms]) -> Refusal | None:
    """Refuse accounts of which one that is not empty would change to or from `cn_margin`."""
    for terms in accounts:
        account = book.accounts.get(terms.account_id)
        if account is None or account.margin_model == terms.margin_model:
            continue
        if MODEL_CN_MARGIN in (account.margin_model, terms.margin_model):
            roll_if_due(book, account)
            if not is_empty(account):
                return immutable_model(account)
    return None


def negative_refusal(account: Account | None, targets: list[tuple[str, int]]) -> Refusal | None:
    """Refuse collateral below 0: short debt stands in contracts."""
    if account is None or account.margin_model != MODEL_CN_MARGIN:
        return None
    for instrument_id, quantity in targets:
        if quantity < 0:
            return other_model(account, f"collateral in {instrument_id} cannot be below 0")
    return None


def immutable_model(account: Account) -> Refusal:
    """Say why the margin model cannot change now."""
    name = account.account_id
    return Refusal(
        "IMMUTABLE",
        f"margin_model of {name} cannot change to or from cn_margin before the account is empty: "
        "positions, contracts, open orders, executions of the day",
        {"field": "margin_model", "account_id": name},
    )


def more_than_free(account: Account, field: str, value: int, most: int) -> Refusal:
    """Say how much would have passed."""
    most = max(0, most)
    name = account.account_id
    return Refusal(
        "MORE_THAN_FREE",
        f"{field} {value} is more than account {name} has for it: at most {most}",
        {"account_id": name, "field": field, "value": str(value), "most": str(most)},
    )


def other_model(account: Account, message: str) -> Refusal:
    """Say that the account's margin model does not know what is asked."""
    figures = {"account_id": account.account_id, "margin_model": str(account.margin_model)}
    return Refusal("MARGIN_MODEL", message, figures)


def not_found(kind: str, name: str) -> Refusal:
    """Say what there is not."""
    return Refusal("NOT_FOUND", f"no {kind} {name}", {"kind": kind, "id": name})
