"""Tighter never allows more: limits, policies, volatility factors."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.runs import SEEDS, Call, ask, law, loaded, settled

from tidegate.v1 import (
    account_service_pb2,
    market_service_pb2,
    order_pb2,
    policy_pb2,
    policy_service_pb2,
    risk_service_pb2,
)
from tidegate_server.engine.scope_limits import SCOPE_KINDS
from tidegate_server.wire.machine import Machine

ALLOW = order_pb2.VERDICT_ALLOW
SCALARS = [
    field.name
    for field in policy_pb2.Policy.DESCRIPTOR.fields
    if field.name.endswith(("_ns", "_bps")) and field.name != "slow_mark_step_bps"
]
LIMITS = [field.name for field in policy_pb2.Limits.DESCRIPTOR.fields if "rate" not in field.name]
RATES = (0, 1, 100, 4_000, 9_000, 9_999, 10_001, 12_000, 20_000)

seeds = st.integers(0, SEEDS)


@st.composite
def orders(draw: st.DrawFn) -> tuple[float, float, bool, int, float]:
    """Draw which account and instrument, the side, the quantity, and the price by the mark."""
    part = st.floats(0, 1, exclude_max=True)
    quantity = st.sampled_from((1, 10, 50, 100, 107, 400, 1_000, 5_000))
    price = st.sampled_from((0.0, 0.95, 0.985, 0.999, 1.0, 1.001, 1.01, 1.03, 1.2))
    return draw(part), draw(part), draw(st.booleans()), draw(quantity), draw(price)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str, int]:
    """Draw what to change in a policy, at which level, and by how much."""
    levels = ("scalar", "default", "gold", "silver", "band", "required", "scope")
    level = draw(st.sampled_from(levels))
    names = {"scalar": SCALARS, "scope": list(SCOPE_KINDS)}.get(level, LIMITS)
    return level, draw(st.sampled_from(names)), draw(st.sampled_from(RATES))


def preview(machine: Machine, order: tuple[float, float, bool, int, float], now_ns: int) -> Any:
    """Preview an order; a price of 0 is a market order's."""
    account, instrument, buy, quantity, price = order
    accounts, instruments = sorted(machine.book.accounts), sorted(machine.book.instruments)
    name = instruments[int(instrument * len(instruments))]
    mark = machine.book.instruments[name].mark or 100_000
    request = risk_service_pb2.PreviewOrderRequest(
        account_id=accounts[int(account * len(accounts))],
        instrument_id=name,
        side=order_pb2.SIDE_BUY if buy else order_pb2.SIDE_SELL,
        order_type=order_pb2.ORDER_TYPE_LIMIT if price else order_pb2.ORDER_TYPE_MARKET,
        quantity=quantity,
        price_e4=max(1, int(mark * price) // 100 * 100) if price else None,
    )
    step = ask(machine, Call("PreviewOrder", request.SerializeToString(), "desk", now_ns))
    return step.message()


def margin_model_of(machine: Machine, order: tuple[float, float, bool, int, float]) -> int:
    """Return the margin model of the account that `preview` takes."""
    accounts = sorted(machine.book.accounts)
    return machine.book.accounts[accounts[int(order[0] * len(accounts))]].margin_model


def no_looser(before: Any, after: Any) -> bool:
    """Tell whether an answer allows no more, collars excepted: they widen with volatility, and a
    narrower one reserves a market order at a better price."""
    if after.verdict != ALLOW or before.verdict == ALLOW:
        return True
    reasons = {entry.reason for entry in before.rejections}
    return reasons == {order_pb2.REJECT_REASON_PRICE_COLLAR}


def policy_of(machine: Machine) -> policy_pb2.Policy:
    """Read the policy in force."""
    step = ask(machine, Call("GetPolicy", b"", "", 0))
    policy = policy_pb2.Policy()
    policy.CopyFrom(step.message().policy)
    return policy


def change(policy: policy_pb2.Policy, level: str, name: str, factor: int) -> None:
    """Change one figure of a policy by a factor in bps; up or down, set or not."""
    if level == "scalar":
        setattr(policy, name, getattr(policy, name) * factor // 10_000)
    elif level == "band":
        for tier in policy.tiers:
            for table in tier.concentration:
                for band in table.bands:
                    band.cap_bps = band.cap_bps * factor // 10_000
    elif level == "scope":
        for limit in [getattr(one, name) for one in policy.scopes if one.HasField(name)]:  # type: ignore[arg-type]
            limit.value = limit.value * factor // 10_000
    else:
        tiers = {tier.tier_id: tier.limits for tier in policy.tiers}
        limit = getattr(tiers.get(level, policy.default_limits), name)
        if level == "required":
            limit.required = not limit.required
        elif not limit.unlimited:
            limit.value = limit.value * factor // 10_000 or factor


def propose(machine: Machine, policy: policy_pb2.Policy, now_ns: int) -> bool:
    """Propose a policy; tell whether it was accepted, as a tightening."""
    base = policy.version
    policy.version = 0
    request = policy_service_pb2.ProposePolicyRequest(policy=policy, base_version=base)
    call = Call("ProposePolicy", request.SerializeToString(), "staff", now_ns)
    step = ask(machine, call)
    return step.record is not None and not step.message().pending


@law(50)
@given(seed=seeds, changed=changes(), drawn=st.lists(orders(), min_size=4, max_size=12))
def test_an_accepted_policy_never_allows_more(
    seed: int, changed: tuple[str, str, int], drawn: list[tuple[float, float, bool, int, float]]
) -> None:
    machine, snapshot, now_ns = settled(seed)
    policy = policy_of(machine)
    change(policy, *changed)
    tighter = loaded(snapshot)
    assume(propose(tighter, policy, now_ns))
    market = changed[0] != "scalar" and changed[1].startswith("price_collar")
    for order in drawn:
        if market and not order[4]:
            continue  # a collar of market orders
        assert no_looser(preview(machine, order, now_ns), preview(tighter, order, now_ns)), order


@law(50)
@given(seed=seeds, factors=st.tuples(st.integers(10_000, 40_000), st.integers(10_000, 40_000)))
def test_a_higher_factor_never_allows_more(seed: int, factors: tuple[int, int]) -> None:
    machine, snapshot, now_ns = settled(seed)
    names = sorted(machine.book.instruments)
    calm, wild = loaded(snapshot), loaded(snapshot)
    for one, factor in ((calm, min(factors)), (wild, max(factors))):
        made = [
            market_service_pb2.VolatilityFactor(instrument_id=name, factor_bps=factor)
            for name in names
        ]
        request = market_service_pb2.UpdateVolatilityRequest(factors=made).SerializeToString()
        ask(one, Call("UpdateVolatility", request, "feed", now_ns))
    for index in range(40):
        account, instrument = index % 7 / 7, index % 5 / 5
        quantity = (1, 10, 100, 300, 1_000)[index % 4]
        price = (0.0, 0.99, 1.0, 1.005)[index // 10]
        order = (account, instrument, index % 2 == 0, quantity, price)
        if margin_model_of(machine, order) == account_service_pb2.MARGIN_MODEL_PORTFOLIO:
            continue  # 5.5: a leg's wider range may hedge better
        assert no_looser(preview(calm, order, now_ns), preview(wild, order, now_ns)), order


@law(20)
@given(seed=seeds)
def test_a_policy_is_no_loosening_of_itself(seed: int) -> None:
    machine, snapshot, now_ns = settled(seed)
    assert propose(loaded(snapshot), policy_of(machine), now_ns)


@pytest.mark.parametrize("name", SCALARS)
def test_of_two_figures_of_a_policy_one_is_the_looser(name: str) -> None:
    machine, snapshot, now_ns = settled(1)
    accepted = []
    for step in (1, -1):
        policy = policy_of(machine)
        setattr(policy, name, getattr(policy, name) + step)
        accepted.append(propose(loaded(snapshot), policy, now_ns))
    assert sorted(accepted) == [False, True]


def test_any_other_step_of_the_slow_mark_is_looser() -> None:
    machine, snapshot, now_ns = settled(1)
    for step in (1, -1):
        policy = policy_of(machine)
        policy.slow_mark_step_bps += step
        assert not propose(loaded(snapshot), policy, now_ns)


# Where the law does not hold.


def world(*lines: str) -> Script:
    """Return a small world, with the lines of its policy first."""
    script = Script()
    steps = ("instrument X", "factor X 10000", "account A tier=t", "cash A 10000000")
    for line in (*lines, *steps, "mark X 100000"):
        script.run(line)
    return script


def test_a_tier_that_gains_a_leverage_cap_is_looser() -> None:
    script = world("tier t")
    assert "LIMIT_NOT_SET" in script.run("buy A X 1 @ 100000")
    assert "pending" in script.run("propose limit t leverage_bps 50000")


def test_a_default_leverage_cap_does_not_hide_that_a_tier_gains_one() -> None:
    script = world("tier t", "limit default leverage_bps 90000")
    assert "LIMIT_NOT_SET" in script.run("buy A X 1 @ 100000")
    assert "pending" in script.run("propose limit t leverage_bps 50000")


def test_a_lower_rate_never_allows_more_at_once() -> None:
    script = world("limit t leverage_bps unlimited", "limit t order_rate 10/5")
    for _ in range(5):
        assert script.run("buy A X 1 @ 100000") == "allow 100000"
    assert "ORDER_RATE" in script.run("buy A X 1 @ 100000")
    assert "pending" in script.run("propose limit t order_rate 1/5")
    assert "ORDER_RATE" in script.run("buy A X 1 @ 100000")


def test_a_collar_where_there_was_none_lets_market_orders_in() -> None:
    script = world("limit t leverage_bps unlimited")
    assert "LIMIT_NOT_SET" in script.run("buy A X 1")
    assert "pending" in script.run("propose limit t price_collar_bps 100")


def test_a_narrower_collar_is_a_tightening() -> None:
    script = world("limit t leverage_bps unlimited", "limit t price_collar_bps 200")
    assert script.run("propose limit t price_collar_bps 100") == "version 2"


def test_a_floor_where_there_was_none_widens_the_collar() -> None:
    script = world("limit t leverage_bps unlimited", "limit t price_collar_bps 100")
    assert "PRICE_COLLAR" in script.run("buy A X 1 @ 102000")
    assert "pending" in script.run("propose limit t price_collar_floor_bps 500")


def test_an_unlimited_floor_is_none_so_a_floor_is_looser() -> None:
    floor = "limit t price_collar_floor_bps unlimited"
    script = world("limit t leverage_bps unlimited", "limit t price_collar_bps 100", floor)
    assert "PRICE_COLLAR" in script.run("buy A X 1 @ 102000")
    assert "pending" in script.run("propose limit t price_collar_floor_bps 500")


def test_taking_a_floor_away_is_a_tightening() -> None:
    floor = "limit t price_collar_floor_bps 500"
    script = world("limit t leverage_bps unlimited", "limit t price_collar_bps 100", floor)
    assert script.run("propose limit t price_collar_floor_bps unset") == "version 2"
