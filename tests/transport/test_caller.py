"""Calls that a loop begins and looks at later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.transport.harness import ECHO, TOKEN, Gate, eventually, served, socket_config

from tidegate_server.transport.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

import pytest


@pytest.fixture
def caller(gate: Gate) -> Iterator[Caller]:
    caller = Caller(gate.front.address)
    yield caller
    caller.close()


def test_an_answer_is_there_once_the_call_is_done(gate: Gate, caller: Caller) -> None:
    pending = caller.call_later(ECHO, b"hello", seconds=5)
    eventually(lambda: pending.is_done)
    assert pending.error == ""
    assert pending.response == b"hello"


def test_a_call_that_is_not_answered_is_not_done_until_its_deadline(
    gate: Gate, caller: Caller
) -> None:
    pending = caller.call_later(ECHO, b"hold", seconds=0.5)
    assert not pending.is_done
    eventually(lambda: pending.is_done)
    assert pending.error.startswith("DEADLINE_EXCEEDED: ")


def test_a_refusal_is_told_with_code_and_text(gate: Gate, caller: Caller) -> None:
    pending = caller.call_later(ECHO, b"fail", seconds=5)
    eventually(lambda: pending.is_done)
    assert pending.error == "RESOURCE_EXHAUSTED: too much waits"


def test_the_token_says_who_calls(gate: Gate) -> None:
    caller = Caller(gate.front.address, token=TOKEN)
    pending = caller.call_later(ECHO, b"who", seconds=5)
    eventually(lambda: pending.is_done)
    assert pending.response == b"desk-1"
    caller.close()


def test_nobody_there_is_an_error_and_a_gate_that_comes_is_found(
    tmp_path: Path, transport: str
) -> None:
    config = socket_config(tmp_path, transport)
    caller = Caller(config.listen)
    pending = caller.call_later(ECHO, b"", seconds=5)
    eventually(lambda: pending.is_done)
    assert pending.error.startswith("UNAVAILABLE: ")
    with served(config):

        def is_answered() -> bool:
            again = caller.call_later(ECHO, b"", seconds=1)
            eventually(lambda: again.is_done)
            return not again.error

        eventually(is_answered, 10)
    caller.close()
