"""`tidegate volatility`: table, JSON, history, and factors that reach the book."""

from __future__ import annotations

import csv
import json
import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import MachineGate, serving
from typer.testing import CliRunner

from tidegate_server.cli.app import app
from tidegate_server.volatility.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
FIRST = date(2026, 1, 1)
VERSION = Settings().model_version
LAST_CALM, LAST = str(FIRST + timedelta(days=270)), str(FIRST + timedelta(days=280))


@pytest.fixture
def closes(tmp_path: Path) -> Path:
    """KO is calm, XOM falls at last, NEW1 is new."""
    lines, ko, xom = ["Date,KO,XOM,NEW1"], 50.0, 80.0
    for day in range(281):
        ko *= math.exp(0.01 if day % 2 else -0.01)
        xom *= math.exp((0.01 if day % 2 else -0.01) if day <= 270 else -0.07)
        new = f"{ko:.4f}" if day > 200 else ""
        lines.append(f"{FIRST + timedelta(days=day)},{ko:.4f},{xom:.4f},{new}")
    path = tmp_path / "closes.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return RUN.invoke(app, ["volatility", *map(str, arguments)])


def words(result: Result) -> str:
    return " ".join(result.output.split())


def factors_of(result: Result) -> dict[str, int]:
    assert result.exit_code == 0, result.output
    return {one["instrument_id"]: one["factor_bps"] for one in json.loads(result.output)["factors"]}


def test_the_table_shows_factors_and_who_has_none(closes: Path) -> None:
    text = words(run(closes))
    assert f"after the close of {LAST} model version {VERSION}" in text
    assert f"KO {LAST} 1.00 % 1.00 % 1.50 % 0.66" in text
    assert "NEW1 - - - 1.50 % - - fewer than 250 returns: the gate's stress factor" in text


def test_an_earlier_date_knows_nothing_of_later_closes(closes: Path) -> None:
    assert factors_of(run(closes, "--json", "--date", LAST_CALM)) == {"KO": 10_000, "XOM": 10_000}
    assert factors_of(run(closes, "--json"))["XOM"] > 20_000


def test_the_json_has_settings_notes_and_who_has_none(closes: Path) -> None:
    tree = json.loads(run(closes, "--json").output)
    assert tree["model_version"] == VERSION
    assert tree["settings"] == Settings().tree()
    assert tree["without_estimate"] == ["NEW1"]
    assert tree["notes"] == []
    assert tree["sent"] is None


def test_settings_come_from_a_file_and_change_the_version(closes: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.toml"
    file.write_text("reference_bps = 50\nleast_returns = 20\n", encoding="utf-8")
    result = run(closes, "--settings", file, "--json")
    assert factors_of(result)["NEW1"] == 20_000
    assert json.loads(result.output)["model_version"] != VERSION


def test_the_history_is_written_up_to_the_date(closes: Path, tmp_path: Path) -> None:
    out = tmp_path / "history.csv"
    assert run(closes, "--csv", out, "--only", "KO", "--date", LAST_CALM).exit_code == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {row["instrument"] for row in rows} == {"KO"}
    assert (len(rows), rows[-1]["date"]) == (21, LAST_CALM)
    assert rows[-1]["factor_bps"] == "10000"
    assert rows[-1]["model_version"] == VERSION


def test_notes_on_the_closes_are_shown(closes: Path) -> None:
    lines = closes.read_text(encoding="utf-8").splitlines()
    row = lines[-1].split(",")
    lines[-1] = ",".join([row[0], str(float(row[1]) / 2), *row[2:]])
    closes.write_text("\n".join(lines), encoding="utf-8")
    assert f"{LAST} KO: -50" in words(run(closes))


def test_factors_are_sent_with_version_and_time(closes: Path, tmp_path: Path) -> None:
    gates: list[MachineGate] = []
    with serving(tmp_path, gates.append) as address:
        result = run(closes, "--send", "--address", address, "--date", LAST_CALM)
        again = run(closes, "--send", "--address", address, "--date", LAST_CALM)
        older = run(
            closes, "--send", "--address", address, "--date", LAST_CALM, "--close-time", "20:00"
        )
    assert result.exit_code == 0
    sent = f"sent 2 factors of {VERSION} at sequence"
    assert sent in words(result)
    assert sent in words(again)
    assert "2 were older than what the gate knows" in words(older)
    known = gates[0].machine.book.instruments
    assert sorted(known) == ["KO", "XOM"]
    closed_s = (date.fromisoformat(LAST_CALM) - date(1970, 1, 1)).days * 86_400 + 21 * 3_600
    assert known["KO"].factor_time_ns == closed_s * 10**9
    assert known["KO"].factor_bps == 10_000


def test_json_says_what_was_sent(closes: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        result = run(closes, "--send", "--address", address, "--json")
    assert json.loads(result.output)["sent"]["count"] == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--date", "yesterday"), "--date yesterday: no date, YYYY-MM-DD"),
        (("--date", "1990-01-01"), "--date 1990-01-01: the closes are from 2026-01-01 to"),
        (("--only", "SPY"), "--only SPY: the file has no such column"),
        (("--close-time", "25:00"), "--close-time 25:00: no time of day, HH:MM"),
        (("--settings", "none.toml"), "none.toml: "),
        (("--csv", "/none/there.csv"), "--csv /none/there.csv: No such file"),
        (("--only", "NEW1", "--send"), "nothing to send"),
    ],
)
def test_wrong_usage_ends_with_two(closes: Path, arguments: tuple[str, ...], problem: str) -> None:
    result = run(closes, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"tidegate: {problem}")
    assert result.stderr.count("\n") == 1


def test_a_broken_row_is_named(closes: Path) -> None:
    with closes.open("a", encoding="utf-8") as file:
        file.write("\n2027-01-01,0,1,1")
    result = run(closes)
    assert result.exit_code == 2
    assert "row 283: KO on 2027-01-01: '0' is no price" in result.stderr


def test_nobody_there_ends_with_sixty_nine(closes: Path) -> None:
    result = run(closes, "--send", "--address", "127.0.0.1:1")
    assert result.exit_code == 69
    assert result.stderr.count("\n") == 1
