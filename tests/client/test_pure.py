"""The parts that know no network: attempts, ledger, errors."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.support import an_order

from tidegate_client import ConnectionFailedError, OrderKey, RequestError, Violation
from tidegate_client import _unsent as unsent
from tidegate_client._checks import Round
from tidegate_client._errors import _bad_request, _details, error_of
from tidegate_client._retry import Attempts
from tidegate_client._unsent import Ledger, event_id

LOST = grpc.StatusCode.UNAVAILABLE
KEY = OrderKey("A1", "1")


@given(st.floats(0.01, 10), st.floats(0.01, 1), st.lists(st.floats(0, 1, exclude_max=True)))
def test_attempts_never_reach_past_the_deadline(
    budget: float, attempt: float, draws: list[float]
) -> None:
    attempts, now = Attempts(budget, attempt, iter([*draws, *[0.5] * 2_000]).__next__), 0.0
    for _ in range(1_000):
        assert 0 <= attempts.timeout(now) <= min(attempt, max(budget - now, 0))
        now += min(attempts.timeout(now), 0.05)
        pause = attempts.pause_after(error_of(LOST), now)
        if pause is None:
            return
        assert now + pause < budget
        now += pause
    pytest.fail("it never ended")


def test_one_attempt_has_the_whole_deadline() -> None:
    attempts = Attempts(2.0, None)
    assert attempts.timeout(0.5) == 1.5
    assert attempts.pause_after(error_of(LOST), 0.5) is None


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64))
def test_an_event_id_fits_and_is_the_same_each_time(order_id: str) -> None:
    assert len(event_id(order_id)) <= 64
    assert event_id(order_id) == event_id(order_id)


def test_an_event_id_is_readable_where_it_fits() -> None:
    assert event_id("order-1") == "unsent-order-1"


def test_an_allow_and_a_report_of_one_order_exclude_each_other() -> None:
    ledger = Ledger(10_000, lambda: None)
    keys = [OrderKey("A1", str(number)) for number in range(500)]
    with ThreadPoolExecutor(2) as pool:
        allows = pool.map(ledger.admit, keys)
        reports = pool.map(lambda key: ledger.give_up([key]), keys)
        allowed = {key for key, error in zip(keys, allows, strict=True) if error is None}
        list(reports)
    assert allowed.isdisjoint(ledger.owed)
    assert allowed | set(ledger.owed) == set(keys)


def test_nothing_owed_is_ever_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent, "REMEMBERED_IDS", 2)
    ledger = Ledger(10, lambda: None)
    keys = [OrderKey("A1", str(number)) for number in range(5)]
    ledger.give_up(keys)
    for key in keys:
        ledger.admit(OrderKey("A2", key.order_id))
    assert ledger.owed == tuple(keys)
    assert all(ledger.admit(key) for key in keys)


def test_a_failed_report_goes_to_the_end_and_waits_longer_each_time() -> None:
    ledger = Ledger(10, lambda: None)
    ledger.give_up([KEY, OrderKey("A1", "2")])
    assert len(ledger.take()) == 2
    pauses = [ledger.failed(ledger.take()[:1], error_of(LOST)) for _ in range(12)]
    assert pauses[0] <= 0.1
    assert 2.5 <= pauses[-1] <= 5.0
    ledger.failed([KEY], error_of(LOST))
    assert ledger.take() == [OrderKey("A1", "2")]


def test_an_error_survives_pickling() -> None:
    error = error_of(LOST, "DRAINING", {"a": "b"}, "later", [Violation("f", "p")])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(again, ConnectionFailedError)
    assert str(again) == str(error) == "UNAVAILABLE/DRAINING; a b; f: p; later"


def test_a_malformed_field_is_named() -> None:
    # google.rpc.BadRequest with one field violation.
    packed = b"\x0a\x14\x0a\x08price_e4\x12\x08too high"
    assert _bad_request(packed) == [Violation("price_e4", "too high")]
    assert "price_e4: too high" in str(
        RequestError(grpc.StatusCode.INVALID_ARGUMENT, violations=_bad_request(packed))
    )


@given(st.binary(max_size=200))
def test_broken_details_are_passed_over(packed: bytes) -> None:
    for _url, value in _details([("grpc-status-details-bin", packed)]):
        _bad_request(value)


def test_an_order_that_is_interrupted_is_given_up() -> None:
    ledger = Ledger(10, lambda: None)
    with pytest.raises(KeyboardInterrupt), Round(ledger, [an_order("1")], alone=True):
        raise KeyboardInterrupt
    assert ledger.owed == (KEY,)
