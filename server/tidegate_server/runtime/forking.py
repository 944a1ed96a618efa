"""One piece of work in a forked copy of this process, which goes on meanwhile.

The theory. The copy has the state as it stood, and only the thread that forked. So its work may
touch nothing that another thread might have held at the fork: no log, no stream, no import that
was not done before, no gRPC (which is kept from starting its threads again in the copy). It tells
how it ended by its exit code and, in a pipe, in words.

It gives up every descriptor of its parent: a lock, a listener or a caller's connection that it kept
would outlive a parent that is killed. It dies with its parent, and before it when memory is short.
No garbage is collected in it, for an object of the parent that still means to close a descriptor
could close one of its own; so what it does must be something that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

FORK: Final = multiprocessing.get_context("fork")
#: On top of the parent's: where both want the same core, the parent gets three quarters of it.
NICENESS: Final = 5
FIRST_TO_DIE: Final = "1000"
#: What fits into a pipe that nobody reads yet.
MESSAGE_BYTES: Final = 4_000
STANDARD_DESCRIPTORS: Final = 3
#: Looked up here, so that the copy need not ask the loader.
SET_DEATH_SIGNAL: Final = 1
PRCTL: Final = ctypes.CDLL(None).prctl


class Forked:
    """Work under way. Made by the thread that lives as long as the process: it dies with that."""

    __slots__ = ("_outcome", "_process", "_receiver")

    def __init__(self, work: Callable[[], object]) -> None:
        """Begin; raises OSError where the system gives no process."""
        self._receiver, sender = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_run, args=(work, sender, os.getpid()), daemon=True)
        collects = gc.isenabled()
        gc.disable()
        try:
            with warnings.catch_warnings():  # threads are what `_run` is careful about
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        except OSError:
            self._receiver.close()
            raise
        finally:
            sender.close()
            if collects:
                gc.enable()
        self._process = process
        self._outcome: str | None = None

    @property
    def process_id(self) -> int:
        """The process that does it."""
        return self._process.pid or 0

    def outcome(self) -> str | None:
        """Tell without waiting: None while it works, "" after success, else what the problem is."""
        if self._outcome is None and (code := self._process.exitcode) is not None:
            self._outcome = self._read(code)
        return self._outcome

    def close(self) -> None:
        """End it, by force if it still works."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._receiver.close()

    def _read(self, code: int) -> str:
        if code == 0:
            return ""
        try:
            return self._receiver.recv_bytes().decode()
        except EOFError:
            return f"its process ended with code {code}"


def _run(work: Callable[[], object], sender: Connection, parent_id: int) -> None:
    """Do the work in the copy, and never return to what the parent was doing."""
    code = 1
    try:
        _part_from(parent_id, sender.fileno())
        work()
        code = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it
        problem = str(error) or repr(error)
        sender.send_bytes(problem.encode(errors="replace")[:MESSAGE_BYTES])
    finally:
        os._exit(code)


def _part_from(parent_id: int, kept: int) -> None:
    """Keep one descriptor and the standard ones, and be the first to go."""
    os.closerange(STANDARD_DESCRIPTORS, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    PRCTL(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent_id:  # it went before that
        os._exit(1)
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_DIE, encoding="ascii")
