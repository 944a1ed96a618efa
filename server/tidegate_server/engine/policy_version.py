"""One version of the policy as the book keeps it (8.2)."""

from __future__ import annotations

from .policy import Policy


class PolicyVersion:
    """One version of the policy: the document, where it came from and what became of it.

    `activated_sequence` is 0 until it came into force, `withdrawer` empty until it was withdrawn,
    `approver` of a tightening too.
    """

    __slots__ = (
        "activated_sequence",
        "activated_time_ns",
        "approver",
        "base_version",
        "loosened",
        "policy",
        "proposed_sequence",
        "proposed_time_ns",
        "proposer",
        "withdrawer",
        "withdrawn_time_ns",
    )

    def __init__(
        self,
        policy: Policy,
        base_version: int,
        proposer: str,
        proposed_time_ns: int,
        proposed_sequence: int,
        loosened: list[str],
    ) -> None:
        self.policy = policy
        self.base_version = base_version
        self.proposer = proposer
        self.proposed_time_ns = proposed_time_ns
        self.proposed_sequence = proposed_sequence
        self.loosened = loosened
        self.approver = ""
        self.activated_time_ns = 0
        self.activated_sequence = 0
        self.withdrawer = ""
        self.withdrawn_time_ns = 0
