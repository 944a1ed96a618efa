"""Random replaces of orders, aimed at the edge between less and more risk."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from tests.oracle.book import LIVE, Message, Order

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands


def replace(made: Commands) -> Command:
    """An order to take another's place; now and then the same again."""
    rng = made.rng
    if made.replaces and rng.random() < 0.2:
        return _again(made)
    account = made.some_account()
    orders = [order for order in account.orders.values() if order.content is not None]
    live = [order for order in orders if order.state in LIVE]
    if not orders or (live and rng.random() < 0.95):
        orders = live
    if not orders:
        return made.order()
    old = rng.choice(orders)
    request: Message = {
        "account_id": account.account_id,
        "order_id": made.name("o"),
        "replaced_order_id": old.order_id,
        "instrument_id": old.instrument_id,
        "side": old.side,
        "order_type": "LIMIT",
        "created_time_ns": made.now,
    }
    request |= _shape(made, old)
    if rng.random() < 0.05:
        request["reduce_only"] = True
    if rng.random() < 0.02:
        request |= rng.choice(
            (
                {"side": "BUY" if old.side == "SELL" else "SELL"},
                {"instrument_id": "I1"},
                {"instrument_id": "NOTHING"},
                {"replaced_order_id": "nothing"},
                {"order_id": old.order_id},
                {"account_id": "NOBODY"},
                {"created_time_ns": made.now - 11 * 10**9},
            )
        )
    command = made.command("ReplaceOrder", request, rng.choice(("router-1", "router-2", "desk")))
    made.remember(made.replaces, command)
    return command


def _shape(made: Commands, old: Order) -> Message:
    """A total and a price near the old ones, or what a new order would have."""
    rng = made.rng
    instrument = made.book.instruments.get(old.instrument_id)
    mark = old.limit_price or (instrument.mark if instrument else 0) or 100_000
    tick = (instrument.facts.get("tick_e4", 0) if instrument else 0) or 1
    step = (instrument.facts.get("quantity_step", 0) if instrument else 0) or 1
    part = max(1, old.quantity // 2)
    nothing = old.filled - old.quantity
    more = rng.choice((0, 0, 0, step, -step, 1, -1, part, -part, 3 * part, nothing))
    shape: Message = {"quantity": min(max(1, old.quantity + more), 10**12)}
    if rng.random() < 0.1:
        return shape | {"order_type": "MARKET"}
    far = mark // 200 // tick * tick
    away = rng.choice((0, 0, 0, tick, -tick, far, -far))
    return shape | {"price_e4": min(max(1, mark + away), 10**12)}


def _again(made: Commands) -> Command:
    """The same replace again, the same id with other content, or its id for an order."""
    rng = made.rng
    recent = rng.choice(made.replaces[-12:])
    request = deepcopy(recent.request)
    if rng.random() < 0.2:
        request |= rng.choice(({"quantity": request["quantity"] + 1}, {"replaced_order_id": "x"}))
    if rng.random() < 0.1:
        request.pop("replaced_order_id")
        return made.command("CheckOrder", request, recent.principal)
    return made.command("ReplaceOrder", request, recent.principal)
