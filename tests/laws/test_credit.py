"""What holds of accounts under `cn_margin` (6.3), whatever they owe and whatever is open."""

from typing import Any, NamedTuple

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.runs import SEEDS, Call, ask, law, loaded, played, settled, view_of
from tests.laws.test_tightening import no_looser, policy_of, propose

from tidegate.v1 import (
    market_service_pb2,
    order_pb2,
    policy_pb2,
    risk_service_pb2,
)
from tidegate_server.engine.account import Account
from tidegate_server.engine.cn.kinds import SIDES
from tidegate_server.engine.commands import MODEL_CN_MARGIN
from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)
KINDS = range(1, len(SIDES))
OPENING = {"collateral_buy": "buy", "margin_buy": "buy", "short_sell": "sell"}
OPEN_STATES = (
    order_pb2.ORDER_STATE_RESERVED,
    order_pb2.ORDER_STATE_ACKNOWLEDGED,
    order_pb2.ORDER_STATE_PARTLY_FILLED,
)


class Facts(NamedTuple):
    """One instrument, what is held of it, and the cost of what is financed and short."""

    haircut: int
    ratio: int
    factor: int
    slow: int
    collateral: int
    financed: int
    short: int
    cost: int


MADE = st.builds(
    Facts,
    haircut=st.integers(0, 10_000),
    ratio=st.integers(0, 15_000),
    factor=st.integers(10_000, 30_000),
    slow=st.integers(100_000, 150_000),
    collateral=st.integers(0, 500),
    financed=st.integers(0, 500),
    short=st.integers(0, 500),
    cost=st.integers(100_000, 150_000),
)


def world(made: Facts, *accounts: str) -> Script:
    """Return a world with one instrument, its mark off the slow mark, and rich accounts."""
    script = Script()
    for line in (
        "limit t leverage_bps unlimited",
        f"ratio financing 0 {made.ratio}",
        f"ratio short 0 {made.ratio}",
        "cap - 10000",
        f"instrument X haircut_bps={made.haircut}",
        f"factor X {made.factor}",
        f"mark X {made.slow}",
        *(f"account {name} tier=t model=cn_margin" for name in accounts),
        *(f"cash {name} 9000000000000" for name in accounts),
    ):
        script.run(line)
    return script


def filled(script: Script, made: Facts, name: str, parts: tuple[int, int, int]) -> None:
    """Give an account collateral, a financed contract and a short one."""
    collateral, financed, short = parts
    script.run(f"hold {name} X {collateral}")
    for kind, quantity in (("margin_buy", financed), ("short_sell", short)):
        side, order = OPENING[kind], f"{name}{kind}"
        if quantity:
            done = script.run(f"{side} {name} X {quantity} @ {made.slow} #{order} kind={kind}")
            assert done.startswith("allow")
            script.run(f"fill {name} #{order} {order} {side} X {quantity} @ {made.cost}")


def balance(script: Script, *accounts: str) -> tuple[int, int, int]:
    """Return available balance, equity and debt, summed over accounts."""
    available = equity = debt = 0
    for name in accounts:
        view = script.call("GetAccount", {"account_id": name}).account
        available += view.projected.available_e4
        equity += view.projected.equity_e4
        debt += view.projected.debt_e4
    return available, equity, debt


def no_cheaper(split: tuple[int, int, int], whole: tuple[int, int, int]) -> bool:
    """Tell whether what is split leaves no more available, no more equity and no less debt."""
    return split[0] <= whole[0] and split[1] <= whole[1] and split[2] >= whole[2]


@law(30)
@given(
    made=MADE,
    kind=st.sampled_from(tuple(OPENING)),
    quantity=st.integers(2, 1_200),
    part=st.floats(0, 1, exclude_max=True),
    above=st.integers(0, 30_000),
)
def test_splitting_an_order_leaves_no_more_available(
    made: Facts, kind: str, quantity: int, part: float, above: int
) -> None:
    found = []
    first = 1 + int(part * (quantity - 1))
    for pieces in ((quantity,), (first, quantity - first)):
        script = world(made, "A")
        filled(script, made, "A", (made.collateral, made.financed, made.short))
        script.run("mark X 120000")
        for piece in pieces:
            price = 120_000 + above
            done = script.run(f"{OPENING[kind]} A X {piece} @ {price} kind={kind}")
            assert done.startswith("allow")
        found.append(balance(script, "A"))
    assert no_cheaper(found[1], found[0])


@law(30)
@given(made=MADE, part=st.floats(0, 1))
def test_splitting_what_is_held_and_owed_over_accounts_leaves_no_more_available(
    made: Facts, part: float
) -> None:
    parts = (made.collateral, made.financed, made.short)
    first = tuple(int(part * one) for one in parts)
    whole, split = world(made, "A"), world(made, "A", "B")
    whole.run("cash A 9000000000000")
    filled(whole, made, "A", parts)
    filled(split, made, "A", (first[0], first[1], first[2]))
    rest = tuple(one - two for one, two in zip(parts, first, strict=True))
    filled(split, made, "B", (rest[0], rest[1], rest[2]))
    for script in (whole, split):
        script.run("mark X 120000")
    assert no_cheaper(balance(split, "A", "B"), balance(whole, "A"))


def credit_accounts(machine: Machine) -> list[Account]:
    """Return the accounts under the model, by id."""
    found = [one for one in machine.book.accounts.values() if one.margin_model == MODEL_CN_MARGIN]
    return sorted(found, key=lambda one: one.account_id)


def end_all(machine: Machine, account_id: str, now_ns: int, prefix: str) -> None:
    """Let every open order of an account end, and what is awaited after an end be filled."""
    for round_of in range(3):  # once one of a chain has ended, another may wait for fills
        for order in view_of(machine, account_id, now_ns).open_orders:
            event = risk_service_pb2.OrderEvent(
                event_id=f"{prefix}{round_of}-{order.order_id}",
                account_id=account_id,
                order_id=order.order_id,
                kind=risk_service_pb2.ORDER_EVENT_KIND_CANCELLED,
            )
            if order.state not in OPEN_STATES:
                event.kind = risk_service_pb2.ORDER_EVENT_KIND_FILLED
                event.instrument_id, event.side = order.instrument_id, order.side
                event.quantity, event.price_e4 = order.reserved_quantity, 1
            request = risk_service_pb2.RecordOrderEventsRequest(events=[event])
            ask(machine, Call("RecordOrderEvents", request.SerializeToString(), "desk", now_ns))


@law(6)
@given(seed=seeds)
def test_nothing_is_reserved_of_contracts_once_every_order_has_ended(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns
    for account in credit_accounts(machine):
        end_all(machine, account.account_id, now_ns, "law")
        view = view_of(machine, account.account_id, now_ns)
        assert not view.open_orders
        proceeds = sum(c.amount_e4 for c in view.contracts if c.kind == 2)
        assert view.free_cash_e4 == view.cash_e4 - proceeds
        assert not view.HasField("actual") or view.projected == view.actual
        if account.credit is not None:
            assert (account.credit.borrowing, account.credit.paying) == (0, 0)
        for position in account.positions.values():
            held = position.holding
            if held is None:
                continue
            assert not held.parts
            assert (held.open_long, held.open_short) == (0, 0)
            assert (held.open_sell, held.open_repay, held.open_return) == (0, 0, 0)


@law(6)
@given(seed=seeds)
def test_what_is_kept_beside_contracts_is_their_sum(seed: int) -> None:
    machine, _ = played(seed)
    for account in credit_accounts(machine):
        credit = account.credit
        if credit is None:
            continue
        contracts = list(credit.contracts.values())
        assert credit.principal == sum(c.amount for c in contracts if c.kind == 1)
        assert credit.proceeds == sum(c.amount for c in contracts if c.kind != 1)
        for name, position in account.positions.items():
            held = position.holding
            if held is None:
                continue
            mine = [c for c in contracts if c.instrument_id == name]
            assert held.contracts == sorted(mine, key=lambda c: (c.opened_time_ns, c.contract_id))
            assert (
                held.financed == sum(c.quantity for c in mine if c.kind == 1) <= position.quantity
            )
            assert held.owed == sum(c.quantity for c in mine if c.kind != 1)
    for instrument in machine.book.instruments.values():
        name = instrument.instrument_id
        positions = [a.positions.get(name) for a in machine.book.accounts.values()]
        assert instrument.short_use == sum(p.short() for p in positions if p is not None)


def previews(machine: Machine, now_ns: int) -> list[Any]:
    """Preview orders of every kind, account, instrument and a few sizes."""
    found = []
    for account in credit_accounts(machine):
        for name, instrument in sorted(machine.book.instruments.items()):
            for kind in KINDS:
                for steps in (0, 9):
                    terms = instrument.terms
                    tick = terms.tick_e4 or 1
                    request = risk_service_pb2.PreviewOrderRequest(
                        account_id=account.account_id,
                        instrument_id=name,
                        side=SIDES[kind],  # type: ignore[arg-type]
                        margin_kind=kind,  # type: ignore[arg-type]
                        order_type=order_pb2.ORDER_TYPE_LIMIT,
                        quantity=terms.least_quantity + steps * terms.quantity_step,
                        price_e4=-(-(instrument.mark or 100_000) // tick) * tick,
                    )
                    data = request.SerializeToString()
                    step = ask(machine, Call("PreviewOrder", data, "desk", now_ns))
                    found.append(step.message())
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, int]:
    """Draw a figure of the model in a policy, and by how much it changes, in bps."""
    names = ("financing_ratios", "short_ratios", "private_fund_short_ratios", "haircut_caps")
    lines = ("credit_line_e4", "short_line_e4")
    factors = (0, 1_000, 5_000, 9_999, 10_001, 11_000, 20_000)
    return draw(st.sampled_from((*names, *lines))), draw(st.sampled_from(factors))


def change(policy: policy_pb2.Policy, name: str, factor: int) -> None:
    """Change what a policy says of the model by a factor in bps."""
    if name == "haircut_caps":
        for cap in policy.haircut_caps:
            cap.cap_bps = min(10_000, cap.cap_bps * factor // 10_000)
    elif name.endswith("ratios"):
        for row in getattr(policy, name):
            row.ratio_bps = row.ratio_bps * factor // 10_000
    else:
        for tier in policy.tiers:
            limit = getattr(tier.limits, name)
            limit.unlimited = False
            limit.value = (limit.value or 10**8) * factor // 10_000


@law(8)
@given(seed=seeds, changed=tables())
def test_a_tighter_policy_of_the_model_never_allows_more(
    seed: int, changed: tuple[str, int]
) -> None:
    machine, snapshot, now_ns = settled(seed)
    policy = policy_of(machine)
    change(policy, *changed)
    tighter = loaded(snapshot)
    assume(propose(tighter, policy, now_ns))
    pairs = zip(previews(machine, now_ns), previews(tighter, now_ns), strict=True)
    assert all(no_looser(before, after) for before, after in pairs)


@law(8)
@given(seed=seeds, factors=st.tuples(st.integers(10_000, 40_000), st.integers(10_000, 40_000)))
def test_a_higher_factor_never_allows_more_of_any_kind(seed: int, factors: tuple[int, int]) -> None:
    _, snapshot, now_ns = settled(seed)
    calm, wild = loaded(snapshot), loaded(snapshot)
    for one, factor in ((calm, min(factors)), (wild, max(factors))):
        made = [
            market_service_pb2.VolatilityFactor(instrument_id=name, factor_bps=factor)
            for name in sorted(one.book.instruments)
        ]
        request = market_service_pb2.UpdateVolatilityRequest(factors=made).SerializeToString()
        ask(one, Call("UpdateVolatility", request, "feed", now_ns))
    pairs = zip(previews(calm, now_ns), previews(wild, now_ns), strict=True)
    for before, after in pairs:
        assert no_looser(before, after)
        if before.verdict == order_pb2.VERDICT_ALLOW:
            assert after.max_acceptable_quantity <= before.max_acceptable_quantity
        if before.HasField("before") and after.HasField("before"):
            assert after.before.available_e4 <= before.before.available_e4
