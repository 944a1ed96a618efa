"""Contracts of an account under cn_margin, from the command line."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import MachineGate, serving
from typer.testing import CliRunner

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import market_service_pb2, order_pb2
from tidegate_server.cli.accruals import booking_id, interest_of
from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner()


def prepare(gate: MachineGate) -> None:
    """Give a gate one account under cn_margin and one instrument."""
    instrument = market_service_pb2.Instrument(
        instrument_id="600519",
        rating_group="A",
        product_type="CS",
        marginable=True,
        haircut_bps=6_500,
        average_volume=10**9,
        shares_outstanding=10**9,
    )
    account = accounts_pb2.Account(
        account_id="C1", tier_id="house", margin_model=accounts_pb2.MARGIN_MODEL_CN_MARGIN
    )
    account.permissions.margin = True
    account.permissions.product_types.append("CS")
    account.permissions.order_types.append(order_pb2.ORDER_TYPE_LIMIT)
    always = market_service_pb2.Session(close_time_ns=4 * 10**18)
    mark = market_service_pb2.Mark(instrument_id="600519", price_e4=100_000)
    cash = accounts_pb2.AdjustCashRequest(
        account_id="C1",
        adjustment_id="d",
        kind=accounts_pb2.CASH_KIND_DEPOSIT,
        amount_e4=10_000_000,
    )
    upsert = market_service_pb2.UpsertInstrumentsRequest(instruments=[instrument])
    gate.call("UpsertInstruments", upsert.SerializeToString())
    opened = accounts_pb2.UpsertAccountsRequest(accounts=[account])
    gate.call("UpsertAccounts", opened.SerializeToString())
    session = market_service_pb2.SetSessionRequest(sessions=[always])
    gate.call("SetSession", session.SerializeToString())
    marks = market_service_pb2.UpdateMarksRequest(marks=[mark])
    gate.call("UpdateMarks", marks.SerializeToString())
    cash.expected_sequence = gate.machine.book.accounts["C1"].sequence
    gate.call("AdjustCash", cash.SerializeToString())
    roll = market_service_pb2.RollDayRequest(trading_date=20_261_120)
    gate.call("RollDay", roll.SerializeToString())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    with serving(tmp_path, prepare) as address:
        monkeypatch.setenv("TIDEGATE_CLIENT_ADDRESS", address)
        yield lambda *arguments: RUN.invoke(app, list(arguments))


def words(result: Result) -> str:
    return " ".join(result.output.split())


def financed(run: Callable[..., Result]) -> None:
    """Open a contract of 50 shares at 10."""
    order = ("C1", "buy", "50", "600519", "--price", "10", "--kind", "margin-buy", "--id", "c1")
    assert "verdict ALLOW" in words(run("check", *order))
    fill = ("--instrument", "600519", "--side", "buy", "--quantity", "50", "--price", "10")
    run("record", "C1", "c1", "filled", *fill)


def test_an_order_without_its_kind_is_refused(run: Callable[..., Result]) -> None:
    result = run("preview", "C1", "buy", "50", "600519", "--price", "10")
    assert "NOT_PERMITTED" in words(result)
    assert "margin kind" in words(result)


def test_contracts_are_listed_and_shown_with_the_account(run: Callable[..., Result]) -> None:
    financed(run)
    assert "c1 financed 600519 50 500.00 0.00" in words(run("contract", "list", "C1"))
    shown = words(run("account", "show", "C1"))
    assert "c1 financed 600519" in shown
    assert "free cash 1,000.00" in shown


def test_interest_is_repaid_before_principal(run: Callable[..., Result]) -> None:
    financed(run)
    assert "cash 1,000.00" in words(run("contract", "interest", "C1", "c1", "2.50"))
    assert "cash 990.00" in words(run("contract", "repay", "C1", "10.00", "--id", "r"))
    assert "r, booked before" in words(run("contract", "repay", "C1", "10.00", "--id", "r"))
    (line,) = [json.loads(run("contract", "list", "C1", "--json").output)]
    assert line["amount_e4"] == "4925000"


def test_a_fee_is_owed_until_it_is_taken_back(run: Callable[..., Result]) -> None:
    run("contract", "fee", "C1", "5")
    assert "interest and fees 5.00" in words(run("account", "show", "C1"))
    run("contract", "fee", "C1", "5", "--take-back")
    assert "interest and fees 0.00" in words(run("account", "show", "C1"))


def test_what_is_not_free_is_refused_with_the_most_that_is(run: Callable[..., Result]) -> None:
    result = run("contract", "repay", "C1", "1000.01")
    assert result.exit_code != 0
    assert "at most 10000000" in words(result)
    assert "at most 0" in words(run("contract", "return", "C1", "1", "600519"))


RATES = ("--financing-rate", "835", "--short-rate", "1060")


def test_interest_of_a_day_is_booked_once_on_every_contract(run: Callable[..., Result]) -> None:
    financed(run)
    shown = words(run("contract", "accrue", *RATES, "--dry-run"))
    assert "C1 c1 financed 500.00 0.1160 to be booked" in shown
    assert "0.1160 booked now" in words(run("contract", "accrue", *RATES))
    again = words(run("contract", "accrue", *RATES, "--date", "20261120"))
    assert "C1 c1 financed 500.00 0.1160 booked before" in again
    assert "c1 financed 600519 50 500.00 0.1160" in words(run("contract", "list", "C1"))


def test_a_weekend_is_booked_as_three_days(run: Callable[..., Result]) -> None:
    financed(run)
    result = run("contract", "accrue", *RATES, "--days", "3", "--account", "C1", "--json")
    (line,) = [json.loads(result.output)]
    assert (line["interest_e4"], line["state"]) == (3_480, "booked")


def test_a_day_that_is_not_the_gates_is_refused(run: Callable[..., Result]) -> None:
    result = run("contract", "accrue", *RATES, "--date", "20261119")
    assert result.exit_code == 2
    assert "trading date is 20261120" in words(result)


@pytest.mark.parametrize(("amount", "rate", "days"), [(1, 1, 1), (5_000_000, 835, 1), (0, 835, 1)])
def test_interest_is_rounded_up(amount: int, rate: int, days: int) -> None:
    found = interest_of(amount, rate, days)
    exact = Fraction(amount * rate * days, 10_000 * 360)
    assert 0 <= found - exact < 1


def test_the_id_of_a_booking_fits_whatever_the_contracts_id() -> None:
    assert booking_id(20_261_120, "c1") == "interest-20261120-c1"
    assert len(booking_id(20_261_120, "c" * 64)) <= 64
    assert booking_id(20_261_120, "c" * 64) != booking_id(20_261_120, "d" * 64)
