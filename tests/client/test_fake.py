"""The fake gate, as users see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.client.support import an_order

from tidegate_client import Client

if TYPE_CHECKING:
    from tidegate_client.testing import FakeGate


def test_it_answers_a_repeat_with_the_first_answer(fake: FakeGate) -> None:
    order = an_order()
    with Client(fake.target) as client:
        first = client.check(order)
        fake.reject("HALTED")
        again = client.check(order)
    assert again.allowed
    assert again.replayed
    assert first.sequence == again.sequence


def test_a_plan_for_some_orders_ends(fake: FakeGate) -> None:
    fake.reject("LEVERAGE", times=1)
    with Client(fake.target) as client:
        assert [bool(client.check(an_order())) for _ in range(2)] == [False, True]


def test_allow_takes_back_every_plan(fake: FakeGate) -> None:
    fake.reject("LEVERAGE")
    fake.allow()
    with Client(fake.target) as client:
        assert client.check(an_order())


def test_a_reason_that_the_contract_lacks_is_refused(fake: FakeGate) -> None:
    with pytest.raises(ValueError, match="NO_SUCH_REASON"):
        fake.reject("NO_SUCH_REASON")


def test_it_says_that_it_serves(fake: FakeGate) -> None:
    with grpc.insecure_channel(fake.target) as channel:
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=2) == b"\x08\x01"


def test_it_keeps_its_address_through_an_outage(fake: FakeGate) -> None:
    before = fake.target
    with fake.outage():
        pass
    assert fake.target == before
