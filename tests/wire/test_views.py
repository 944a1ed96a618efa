"""Reads of an account whose figures leave 64 bits (rulebook 1.4)."""

import pytest
from tests.engine.script import Script
from tests.engine.vast import EXITS, ending

from tidegate_server.engine.amounts import INT64_MAX


@pytest.fixture(scope="module")
def script() -> Script:
    return ending()


def test_open_orders_beyond_64_bits_are_shown_as_the_greatest_that_fits(script: Script) -> None:
    assert f"RB={INT64_MAX} RS=0" in script.run("position A X")


def test_a_turnover_beyond_64_bits_is_shown_as_the_greatest_that_fits(script: Script) -> None:
    assert script.run("day A") == f"orders={EXITS} turnover={INT64_MAX} start=-"


def test_a_used_turnover_beyond_64_bits_is_shown_as_the_greatest_that_fits(script: Script) -> None:
    view = script.call("GetAccount", {"account_id": "A"}).account
    used = {limit.name: limit.used for limit in view.limits}
    assert used["day_turnover_e4"] == INT64_MAX
