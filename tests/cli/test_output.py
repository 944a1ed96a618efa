from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.v1 import order_pb2
from tidegate_server.cli import output
from tidegate_server.cli.tally import percentile

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "price_e4"),
    [
        ("168.80", 1_688_000),
        ("168.8", 1_688_000),
        ("0.0001", 1),
        ("1,234.5678", 12_345_678),
        ("100000000", 10**12),
        ("0.1000000", 1_000),
    ],
)
def test_a_price_is_parsed_exactly(text: str, price_e4: int) -> None:
    assert output.parse_price(text) == price_e4


@given(st.integers(1, 10**12))
def test_a_price_that_was_written_reads_back(price_e4: int) -> None:
    assert output.parse_price(output.money(price_e4)) == price_e4


@pytest.mark.parametrize(
    ("amount_e4", "text"),
    [
        (0, "0.00"),
        (1_688_000, "168.80"),
        (12_345_678_901, "1,234,567.8901"),
        (-1, "-0.0001"),
        (-10_000_000, "-1,000.00"),
        (None, "-"),
    ],
)
def test_money_is_written_in_currency_units(amount_e4: int | None, text: str) -> None:
    assert output.money(amount_e4) == text


@pytest.mark.parametrize(("bps", "text"), [(20_000, "200.00 %"), (-5, "-0.05 %"), (None, "-")])
def test_a_ratio_is_written_in_percent(bps: int | None, text: str) -> None:
    assert output.percent(bps) == text


@pytest.mark.parametrize(
    ("reason", "value", "text"),
    [
        ("ORDER_NOTIONAL", 10_000, "1.00"),
        ("ORDER_QUANTITY", 10_000, "10,000"),
        ("LEVERAGE", 10_000, "100.00 %"),
        ("ORDER_STALE", 10_000, "0.000010 s"),
        ("HALTED", None, "-"),
    ],
)
def test_a_figure_is_written_in_the_unit_of_its_reason(
    reason: str, value: int | None, text: str
) -> None:
    assert output.figure(reason, value) == text


def test_a_time_is_written_in_utc() -> None:
    assert output.clock(1_381_152_600_123_456_789) == "2013-10-07 13:30:00.123456Z"


def test_a_scope_is_written_as_commands_take_it() -> None:
    assert output.scope(order_pb2.SCOPE_KIND_FIRM, "") == "firm"
    assert output.scope(order_pb2.SCOPE_KIND_ACCOUNT, "R1") == "account:R1"


@pytest.mark.parametrize(("per_mille", "value"), [(500, 50), (990, 99), (999, 100), (1000, 100)])
def test_percentiles_are_exact(per_mille: int, value: int) -> None:
    assert percentile(range(1, 101), per_mille) == value


def test_the_percentile_of_nothing_is_zero() -> None:
    assert percentile([], 500) == 0


AS_TYPED = "feed [down] again [/x] :warning: [bold]late[/bold]"


@pytest.mark.parametrize("stderr", [False, True])
@pytest.mark.parametrize(
    "lay_out",
    [
        lambda text: text,
        lambda text: output.facts([(text, "")]),
        lambda text: output.facts([("", text)]),
        lambda text: output.facts([("", "x" * 80)], title=text),
        output.make_table,
        lambda text: output.rejections([order_pb2.Rejection(note=text)]),
    ],
)
def test_brackets_and_colons_that_somebody_typed_are_no_markup(
    lay_out: Callable[[str], object], monkeypatch: pytest.MonkeyPatch, *, stderr: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr" if stderr else "sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", "200")
    output.console(stderr=stderr).print(lay_out(AS_TYPED))
    assert AS_TYPED in stream.getvalue()
