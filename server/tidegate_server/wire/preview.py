"""What an order would do, as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2, risk_service_pb2
from tidegate.v1.order_pb2 import VERDICT_ALLOW, VERDICT_REJECT

from .encoding import cut, figures_message, rejection_message
from .limit_views import shown

if TYPE_CHECKING:
    from tidegate_server.engine.outcomes import Figures
    from tidegate_server.engine.preview import PreviewOutcome, Share


def encode_preview(outcome: PreviewOutcome) -> bytes:
    """Write a PreviewOrderResponse."""
    check = outcome.check
    message = risk_service_pb2.PreviewOrderResponse(
        verdict=VERDICT_REJECT if check.rejections else VERDICT_ALLOW,
        rejections=[rejection_message(rejection) for rejection in check.rejections],
        warnings=[rejection_message(warning) for warning in check.warnings],
        as_of_sequence=check.sequence,
        decided_time_ns=check.decided_time_ns,
        policy_version=check.policy_version,
        max_acceptable_quantity=check.max_quantity,
        verified_exit=check.verified_exit,
        largest_quantity=outcome.largest,
        concentrations=[share_message(share) for share in outcome.shares],
        limits=shown(outcome.usages),
    )
    if outcome.limiting is not None:
        message.limiting.CopyFrom(rejection_message(outcome.limiting))
    if check.reserved_price_e4 >= 0:
        message.reserved_price_e4 = check.reserved_price_e4
    if outcome.before is not None:
        message.before.CopyFrom(figures_message(outcome.before))
    if outcome.after is not None:
        message.after.CopyFrom(figures_message(outcome.after))
    if outcome.before is not None and outcome.after is not None:
        message.change.CopyFrom(change_message(outcome.before, outcome.after))
    return message.SerializeToString()


def share_message(share: Share) -> risk_service_pb2.Concentration:
    """Return how much of the assets would be in one place."""
    return risk_service_pb2.Concentration(
        scope_kind=int(share.scope_kind),  # type: ignore[arg-type] # numbers are the contract's
        scope_id=share.scope_id,
        before_bps=share.before_bps,
        after_bps=share.after_bps,
        cap_bps=share.cap_bps,
        mode=policy_pb2.LIMIT_MODE_WARN if share.warns else policy_pb2.LIMIT_MODE_ON,
    )


def change_message(before: Figures, after: Figures) -> risk_service_pb2.Figures:
    """Return after less before."""
    return risk_service_pb2.Figures(
        cash_e4=cut(after.cash - before.cash),
        assets_e4=cut(after.assets - before.assets),
        debt_e4=cut(after.debt - before.debt),
        equity_e4=cut(after.equity - before.equity),
        gross_e4=cut(after.gross - before.gross),
        weighted_gross_e4=cut(after.weighted - before.weighted),
        initial_margin_e4=cut(after.initial - before.initial),
        maintenance_margin_e4=cut(after.maintenance - before.maintenance),
        available_e4=cut(after.available - before.available),
    )
