"""A process that has loaded the gate's program and forks one `tidegate serve` after the other.

It spares the second that loading takes, a hundred times. Its children run the same command. The
native front starts no thread before it is made, and grpcio is loaded by the children that use it,
so forking here is safe.

Lines in: `start CONFIG` (answered with the process id) and `wait ID` (answered with the exit code).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

import tidegate_server.cli.app
import tidegate_server.cli.starting
import tidegate_server.runtime.serve
import tidegate_server.transport.native  # noqa: F401
from tidegate_server.cli import main


def run() -> None:
    warm_up()
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "start":
            child = os.fork()
            if not child:
                serve(rest)
            answer(child)
        else:
            _, status = os.waitpid(int(rest), 0)
            answer(os.waitstatus_to_exitcode(status))


def warm_up() -> None:
    """Parse a command line once: what that loads takes longer than the rest of a start."""
    sys.argv = ["tidegate", "serve", "--data", os.devnull]
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        main()


def serve(config: str) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    home = os.path.dirname(config)  # noqa: PTH120 - of a path that is absolute
    os.chdir(home)
    os.dup2(os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    sys.argv = ["tidegate", "serve", "--config", config]
    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        os._exit(code if isinstance(code, int) else 1)


def answer(number: int) -> None:
    print(number, flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    run()
