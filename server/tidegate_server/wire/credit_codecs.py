"""Repayments, returns, interest and fees under `cn_margin`: requests, responses, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tidegate.v1 import account_service_pb2, journal_pb2
from tidegate_server.engine.account_outcomes import CashOutcome
from tidegate_server.engine.amounts import AMOUNT_BOUND, QUANTITY_BOUND
from tidegate_server.engine.cn.facts import AccrueInterest, ChargeFee, RepayCash, ReturnShares

from .codec import Codec
from .decoding import parse
from .effects import account_effects, read_account_effects
from .validation import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.engine.commands import Command


def read_repayment(data: bytes, principal: str) -> RepayCash:
    """Read a RepayCashRequest."""
    request = parse(account_service_pb2.RepayCashRequest, data)
    problems = Problems()
    need_ids(request, problems)
    problems.need_range("amount_e4", request.amount_e4, 1, AMOUNT_BOUND)
    problems.refuse()
    return RepayCash(principal, *booked(request), request.amount_e4)


def read_return(data: bytes, principal: str) -> ReturnShares:
    """Read a ReturnSharesRequest."""
    request = parse(account_service_pb2.ReturnSharesRequest, data)
    problems = Problems()
    need_ids(request, problems)
    problems.need_id("instrument_id", request.instrument_id)
    problems.need_range("quantity", request.quantity, 1, QUANTITY_BOUND)
    problems.refuse()
    return ReturnShares(
        principal,
        *booked(request),
        request.quantity,
        request.instrument_id,
    )


def read_interest(data: bytes, principal: str) -> AccrueInterest:
    """Read an AccrueInterestRequest."""
    request = parse(account_service_pb2.AccrueInterestRequest, data)
    problems = Problems()
    need_ids(request, problems)
    if not request.contract_id:
        problems.add("contract_id", "must be set")
    need_change(request.amount_e4, problems)
    problems.refuse()
    return AccrueInterest(
        principal,
        *booked(request),
        request.amount_e4,
        request.contract_id,
    )


def read_fee(data: bytes, principal: str) -> ChargeFee:
    """Read a ChargeFeeRequest."""
    request = parse(account_service_pb2.ChargeFeeRequest, data)
    problems = Problems()
    need_ids(request, problems)
    need_change(request.amount_e4, problems)
    problems.refuse()
    return ChargeFee(
        principal,
        *booked(request),
        request.amount_e4,
    )


def booked(request: Any) -> tuple[str, str, int]:  # noqa: ANN401 - four requests alike
    """Return what every booking has: whose, under what id, at which sequence."""
    return request.account_id, request.adjustment_id, request.expected_sequence


def need_ids(request: Any, problems: Problems) -> None:  # noqa: ANN401 - four requests alike
    """Note what is wrong with the ids that every booking has."""
    problems.need_id("account_id", request.account_id)
    problems.need_id("adjustment_id", request.adjustment_id)


def need_change(amount: int, problems: Problems) -> None:
    """Note an amount that is out of bounds, or nothing at all."""
    problems.need_range("amount_e4", amount, -AMOUNT_BOUND, AMOUNT_BOUND)
    if not amount:
        problems.add("amount_e4", "must not be 0")


def booking(number: int, read: Callable[[bytes, str], Command], response: type[Any]) -> Codec:
    """Return the codec of a booking, whose response says cash after it."""

    def write_response(outcome: CashOutcome, _command: Command) -> bytes:
        message = response(
            sequence=outcome.sequence,
            decided_time_ns=outcome.decided_time_ns,
            cash_e4=outcome.cash_e4,
            replayed=outcome.replayed,
        )
        data: bytes = message.SerializeToString()
        return data

    def read_outcome(data: bytes, effects: bytes, _command: Command) -> CashOutcome:
        message = response.FromString(data)
        outcome = CashOutcome(message.sequence, message.decided_time_ns, message.cash_e4)
        read_account_effects(outcome, effects)
        return outcome

    return Codec(number, read, write_response, read_outcome, account_effects)


REPAY_CASH: Final = booking(
    journal_pb2.METHOD_REPAY_CASH, read_repayment, account_service_pb2.RepayCashResponse
)
RETURN_SHARES: Final = booking(
    journal_pb2.METHOD_RETURN_SHARES, read_return, account_service_pb2.ReturnSharesResponse
)
ACCRUE_INTEREST: Final = booking(
    journal_pb2.METHOD_ACCRUE_INTEREST, read_interest, account_service_pb2.AccrueInterestResponse
)
CHARGE_FEE: Final = booking(
    journal_pb2.METHOD_CHARGE_FEE, read_fee, account_service_pb2.ChargeFeeResponse
)
