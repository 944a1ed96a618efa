"""`tidegate account withdraw`: booked, refused, repeated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import MachineGate, serving
from typer.testing import CliRunner

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"})


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    def fund(gate: MachineGate) -> None:
        terms = accounts_pb2.Account(
            account_id="A1",
            tier_id="standard",
            margin_model=accounts_pb2.MARGIN_MODEL_LEVERAGED,
        )
        request = accounts_pb2.UpsertAccountsRequest(accounts=[terms])
        gate.call("UpsertAccounts", request.SerializeToString())
        booking = accounts_pb2.AdjustCashRequest(
            account_id="A1",
            adjustment_id="d1",
            kind=accounts_pb2.CASH_KIND_DEPOSIT,
            amount_e4=1_000_0000,
            expected_sequence=gate.machine.book.accounts["A1"].sequence,
        )
        gate.call("AdjustCash", booking.SerializeToString())

    with serving(tmp_path, fund) as found:
        yield found


def withdraw(address: str, *words: str) -> Result:
    return RUN.invoke(app, ["account", "withdraw", "A1", *words, "--address", address])


def test_what_the_account_can_do_without_is_booked_once(address: str) -> None:
    first = withdraw(address, "250.50", "--id", "w1")
    assert first.exit_code == 0
    assert first.output.startswith("w1 is booked: cash 749.50")
    assert "as it was before" in withdraw(address, "250.50", "--id", "w1").output


def test_what_it_cannot_is_refused_with_what_would_pass(address: str) -> None:
    refused = withdraw(address, "1000.01")
    assert refused.exit_code == 3
    assert "the most that would pass is 1,000.00" in refused.output
    assert "INITIAL_MARGIN" in refused.output


def test_json_says_the_verdict(address: str) -> None:
    refused = withdraw(address, "1000.01", "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.output)["verdict"] == "VERDICT_REJECT"
