"""Stops on what the gate does not know: they stand, and whoever set them hears so."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import serving
from typer.testing import CliRunner

from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"})
COMMANDS = ("halt", "reduce-only", "cancel-orders")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        assert RUN.invoke(app, ["sample", "--accounts", "10", "--address", address]).exit_code == 0
        assert RUN.invoke(app, ["group", "set", "desk-1", "--address", address]).exit_code == 0
        yield address


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("scope", ["instrument:SPX", "account:ZZZ3", "group:desk-9"])
def test_an_unknown_id_is_said(address: str, command: str, scope: str) -> None:
    found = RUN.invoke(app, [command, scope, "--reason", "x", "--address", address])
    assert found.exit_code == 0
    assert found.stdout
    assert found.stderr == f"tidegate: the gate knows no {scope.replace(':', ' ')}\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("scope", ["instrument:SPY", "account:A0001", "group:desk-1"])
def test_nothing_is_said_of_a_known_one(address: str, command: str, scope: str) -> None:
    found = RUN.invoke(app, [command, scope, "--reason", "x", "--address", address])
    assert found.exit_code == 0
    assert found.stderr == ""


def test_an_unknown_id_is_said_while_the_firm_is_halted(address: str) -> None:
    client = ("--reason", "x", "--address", address)
    assert RUN.invoke(app, ["halt", "firm", *client]).stderr == ""
    assert "knows no instrument SPX" in RUN.invoke(app, ["halt", "instrument:SPX", *client]).stderr
