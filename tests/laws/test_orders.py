"""What holds of every order of a random run, whatever the world."""

from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, Step, ask, calls_of, law, played, steps_of, view_of

from tidegate.v1 import account_service_pb2, order_pb2, policy_pb2, risk_service_pb2
from tidegate_server.engine.groups import ancestors
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.order_snapshots import order_request

ALLOW = order_pb2.VERDICT_ALLOW
FACED_BY_EXITS = {
    order_pb2.REJECT_REASON_ORDER_NOT_RESERVED,
    order_pb2.REJECT_REASON_HALTED,
    order_pb2.REJECT_REASON_SESSION_CLOSED,
    order_pb2.REJECT_REASON_NOT_PERMITTED,
    order_pb2.REJECT_REASON_LOT_SIZE,
    order_pb2.REJECT_REASON_TICK_SIZE,
    order_pb2.REJECT_REASON_PRICE_LIMIT,
    order_pb2.REJECT_REASON_PRICE_COLLAR,
    order_pb2.REJECT_REASON_ORDER_QUANTITY,
    order_pb2.REJECT_REASON_ORDER_NOTIONAL,
    order_pb2.REJECT_REASON_ORDER_VOLUME_SHARE,
    order_pb2.REJECT_REASON_ORDER_RATE,
    order_pb2.REJECT_REASON_OPEN_ORDER_COUNT,
    order_pb2.REJECT_REASON_ORDER_REPEATED,
    order_pb2.REJECT_REASON_SELF_TRADE,
    order_pb2.REJECT_REASON_NOT_SELLABLE,
    order_pb2.REJECT_REASON_BATCH_REJECTED,
}
NOT_STORED = {
    order_pb2.REJECT_REASON_ACCOUNT_UNKNOWN,
    order_pb2.REJECT_REASON_ORDER_ID_REUSED,
}
HELD = (order_pb2.ORDER_STATE_RESERVED, order_pb2.ORDER_STATE_ACKNOWLEDGED)
OPEN = (*HELD, order_pb2.ORDER_STATE_PARTLY_FILLED)

seeds = st.integers(0, SEEDS)


def verdicts(steps: Iterable[Step]) -> Iterator[tuple[Any, Any]]:
    """Yield every order of a run with its answer, those of batches too."""
    for step in steps:
        if step.response is None:
            continue
        if step.call.method in {"CheckOrder", "PreviewOrder", "ReplaceOrder"}:
            yield step.asked(), step.message()
        elif step.call.method == "CheckOrders":
            yield from zip(step.asked().orders, step.message().answers, strict=True)


@law(8)
@given(seed=seeds)
def test_a_verified_exit_is_refused_only_for_what_exits_face(seed: int) -> None:
    for _, answer in verdicts(steps_of(seed)):
        if answer.verified_exit and not getattr(answer, "replayed", False):
            assert {entry.reason for entry in answer.rejections} <= FACED_BY_EXITS


@law(8)
@given(seed=seeds)
def test_reasons_stand_in_order_of_precedence_and_once_each(seed: int) -> None:
    for _, answer in verdicts(steps_of(seed)):
        for entries in (answer.rejections, answer.warnings):
            reasons = [entry.reason for entry in entries]
            assert reasons == sorted(set(reasons))


@law(8)
@given(seed=seeds)
def test_an_answer_without_reasons_allows_and_one_with_reasons_rejects(seed: int) -> None:
    for _, answer in verdicts(steps_of(seed)):
        assert (answer.verdict == ALLOW) == (not answer.rejections)


@law(8)
@given(seed=seeds)
def test_an_order_within_the_exit_quantity_is_a_verified_exit(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        if call.method != "PreviewOrder":
            ask(machine, call)
            continue
        step = ask(machine, call)
        if step.response is None:
            continue
        asked, answer = step.asked(), step.message()
        if asked.account_id not in machine.book.accounts:
            continue
        view = view_of(machine, asked.account_id, call.now_ns)
        if view.account.margin_model == account_service_pb2.MARGIN_MODEL_CN_MARGIN:
            continue  # there the order's kind says what it closes (6.3)
        held = [p for p in view.positions if p.instrument_id == asked.instrument_id]
        closes = bool(held) and (held[0].quantity < 0) == (asked.side == order_pb2.SIDE_BUY)
        room = held[0].exit_quantity if closes and held[0].quantity else 0
        assert answer.verified_exit == (asked.quantity <= room)


@law(8)
@given(seed=seeds)
def test_the_largest_quantity_passes_when_it_is_asked_for(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "PreviewOrder" or step.response is None:
            continue
        asked, most = step.asked(), step.message().max_acceptable_quantity
        assert 0 <= most <= asked.quantity
        if most:
            asked.quantity = most
            again = ask(machine, Call(*call)._replace(request=asked.SerializeToString()))
            reasons = {entry.reason for entry in again.message().rejections}
            # What is alike is counted once, for the quantity that was asked (4.0.3).
            assert reasons <= {order_pb2.REJECT_REASON_ORDER_REPEATED}


@law(8)
@given(seed=seeds)
def test_no_accepted_order_could_trade_with_one_of_its_own_scope(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        resting = list(resting_orders(machine))
        step = ask(machine, call)
        policy = machine.book.policy
        if call.method != "CheckOrder" or step.record is None or policy is None:
            continue
        answer, asked = step.message(), step.asked()
        if answer.verdict != ALLOW or not policy.self_trade_scope or policy.self_trade_warns:
            continue
        group = machine.book.accounts[asked.account_id].group_id
        grouped = policy.self_trade_scope == policy_pb2.SELF_TRADE_SCOPE_GROUP and group
        for order in resting:
            mate = machine.book.accounts[order.account_id]
            mates = bool(grouped) and group in ancestors(machine.book, mate.group_id)
            if not mates and order.account_id != asked.account_id:
                continue
            if order.instrument_id == asked.instrument_id and order.side != asked.side:
                buy, sell = (asked, order) if asked.side == order_pb2.SIDE_BUY else (order, asked)
                assert buy.HasField("price_e4")
                assert sell.HasField("price_e4")
                assert buy.price_e4 < sell.price_e4


@law(8)
@given(seed=seeds)
def test_of_orders_alike_in_one_window_too_few_are_accepted_to_be_too_many(seed: int) -> None:
    machine = Machine()
    passed: dict[tuple[object, ...], list[int]] = {}
    for call in calls_of(seed):
        step = ask(machine, call)
        policy = machine.book.policy
        if call.method not in {"CheckOrder", "CheckOrders"} or step.record is None:
            continue
        for asked, answer in verdicts([step]):
            if answer.verdict != ALLOW or answer.replayed:
                continue
            key = (asked.account_id, asked.instrument_id, asked.side, asked.price_e4)
            times = passed.setdefault((*key, asked.quantity), [])
            times.append(call.now_ns)
            if policy is not None and policy.repeat_count and not policy.repeat_warns:
                since = call.now_ns - policy.repeat_window_ns
                assert sum(1 for time_ns in times if time_ns > since) < policy.repeat_count


def resting_orders(machine: Machine) -> Iterator[Any]:
    """Yield what was asked of every order that is open and has not ended."""
    for account in machine.book.accounts.values():
        for order in account.orders.values():
            if order.reserved and order.state in OPEN and order.command is not None:
                yield order_request(order.command)


@law(8)
@given(seed=seeds)
def test_a_repeat_is_never_looser_than_the_first_answer(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns
    policy = {step.call.method for step in steps}
    assert "ProposePolicy" in policy
    for step in steps:
        if step.call.method not in {"CheckOrder", "ReplaceOrder"} or step.record is None:
            continue
        first = step.message()
        if {entry.reason for entry in first.rejections} & NOT_STORED:
            continue
        again = ask(machine, step.call._replace(now_ns=now_ns)).message()
        if first.verdict != ALLOW:
            assert again.verdict != ALLOW
        elif again.verdict == ALLOW:
            assert again.replayed
            assert again.order_state == order_pb2.ORDER_STATE_RESERVED
            assert again.reserved_price_e4 == first.reserved_price_e4


@law(8)
@given(seed=seeds)
def test_nothing_is_reserved_once_every_order_has_ended(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns
    events = 0
    for account_id in list(machine.book.accounts):
        for _ in range(3):  # once one of a chain has ended, another may wait for fills
            for order in view_of(machine, account_id, now_ns).open_orders:
                events += 1
                event = risk_service_pb2.OrderEvent(
                    event_id=f"end{events}",
                    account_id=account_id,
                    order_id=order.order_id,
                    kind=risk_service_pb2.ORDER_EVENT_KIND_CANCELLED,
                )
                if order.state not in OPEN:  # it waits for fills that its end has told of
                    event.kind = risk_service_pb2.ORDER_EVENT_KIND_FILLED
                    event.instrument_id, event.side = order.instrument_id, order.side
                    event.quantity, event.price_e4 = order.reserved_quantity, 1
                request = risk_service_pb2.RecordOrderEventsRequest(events=[event])
                ask(machine, Call("RecordOrderEvents", request.SerializeToString(), "desk", now_ns))
    assert machine.status().open_order_count == 0
    for account_id in list(machine.book.accounts):
        view = view_of(machine, account_id, now_ns)
        assert not view.open_orders
        for held in view.positions:
            assert held.open_buy_quantity == held.open_sell_quantity == 0
            assert held.open_buy_notional_e4 == held.open_sell_notional_e4 == 0
        if view.HasField("actual"):
            assert view.projected.cash_e4 == view.actual.cash_e4
        if are_at_slow_marks(machine, account_id):
            assert (view.projected == view.actual) or not view.HasField("actual")


def are_at_slow_marks(machine: Machine, account_id: str) -> bool:
    """Tell whether low, high and slow mark are one in all that an account holds (3.5, 3.7)."""
    held = machine.book.accounts[account_id].active
    return all(one.instrument.mark == one.instrument.slow_mark for one in held)


@law(8)
@given(seed=seeds)
def test_what_is_reserved_is_the_sum_of_the_open_orders(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns
    for account_id in list(machine.book.accounts):
        view = view_of(machine, account_id, now_ns)
        for held in view.positions:
            orders = [o for o in view.open_orders if o.instrument_id == held.instrument_id]
            bought = sum(o.reserved_quantity for o in orders if o.side == order_pb2.SIDE_BUY)
            sold = sum(o.reserved_quantity for o in orders if o.side == order_pb2.SIDE_SELL)
            assert (held.open_buy_quantity, held.open_sell_quantity) == (bought, sold)


@law(8)
@given(seed=seeds)
def test_one_call_at_a_time_or_a_run_the_answers_are_the_same(seed: int) -> None:
    machine = Machine()
    steps = steps_of(seed)
    assert [ask(machine, call).response for call in calls_of(seed)] == [s.response for s in steps]
