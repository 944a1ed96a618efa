"""Bookings of accounts under cn_margin: repayments, returns, interest, fees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from tidegate_client._methods import Call


def repay_cash(
    account_id: str, adjustment_id: str, amount_e4: int, *, expected_sequence: int
) -> Call[accounts_pb.RepayCashResponse]:
    """Repay financed contracts out of free cash, the oldest first. A repeated id changes nothing.

    Raise ConflictError if it is more than the free cash, or the account has moved on.
    """
    request = accounts_pb.RepayCashRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        amount_e4=amount_e4,
        expected_sequence=expected_sequence,
    )
    return call_of("AccountService/RepayCash", request, accounts_pb.RepayCashResponse.FromString)


def return_shares(
    account_id: str,
    adjustment_id: str,
    instrument_id: str,
    quantity: int,
    *,
    expected_sequence: int,
) -> Call[accounts_pb.ReturnSharesResponse]:
    """Return collateral to short contracts, the oldest first. A repeated id changes nothing.

    Raise ConflictError if it is more than is owed or free, or the account has moved on.
    """
    request = accounts_pb.ReturnSharesRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        instrument_id=instrument_id,
        quantity=quantity,
        expected_sequence=expected_sequence,
    )
    decode = accounts_pb.ReturnSharesResponse.FromString
    return call_of("AccountService/ReturnShares", request, decode)


def accrue_interest(
    account_id: str,
    adjustment_id: str,
    contract_id: str,
    amount_e4: int,
    *,
    expected_sequence: int,
) -> Call[accounts_pb.AccrueInterestResponse]:
    """Book interest on a contract; negative takes back. A repeated id changes nothing.

    Raise NotFoundError for an unknown contract and ConflictError if the account has moved on.
    """
    request = accounts_pb.AccrueInterestRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        contract_id=contract_id,
        amount_e4=amount_e4,
        expected_sequence=expected_sequence,
    )
    decode = accounts_pb.AccrueInterestResponse.FromString
    return call_of("AccountService/AccrueInterest", request, decode)


def charge_fee(
    account_id: str, adjustment_id: str, amount_e4: int, *, expected_sequence: int
) -> Call[accounts_pb.ChargeFeeResponse]:
    """Book a fee that the account owes; negative takes back. A repeated id changes nothing.

    Raise ConflictError if the account has moved on from `expected_sequence`.
    """
    request = accounts_pb.ChargeFeeRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        amount_e4=amount_e4,
        expected_sequence=expected_sequence,
    )
    return call_of("AccountService/ChargeFee", request, accounts_pb.ChargeFeeResponse.FromString)
