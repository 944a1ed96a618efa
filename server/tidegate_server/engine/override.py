"""One override as the book keeps it (8.3)."""

from __future__ import annotations

from .due import Rank
from .limit import Limit
from .reasons import ScopeKind


class Override:
    """One limit of one scope to be another until `expiry_time_ns`.

    `approver` is empty until it was approved. `tightening` says that it was one when it was
    proposed: then it counts without an approval, wherever it is no looser.
    """

    __slots__ = (
        "approved_sequence",
        "approved_time_ns",
        "approver",
        "expiry_time_ns",
        "limit",
        "name",
        "override_id",
        "proposed_sequence",
        "proposed_time_ns",
        "proposer",
        "reason",
        "scope_id",
        "scope_kind",
        "tightening",
    )

    def __init__(
        self,
        override_id: str,
        scope_kind: ScopeKind,
        scope_id: str,
        name: str,
        limit: Limit,
        reason: str,
        expiry_time_ns: int,
        proposer: str,
        proposed_time_ns: int,
        proposed_sequence: int,
        *,
        tightening: bool,
    ) -> None:
        self.override_id = override_id
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.name = name
        self.limit = limit
        self.reason = reason
        self.expiry_time_ns = expiry_time_ns
        self.proposer = proposer
        self.proposed_time_ns = proposed_time_ns
        self.proposed_sequence = proposed_sequence
        self.approver = ""
        self.approved_time_ns = 0
        self.approved_sequence = 0
        self.tightening = tightening

    def content(self) -> tuple[object, ...]:
        """Return what was proposed, and by whom: a repeat says the same."""
        limit = self.limit
        return (
            int(self.scope_kind),
            self.scope_id,
            self.name,
            (limit.value, limit.burst, limit.warns),
            self.reason,
            self.expiry_time_ns,
            self.proposer,
        )


def place_of(override: Override) -> int:
    """Return the record from which on an override counts; the newest decides."""
    return override.approved_sequence or override.proposed_sequence


def override_rank(override: Override) -> Rank:
    """Return when an override ends, ties by record."""
    return override.expiry_time_ns, override.proposed_sequence, override.override_id, ""
