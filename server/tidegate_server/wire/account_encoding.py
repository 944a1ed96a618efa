"""Outcomes of bookings and valuations to responses and effects, and back; see encoding.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    account_service_pb2,
)
from tidegate.v1.order_pb2 import VERDICT_ALLOW, VERDICT_REJECT
from tidegate_server.engine.account_outcomes import CashOutcome, PositionsOutcome, RevalueOutcome
from tidegate_server.engine.withdrawals import WITHDRAWAL

from .effects import (
    read_account_effects,
)
from .encoding import cut, figures_message, read_figures, read_rejection, rejection_message

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command
    from tidegate_server.engine.outcomes import Figures


def encode_cash(outcome: CashOutcome, command: Command) -> bytes:
    """Write an AdjustCashResponse; only a withdrawal has a verdict."""
    message = account_service_pb2.AdjustCashResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        cash_e4=outcome.cash_e4,
        replayed=outcome.replayed,
        rejections=[rejection_message(rejection) for rejection in outcome.rejections],
    )
    if outcome.rejections:
        message.verdict = VERDICT_REJECT
        message.max_withdrawal_e4 = cut(outcome.largest_e4)
    elif getattr(command, "kind", 0) == WITHDRAWAL:
        message.verdict = VERDICT_ALLOW
    return message.SerializeToString()


def decode_cash(response: bytes, effects: bytes, _command: Command) -> CashOutcome:
    """Read a booking of cash back."""
    message = account_service_pb2.AdjustCashResponse.FromString(response)
    outcome = CashOutcome(message.sequence, message.decided_time_ns, message.cash_e4)
    outcome.rejections = [read_rejection(rejection) for rejection in message.rejections]
    outcome.largest_e4 = message.max_withdrawal_e4
    read_account_effects(outcome, effects)
    return outcome


def decode_positions(response: bytes, effects: bytes, _command: Command) -> PositionsOutcome:
    """Read the setting of positions back."""
    message = account_service_pb2.SetPositionsResponse.FromString(response)
    outcome = PositionsOutcome(message.sequence, message.decided_time_ns)
    read_account_effects(outcome, effects)
    return outcome


def encode_revaluation(outcome: RevalueOutcome, command: Command) -> bytes:
    """Write a RevalueAccountsResponse."""
    message = account_service_pb2.RevalueAccountsResponse(
        sequence=outcome.sequence, decided_time_ns=outcome.decided_time_ns
    )
    account_ids: list[str] = getattr(command, "account_ids", [])
    for account_id, figures in zip(account_ids, outcome.valuations, strict=True):
        message.valuations.append(valuation_message(account_id, figures))
    return message.SerializeToString()


def valuation_message(account_id: str, figures: Figures | None) -> account_service_pb2.Valuation:
    """Return one account's valuation."""
    message = account_service_pb2.Valuation(account_id=account_id, valued=figures is not None)
    if figures is not None:
        message.figures.CopyFrom(figures_message(figures))
    return message


def decode_revaluation(response: bytes, effects: bytes, _command: Command) -> RevalueOutcome:
    """Read valuations back."""
    message = account_service_pb2.RevalueAccountsResponse.FromString(response)
    valuations = [
        read_figures(valuation.figures) if valuation.valued else None
        for valuation in message.valuations
    ]
    outcome = RevalueOutcome(message.sequence, message.decided_time_ns, valuations)
    read_account_effects(outcome, effects)
    return outcome
