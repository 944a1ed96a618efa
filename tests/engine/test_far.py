"""An account is far from its limits as long as each is used less than half, and no longer (8.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.book import Book as Workbook
from bench.book import policy as bench_policy
from bench.book import with_everything
from bench.contract import CHECK_ORDER
from bench.frames import Call
from bench.workload import Workload

from tidegate.v1.policy_service_pb2 import ProposePolicyRequest
from tidegate.v1.risk_service_pb2 import CheckOrderRequest
from tidegate_server.engine.far import is_far_from_limits
from tidegate_server.engine.limit import Band, Limit
from tidegate_server.engine.reasons import ScopeKind
from tidegate_server.engine.slack import NEAR_BPS
from tidegate_server.engine.usage import usages, used_limits
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import METHODS

if TYPE_CHECKING:
    from tidegate_server.engine.account import Account
    from tidegate_server.engine.standing import Usage

NOW_NS = 1_700_000_000 * 10**9
OPEN_ORDERS = 60
#: What is measured of the account in the world below, by kind of scope.
OWN = (
    "open_order_count",
    "day_order_count",
    "day_turnover_e4",
    "leverage_bps",
    "position",
    "day_loss_e4",
    "drawdown_bps",
    "concentration",
    "sector_concentration",
    "board_concentration",
)
FIRM = (
    "open_order_count",
    "position",
    "ownership_bps",
    "instrument_exposure_e4",
    "financing_e4",
    "reserve_pool_e4",
)
GROUP = ("open_order_count", "position", "ownership_bps", "group_exposure_e4")
BESIDE = ("position", "ownership_bps", "instrument_exposure_e4")
LIMITS = [
    *[(ScopeKind.ACCOUNT, name) for name in OWN],
    *[(ScopeKind.FIRM, name) for name in FIRM],
    *[(ScopeKind.GROUP, name) for name in GROUP],
    *[(kind, name) for kind in (ScopeKind.SECTOR, ScopeKind.BOARD) for name in BESIDE],
    *[(ScopeKind.INSTRUMENT, name) for name in (*BESIDE, "short_pool")],
]


class World:
    """The bench's market with limits at every scope, and one account of it, which lost a little."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.machine.start_epoch(1, "test", NOW_NS)
        workbook = Workbook(accounts=6, positions=4, instruments=6)
        document = with_everything(bench_policy(), workbook)
        proposal = ProposePolicyRequest(policy=document).SerializeToString()
        path = "/tidegate.v1.PolicyService/ProposePolicy"
        self.exchange([Call(path, proposal, b"")])
        workbook.set_up(self.exchange)
        self.book = self.machine.book
        for instrument in self.book.instruments.values():
            instrument.terms.shares_outstanding = 10**7
        workload = Workload(workbook)
        for call in workload.orders(OPEN_ORDERS):
            assert call.path == CHECK_ORDER
            self.machine.call(BY_PATH[call.path], with_time(call.message), "bench", NOW_NS)
        assert self.book.policy is not None
        self.policy = self.book.policy
        self.account = self.some_account()
        equity = self.account.high_water
        self.account.start_of_day_equity = equity + 10**6
        self.account.high_water = equity + equity // 100
        # Others draw, and would fall short under stress.
        assert self.book.share_sums is not None
        self.book.share_sums[""].drawn += 10**9
        self.book.share_sums[""].shortfall += 10**9

    def exchange(self, calls: list[Call]) -> list[bytes]:
        answers = []
        for call in calls:
            answer = self.machine.call(BY_PATH[call.path], call.message, "bench", NOW_NS)
            assert answer.response is not None, answer.error
            answers.append(answer.response)
        return answers

    def some_account(self) -> Account:
        """Return one that is short of something and has open orders."""
        for account in self.book.accounts.values():
            shorted = any(position.quantity < 0 for position in account.active)
            if shorted and account.open_order_count:
                return account
        raise AssertionError("nobody is short")

    def used(self, kind: ScopeKind, name: str) -> Usage:
        """Return a usage of the account; of several scopes of a kind the first."""
        for usage in usages(self.book, self.account, NOW_NS):
            if usage.scope_kind == kind and usage.name == name and usage.measured:
                return usage
        raise AssertionError(f"nothing is measured of {name}")

    def put(self, usage: Usage, value: int) -> None:
        """Let a limit be another."""
        name, account = usage.name, self.account
        tier = self.policy.tiers[account.tier_id]
        instrument = self.book.instruments.get(usage.subject)
        if name == "short_pool":
            assert instrument is not None
            instrument.terms.dealing.short_pool = value
        elif name == "concentration":
            assert instrument is not None
            tier.concentration[instrument.terms.rating_group] = [Band(0, value)]
        elif name == "sector_concentration":
            tier.sector_tables[usage.subject] = [Band(0, value)]
        elif name == "board_concentration":
            tier.board_tables[usage.subject] = [Band(0, value)]
        elif name == "reserve_pool_e4":
            assert self.policy.reserve is not None
            self.policy.reserve.pool_e4 = value
        elif usage.scope_kind == ScopeKind.ACCOUNT:
            account.limits[name] = Limit(value)
        else:
            self.policy.scopes[int(usage.scope_kind), usage.scope_id].caps[name] = value
        self.policy.rooms_epoch += 1
        self.policy.shared.clear()
        account.effective = None

    def is_far(self) -> bool:
        return is_far_from_limits(self.book, self.policy, self.account, NOW_NS)

    def every(self) -> list[Usage]:
        found = usages(self.book, self.account, NOW_NS)
        return [usage for usage in found if usage.usage_bps >= NEAR_BPS]


BY_PATH = {method.path: method for method in METHODS}


def with_time(message: bytes) -> bytes:
    """Return an order as if it were created at the test's time."""
    order = CheckOrderRequest.FromString(message)
    order.created_time_ns = NOW_NS
    return order.SerializeToString()


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_an_account_of_the_bench_is_far(world: World) -> None:
    assert world.is_far()
    assert not world.every()


@pytest.mark.parametrize(("kind", "name"), LIMITS)
def test_it_is_far_until_half_of_a_limit_is_used(kind: ScopeKind, name: str) -> None:
    world = World()
    if name.endswith("concentration"):  # caps are divided by factors: here by 1
        for instrument in world.book.instruments.values():
            instrument.factor_bps = 10_000
            instrument.changed(world.book)
    usage = world.used(kind, name)
    assert usage.measured
    world.put(usage, usage.measured)
    usage = world.used(kind, name)  # which instrument uses most shows near the limit
    measured = usage.measured
    assert measured
    world.put(usage, 2 * measured + 1)
    assert [one.name for one in world.every()] == []
    assert world.is_far()
    world.put(usage, 2 * measured)
    assert name in [one.name for one in world.every()]
    assert not world.is_far()
    found = used_limits(world.book, world.account, NOW_NS, NEAR_BPS)
    assert [one.name for one in found] == [one.name for one in world.every()]
