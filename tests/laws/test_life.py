"""What holds of orders that replace each other, and of lists of open orders."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, ask, law, played, view_of

from tidegate.v1 import order_pb2, risk_service_pb2
from tidegate_server.engine.order import Order
from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)
LATER = 2 * 10**9  # every bucket is full again, and no list is too young


def open_of(order: Order) -> int:
    """Return what the venue may still fill of one order by itself."""
    return 0 if order.command is None else max(0, order.command.quantity - order.filled)


def chains(machine: Machine) -> Iterator[list[Order]]:
    """Yield orders that replace each other."""
    for account in machine.book.accounts.values():
        for order in account.orders.values():
            if order.chain is not None and order.chain.members[0] is order:
                yield order.chain.members


def reserved(machine: Machine, account_id: str, now_ns: int) -> Any:
    """Return what is open and what it would do, as anybody can read it."""
    view = view_of(machine, account_id, now_ns)
    return view.positions, view.open_orders, view.projected, view.day_turnover_e4


@law(8)
@given(seed=seeds)
def test_what_is_reserved_covers_each_order_that_may_be_working(seed: int) -> None:
    machine, _ = played(seed)
    for members in chains(machine):
        holders = [order for order in members if order.reserved]
        assert len(holders) <= 1
        for order in members:
            if not order.is_live() or not open_of(order) or order.outcome is None:
                continue
            (holder,) = holders
            assert order.command is not None
            assert holder.reserved >= open_of(order)
            own = order.outcome.reserved_price_e4
            if order.command.side == order_pb2.SIDE_BUY:
                assert holder.reserved_price >= own
            else:
                assert holder.reserved_price <= own


@law(8)
@given(seed=seeds)
def test_a_replace_that_the_venue_refuses_leaves_what_was(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns + LATER
    serial = 0
    for account_id in list(machine.book.accounts):
        for old in list(view_of(machine, account_id, now_ns).open_orders):
            serial += 1
            request = risk_service_pb2.ReplaceOrderRequest(
                account_id=account_id,
                order_id=f"law{serial}",
                replaced_order_id=old.order_id,
                instrument_id=old.instrument_id,
                side=old.side,
                order_type=order_pb2.ORDER_TYPE_LIMIT,
                quantity=old.quantity + (serial % 3 - 1) * min(10, old.quantity - 1),
                price_e4=max(1, old.reserved_price_e4),
                created_time_ns=now_ns,
            )
            before = reserved(machine, account_id, now_ns)
            call = Call("ReplaceOrder", request.SerializeToString(), "desk", now_ns)
            if ask(machine, call).message().verdict != order_pb2.VERDICT_ALLOW:
                assert reserved(machine, account_id, now_ns) == before
                continue
            event = risk_service_pb2.OrderEvent(
                event_id=f"no{serial}",
                account_id=account_id,
                order_id=request.order_id,
                kind=risk_service_pb2.ORDER_EVENT_KIND_REJECTED,
            )
            told = risk_service_pb2.RecordOrderEventsRequest(events=[event]).SerializeToString()
            ask(machine, Call("RecordOrderEvents", told, "desk", now_ns))
            assert reserved(machine, account_id, now_ns) == before


@law(8)
@given(seed=seeds)
def test_an_empty_list_leaves_nothing_open_but_fills_that_are_awaited(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns + LATER
    for account_id in list(machine.book.accounts):
        request = risk_service_pb2.ReconcileOrdersRequest(
            account_id=account_id,
            session_id="law",
            list_time_ns=now_ns,
            page_number=1,
            last_page=True,
        )
        call = Call("ReconcileOrders", request.SerializeToString(), "desk", now_ns)
        first = ask(machine, call).message()
        assert first.closed
        orders = list(machine.book.accounts[account_id].orders.values())
        assert not [order for order in orders if order.is_live()]
        assert all(not order.reserved or order.awaited or order.chain for order in orders)
        again = ask(machine, call).message()
        assert again.replayed
        assert again.differences == first.differences
    assert machine.book.open_order_count == sum(
        1 for a in machine.book.accounts.values() for o in a.orders.values() if o.reserved
    )


@law(8)
@given(seed=seeds)
def test_naming_what_to_cancel_changes_no_account(seed: int) -> None:
    machine, steps = played(seed)
    now_ns = steps[-1].call.now_ns
    before = {name: reserved(machine, name, now_ns) for name in machine.book.accounts}
    for step in steps:
        if step.call.method == "CancelOrders":
            ask(machine, step.call._replace(now_ns=now_ns))
    assert {name: reserved(machine, name, now_ns) for name in machine.book.accounts} == before
