"""Outcomes to responses and effects, and back: decode(encode(outcome)) == outcome.

A response is what the caller is told; effects are what the caller is not told and evolve needs.
Both are in the record, so an outcome can be read back from it whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    journal_pb2,
    risk_service_pb2,
)
from tidegate.v1.order_pb2 import VERDICT_ALLOW, VERDICT_REJECT
from tidegate.v1.order_pb2 import Rejection as RejectionMessage
from tidegate_server.engine.amounts import INT64_MAX
from tidegate_server.engine.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Figures,
    Outcome,
)
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind

from .allows import encode_allow, encode_allow_in_batch, is_plain_allow
from .effects import check_effects, read_effects
from .varints import varint

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from tidegate_server.engine.commands import Command

_CheckOrderResponse = risk_service_pb2.CheckOrderResponse
_CheckEffects = journal_pb2.CheckEffects
# The tags of a batch's answers, and of its orders' effects.
_ANSWERS = b"\x0a"
_ORDERS = b"\x22"


def encode_check(outcome: CheckOutcome, _command: Command) -> bytes:
    """Write a CheckOrderResponse."""
    if is_plain_allow(outcome):
        return encode_allow(outcome)
    return check_message(outcome).SerializeToString()


def check_message(
    outcome: CheckOutcome, *, in_batch: bool = False
) -> risk_service_pb2.CheckOrderResponse:
    """Return the answer to one order; in a batch, what the batch says once is left out."""
    message = _CheckOrderResponse(
        verdict=VERDICT_ALLOW if outcome.allowed else VERDICT_REJECT,
        rejections=[rejection_message(rejection) for rejection in outcome.rejections],
        warnings=[rejection_message(warning) for warning in outcome.warnings],
        verified_exit=outcome.verified_exit,
        replayed=outcome.replayed,
        order_state=outcome.order_state,  # type: ignore[arg-type] # numbers are the contract's
    )
    if outcome.replayed or not in_batch:
        message.sequence = outcome.sequence
        message.decided_time_ns = outcome.decided_time_ns
        message.policy_version = outcome.policy_version
    if outcome.reserved_price_e4 >= 0:
        message.reserved_price_e4 = outcome.reserved_price_e4
    if outcome.acknowledge_by_ns:
        message.acknowledge_by_time_ns = outcome.acknowledge_by_ns
    if outcome.max_quantity >= 0:
        message.max_acceptable_quantity = outcome.max_quantity
    return message


def rejection_message(rejection: Rejection) -> RejectionMessage:
    """Return one reason with its figures."""
    return RejectionMessage(
        reason=int(rejection.reason),  # type: ignore[arg-type] # numbers are the contract's
        measured=rejection.measured,
        limit=rejection.limit,
        scope_kind=int(rejection.scope_kind),  # type: ignore[arg-type] # the same
        scope_id=rejection.scope_id,
        subject=rejection.subject,
        note=rejection.note,
    )


def decode_check(response: bytes, effects: bytes, _command: Command) -> CheckOutcome:
    """Read an outcome back."""
    message = _CheckOrderResponse.FromString(response)
    return read_check(message, _CheckEffects.FromString(effects))


def read_check(
    message: risk_service_pb2.CheckOrderResponse, effects: journal_pb2.CheckEffects
) -> CheckOutcome:
    """Read one order's outcome back."""
    outcome = CheckOutcome(
        message.sequence,
        message.decided_time_ns,
        message.policy_version,
        tuple(read_rejection(rejection) for rejection in message.rejections),
    )
    outcome.allowed = message.verdict == VERDICT_ALLOW
    outcome.warnings = tuple(read_rejection(warning) for warning in message.warnings)
    if message.HasField("reserved_price_e4"):
        outcome.reserved_price_e4 = message.reserved_price_e4
    outcome.acknowledge_by_ns = message.acknowledge_by_time_ns
    if message.HasField("max_acceptable_quantity"):
        outcome.max_quantity = message.max_acceptable_quantity
    outcome.verified_exit = message.verified_exit
    outcome.replayed = message.replayed
    outcome.order_state = message.order_state
    read_effects(outcome, effects)
    return outcome


def read_rejection(message: RejectionMessage) -> Rejection:
    """Read one reason back."""
    return Rejection(
        RejectReason(message.reason),
        message.measured if message.HasField("measured") else None,
        message.limit if message.HasField("limit") else None,
        ScopeKind(message.scope_kind),
        message.scope_id,
        message.subject,
        message.note,
    )


def encode_checks(outcome: BatchOutcome, _command: Command) -> bytes:
    """Write a CheckOrdersResponse."""
    said_once = risk_service_pb2.CheckOrdersResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        policy_version=outcome.policy_version,
        replayed=outcome.replayed,
    ).SerializeToString()
    answers = [
        encode_allow_in_batch(answer)
        if is_plain_allow(answer)
        else check_message(answer, in_batch=True).SerializeToString()
        for answer in outcome.answers
    ]
    return _repeated(_ANSWERS, answers) + said_once


def checks_effects(outcome: BatchOutcome, command: Command) -> bytes:
    """Write the effects of a batch."""
    own = _CheckEffects(keep_until_time_ns=outcome.keep_until_ns).SerializeToString()
    return own + _repeated(_ORDERS, [check_effects(one, command) for one in outcome.answers])


def _repeated(tag: bytes, messages: list[bytes]) -> bytes:
    """Write a repeated field: each message after the tag and its length."""
    parts: list[bytes] = []
    for message in messages:
        parts += (tag, varint(len(message)), message)
    return b"".join(parts)


def decode_checks(response: bytes, effects: bytes, _command: Command) -> BatchOutcome:
    """Read a batch's outcome back."""
    message = risk_service_pb2.CheckOrdersResponse.FromString(response)
    return read_checks(message, _CheckEffects.FromString(effects))


def read_checks(
    message: risk_service_pb2.CheckOrdersResponse, effects: journal_pb2.CheckEffects
) -> BatchOutcome:
    """Read a batch's outcome back; what it says once goes to every answer that is no repeat."""
    answers = []
    for answer, effect in zip(message.answers, effects.orders, strict=True):
        outcome = read_check(answer, effect)
        if not outcome.replayed:
            outcome.sequence = message.sequence
            outcome.decided_time_ns = message.decided_time_ns
            outcome.policy_version = message.policy_version
        answers.append(outcome)
    batch = BatchOutcome(message.sequence, message.decided_time_ns, message.policy_version, answers)
    batch.keep_until_ns = effects.keep_until_time_ns
    return batch


def figures_message(figures: Figures) -> risk_service_pb2.Figures:
    """Return an account's figures."""
    message = risk_service_pb2.Figures(
        cash_e4=cut(figures.cash),
        assets_e4=cut(figures.assets),
        debt_e4=cut(figures.debt),
        equity_e4=cut(figures.equity),
        gross_e4=cut(figures.gross),
        weighted_gross_e4=cut(figures.weighted),
        initial_margin_e4=cut(figures.initial),
        maintenance_margin_e4=cut(figures.maintenance),
        available_e4=cut(figures.available),
    )
    if figures.ratio_bps >= 0:
        message.ratio_bps = figures.ratio_bps
    if figures.leverage_bps >= 0:
        message.leverage_bps = figures.leverage_bps
    return message


def cut(figure: int) -> int:
    """Return a figure cut to 64 bits: only facts beyond the bounds of 1.4 lead past them."""
    return min(max(figure, -INT64_MAX), INT64_MAX)


def read_figures(message: risk_service_pb2.Figures) -> Figures:
    """Read an account's figures back."""
    return Figures(
        message.cash_e4,
        message.assets_e4,
        message.debt_e4,
        message.gross_e4,
        message.weighted_gross_e4,
        message.initial_margin_e4,
        message.maintenance_margin_e4,
        message.ratio_bps if message.HasField("ratio_bps") else -1,
        message.leverage_bps if message.HasField("leverage_bps") else -1,
    )


def plain(kind: type[Message]) -> Callable[[Outcome, Command], bytes]:
    """Return the encoder of a response that says sequence and time only."""

    def encode(outcome: Outcome, _command: Command) -> bytes:
        message = kind(sequence=outcome.sequence, decided_time_ns=outcome.decided_time_ns)
        return message.SerializeToString()

    return encode


def read_plain(kind: type[Message]) -> Callable[[bytes, bytes, Command], Outcome]:
    """Return the decoder of such a response."""

    def decode(response: bytes, _effects: bytes, _command: Command) -> Outcome:
        message = kind.FromString(response)
        return Outcome(message.sequence, message.decided_time_ns)  # type: ignore[attr-defined] # every such kind has both

    return decode
