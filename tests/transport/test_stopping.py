"""Draining, signals, and turns that raise."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import grpc
import pytest
from tests.transport.harness import (
    Gate,
    call,
    details_of,
    dialled,
    ending,
    eventually,
    refusal,
    served,
    socket_config,
    start,
)

from tidegate_server.transport import FrontClosedError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHILD = Path(__file__).with_name("child.py")


class Load:
    """Callers that repeat one call until they fail, and remember what they got."""

    def __init__(self, address: str, path: str, callers: int) -> None:
        self.answered = 0
        self.codes: set[grpc.StatusCode] = set()
        self._address = address
        self._path = path
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(20)

    def _call(self) -> None:
        with dialled(self._address) as channel:
            count = 0
            try:
                while True:
                    assert call(channel, b"x", self._path) == b"x"
                    count += 1
            except grpc.RpcError as error:
                with self._lock:
                    self.answered += count
                    self.codes.add(error.code())


@pytest.fixture
def child(tmp_path: Path, transport: str, mode: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", str(CHILD), transport, address(tmp_path), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        try:
            assert it.stdout is not None
            assert it.stdout.readline() == "bound\n"
            yield it
        finally:
            it.kill()


def address(folder: Path) -> str:
    return f"unix:{folder}/run/gate.sock"


@pytest.mark.parametrize("mode", ["flag"])
def test_a_drain_under_load_loses_no_answer(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    with Load(address(tmp_path), "/a.B/C", callers=16) as load:
        time.sleep(0.7)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=10)
    assert (child.returncode, err) == (0, "")
    assert load.answered == int(out) > 0
    assert load.codes == {grpc.StatusCode.UNAVAILABLE}


@pytest.mark.parametrize("mode", ["flag"])
def test_an_idle_front_stops_when_told_to(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    assert not (tmp_path / "run" / "gate.sock").exists()


@pytest.mark.parametrize("mode", ["plain"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_never_blocked(child: subprocess.Popen[str], number: signal.Signals) -> None:
    time.sleep(0.3)
    child.send_signal(number)
    child.communicate(timeout=3)
    assert child.returncode == -number


@pytest.mark.parametrize("mode", ["plain"])
def test_the_socket_of_a_killed_front_can_be_taken_over(
    tmp_path: Path, child: subprocess.Popen[str], transport: str
) -> None:
    child.kill()
    child.wait(5)
    assert (tmp_path / "run" / "gate.sock").exists()
    with (
        served(socket_config(tmp_path, transport)) as gate,
        dialled(gate.front.address) as channel,
    ):
        assert call(channel, b"x") == b"x"


def test_calls_that_no_turn_answered_get_unavailable_at_the_stop(
    gate: Gate, channel: grpc.Channel
) -> None:
    futures = [start(channel, b"hold") for _ in range(5)]
    eventually(lambda: len(gate.held) == 5)
    gate.stopping = True
    for future in futures:
        assert ending(future).code() is grpc.StatusCode.UNAVAILABLE


def test_what_raises_in_a_turn_leaves_run(gate: Gate, channel: grpc.Channel) -> None:
    refusal(channel, b"crash")
    eventually(lambda: gate.crashed)
    assert isinstance(gate.crashed, ZeroDivisionError)


def test_callers_never_read_the_text_of_an_exception(gate: Gate, channel: grpc.Channel) -> None:
    held = start(channel, b"hold")
    eventually(lambda: gate.held)
    for error in (refusal(channel, b"crash"), ending(held)):
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        said = f"{error.details()} {error.trailing_metadata()}"
        assert "secret" not in said
        assert "Zero" not in said


def test_a_call_during_the_drain_is_refused_with_its_reason(
    gate: Gate, channel: grpc.Channel
) -> None:
    holding = start(channel, b"hold")
    eventually(lambda: gate.held)
    gate.stopping = True
    assert gate.stopped.wait(5)
    _, info, _ = details_of(refusal(channel, b"x"))
    assert info.reason == "ERROR_REASON_DRAINING"
    assert ending(holding).code() is grpc.StatusCode.UNAVAILABLE
    assert all(seen[2] == b"hold" for seen in gate.seen)


def test_an_answer_outside_run_is_an_error_or_nothing(tmp_path: Path) -> None:
    with served(socket_config(tmp_path, "native")) as gate:
        pass
    with pytest.raises(FrontClosedError):
        gate.front.reply(1, b"x")
