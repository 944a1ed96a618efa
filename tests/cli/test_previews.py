"""Previews and warnings as people read them, against a real machine with the sample market."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.cli.machine_gate import serving
from typer.testing import CliRunner

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import account_service_pb2_grpc, policy_pb2
from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

RUN = CliRunner()
WARNED = "W0001"
CASH_E4 = 40_000 * 10_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        assert RUN.invoke(app, ["sample", "--accounts", "20", "--address", address]).exit_code == 0
        open_warned(address)
        yield address


def open_warned(address: str) -> None:
    """Open an account whose own leverage cap only warns: one that is known takes two persons."""
    options = [("grpc.default_authority", "localhost")]
    with grpc.insecure_channel(address, options=options) as channel:
        stub = account_service_pb2_grpc.AccountServiceStub(channel)
        like = stub.GetAccount(accounts_pb2.GetAccountRequest(account_id="A0001")).account.account
        cap = policy_pb2.Limit(value=1, mode=policy_pb2.LIMIT_MODE_WARN)
        like.account_id = WARNED
        like.limits.leverage_bps.CopyFrom(cap)
        request = accounts_pb2.UpsertAccountsRequest(accounts=[like])
        opened = stub.UpsertAccounts(request)
        opening = accounts_pb2.AdjustCashRequest(
            account_id=WARNED,
            adjustment_id="opening",
            kind=accounts_pb2.CASH_KIND_DEPOSIT,
            amount_e4=CASH_E4,
            expected_sequence=opened.sequence,
        )
        stub.AdjustCash(opening)


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_CLIENT_ADDRESS", address)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: RUN.invoke(app, list(arguments))


def lines(result: Result) -> list[str]:
    return [" ".join(line.split()) for line in result.output.splitlines()]


def test_an_order_that_passes_is_shown_with_what_it_would_do(run: Callable[..., Result]) -> None:
    result = run("preview", "A0001", "buy", "100", "SPY", "--price", "168.80")
    assert result.exit_code == 0
    shown = lines(result)
    assert "verdict ALLOW: it would pass" in shown
    for line in (
        "equity 41,551.00 -139.00 41,412.00",
        "exposure 43,299.24 +16,741.00 60,040.24",
        "leverage 1.1732 x +0.4082 x 1.5814 x 2.00 x",
        "initial margin 12,472.3770 +2,511.15 14,983.5270",
        "maintenance margin 9,355.3721 +1,883.3625 11,238.7346",
        "available 29,078.6230 -2,650.15 26,428.4730",
        "assets over debt 2,476.73 % -2,154.43 % 322.30 %",
        "concentration SPY 0.00 % +27.89 % 27.89 % 90.00 %",
        "largest that would pass 201",
        "with it binds next leverage 1.5814 x of 2.00 x, 79.07 %",
    ):
        assert line in shown
    assert any(line.startswith("limited by LEVERAGE: Exposure would be 2.0006") for line in shown)


def test_an_order_that_does_not_is_explained_with_its_cures(run: Callable[..., Result]) -> None:
    result = run("preview", "A0001", "buy", "300", "SPY", "--price", "168.80")
    assert result.exit_code == 3
    text = " ".join(lines(result))
    assert "verdict REJECT: it would not pass" in text
    assert (
        "LEVERAGE Exposure would be 2.4061 times equity; 2.00 times is allowed. "
        "order 201 at most; or add cash, or close positions first"
    ) in text
    assert "largest that would pass 201" in text


def test_an_exit_says_that_it_is_one(run: Callable[..., Result]) -> None:
    result = run("preview", "A0001", "sell", "60", "LLY")
    assert result.exit_code == 0
    assert any(line.startswith("verified exit yes") for line in lines(result))


def test_what_no_size_cures_limits_to_nought(run: Callable[..., Result]) -> None:
    shown = lines(run("preview", "A0001", "buy", "1", "SPY", "--price", "200"))
    assert "largest that would pass 0" in shown
    assert any(line.startswith("limited by PRICE_COLLAR: The price is 19.47 %") for line in shown)


def test_an_unknown_account_has_no_figures(run: Callable[..., Result]) -> None:
    result = run("preview", "NOBODY", "buy", "1", "SPY")
    assert result.exit_code == 3
    assert "No account has this id." in result.output
    assert "equity" not in result.output


def test_the_whole_answer_is_json_on_request(run: Callable[..., Result]) -> None:
    result = run("preview", "A0001", "buy", "300", "SPY", "--price", "168.80", "--json")
    assert result.exit_code == 3
    answer = json.loads(result.output)
    assert answer["largest_quantity"] == "201"
    assert answer["limiting"]["reason"] == "REJECT_REASON_LEVERAGE"
    (share,) = answer["concentrations"]
    assert (share["scope_id"], share["after_bps"], share["cap_bps"]) == ("SPY", "5371", "5000")
    assert [limit["binds_next"] for limit in answer["limits"]].count(True) == 1


def test_a_check_prints_its_warnings(run: Callable[..., Result]) -> None:
    result = run("check", WARNED, "buy", "1", "SPY", "--price", "167.00", "--id", "warned")
    assert result.exit_code == 0
    shown = lines(result)
    assert "verdict ALLOW" in shown
    assert any(line.startswith("warning measured limit") for line in shown)
    (warning,) = [line for line in shown if line.startswith("LEVERAGE")]
    assert warning.endswith(f"0.01 % account:{WARNED} -")
    again = json.loads(run("check", WARNED, "buy", "1", "SPY", "--id", "warned-2", "--json").output)
    assert [one["reason"] for one in again["warnings"]] == ["REJECT_REASON_LEVERAGE"]


def test_a_preview_prints_its_warnings_in_words(run: Callable[..., Result]) -> None:
    result = run("preview", WARNED, "buy", "1", "SPY", "--price", "167.00")
    assert result.exit_code == 0
    shown = lines(result)
    assert "warning what was found what would cure it" in shown
    assert any(line.startswith("LEVERAGE Exposure would be") for line in shown)
    assert "reason what was found what would cure it" not in shown


def test_a_limit_that_warns_is_shown_with_its_value_and_does_not_bind(
    run: Callable[..., Result],
) -> None:
    shown = lines(run("account", "show", WARNED))
    (leverage,) = [line for line in shown if line.startswith("leverage ") and " x " in line]
    assert leverage.endswith("warns only")
    assert "0.0001 x" in leverage
