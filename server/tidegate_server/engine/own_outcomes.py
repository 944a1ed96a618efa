"""What the gate's own commands come to; see outcomes.py."""

from __future__ import annotations

from .outcomes import Outcome


class EpochOutcome(Outcome):
    """The epoch has begun; every unanswered order's time limit is at least this."""

    __slots__ = ("acknowledge_by_ns",)

    def __init__(self, sequence: int, decided_time_ns: int, acknowledge_by_ns: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.acknowledge_by_ns = acknowledge_by_ns
        self.replayed = False


class TickOutcome(Outcome):
    """What fell due: orders now unconfirmed, orders and batches forgotten, overrides ended."""

    __slots__ = ("ended_overrides", "forgotten", "forgotten_batches", "unconfirmed")

    def __init__(
        self,
        sequence: int,
        decided_time_ns: int,
        unconfirmed: list[tuple[str, str]],
        forgotten: list[tuple[str, str]],
        forgotten_batches: list[str],
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.unconfirmed = unconfirmed
        self.forgotten = forgotten
        self.forgotten_batches = forgotten_batches
        self.ended_overrides: list[str] = []
        self.replayed = False
