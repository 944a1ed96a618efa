"""The gate's clock: never stands, never goes back, never jumps.

It runs with the monotonic clock and is drawn to the wall clock by at most a thousandth of the time
that passes. After a restart it goes on from the last record, even if the wall clock is behind.
"""

from __future__ import annotations

import time
from typing import Final

SLEW: Final = 1_000
ALARM_NS: Final = 10**9


class Clock:
    """Tells gate time in ns since the Unix epoch; `behind_ns` is the wall clock less it."""

    __slots__ = ("_gate_ns", "_monotonic_ns", "behind_ns")

    def __init__(self, floor_ns: int) -> None:
        self._monotonic_ns = time.monotonic_ns()
        self._gate_ns = max(floor_ns + 1, time.time_ns())
        self.behind_ns = time.time_ns() - self._gate_ns

    def now_ns(self) -> int:
        """Return the time, at least 1 ns later than the last one."""
        monotonic_ns = time.monotonic_ns()
        elapsed_ns = monotonic_ns - self._monotonic_ns
        self._monotonic_ns = monotonic_ns
        gate_ns = self._gate_ns + elapsed_ns
        behind_ns = time.time_ns() - gate_ns
        most = elapsed_ns // SLEW
        gate_ns += min(max(behind_ns, -most), most)
        self.behind_ns = behind_ns
        if gate_ns <= self._gate_ns:
            gate_ns = self._gate_ns + 1
        self._gate_ns = gate_ns
        return gate_ns

    @property
    def is_off(self) -> bool:
        """Tell whether the gap to the wall clock is over a second."""
        return not -ALARM_NS <= self.behind_ns <= ALARM_NS
