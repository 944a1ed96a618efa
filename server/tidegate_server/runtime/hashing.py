"""When the follower works the state hash out: it takes as long as the state is large."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .counters import split_hash
from .sums_proof import SumsProof

if TYPE_CHECKING:
    from .proving import Prover

#: A state hash waits for a pause of the journal, when busy no longer than this.
QUIET_SECONDS: Final = 0.1
BUSY_SECONDS: Final = 10.0
#: It takes at most one part in so many of the time.
HASH_SHARE: Final = 20


class HashTimer:
    """Computes the state hash when the journal pauses, and bounds what that takes.

    With it the sums that the book keeps are added up from their parts; `problems` are those that
    differ and were not told yet.
    """

    __slots__ = (
        "_busy_at_s",
        "_not_before_s",
        "_sums",
        "parts",
        "problems",
        "proved",
        "seconds",
        "sequence",
    )

    def __init__(self) -> None:
        self.sequence = 0
        self.parts = (0, 0, 0)
        self.seconds = 0.0
        self.proved = -1
        self.problems: list[str] = []
        self._sums = SumsProof()
        self._not_before_s = 0.0
        self._busy_at_s = time.monotonic() + BUSY_SECONDS

    def step(self, prover: Prover, now_s: float, *, calm: bool) -> bool:
        """Hash if it is time; tell whether there is anything new to publish.

        `calm`: nobody else needs the time, as after a mark that led accounts past a line.
        """
        news = prover.sequence != self.proved
        self.proved = prover.sequence
        if prover.sequence == self.sequence or now_s < self._not_before_s:
            return news
        quiet = calm and not prover.is_behind and now_s - prover.last_record_at_s >= QUIET_SECONDS
        if not quiet and now_s < self._busy_at_s:
            return news
        begin_s = time.monotonic()
        self.parts = split_hash(prover.machine.state_hash())
        self.sequence = prover.sequence
        self.problems += self._sums.look(prover.machine.book)
        end_s = time.monotonic()
        self.seconds = end_s - begin_s
        self._not_before_s = end_s + self.seconds * HASH_SHARE
        self._busy_at_s = end_s + BUSY_SECONDS
        return True
