"""A process that has loaded the gate's program and forks one `tidegate` command after the other.

It spares the second that loading takes, a hundred times. Its children run the same commands. The
native front starts no thread before it is made, and grpcio is loaded by the children that use it,
so forking here is safe.

Lines in: `start CONFIG` (answered with the process id), `wait ID` (answered with the exit code) and
`run FOLDER ARGUMENTS` (to its end, output to files in the folder; answered with the exit code).
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import signal
import sys
import traceback

import tidegate_server.cli.app
import tidegate_server.cli.starting
import tidegate_server.runtime.initialise
import tidegate_server.runtime.serve
import tidegate_server.sample.policy
import tidegate_server.transport.native  # noqa: F401
from tidegate_server.cli import main

RUN_SECONDS = 60


def run() -> None:
    warm_up()
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "start":
            child = os.fork()
            if not child:
                serve(rest)
            answer(child)
        elif word == "run":
            child = os.fork()
            if not child:
                home, *arguments = shlex.split(rest)
                run_one(home, arguments)
            answer(ended(child))
        else:
            answer(ended(int(rest)))


def warm_up() -> None:
    """Parse a command line once: what that loads takes longer than the rest of a start."""
    sys.argv = ["tidegate", "serve", "--data", os.devnull]
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        main()


def ended(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def serve(config: str) -> None:
    become(os.path.dirname(config), os.devnull, "log")  # noqa: PTH120 - of a path that is absolute
    finish("serve", "--config", config)


def run_one(home: str, arguments: list[str]) -> None:
    signal.alarm(RUN_SECONDS)
    become(home, "run.out", "run.err")
    finish(*arguments)


def become(home: str, out: str, err: str) -> None:
    """Let this child live in a folder and write to files there."""
    os.chdir(home)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, number in ((out, 1), (err, 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), number)


def finish(*arguments: str) -> None:
    """Be the command, to its end: as the interpreter would be."""
    sys.argv = ["tidegate", *arguments]
    code: object = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            sys.stderr.write(code + "\n")
    except BaseException:  # noqa: BLE001 - told and ended, as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def answer(number: int) -> None:
    print(number, flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    run()
