"""The demonstration's walk through a real machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.machine_gate import serving

from tidegate.v1 import order_pb2
from tidegate_server.cli.calls import connected
from tidegate_server.cli.comparing import compare_accounts, repeat_decisions
from tidegate_server.cli.load import load_sample
from tidegate_server.cli.readings import read_accounts
from tidegate_server.cli.walk import Walk
from tidegate_server.runtime.config import Config, load
from tidegate_server.sample.flow import Flow
from tidegate_server.sample.market import holders

STEPS, ACCOUNTS = 400, 60


def config_of(address: str) -> Config:
    return load(environment={}, flags={"client.address": address})


class Day(NamedTuple):
    walk: Walk
    asked_again: int
    differing: list[str]
    moved: list[str]


def walk_a_day() -> Day:
    walk = Walk(Flow(holders(ACCOUNTS), trades=STEPS), second="anna")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as address,
        connected(config_of(address)) as gate,
    ):
        load_sample(gate, ACCOUNTS)
        walk.run(gate, STEPS, lambda: None)
        before = read_accounts(gate)
        asked, differing = repeat_decisions(gate, walk.decisions, walk.reported)
        return Day(walk, asked, differing, compare_accounts(before, read_accounts(gate)))


@pytest.fixture(scope="module")
def day() -> Day:
    return walk_a_day()


@pytest.fixture(scope="module")
def walk(day: Day) -> Walk:
    return day.walk


def test_every_step_is_sent(walk: Walk) -> None:
    assert walk.calls > 2 * STEPS
    assert len(walk.latencies_ns) == len(walk.decisions) > STEPS


def test_two_walks_decide_the_same(walk: Walk) -> None:
    assert walk_a_day().walk.digest == walk.digest


def test_many_reasons_occur(walk: Walk) -> None:
    found = {
        rejection.reason
        for decision in walk.decisions
        for rejection in decision.response.rejections
    }
    assert len(found) >= 15
    assert order_pb2.REJECT_REASON_INTERNAL not in found


def test_most_orders_are_allowed(walk: Walk) -> None:
    allowed = sum(decision.allowed for decision in walk.decisions)
    assert 0.5 < allowed / len(walk.decisions) < 0.9


def test_every_decision_that_is_asked_again_agrees(day: Day) -> None:
    assert day.asked_again > STEPS
    assert day.differing == []


def test_asking_again_moves_no_account(day: Day) -> None:
    assert day.moved == []
