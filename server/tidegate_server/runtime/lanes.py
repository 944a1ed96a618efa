"""Where calls wait: each method has its lane, and each lane is served in order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate_server.wire.methods import BY_NAME, METHODS

from .counters import INDEX

if TYPE_CHECKING:
    from collections import deque

    from tidegate_server.transport import Call

    #: When a call arrived, on the performance counter, and the call.
    Arrived = tuple[int, Call]

CHECK_ORDER: Final = BY_NAME["CheckOrder"].index

# The lane of a method, by its index: one look.
LANES: Final = tuple(int(method.lane) for method in METHODS)


def take(lane: deque[Arrived], limit: int, gone: set[int], counts: list[int]) -> list[Arrived]:
    """Take the next call, and if it is a CheckOrder those right behind it, `limit` at most.

    Calls whose callers have gone are dropped on the way, and counted.
    """
    taken: list[Arrived] = []
    while lane and len(taken) < limit:
        index = lane[0][1][1]
        if taken and index != CHECK_ORDER:
            break
        arrived = lane.popleft()
        if gone and arrived[1][0] in gone:
            gone.discard(arrived[1][0])
            counts[INDEX["calls_abandoned"]] += 1
            continue
        taken.append(arrived)
        if index != CHECK_ORDER:
            break
    return taken
