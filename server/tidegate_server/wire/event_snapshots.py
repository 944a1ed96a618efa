"""Event ids and contracts in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2, journal_pb2
from tidegate_server.engine.cn.changes import Change
from tidegate_server.engine.cn.contracts import Contract, age_rank
from tidegate_server.engine.cn.saved import take_contract
from tidegate_server.engine.order import EventEntry

if TYPE_CHECKING:
    from tidegate_server.engine.account import Account
    from tidegate_server.engine.state import Book


def event_message(event_id: str, entry: EventEntry) -> journal_pb2.RestoreEvent:
    """Return one event id that is kept."""
    message = journal_pb2.RestoreEvent(
        event_id=event_id,
        trade_date=entry.trade_date,
        instrument_id=entry.instrument_id,
        fill_quantity=entry.fill_quantity,
        cash_change_e4=entry.cash_change,
        busted=entry.busted,
        price_e4=entry.price_e4,
        source=entry.source,
    )
    change = entry.change
    if change is not None:
        message.margin_change.long_quantity = change.long
        message.margin_change.fees_e4 = change.fees
        message.margin_change.contracts.extend([contract_message(one) for one in change.moves])
    return message


def read_event(message: journal_pb2.RestoreEvent) -> EventEntry:
    """Read one event back."""
    entry = EventEntry(message.trade_date)
    entry.instrument_id = message.instrument_id
    entry.fill_quantity = message.fill_quantity
    entry.cash_change = message.cash_change_e4
    entry.busted = message.busted
    entry.price_e4 = message.price_e4
    entry.source = message.source
    if message.HasField("margin_change"):
        change = Change()
        change.cash = entry.cash_change
        change.long = message.margin_change.long_quantity
        change.fees = message.margin_change.fees_e4
        change.moves = [read_contract(one) for one in message.margin_change.contracts]
        entry.change = change
    return entry


def contract_message(contract: Contract) -> account_service_pb2.MarginContract:
    """Return one contract, or the differences of its figures."""
    return account_service_pb2.MarginContract(
        contract_id=contract.contract_id,
        kind=contract.kind,  # type: ignore[arg-type] # numbers are the contract's
        instrument_id=contract.instrument_id,
        opened_time_ns=contract.opened_time_ns,
        ratio_bps=contract.ratio_bps,
        quantity=contract.quantity,
        amount_e4=contract.amount,
        interest_e4=contract.interest,
    )


def contract_messages(account: Account) -> list[account_service_pb2.MarginContract]:
    """Return an account's contracts, the oldest first."""
    if account.credit is None:
        return []
    found = sorted(account.credit.contracts.values(), key=age_rank)
    return [contract_message(contract) for contract in found]


def read_contract(message: account_service_pb2.MarginContract) -> Contract:
    """Read one contract back."""
    return Contract(
        message.contract_id,
        message.kind,
        message.instrument_id,
        message.opened_time_ns,
        message.ratio_bps,
        message.quantity,
        message.amount_e4,
        message.interest_e4,
    )


def load_contracts(book: Book, account: Account, message: journal_pb2.RestoreAccount) -> None:
    """Put an account's contracts back, before its positions are counted."""
    for one in message.contracts:
        account.position_in(book.instruments[one.instrument_id])
        take_contract(account, read_contract(one))
