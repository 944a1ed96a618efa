"""Where an account's lists of open orders stand (7.4)."""

from __future__ import annotations

from .life_commands import ReconcileOrders
from .life_outcomes import ReconcileOutcome


class Reconciliation:
    """Where an account's lists stand: the one that was compared last, and the pages of the next.

    `outcome` is None before the first list is complete; the page's record is of the last page of a
    list that is not.
    """

    __slots__ = (
        "list_time_ns",
        "outcome",
        "page_sequence",
        "page_time_ns",
        "pages",
        "session_id",
    )

    def __init__(self) -> None:
        self.session_id = ""
        self.list_time_ns = 0
        self.outcome: ReconcileOutcome | None = None
        self.pages: list[ReconcileOrders] = []
        self.page_sequence = 0
        self.page_time_ns = 0

    def fields(self) -> list[object]:
        """Return its attributes for a hash."""
        found: list[object] = [self.session_id, self.list_time_ns]
        if self.outcome is not None:
            found += [self.outcome.sequence, self.outcome.decided_time_ns]
            found += [(d.order_id, d.kind, d.state, d.reserved) for d in self.outcome.differences]
        if self.pages:
            found += [self.pages[0].session_id, self.pages[0].list_time_ns, len(self.pages)]
            found += [self.page_sequence, self.page_time_ns]
        for page in self.pages:
            found += [(one.order.order_id, one.order.quantity, one.filled) for one in page.listed]
            found += [one.order.margin_kind for one in page.listed if one.order.margin_kind]
        return found
