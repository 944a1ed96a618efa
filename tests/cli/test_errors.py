from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
ORDER = ("A0001", "buy", "100", "SPY")


@pytest.fixture(autouse=True)
def _short_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("TIDEGATE_FOLLOWER_LISTEN", "127.0.0.1:1")


def run(*arguments: str) -> tuple[int, str]:
    result = RUN.invoke(app, list(arguments))
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ("cheap", "not a number"),
        ("1.00005", "a price has at most four decimals"),
        ("0", "a price is 0.0001 to 100000000"),
        ("-1", "a price is 0.0001 to 100000000"),
        ("nan", "a price is 0.0001 to 100000000"),
        ("100000000.0001", "a price is 0.0001 to 100000000"),
    ],
)
def test_a_price_that_is_none_ends_with_two(price: str, problem: str) -> None:
    code, text = run("check", *ORDER, f"--price={price}")
    assert code == 2
    assert text == f"tidegate: --price {price}: {problem}\n"


@pytest.mark.parametrize(
    "command",
    [
        ("check", *ORDER),
        ("preview", *ORDER),
        ("record", "A0001", "D1", "cancelled"),
        ("status",),
        ("account", "show", "A0001"),
        ("account", "list"),
        ("policy", "show"),
        ("halt", "firm", "--reason", "x"),
        ("reduce-only", "account:A0001", "--reason", "x"),
        ("release", "s1", "--reason", "x"),
        ("journal", "tail"),
        ("journal", "explain", "1"),
        ("sample", "--timeout", "0.2"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_nobody_there_ends_with_sixty_nine_in_one_line(command: tuple[str, ...]) -> None:
    code, text = run(*command)
    assert code == 69
    assert text.startswith("tidegate: ")
    assert text.count("\n") == 1


def test_a_sample_without_a_gate_says_that_nobody_answers() -> None:
    code, text = run("sample")
    assert code == 69
    assert text == "tidegate: nobody answers at 127.0.0.1:1: is it running? (tidegate serve)\n"


@pytest.mark.parametrize("scope", ["nowhere", "account", "account:", "firm:x", "board:US"])
def test_a_scope_that_is_none_ends_with_two(scope: str) -> None:
    code, text = run("halt", scope, "--reason", "x")
    assert code == 2
    assert f"{scope} is no scope" in text


def test_a_missing_reason_ends_with_two() -> None:
    code, text = run("halt", "firm")
    assert code == 2
    assert "--reason" in text


def test_a_wrong_flag_of_the_configuration_ends_with_two() -> None:
    code, text = run("serve", "--durability", "perhaps")
    assert code == 2
    assert text.startswith("tidegate: --durability: `durability` is wrong")
    assert text.endswith("use flush, write, memory\n")


def test_a_wrong_configuration_file_ends_with_two(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text("shrad = 1", encoding="utf-8")
    code, text = run("status")
    assert code == 2
    assert "tidegate.toml: `shrad` is not known; did you mean shard?" in text


def test_an_address_that_is_none_ends_with_two() -> None:
    code, text = run("status", "--address", "gate")
    assert code == 2
    assert "--address: `client.address` must be unix:PATH or HOST:PORT" in text


@pytest.mark.parametrize("text", ["{", '{"versoin": 1}', '{"tiers": 3}', "[]"])
def test_a_file_that_is_no_policy_ends_with_two(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.json"
    file.write_text(text, encoding="utf-8")
    code, said = run("policy", "propose", str(file))
    assert code == 2
    assert f"{file} is no policy" in said


def test_a_demonstration_of_nothing_ends_with_two() -> None:
    code, text = run("demo", "--durability", "memory")
    assert code == 2
    assert "keeps nothing" in text


def test_the_configuration_in_force_is_printed() -> None:
    result = RUN.invoke(app, ["config", "show"])
    assert result.exit_code == 0
    assert 'listen = "127.0.0.1:1"' in result.output


def test_a_key_that_is_none_cannot_be_explained() -> None:
    code, text = run("config", "explain", "shrad")
    assert code == 2
    assert "shrad is no key" in text


def test_a_currency_that_is_none_is_said_in_words() -> None:
    code, text = run("init", "--currency", "zzzz")
    assert code == 2
    problem = "`currency` is wrong: use three capital letters, for example USD"
    assert text == f"tidegate: --currency: {problem}\n"


def test_a_sample_leaves_a_foreign_folder_as_it_is(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("ours", encoding="utf-8")
    code, text = run("serve", "--sample", "--data", str(foreign))
    assert code == 78
    assert text.startswith(f"tidegate: {foreign} is not a data folder")
    assert [file.name for file in foreign.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("command", [("serve", "--sample"), ("serve",), ("init",), ("follow",)])
def test_a_file_is_no_data_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("ours", encoding="utf-8")
    code, text = run(*command, "--data", str(file))
    assert code == 78
    assert text.startswith(f"tidegate: {file} is a file")
    assert text.count("\n") == 1


def test_the_version_is_an_option_too() -> None:
    result = RUN.invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output == RUN.invoke(app, ["version"]).output
    assert re.fullmatch(r"tidegate .*, engine (compiled|interpreted)\n", result.output)
