"""A process that serves until it is told to stop: `child.py TRANSPORT LISTEN MODE`.

MODE "flag" sets a flag on SIGTERM, as the gate does; "plain" has Python's own.
It prints "bound", and at the end how many calls it was handed.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from tidegate_server.transport import STOP, Call, Directory, FrontConfig, Principal, open_front

if TYPE_CHECKING:
    from types import FrameType


def main(transport: str, listen: str, mode: str) -> None:
    directory = Directory([Principal("local", frozenset({"router"}))])
    config = FrontConfig(listen, transport=transport)  # type: ignore[arg-type]
    front = open_front(config, ["/a.B/C"], directory, [1024])
    stopping = bound = False
    count = 0

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    def turn(calls: list[Call]) -> float:
        nonlocal bound, count
        if not bound:
            bound = True
            print("bound", flush=True)  # noqa: T201 - what the parent waits for
        if calls:
            time.sleep(0.002)  # a commit
        for call_id, _, payload, _ in calls:
            front.reply(call_id, payload)
        count += len(calls)
        return STOP if stopping else 60.0

    if mode == "flag":
        signal.signal(signal.SIGTERM, stop)
    else:  # whoever started the tests in the background left SIGINT ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
    front.run(turn)
    print(count, flush=True)  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    main(*sys.argv[1:])
