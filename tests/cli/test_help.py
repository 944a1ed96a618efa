from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tidegate_server.cli.app import app

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
COMMANDS = (
    ("version",),
    ("init",),
    ("serve",),
    ("follow",),
    ("sample",),
    ("demo",),
    ("config", "show"),
    ("config", "explain"),
    ("check",),
    ("preview",),
    ("record",),
    ("replace",),
    ("reconcile",),
    ("cancel-orders",),
    ("status",),
    ("halt",),
    ("reduce-only",),
    ("release",),
    ("volatility",),
    ("scorecard",),
    ("account", "show"),
    ("account", "list"),
    ("contract", "list"),
    ("contract", "repay"),
    ("contract", "return"),
    ("contract", "interest"),
    ("contract", "fee"),
    ("contract", "accrue"),
    ("account", "withdraw"),
    ("group", "list"),
    ("group", "show"),
    ("group", "set"),
    ("policy", "show"),
    ("policy", "list"),
    ("policy", "propose"),
    ("policy", "approve"),
    ("policy", "withdraw"),
    ("policy", "restore"),
    ("policy", "compare"),
    ("override", "propose"),
    ("override", "approve"),
    ("override", "list"),
    ("override", "show"),
    ("journal", "tail"),
    ("journal", "explain"),
    ("journal", "verify"),
    ("watch", "records"),
    ("watch", "accounts"),
    ("alerts", "list"),
    ("alerts", "watch"),
    ("alerts", "acknowledge"),
)
READING = (
    ("account", "withdraw"),
    ("scorecard",),
    ("check",),
    ("preview",),
    ("record",),
    ("replace",),
    ("reconcile",),
    ("cancel-orders",),
    ("status",),
    ("volatility",),
    ("account", "show"),
    ("account", "list"),
    ("contract", "list"),
    ("contract", "repay"),
    ("contract", "return"),
    ("contract", "interest"),
    ("contract", "fee"),
    ("contract", "accrue"),
    ("group", "list"),
    ("group", "show"),
    ("policy", "show"),
    ("policy", "list"),
    ("override", "list"),
    ("override", "show"),
    ("journal", "tail"),
    ("journal", "explain"),
    ("alerts", "list"),
    ("alerts", "acknowledge"),
    ("journal", "verify"),
)
CALLING = (
    *READING[:-1],
    ("halt",),
    ("release",),
    ("reduce-only",),
    ("sample",),
    ("group", "set"),
    ("policy", "propose"),
    ("policy", "approve"),
    ("policy", "withdraw"),
    ("policy", "restore"),
    ("override", "propose"),
    ("override", "approve"),
)


def help_of(command: tuple[str, ...]) -> str:
    result = RUN.invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    return " ".join(result.output.split())


def test_help_names_every_command() -> None:
    text = help_of(())
    assert all(command[0] in text for command in COMMANDS)


def test_help_names_the_exit_codes() -> None:
    assert "78 refused to start" in help_of(())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_an_example(command: tuple[str, ...]) -> None:
    assert "Example: " in help_of(command)
    assert f"tidegate {' '.join(command)}" in help_of(command).partition("Example: ")[2]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_every_reading_command_prints_json_on_request(command: tuple[str, ...]) -> None:
    assert "--json" in help_of(command)


@pytest.mark.parametrize("command", CALLING, ids=" ".join)
def test_every_calling_command_has_a_deadline_and_an_address(command: tuple[str, ...]) -> None:
    text = help_of(command)
    assert "--timeout" in text
    assert "--address" in text


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_takes_a_secret(command: tuple[str, ...]) -> None:
    text = help_of(command).lower()
    assert "--token" not in text
    assert "--password" not in text


def test_the_package_is_imported_without_the_extra() -> None:
    program = (
        "import sys\n"
        "for name in ('typer', 'rich', 'msgspec'): sys.modules[name] = None\n"
        "from tidegate_server.cli import main\n"
        "main()\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    assert found.returncode == 1
    assert found.stderr.strip() == "tidegate: typer is missing: pip install 'tidegate[server]'"


def test_the_command_line_starts_without_grpc_and_protobuf() -> None:
    program = (
        "import sys; import tidegate_server.cli.app;"
        " print('grpc' in sys.modules, 'google.protobuf' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert found.stdout.split() == ["False", "False"]
