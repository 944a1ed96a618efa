"""Work on the order path does not grow with the book, and leaves nothing to collect."""

import gc
import sys
from collections.abc import Callable
from functools import partial
from math import ceil, log2
from types import FrameType
from typing import Any

import pytest
from tests.oracle.adapter import to_protobuf
from tests.oracle.desk import ALL, LENT

from tidegate_server.engine import decide
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME
from tidegate_server.wire.views import STOP_LIMIT

START = 1_700_000_000 * 10**9
SECOND = 10**9
HOUR = 3_600 * SECOND
COMPILED = not decide.__file__.endswith(".py")
SCALE = 50

interpreted = pytest.mark.skipif(
    COMPILED, reason="the engine is compiled: its steps cannot be counted"
)


class Desk:
    """A book of some size: the account under test A always has three positions and two orders."""

    def __init__(self, scale: int, add_ons: dict[str, Any] | None = None) -> None:
        self.machine = Machine()
        self.serial = 0
        self.now = START
        more = {} if add_ons is None else {"add_ons": add_ons}
        self.call("ProposePolicy", {"policy": policy() | more})
        always = {"open_time_ns": START, "close_time_ns": START + HOUR}
        self.call("SetSession", {"sessions": [always]})
        names = [f"I{index:04}" for index in range(4 * scale)]
        for start in range(0, len(names), 100):
            part = names[start : start + 100]
            self.call("UpsertInstruments", {"instruments": [instrument(name) for name in part]})
            marks = [{"instrument_id": name, "price_e4": 100_000} for name in part]
            self.call("UpdateMarks", {"marks": marks})
            factors = [{"instrument_id": name, "factor_bps": 10_000} for name in part]
            self.call("UpdateVolatility", {"factors": factors})
        others = [f"B{index:04}" for index in range(2 * scale)]
        for account in ["A", *others]:
            terms: dict[str, Any] = {
                "account_id": account,
                "tier_id": "t",
                "margin_model": "LEVERAGED",
                "group_id": "G",
            }
            terms["permissions"] = ALL
            self.call("UpsertAccounts", {"accounts": [terms]})
            self.hold(account, names[:3])
        for account in others:
            for name in names[-2:]:
                self.call("CheckOrder", self.order(account, name))
        for name in names[1:3]:
            self.call("CheckOrder", self.order("A", name))

    def call(self, method: str, request: dict[str, Any]) -> Any:
        payload = to_protobuf(request, f"{method}Request").SerializeToString()
        answer = self.machine.call(BY_NAME[method], payload, "desk", self.now)
        assert answer.error is None, answer.error.message
        return answer

    def hold(self, account: str, names: list[str]) -> None:
        view = self.machine.book.accounts[account]
        positions = [{"instrument_id": name, "quantity": 100} for name in names]
        request = {"account_id": account, "positions": positions}
        self.call("SetPositions", {**request, "expected_sequence": view.sequence})
        cash: dict[str, Any] = {"account_id": account, "adjustment_id": "a", "kind": "DEPOSIT"}
        cash |= {"amount_e4": 10**12, "expected_sequence": view.sequence}
        self.call("AdjustCash", cash)

    def order(self, account: str, name: str) -> dict[str, Any]:
        self.serial += 1
        self.now += 1
        request = {"account_id": account, "instrument_id": name, "order_id": f"o{self.serial:07}"}
        figures = {"quantity": 10, "price_e4": 100_000, "created_time_ns": self.now}
        return {**request, **figures, "side": "BUY", "order_type": "LIMIT"}

    def steps_of(self, method: str, request: dict[str, Any]) -> int:
        """Count the lines and calls of one call, after one like it has made every memo."""
        payload = to_protobuf(request, f"{method}Request").SerializeToString()
        spec = BY_NAME[method]
        return steps(lambda: self.machine.call(spec, payload, "desk", self.now))


def policy() -> dict[str, Any]:
    names = ("max_order_age_ns", "max_clock_skew_ns", "max_mark_age_ns", "max_volatility_age_ns")
    scalars = dict.fromkeys(names, HOUR) | {"acknowledgement_limit_ns": HOUR // 2}
    factors = ("stress_factor_bps", "elevated_regime_bps", "stressed_regime_bps")
    limits = {"leverage_bps": {"value": 50_000}, "price_collar_bps": {"value": 500}}
    limits["order_rate"] = {"per_second": 1_000, "burst": 1_000_000}
    return {
        "rules_version": 1,
        **scalars,
        **dict.fromkeys(factors, 15_000),
        "slow_mark_step_bps": 20,
        "tiers": [{"tier_id": "t", "limits": limits}],
    }


def instrument(name: str) -> dict[str, Any]:
    rates = dict.fromkeys(("initial_margin_long_bps", "initial_margin_short_bps"), 5_000)
    return {"instrument_id": name, "marginable": True, "product_type": "CS", **LENT, **rates}


def steps(work: Callable[[], object]) -> int:
    """Count the lines and calls that some work runs in our own programs."""
    count = 0

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        if "tidegate_server" not in frame.f_code.co_filename:
            return None
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def desks() -> tuple[Desk, Desk]:
    return Desk(1), Desk(SCALE)


@pytest.fixture(scope="module")
def small_and_large() -> tuple[Desk, Desk]:
    return desks()


@interpreted
def test_the_large_book_is_large(small_and_large: tuple[Desk, Desk]) -> None:
    small, large = (desk.machine.status() for desk in small_and_large)
    assert large.instrument_count == SCALE * small.instrument_count
    assert large.account_count > 30 * small.account_count
    assert large.open_order_count > 30 * small.open_order_count


@interpreted
def test_checking_an_order_takes_equal_steps(small_and_large: tuple[Desk, Desk]) -> None:
    counts = []
    for desk in small_and_large:
        for _ in range(2):  # the first makes the instrument's memos, the second the account's
            desk.call("CheckOrder", desk.order("A", "I0000"))
        counts.append(desk.steps_of("CheckOrder", desk.order("A", "I0000")))
    assert counts[0] == counts[1] > 0


@interpreted
def test_add_ons_of_a_group_take_equal_steps_however_many_are_in_it() -> None:
    band = {"above_bps": 0, "points_bps": 100}
    weight = {"above_bps": 0, "long_points_bps": 100, "short_points_bps": 100}
    add_ons = {"weight": [weight], "days": [band], "ownership": [band]}
    counts = []
    for scale in (1, SCALE):
        desk = Desk(scale, add_ons)
        desk.call("CheckOrder", desk.order("A", "I0000"))
        request = desk.order("A", "I0000") | {"want_max_acceptable_quantity": True}
        counts.append(desk.steps_of("CheckOrder", request))
    assert counts[0] == counts[1] > 0


@interpreted
@pytest.mark.parametrize("cash", [10**12, -10_000_000])
def test_add_ons_on_the_fast_path_take_equal_steps(cash: int) -> None:
    """Where the account is far from what is required, and where it is near."""
    bands = [{"above_bps": edge, "points_bps": 100 + edge} for edge in (0, 1_000, 5_000)]
    add_ons = {"days": bands, "ownership": bands}
    counts = []
    for scale in (1, SCALE):
        desk = Desk(scale, add_ons)
        desk.machine.book.accounts["A"].cash = cash
        for _ in range(3):
            desk.call("CheckOrder", desk.order("A", "I0000"))
        counts.append(desk.steps_of("CheckOrder", desk.order("A", "I0000")))
    assert counts[0] == counts[1] > 0


@interpreted
def test_orders_of_one_moment_take_a_comparison_more_for_twice_as_many(
    small_and_large: tuple[Desk, Desk],
) -> None:
    counts = []
    for desk in small_and_large:
        desk.call("CheckOrder", desk.order("A", "I0000"))
        moment = desk.now
        request = desk.order("A", "I0000") | {"created_time_ns": moment}
        desk.now = moment
        counts.append(desk.steps_of("CheckOrder", request))
    comparison = 2 * 3  # lines of a rank in either queue
    assert counts[1] - counts[0] <= comparison * ceil(log2(SCALE))


@interpreted
def test_previewing_an_order_takes_equal_steps(small_and_large: tuple[Desk, Desk]) -> None:
    counts = []
    for desk in small_and_large:
        request = desk.order("A", "I0000")
        del request["order_id"], request["created_time_ns"]
        desk.call("PreviewOrder", request)
        counts.append(desk.steps_of("PreviewOrder", request))
    assert counts[0] == counts[1] > 0


@interpreted
def test_booking_a_fill_takes_equal_steps(small_and_large: tuple[Desk, Desk]) -> None:
    counts = []
    for desk in small_and_large:
        request = desk.order("A", "I0000")
        desk.call("CheckOrder", request)
        found = 0
        for part in ("1", "2"):
            event: dict[str, Any] = {"account_id": "A", "kind": "FILLED", "side": "BUY"}
            event |= {"event_id": f"{request['order_id']}-{part}", "order_id": request["order_id"]}
            event |= {"instrument_id": "I0000", "quantity": 2, "price_e4": 100_000}
            found = desk.steps_of("RecordOrderEvents", {"events": [event]})
        counts.append(found)
    assert counts[0] == counts[1] > 0


@interpreted
def test_a_mark_takes_equal_steps_whoever_holds_it(small_and_large: tuple[Desk, Desk]) -> None:
    marks = {"marks": [{"instrument_id": "I0000", "price_e4": 100_001}]}
    counts = [desk.steps_of("UpdateMarks", marks) for desk in small_and_large]
    assert counts[0] == counts[1] > 0


@interpreted
def test_a_tick_that_finds_nothing_takes_equal_steps(small_and_large: tuple[Desk, Desk]) -> None:
    counts = [steps(partial(desk.machine.tick, START)) for desk in small_and_large]
    assert counts[0] == counts[1] > 0


@interpreted
def test_a_status_takes_equal_steps_however_many_stops_stand() -> None:
    counts = []
    for number in (STOP_LIMIT, 5 * STOP_LIMIT):
        desk = Desk(1)
        for index in range(number):
            stop = {"stop_id": f"h{index:04}", "scope_kind": "GROUP", "scope_id": f"G{index}"}
            desk.call("Halt", {**stop, "reason": "a test"})
        counts.append(steps(desk.machine.status))
    assert counts[0] == counts[1] > 0


@interpreted
def test_a_tick_takes_steps_for_what_is_due_only() -> None:
    counts = []
    for desk in desks():
        machine = desk.machine
        desk.now = START + HOUR // 2 + SECOND
        while machine.tick(desk.now) is not None:
            pass
        desk.call("CheckOrder", desk.order("A", "I0000"))
        counts.append(steps(partial(machine.tick, START + HOUR + SECOND + SECOND // 2)))
    assert counts[0] == counts[1] > 0


def test_a_thousand_orders_leave_nothing_to_collect() -> None:
    desk = Desk(1)
    requests = [
        to_protobuf(desk.order("A", "I0000"), "CheckOrderRequest").SerializeToString()
        for _ in range(1_000)
    ]
    gc.collect()
    gc.disable()
    try:
        for request in requests:
            desk.machine.call(BY_NAME["CheckOrder"], request, "desk", desk.now)
        assert gc.collect() == 0
    finally:
        gc.enable()
