"""What people typed comes out as they typed it: no bracket of theirs is markup of a table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import serving
from typer.testing import CliRunner

from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

RUN = CliRunner()
ROOT = Path(__file__).resolve().parents[2]
REASON = "feed [down] again [/x] :warning:"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        assert RUN.invoke(app, ["sample", "--accounts", "10", "--address", address]).exit_code == 0
        yield address


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_CLIENT_ADDRESS", address)
    monkeypatch.setenv("COLUMNS", "240")
    return lambda *words: RUN.invoke(app, list(words))


def test_the_reason_of_a_halt(run: Callable[..., Result]) -> None:
    halted = run("halt", "account:A0007", "--reason", REASON, "--id", "[/h]")
    assert halted.output.startswith("halted account:A0007 as [/h]")
    status = run("status")
    assert status.exit_code == 0
    assert REASON in status.output
    assert "[/h]" in status.output
    order = ("A0007", "buy", "10", "SPY", "--price", "167.00")
    for command in ("preview", "check"):
        answer = run(command, *order)
        assert answer.exit_code == 3
        assert REASON in answer.output
    for words in (("account", "show", "A0007"), ("account", "list")):
        assert run(*words).exit_code == 0


def test_the_reason_of_an_override(run: Callable[..., Result]) -> None:
    words = ("A0001", "order_quantity", "1", "--minutes", "5", "--id", "[x][/x]")
    proposed = run("override", "propose", *words, "--reason", REASON)
    assert proposed.output.startswith("[x][/x] counts from")
    shown = run("override", "show", "[x][/x]")
    assert shown.exit_code == 0
    assert REASON in shown.output
    assert "[x][/x]" in shown.output
    assert "[x][/x]" in run("override", "list").output


def test_ids_in_brackets(run: Callable[..., Result]) -> None:
    checked = run("check", "A0002", "buy", "1", "SPY", "--price", "167.00", "--id", "o[/x]")
    assert checked.exit_code == 0
    assert "o[/x]" in run("account", "show", "A0002").output
    unknown = run("preview", "[/x]", "buy", "1", "SPY", "--price", "167.00")
    assert unknown.exit_code == 3
    assert unknown.exception is None or isinstance(unknown.exception, SystemExit)
    assert run("group", "show", "[/x]").exit_code == 65


def test_every_console_is_the_one_that_reads_no_markup() -> None:
    for file in (ROOT / "server/tidegate_server/cli").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert file.name == "output.py" or " Console(" not in text, file.name
        assert text.count("TextColumn(") == text.count("markup=False)") or file.name == "output.py"
