"""Load the sample market into a gate, through its front door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate_server.cli.calls import error_info
from tidegate_server.sample import market

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidegate_server.cli.calls import Gate

_TRIES = 5


def load_sample(
    gate: Gate,
    accounts: int = market.ACCOUNT_COUNT,
    seed: int = market.SEED,
    *,
    wait: bool = False,
) -> str:
    """Load instruments, marks, factors and accounts, and say so; `wait` for a gate that starts.

    Does nothing to a gate that has accounts. Raises grpc.RpcError.
    """
    status = gate.call(gate.control.GetStatus, control_pb2.GetStatusRequest(), wait=wait)
    if status.account_count:
        return f"the gate has {status.account_count} accounts already: nothing was loaded"
    if not status.trading_date:
        gate.call(gate.market.RollDay, market.trading_day())
    instruments = market.instruments()
    gate.call(gate.market.UpsertInstruments, instruments)
    gate.call(gate.market.SetSession, market.session())
    gate.call(gate.market.UpdateVolatility, market.volatility())
    gate.call(gate.market.UpdateMarks, market.first_marks())
    load_holders(gate, market.holders(accounts, seed))
    count = len(instruments.instruments)
    return f"sample market loaded: {count} instruments, {accounts} accounts"


def load_holders(gate: Gate, holders: Sequence[market.Holder]) -> None:
    """Create the accounts, then book cash and positions of each.

    What is owed comes last: an account that owes before it has anything would be past every line.
    """
    request = accounts_pb2.UpsertAccountsRequest(accounts=[holder.account for holder in holders])
    created = gate.call(gate.accounts.UpsertAccounts, request).sequence
    for holder in holders:
        sequence = created
        writes = [_book_cash] if holder.cash_e4 else []
        if holder.positions:
            writes.insert(len(writes) if holder.cash_e4 > 0 else 0, _set_positions)
        for write in writes:
            sequence = _at_sequence(gate, holder, sequence, write)


def _book_cash(gate: Gate, holder: market.Holder, sequence: int) -> int:
    deposit = holder.cash_e4 > 0
    request = accounts_pb2.AdjustCashRequest(
        account_id=holder.account.account_id,
        adjustment_id="opening",
        kind=accounts_pb2.CASH_KIND_DEPOSIT if deposit else accounts_pb2.CASH_KIND_CORRECTION,
        amount_e4=holder.cash_e4,
        expected_sequence=sequence,
    )
    return gate.call(gate.accounts.AdjustCash, request).sequence


def _set_positions(gate: Gate, holder: market.Holder, sequence: int) -> int:
    request = accounts_pb2.SetPositionsRequest(
        account_id=holder.account.account_id,
        positions=[
            accounts_pb2.PositionTarget(instrument_id=symbol, quantity=quantity)
            for symbol, quantity in holder.positions.items()
        ],
        expected_sequence=sequence,
    )
    return gate.call(gate.accounts.SetPositions, request).sequence


def _at_sequence(
    gate: Gate,
    holder: market.Holder,
    sequence: int,
    write: Callable[[Gate, market.Holder, int], int],
) -> int:
    """Write at the account's sequence; read it again when a revaluation came in between."""
    for _ in range(_TRIES):
        try:
            return write(gate, holder, sequence)
        except grpc.RpcError as error:
            info = error_info(error)
            if info is None or not info.reason.endswith("STALE_SEQUENCE"):
                raise
        request = accounts_pb2.GetAccountRequest(account_id=holder.account.account_id)
        sequence = gate.call(gate.accounts.GetAccount, request).account.sequence
    return write(gate, holder, sequence)
