"""A liquidation plan as it is printed; the release of the sample's line is 110 %."""

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
from tidegate.v1 import (
    account_service_pb2_grpc,
    market_service_pb2,
    market_service_pb2_grpc,
)
from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

RUN = CliRunner()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        options = [("grpc.default_authority", "localhost")]
        with grpc.insecure_channel(address, options=options) as channel:
            in_liquidation(
                account_service_pb2_grpc.AccountServiceStub(channel),
                market_service_pb2_grpc.MarketServiceStub(channel),
            )
        yield address


def in_liquidation(
    accounts: account_service_pb2_grpc.AccountServiceStub,
    market: market_service_pb2_grpc.MarketServiceStub,
) -> None:
    """Set up the positions of 8.6, deeper in debt."""
    made = market_service_pb2.UpsertInstrumentsRequest()
    marks = market_service_pb2.UpdateMarksRequest()
    factors = market_service_pb2.UpdateVolatilityRequest(model_version="m")
    for name, volume, price, factor in (("X", 2_000, 5, 15_000), ("Y", 20_000, 6, 10_000)):
        made.instruments.add(
            instrument_id=name, average_volume=volume, quantity_step=10, least_quantity=10
        )
        marks.marks.add(instrument_id=name, price_e4=price * 10_000)
        factors.factors.add(instrument_id=name, factor_bps=factor)
    market.UpsertInstruments(made)
    market.UpdateMarks(marks)
    market.UpdateVolatility(factors)
    positions = [accounts_pb2.PositionTarget(instrument_id=name, quantity=1_000) for name in "XY"]
    created = accounts_pb2.Account(
        account_id="L", tier_id="retail", margin_model=accounts_pb2.MARGIN_MODEL_LEVERAGED
    )
    sequence = accounts.UpsertAccounts(
        accounts_pb2.UpsertAccountsRequest(accounts=[created])
    ).sequence
    held = accounts.SetPositions(
        accounts_pb2.SetPositionsRequest(
            account_id="L", positions=positions, expected_sequence=sequence
        )
    )
    accounts.AdjustCash(
        accounts_pb2.AdjustCashRequest(
            account_id="L",
            adjustment_id="c",
            kind=accounts_pb2.CASH_KIND_CORRECTION,
            amount_e4=-10_400 * 10_000,
            expected_sequence=held.sequence,
        )
    )


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_CLIENT_ADDRESS", address)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: RUN.invoke(app, list(arguments))


def test_the_plan_is_shown_stage_by_stage(run: Callable[..., Result]) -> None:
    result = run("plan-liquidation", "L")
    shown = [" ".join(line.split()) for line in result.output.splitlines()]
    assert result.exit_code == 0, result.output
    assert "assets over debt 105.76 %" in shown
    assert "to be reached 110.00 %" in shown
    assert "outcome the plan reaches it" in shown
    assert "1 sell X 200 5.00 1,000.00 150.00 % 106.38 % 340.00" in shown
    assert "1 sell Y 570 6.00 3,420.00 100.00 % 110.03 % 0.00" in shown


def test_the_plan_is_json_on_request(run: Callable[..., Result]) -> None:
    answer = json.loads(run("plan-liquidation", "L", "--json").output)
    trades = answer["stages"][0]["trades"]
    assert [(one["instrument_id"], one["quantity"]) for one in trades] == [
        ("X", "200"),
        ("Y", "570"),
    ]
    assert answer["reachable"]


def test_the_weight_that_ranks_a_position_is_shown(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    policy = json.loads(run("policy", "show", "--json").output)
    band = {"above_bps": "4000", "long_points_bps": "100", "short_points_bps": "200"}
    policy["add_ons"] = {"weight": [band]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")
    assert run("policy", "propose", str(file)).exit_code == 0
    shown = [" ".join(line.split()) for line in run("plan-liquidation", "L").output.splitlines()]
    assert "1 sell X 200 5.00 1,000.00 150.00 % 1 106.38 % 340.00" in shown
    shown = [" ".join(line.split()) for line in run("account", "show", "L").output.splitlines()]
    assert "X 1,000 0 0 1,000 5.00 1.00 % 2.00 %" in shown


def test_what_is_blocked_and_what_is_lacking_is_said(run: Callable[..., Result]) -> None:
    assert run("halt", "account:L", "--reason", "storm", "--id", "y").exit_code == 0
    result = run("plan-liquidation", "L")
    shown = [" ".join(line.split()) for line in result.output.splitlines()]
    assert result.exit_code == 3
    assert "Y 1,000 halted" in shown
    assert any(line.endswith("of assets would still be lacking") for line in shown)


def test_an_account_that_is_not_in_liquidation_has_none(run: Callable[..., Result]) -> None:
    result = run("plan-liquidation", "NOBODY")
    assert result.exit_code == 65
    assert "NOT_FOUND" in result.stderr
