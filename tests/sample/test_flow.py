from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.sample import market, orders
from tidegate_server.sample.flow import Flow, Step

SENSIBLE = {"sensible", "market", "exit"}


def walk(flow: Flow) -> list[Step]:
    """Answer as a gate might that finds fault with nothing but deliberate mistakes."""
    steps = []
    for step in flow:
        steps.append(step)
        for draft in step.orders:
            flow.answer(draft, allowed=draft.kind in SENSIBLE)
    return steps


def digest_of(steps: list[Step]) -> str:
    digest = hashlib.sha256()
    for step in steps:
        messages = [draft.order for draft in step.orders], step.events
        for message in (*messages[0], *messages[1]):
            digest.update(message.SerializeToString(deterministic=True))
    return digest.hexdigest()


@pytest.fixture(scope="module")
def day() -> list[Step]:
    return walk(Flow(market.holders()))


def test_a_day_has_one_step_a_trade(day: list[Step]) -> None:
    assert [step.number for step in day] == list(range(4_000))
    assert len(Flow(market.holders(10))) == 4_000


def test_a_shorter_walk_is_as_long_as_asked() -> None:
    assert len(walk(Flow(market.holders(20), trades=40))) == 40


def test_two_walks_are_the_same(day: list[Step]) -> None:
    assert digest_of(walk(Flow(market.holders()))) == digest_of(day)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_walk_is_the_same_under_any_hash_seed(day: list[Step], hash_seed: str) -> None:
    program = "from tests.sample.test_flow import *; print(digest_of(walk(Flow(market.holders()))))"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.strip() == digest_of(day)


def test_another_seed_makes_another_day(day: list[Step]) -> None:
    assert digest_of(walk(Flow(market.holders(), seed=1))) != digest_of(day)


def test_every_kind_of_order_occurs(day: list[Step]) -> None:
    found = Counter(draft.kind for step in day for draft in step.orders)
    assert set(found) == set(orders.KINDS)
    assert min(found.values()) >= 10


def test_both_sides_and_both_types_occur(day: list[Step]) -> None:
    found = {(draft.order.side, draft.order.order_type) for step in day for draft in step.orders}
    assert len(found) == 4


def test_every_kind_of_report_occurs(day: list[Step]) -> None:
    found = {event.kind for step in day for event in step.events}
    assert found == set(risk_pb2.OrderEventKind.values()) - {0}


def test_report_ids_are_unique(day: list[Step]) -> None:
    ids = [event.event_id for step in day for event in step.events]
    assert len(ids) == len(set(ids))


def test_only_allowed_orders_are_reported(day: list[Step]) -> None:
    allowed = {
        draft.order.order_id
        for step in day
        for draft in step.orders
        if draft.kind in SENSIBLE and not draft.is_repeat
    }
    assert {event.order_id for step in day for event in step.events} <= allowed


def test_no_order_is_filled_beyond_its_quantity(day: list[Step]) -> None:
    asked = {
        draft.order.order_id: draft.order.quantity
        for step in reversed(day)
        for draft in step.orders
    }
    filled: dict[str, int] = defaultdict(int)
    for step in day:
        for event in step.events:
            filled[event.order_id] += event.quantity
    assert all(quantity <= asked[order_id] for order_id, quantity in filled.items())


def test_no_fill_is_worse_than_its_limit(day: list[Step]) -> None:
    limits = {
        draft.order.order_id: draft.order
        for step in day
        for draft in step.orders
        if not draft.is_repeat and draft.order.HasField("price_e4")
    }
    for step in day:
        for event in step.events:
            order = limits.get(event.order_id)
            if order is None or event.kind != risk_pb2.ORDER_EVENT_KIND_FILLED:
                continue
            bought = order.side == order_pb2.SIDE_BUY
            assert event.price_e4 <= order.price_e4 if bought else event.price_e4 >= order.price_e4


def test_an_exit_fits_what_the_account_holds() -> None:
    holders = market.holders(40)
    held = {holder.account.account_id: holder.positions for holder in holders}
    for draft in next(iter(Flow(holders))).orders:
        if draft.kind == "exit":
            position = held[draft.order.account_id][draft.order.instrument_id]
            assert 0 < draft.order.quantity <= abs(position)


def test_what_is_stopped_is_released_again(day: list[Step]) -> None:
    controls = [step.control for step in day if step.control is not None]
    assert len(controls) == 4
    assert controls[0].stop_id == controls[1].stop_id != controls[2].stop_id == controls[3].stop_id


def test_nothing_stands_half_way(day: list[Step]) -> None:
    first_half = [step.control for step in day[:2_000] if step.control is not None]
    assert len(first_half) == 2
