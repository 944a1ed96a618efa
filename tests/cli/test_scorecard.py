"""`tidegate scorecard`: table, JSON, and tiers that reach the book."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.machine_gate import MachineGate, serving
from typer.testing import CliRunner

from tidegate.v1 import account_service_pb2
from tidegate_server.cli.app import app
from tidegate_server.scorecard.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner(env={"COLUMNS": "240", "NO_COLOR": "1"})
BEST = "800,0,5,0,9000,3,0"
WORST = "500,3000,0,9500,0,0,5"
HEAD = "account_id," + ",".join(Settings().weights_bps)


def run(*arguments: object, by: str = "") -> Result:
    environment = {"TIDEGATE_TOKEN": by} if by else {}
    return RUN.invoke(app, ["scorecard", *map(str, arguments)], env=environment)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    path = tmp_path / "inputs.csv"
    path.write_text(f"{HEAD}\nA1,{BEST}\nA2,{WORST}\nA3,,,,,,,\n", encoding="utf-8")
    return path


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    def accounts(gate: MachineGate) -> None:
        terms = [
            account_service_pb2.Account(
                account_id=name,
                tier_id="standard",
                margin_model=account_service_pb2.MARGIN_MODEL_LEVERAGED,
            )
            for name in ("A1", "A2")
        ]
        request = account_service_pb2.UpsertAccountsRequest(accounts=terms)
        gate.call("UpsertAccounts", request.SerializeToString())

    with serving(tmp_path, accounts) as found:
        yield found


def sent(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return {one["account_id"]: one["sent"] for one in json.loads(result.output)["cards"]}


def test_the_table_shows_score_tier_and_inputs(inputs: Path) -> None:
    text = " ".join(run(inputs, "--as-of", "2026-01-31T18:00").output.split())
    assert "A1 1,000 professional 800 (1,000)" in text
    assert "A3 0 none - (0)" in text
    assert f"{Settings().version} as of 2026-01-31" in text


def test_a_fall_is_in_force_and_a_rise_waits_for_a_second_person(
    inputs: Path, address: str
) -> None:
    words = (inputs, "--address", address, "--send", "--json")
    asked = {"A1": "pending", "A2": "in force", "A3": "NOT_FOUND"}
    first = run(*words, by="anna")
    assert sent(first) == asked
    time_ns = json.loads(first.output)["scorecard_time_ns"]
    assert int(time_ns) % (60 * 10**9) == 0
    assert sent(run(*words, by="anna"))["A1"] == "pending"


def test_the_second_person_names_the_same_time(inputs: Path, address: str) -> None:
    words = (inputs, "--address", address, "--send", "--as-of", "2026-01-31T18:00")
    text = run(*words, by="anna").output
    assert "--as-of 2026-01-31T18:00" in text
    assert sent(run(*words, "--json", by="ben"))["A1"] == "in force"


@pytest.mark.parametrize(
    ("text", "words"),
    [("account_id,shoe\n", ()), (f"{HEAD}\n", ("--as-of", "noon"))],
)
def test_what_cannot_be_read_ends_with_two(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    path = tmp_path / "inputs.csv"
    path.write_text(text, encoding="utf-8")
    assert run(path, *words).exit_code == 2


def test_settings_come_from_a_file(tmp_path: Path, inputs: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text("[tiers]\nonly = 0\n", encoding="utf-8")
    cards = json.loads(run(inputs, "--settings", path, "--json").output)["cards"]
    assert {card["tier"] for card in cards} == {"only"}
    path.write_text("[tiers]\n", encoding="utf-8")
    assert run(inputs, "--settings", path).exit_code == 2
