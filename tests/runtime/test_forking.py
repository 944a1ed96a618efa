"""Work in a forked copy: how it ends, and what it has given up of its parent."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.support import eventually

from tidegate_server.journal import disk
from tidegate_server.runtime import forking
from tidegate_server.runtime.forking import Forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARENT = """
import time
from tidegate_server.runtime.forking import Forked
work = Forked(lambda: time.sleep(600))
print(work.process_id, flush=True)
time.sleep(600)
"""

CROWD = """
import os, sys, threading, time
from pathlib import Path
from tidegate_server.runtime.forking import Forked
from tidegate_server.transport.caller import Caller

def tell():
    Path(sys.argv[1]).write_text(str(len(os.listdir("/proc/self/task"))))

def threads():
    return len(os.listdir("/proc/self/task"))

for _ in range(2):  # these stay; those of gRPC end as they please once it has nothing to do
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
caller = Caller("unix:/nowhere")
pending = caller.call_later("/a/b", b"", seconds=600)
most = threads()
while not pending.is_done:
    most = max(most, threads())
    time.sleep(0.01)
assert most > 3
assert threads() > 2
work = Forked(tell)
while work.outcome() is None:
    time.sleep(0.01)
print(work.outcome())
"""


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/stat")
    return status.exists() and not status.read_text().rpartition(") ")[2].startswith("Z")


def sleep() -> None:
    time.sleep(600)


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[Forked]:
    made = Forked(work)
    try:
        yield made
    finally:
        made.close()


def outcome_of(work: Callable[[], object]) -> str | None:
    with forked(work) as made:
        eventually(lambda: made.outcome() is not None, 60)
        return made.outcome()


def test_it_goes_on_meanwhile_and_ends_well(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with forked(lambda: gate.write_bytes(b"done")) as made:
        assert made.outcome() is None
        assert gate.read_bytes() == b"done"
        eventually(lambda: made.outcome() == "", 60)


def test_a_problem_comes_back_in_words() -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    def fail_at_length() -> None:
        raise ValueError("é" * 1_000_000)

    def fail_without_words() -> None:
        raise MemoryError

    assert outcome_of(fail) == "[Errno 28] No space left on device"
    assert (outcome_of(fail_at_length) or "").startswith("éé")
    assert outcome_of(fail_without_words) == "MemoryError()"


def test_a_death_is_a_problem() -> None:
    with forked(sleep) as made:
        os.kill(made.process_id, signal.SIGKILL)
        eventually(lambda: made.outcome() == "its process ended with code -9", 60)


def test_to_close_it_ends_it() -> None:
    with forked(sleep) as made:
        process_id = made.process_id
        assert is_alive(process_id)
    assert not is_alive(process_id)


def test_it_keeps_no_lock_of_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = disk.lock(path)
    assert held is not None
    with forked(sleep):
        disk.close(held)
        taken: list[int] = []

        def is_free() -> bool:
            descriptor = disk.lock(path)
            taken.extend([] if descriptor is None else [descriptor])
            return bool(taken)

        eventually(is_free, 60)
        disk.close(taken[0])


def test_it_has_only_the_standard_descriptors_and_its_pipe(tmp_path: Path) -> None:
    told = tmp_path / "told"

    def tell() -> None:
        names = os.listdir("/proc/self/fd")  # noqa: PTH208 - the names are wanted
        told.write_text(" ".join(sorted(names, key=int)))

    with (tmp_path / "other").open("wb"):
        assert outcome_of(tell) == ""
    numbers = [int(name) for name in told.read_text().split()]
    assert [number for number in numbers if number < 3] == [0, 1, 2]
    assert len(numbers) == 5  # and the listing's own


def test_signals_end_it_as_any_process(tmp_path: Path) -> None:
    seen: list[int] = []
    ready = tmp_path / "ready"

    def wait() -> None:
        ready.touch()
        sleep()

    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with forked(wait) as made:
            eventually(ready.exists, 60)
            os.kill(made.process_id, signal.SIGTERM)
            eventually(lambda: made.outcome() == "its process ended with code -15", 60)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not seen


def test_it_comes_after_its_parent_and_goes_before_it() -> None:
    niceness = os.getpriority(os.PRIO_PROCESS, 0)

    def tell() -> None:
        badness = Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip()
        raise ValueError(f"{os.getpriority(os.PRIO_PROCESS, 0)} {badness}")

    assert outcome_of(tell) == f"{min(19, niceness + forking.NICENESS)} 1000"


def test_it_runs_none_of_its_parents_exit_handlers(tmp_path: Path) -> None:
    handler = (tmp_path / "ran").touch
    atexit.register(handler)
    try:
        assert outcome_of(lambda: None) == ""
    finally:
        atexit.unregister(handler)
    assert not (tmp_path / "ran").exists()


def test_it_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process_id = int(parent.stdout.readline())
        assert is_alive(process_id)
        parent.kill()
        eventually(lambda: not is_alive(process_id), 60)


def test_of_all_threads_only_the_one_that_forks_is_in_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    arguments = [sys.executable, "-c", CROWD, str(told)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("\n", "")
    assert told.read_text() == "1"


def test_what_other_threads_hold_does_not_hold_it_up(tmp_path: Path) -> None:
    ended = threading.Event()
    handler = logging.FileHandler(tmp_path / "log")
    log = logging.getLogger("tests.runtime.forking")
    log.addHandler(handler)

    def chatter() -> None:
        while not ended.is_set():
            log.warning("something")
            sys.stderr.write("")
            sys.stderr.flush()

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        assert [outcome_of(lambda: None) for _ in range(20)] == [""] * 20
    finally:
        ended.set()
        thread.join()
        log.removeHandler(handler)
        handler.close()


def test_where_there_is_no_process_to_be_had_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(OSError, match="temporarily"):
        Forked(lambda: None)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 4  # multiprocessing's own pipes
