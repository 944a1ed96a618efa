"""What stands in the way of orders until a person takes it back: halts, reduce-only, latches."""

from __future__ import annotations

from .reasons import ScopeKind

GATE = "gate"

# What makes two orders alike: instrument, side, price (0 of a market order), quantity (4.15).
RepeatKey = tuple[str, int, int, int]


class Stop:
    """A halt, reduce-only or latch that stands, the record that set it, who asked for its release.

    `latched` is what was repeated: of a latch only, which stands on its account and instrument.
    """

    __slots__ = (
        "kind",
        "latched",
        "principal",
        "reason",
        "release_principal",
        "release_sequence",
        "release_time_ns",
        "scope_id",
        "scope_kind",
        "sequence",
        "set_time_ns",
        "stop_id",
    )

    def __init__(
        self,
        stop_id: str,
        kind: int,
        scope_kind: int,
        scope_id: str,
        principal: str,
        reason: str,
        set_time_ns: int,
        sequence: int,
        latched: RepeatKey | None = None,
    ) -> None:
        self.stop_id = stop_id
        self.sequence = sequence
        self.kind = kind
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.principal = principal
        self.reason = reason
        self.set_time_ns = set_time_ns
        self.latched = latched
        self.release_principal = ""
        self.release_time_ns = 0
        self.release_sequence = 0


def stop_id_of(stop: Stop) -> str:
    """Return the id, for sorting."""
    return stop.stop_id


def frozen_id(scope_kind: ScopeKind, scope_id: str) -> str:
    """Return the id of the halt that freezes an account or instrument."""
    return f"frozen-{scope_kind.name}-{scope_id}"
