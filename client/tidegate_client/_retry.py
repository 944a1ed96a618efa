"""When a call is sent again: a pure count of attempts within one deadline.

Two mechanisms, for two kinds of call:

- Reads and commands with ids of their own are retried by gRPC itself, for UNAVAILABLE only, by the
  service config below.
- Orders and reports must survive a lost connection and an answer that never comes, too. They carry
  idempotency keys, so the client repeats the same bytes, each attempt with a shorter deadline of
  its own, until the deadline of the whole call.

Everything else is sent once: a repeat could overwrite what another writer set in between, and a
mark without a time would be taken for a fresh one.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidegate_client._errors import TidegateError

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.4
LEAST_ATTEMPT_S = 0.005  # what is left of a deadline below this is not worth an attempt
_REPEATED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,  # a stream reset by the far side
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, and one attempt of it, in seconds."""

    timeout_s: float
    attempt_timeout_s: float

    def __post_init__(self) -> None:
        """Refuse a call without an end."""
        for name in ("timeout_s", "attempt_timeout_s"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be positive and finite, not {getattr(self, name)}")


class Attempts:
    """The attempts of one call: how long each may take, and whether another one follows.

    Times are arguments (a monotonic clock, seconds), so this knows no clock and never sleeps.
    """

    __slots__ = ("_attempt_s", "_doubtful", "_draw", "_end", "_pause")

    def __init__(
        self,
        end: float,
        attempt_s: float | None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Begin a call that ends at `end`; `attempt_s` of None allows one attempt only."""
        self._end = end
        self._attempt_s = attempt_s
        self._pause = FIRST_PAUSE_S
        self._draw = draw
        self._doubtful = False

    def timeout(self, now: float) -> float:
        """Say how long the attempt that starts now may take."""
        left = max(self._end - now, 0.0)
        return left if self._attempt_s is None else min(left, self._attempt_s)

    def pause_after(self, error: TidegateError, now: float) -> float | None:
        """Say how long to wait before the next attempt; None if this error is final.

        A final error proves that nothing was decided only if every attempt before it does.
        """
        self._doubtful |= not error.nothing_decided
        error.nothing_decided = not self._doubtful
        if self._attempt_s is None or error.code not in _REPEATED:
            return None
        pause = jittered(self._pause, self._draw)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
        return pause if now + pause + LEAST_ATTEMPT_S <= self._end else None


def jittered(pause: float, draw: Callable[[], float] = random.random) -> float:
    """Spread a pause over its upper half, so that callers do not return all at once."""
    return pause * (0.5 + draw() / 2)


def service_config(paths: Sequence[str]) -> str:
    """Write the gRPC service config that retries these methods for UNAVAILABLE only."""
    names = []
    for path in paths:
        _, service, method = path.split("/")
        names.append({"service": service, "method": method})
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.05s",
        "maxBackoff": "0.5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})
