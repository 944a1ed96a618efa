"""4.15 ORDER_REPEATED: the same order over and over, and the latch that it leaves."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.latches import alike, latch_id, repeat_key
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def order_repeated(judged: Judgement) -> Rejection | None:
    """Refuse the order alike that is one too many, and what a latch keeps out.

    The count is of the order as it was sent, whatever quantity is tried (4.0.3).
    """
    order = judged.order
    account_id = judged.account.account_id
    latch = judged.book.latches.get((account_id, order.instrument_id))
    limit = judged.policy.repeat_count
    if limit and judged.policy.repeat_warns == judged.warning:
        count = alike(judged.policy, judged.account, order, judged.now_ns)
        if count >= limit:
            subject = latch.stop_id if latch is not None else ""
            if judged.warning:
                subject = ""
            elif not subject and order.order_id:  # a preview leaves no latch
                subject = latch_id(judged.book)
            return Rejection(
                RejectReason.ORDER_REPEATED, count, limit, ScopeKind.ACCOUNT, account_id, subject
            )
    if latch is None or judged.warning:
        return None
    is_exit = judged.asked_quantity <= judged.exit_room or judged.asked_quantity <= judged.old_room
    if is_exit and repeat_key(order) != latch.latched:
        return None
    return Rejection(
        RejectReason.ORDER_REPEATED,
        None,
        None,
        ScopeKind.ACCOUNT,
        account_id,
        latch.stop_id,
        f"{latch.principal}: {latch.reason}",
    )
