"""Amounts, ids and orders: exact or refused."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.support import an_order

from tidegate.v1.order_pb2 import VERDICT_ALLOW
from tidegate_client import Decision, Rejection, amount_e4, decimal_e4, new_order_id, price_e4
from tidegate_client._types import MAXIMUM_AMOUNT_E4, MAXIMUM_PRICE_E4


@given(st.integers(1, MAXIMUM_PRICE_E4))
def test_every_price_survives_the_way_there_and_back(price: int) -> None:
    assert price_e4(decimal_e4(price)) == price
    assert price_e4(str(decimal_e4(price))) == price


@given(st.integers(-MAXIMUM_AMOUNT_E4, MAXIMUM_AMOUNT_E4))
def test_every_amount_survives_the_way_there_and_back(amount: int) -> None:
    assert amount_e4(decimal_e4(amount)) == amount


@given(st.decimals())
def test_a_decimal_is_exact_or_refused(value: Decimal) -> None:
    try:
        amount = amount_e4(value)
    except ValueError:
        return
    assert Decimal(amount) == value * 10_000


@given(st.text(max_size=70))
def test_a_text_is_exact_or_refused(value: str) -> None:
    try:
        amount = amount_e4(value)
    except ValueError:
        return
    assert decimal_e4(amount) == Decimal(value)


def test_a_price_is_read_from_text() -> None:
    assert price_e4("168.80") == 1_688_000


@pytest.mark.parametrize("value", [168.8, 0.1, float("nan")])
def test_a_float_is_refused_and_told_why(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold most decimal amounts exactly"):
        price_e4(value)


def test_an_int_is_refused_since_its_unit_is_open() -> None:
    with pytest.raises(TypeError, match="units or 1/10 000"):
        price_e4(168)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["", "x", "0", "-1", "0.00001", "100000000.0001", "NaN", "Infinity", "1e999999999"]
)
def test_what_is_no_price_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"price|number|amount|decimals|beyond"):
        price_e4(value)


def test_the_creation_time_is_set_once() -> None:
    before = time.time_ns()
    order = an_order()
    assert before <= order.created_time_ns <= time.time_ns()
    assert order.created_time_ns == order.created_time_ns


def test_order_ids_are_32_hex_digits_and_differ() -> None:
    first, second = new_order_id(), new_order_id()
    assert first != second
    assert len(first) == 32
    assert int(first, 16)


@pytest.mark.parametrize("account_id", ["", "a b", "ä", "x" * 65, "a\n", "\x7f"])
def test_an_id_that_no_gate_takes_is_refused(account_id: str) -> None:
    with pytest.raises(ValueError, match="account_id"):
        an_order(account_id=account_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", 0), ("quantity", 10**12 + 1), ("price_e4", 0), ("created_time_ns", 0)],
)
def test_a_figure_out_of_bounds_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        an_order(**{field: value})


@pytest.mark.parametrize("value", [1.0, "1", True])
def test_a_figure_that_is_no_integer_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="quantity"):
        an_order(quantity=value)


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="0"):
        an_order(side=0)


def test_a_decision_without_a_verdict_is_false() -> None:
    assert not Decision(account_id="A1", order_id="1")


@given(st.integers(-(2**31), 2**31 - 1))
def test_only_the_allow_verdict_is_true(verdict: int) -> None:
    decision = Decision(account_id="A1", order_id="1", verdict=verdict)
    assert bool(decision) == decision.allowed == (verdict == VERDICT_ALLOW)


def test_a_rejection_says_what_it_knows() -> None:
    rejection = Rejection(
        reason="LEVERAGE", measured=3, limit=2, scope_kind="ACCOUNT", scope_id="A1"
    )
    assert str(rejection) == "LEVERAGE, account A1, measured 3, limit 2"
