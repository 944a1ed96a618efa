"""Decisions on facts so large that figures leave 64 bits (rulebook 1.4)."""

import pytest
from tests.engine.vast import ending, holding

from tidegate_server.engine.amounts import INT64_MAX, QUANTITY_BOUND


@pytest.mark.parametrize("quantity", [QUANTITY_BOUND, -QUANTITY_BOUND])
def test_an_account_whose_figures_leave_64_bits_is_not_valued(quantity: int) -> None:
    found = holding(quantity).call("RevalueAccounts", {"account_ids": ["A"]})
    assert [valuation.valued for valuation in found.valuations] == [False]


def test_an_account_whose_figures_fit_is_valued() -> None:
    found = holding(1).call("RevalueAccounts", {"account_ids": ["A"]})
    assert [valuation.valued for valuation in found.valuations] == [True]


def test_a_measured_figure_beyond_64_bits_is_the_greatest_that_fits() -> None:
    script = ending("limit t day_turnover_e4 1")
    found = script.run("buy A X 1 @ 1").split("; ")
    assert f"DAY_TURNOVER {INT64_MAX}/1 account:A" in found
