"""Overrides on the command line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.machine_gate import MachineGate, serving
from typer.testing import CliRunner

from tidegate.v1 import account_service_pb2
from tidegate_server.cli.app import app

RUN = CliRunner()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Run a command against a gate with one account."""
    folder = tmp_path_factory.mktemp("gate")

    def account(gate: MachineGate) -> None:
        terms = account_service_pb2.Account(
            account_id="A1",
            tier_id="standard",
            margin_model=account_service_pb2.MARGIN_MODEL_LEVERAGED,
        )
        request = account_service_pb2.UpsertAccountsRequest(accounts=[terms])
        gate.call("UpsertAccounts", request.SerializeToString())

    with serving(Path(folder), account) as address:

        def call(*words: str, by: str = "") -> Any:
            environment = {"TIDEGATE_TOKEN": by} if by else {}
            return RUN.invoke(app, [*words, "--address", address], env=environment)

        yield call


def propose(run: Callable[..., Any], name: str, value: str) -> Any:
    words = ("override", "propose", "A1", "order_quantity", value)
    return run(*words, "--minutes", "5", "--reason", "a block", "--id", name)


def test_a_looser_one_waits_for_another_person(run: Callable[..., Any]) -> None:
    assert "loose is pending" in propose(run, "loose", "999999999").output
    assert run("override", "approve", "loose").exit_code == 77
    assert run("override", "approve", "loose", by="anna").output.startswith("loose counts from")


def test_a_tighter_one_counts_at_once(run: Callable[..., Any]) -> None:
    assert propose(run, "tight", "1").output.startswith("tight counts from")


def test_they_are_listed_and_shown(run: Callable[..., Any]) -> None:
    propose(run, "tight", "1")
    listed = run("override", "list", "--json", "--account", "A1").output
    assert listed.count('"override_id"') == 2
    assert "tight" in run("override", "list").output
    assert "a block" in run("override", "show", "tight").output
    assert json.loads(run("override", "show", "tight", "--json").output)["tightening"]
    assert run("override", "show", "none").exit_code == 65


@pytest.mark.parametrize(("limit", "value"), [("nothing", "1"), ("position", "much")])
def test_what_is_no_limit_is_said(run: Callable[..., Any], limit: str, value: str) -> None:
    words = ("override", "propose", "A1", limit, value, "--minutes", "5", "--reason", "x")
    assert run(*words).exit_code == 2


def test_other_scopes_have_overrides_too(run: Callable[..., Any]) -> None:
    words = ("order_quantity", "7", "--minutes", "5", "--reason", "x", "--id")
    done = run("override", "propose", "firm", *words, "wide")
    assert done.output.startswith("wide counts from"), done.output
    shown = run("override", "show", "wide").output
    assert "firm" in shown
    assert "order_quantity" in shown
    assert run("override", "propose", "board:NOWHERE", *words, "far").exit_code == 65


def test_a_limit_of_accounts_alone_is_none_of_a_scope(run: Callable[..., Any]) -> None:
    words = ("override", "propose", "firm", "leverage_bps", "1", "--minutes", "5", "--reason", "x")
    assert run(*words).exit_code == 2
