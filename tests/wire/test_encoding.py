"""Responses with figures that leave 64 bits (rulebook 1.4)."""

from typing import Any

import pytest
from tests.engine.script import Script

from tidegate_server.engine.amounts import INT64_MAX, PRICE_BOUND, QUANTITY_BOUND


@pytest.fixture(scope="module")
def preview() -> Any:
    """Preview an order that is small at the mark, and beyond 64 bits at the slow one."""
    script = Script()
    for line in ("limit t leverage_bps unlimited", "instrument X", "factor X 10000"):
        script.run(line)
    script.run("account A tier=t")
    script.run(f"mark X {PRICE_BOUND}")
    script.run("mark X 1")
    request, principal = script.request("SELL", ["A", "X", str(QUANTITY_BOUND), "@", "1"])
    del request["order_id"], request["created_time_ns"]
    return script.call("PreviewOrder", request, principal)


def test_a_figure_beyond_64_bits_is_the_greatest_that_fits(preview: Any) -> None:
    assert preview.after.gross_e4 == INT64_MAX


def test_a_figure_below_64_bits_is_the_least_that_fits(preview: Any) -> None:
    assert preview.after.equity_e4 == -INT64_MAX


@pytest.mark.parametrize("sign", [1, -1])
def test_a_change_beyond_64_bits_is_the_furthest_that_fits(preview: Any, sign: int) -> None:
    figure = preview.change.gross_e4 if sign > 0 else preview.change.equity_e4
    assert figure == sign * INT64_MAX
