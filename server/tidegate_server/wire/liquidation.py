"""A liquidation plan as an answer (8.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2
from tidegate_server.engine.liquidation import plan_liquidation
from tidegate_server.engine.outcomes import Refusal

from . import decoding
from .encoding import cut
from .errors import CallError, not_found, refused

if TYPE_CHECKING:
    from tidegate_server.engine.cancelling import Cancel
    from tidegate_server.engine.liquidation import Blocked, Plan, Trade
    from tidegate_server.engine.state import Book


def plan(book: Book, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
    """Say how an account could get back to a ratio."""
    asked = decoding.parse(control_service_pb2.PlanLiquidationRequest, request)
    account = book.accounts.get(asked.account_id)
    if account is None:
        return not_found("account", asked.account_id)
    found = plan_liquidation(book, account, now_ns)
    if isinstance(found, Refusal):
        return refused(found)
    message = plan_message(found)
    message.as_of_sequence = book.sequence
    message.planned_time_ns = now_ns
    message.policy_version = book.policy.version if book.policy is not None else 0
    return message.SerializeToString()


def plan_message(found: Plan) -> control_service_pb2.PlanLiquidationResponse:
    """Return a plan without its place in the journal."""
    return control_service_pb2.PlanLiquidationResponse(
        target_ratio_bps=found.target_bps,
        before_ratio_bps=None if found.before_bps < 0 else found.before_bps,
        after_ratio_bps=None if found.after_bps < 0 else found.after_bps,
        reachable=found.reachable,
        shortfall_e4=cut(found.shortfall_e4),
        cancels=[cancel_message(cancel) for cancel in found.cancels],
        stages=[
            control_service_pb2.PlannedStage(trades=[trade_message(trade) for trade in stage])
            for stage in found.stages
        ],
        blocked=[blocked_message(blocked) for blocked in found.blocked],
        cut=found.cut,
        repay_e4=found.repay_e4,
    )


def cancel_message(cancel: Cancel) -> control_service_pb2.PlannedCancel:
    """Return one order to cancel."""
    return control_service_pb2.PlannedCancel(
        order_id=cancel.order.order_id,
        instrument_id=cancel.command.instrument_id,
        side=cancel.command.side,  # type: ignore[arg-type] # numbers are the contract's
        reserved_quantity=cancel.order.reserved,
        rise_e4=cut(cancel.rise_e4),
    )


def trade_message(trade: Trade) -> control_service_pb2.PlannedTrade:
    """Return one sale or purchase."""
    return control_service_pb2.PlannedTrade(
        instrument_id=trade.instrument_id,
        side=trade.side,  # type: ignore[arg-type] # numbers are the contract's
        quantity=trade.quantity,
        price_e4=trade.price_e4,
        amount_e4=cut(trade.amount_e4),
        factor_bps=trade.factor_bps,
        weight_band=trade.weight_band,
        margin_kind=trade.margin_kind,  # type: ignore[arg-type] # the same
        ratio_bps=None if trade.ratio_bps < 0 else trade.ratio_bps,
        shortfall_e4=cut(trade.shortfall_e4),
    )


def blocked_message(blocked: Blocked) -> control_service_pb2.BlockedPosition:
    """Return what cannot be traded."""
    return control_service_pb2.BlockedPosition(
        instrument_id=blocked.instrument_id,
        quantity=blocked.quantity,
        reason=blocked.why,  # type: ignore[arg-type] # numbers are the contract's
    )
