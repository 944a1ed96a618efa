"""What was decided of what staff asked: releases and policies."""

from __future__ import annotations

from .outcomes import Outcome


class ReleaseOutcome(Outcome):
    """A stop is taken back, or until when a second person may do it; 0 for taken back."""

    __slots__ = ("pending_until_ns",)

    def __init__(self, sequence: int, decided_time_ns: int, pending_until_ns: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.pending_until_ns = pending_until_ns
        self.replayed = False


class PolicyOutcome(Outcome):
    """A version is in force, or pending: then `loosened` says why.

    The last three are effects: the version that is no longer kept (0 for none), and the age of
    orders created so far where the new policy allows a greater one (0: as it was).
    """

    __slots__ = ("forgotten_version", "former_age_ns", "former_until_ns", "loosened", "version")

    def __init__(self, sequence: int, decided_time_ns: int, version: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.version = version
        self.loosened: list[str] = []
        self.forgotten_version = 0
        self.former_age_ns = 0
        self.former_until_ns = 0
        self.replayed = False


class OverrideOutcome(Outcome):
    """An override is kept; one that is `pending` counts only once it is approved."""

    __slots__ = ("pending",)

    def __init__(self, sequence: int, decided_time_ns: int, *, pending: bool) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.pending = pending
        self.replayed = False


class TierOutcome(Outcome):
    """An account is in a tier, or the move is `pending`; `raised` by its scorecard alone."""

    __slots__ = ("pending", "raised")

    def __init__(self, sequence: int, decided_time_ns: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.pending = False
        self.raised = False
        self.replayed = False
