"""Random replaces of orders, aimed at the edge between less and more risk."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from tests.oracle import credit
from tests.oracle.book import LIVE, Message, Order

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands


def replace(made: Commands) -> Command:
    """An order to take another's place; now and then the same again."""
    rng = made.rng
    if made.replaces and rng.random() < 0.2:
        return _again(made)
    account = made.some_account()
    margin = [one for one in made.book.accounts.values() if credit.is_credit(one)]
    if margin and rng.random() < 0.35:
        account = rng.choice(margin)
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


def reconcile(made: Commands) -> Command:
    """The router's list of an account's open orders, mostly right, in one page or more."""
    rng = made.rng
    if made.lists and rng.random() < 0.15:
        recent = rng.choice(made.lists[-4:])
        return made.command("ReconcileOrders", recent.request, recent.principal)
    account = made.some_account()
    margin = [one for one in made.book.accounts.values() if credit.is_credit(one)]
    if margin and rng.random() < 0.3:
        account = rng.choice(margin)
    listed = [
        _listed(made, order)
        for order in account.orders.values()
        if order.content is not None and (order.state in LIVE or rng.random() < 0.03)
        if rng.random() < 0.85
    ]
    if rng.random() < 0.4:
        names = [order.order_id for order in account.orders.values() if order.content is None]
        listed.append(_stranger(made, rng.choice([*names, made.name("r")])))
    skew = made.book.number("max_clock_skew_ns")
    taken = made.now - rng.choice((0, 0, skew, skew + 1, -(10**9), 5 * 10**9))
    head: Message = {"account_id": account.account_id, "session_id": made.name("l")}
    if rng.random() < 0.05:
        head["account_id"] = rng.choice(("X1", "X2"))
    head["list_time_ns"] = taken
    cut = rng.randint(0, len(listed)) if rng.random() < 0.3 else len(listed)
    parts = [listed[:cut], listed[cut:]] if cut < len(listed) else [listed]
    pages = [
        {**head, "page_number": number, "last_page": number == len(parts), "orders": part}
        for number, part in enumerate(parts, 1)
    ]
    if rng.random() < 0.05:
        pages[-1]["page_number"] += 1
    commands = [made.command("ReconcileOrders", page, "router-1") for page in pages]
    for command in commands:
        made.remember(made.lists, command)
    made.pending += commands[1:]
    return commands[0]


def _listed(made: Commands, order: Order) -> Message:
    """An order as the router has it, now and then otherwise than the gate."""
    rng = made.rng
    one: Message = {
        "order_id": order.order_id,
        "instrument_id": order.instrument_id,
        "side": order.side,
        "order_type": "MARKET" if order.is_market else "LIMIT",
        "quantity": order.quantity,
        "filled_quantity": min(order.filled, order.quantity),
    }
    if not order.is_market:
        one["price_e4"] = order.limit_price
    if order.margin_kind and rng.random() < 0.8:
        one["margin_kind"] = order.margin_kind
        if rng.random() < 0.05:
            one["margin_kind"] = _kind(made, order.side)
    if rng.random() < 0.05:
        one["quantity"] = min(one["quantity"] + 1, 10**12)
    if rng.random() < 0.05:
        one["filled_quantity"] = rng.randint(0, one["quantity"])
    return one


def _stranger(made: Commands, name: str) -> Message:
    """An order that the gate never decided."""
    rng = made.rng
    names = ("I1", "I2", "DARK", "HUGE", "N2")
    one: Message = {
        "order_id": name,
        "instrument_id": rng.choice(names if rng.random() < 0.1 else names[:2]),
        "side": rng.choice(("BUY", "SELL")),
        "order_type": "LIMIT",
        "quantity": 10**12 if rng.random() < 0.03 else rng.randint(1, 200),
    }
    if rng.random() < 0.5:
        one["instrument_id"] = rng.choice(("CN1", "CN2", one["instrument_id"]))
        one["margin_kind"] = _kind(made, one["side"])
    if rng.random() < 0.2:
        return one | {"order_type": "MARKET"}
    return one | {"price_e4": rng.choice((1, 50_000, 400_000, 10**12 if rng.random() < 0.1 else 7))}


def _kind(made: Commands, side: str) -> str:
    """A kind of a side."""
    return made.rng.choice([kind for kind, its in credit.SIDE_OF.items() if its == side])


def cancel(made: Commands) -> Command:
    """What to cancel within a scope, sometimes with a halt."""
    rng = made.rng
    scopes = [
        ("ACCOUNT", made.some_account().account_id),
        ("GROUP", rng.choice(("G1", "G2"))),
        ("INSTRUMENT", rng.choice(list(made.book.instruments))),
    ]
    kind, name = rng.choice(scopes)
    request: Message = {"scope_kind": kind, "scope_id": name, "reason": "too wild"}
    if rng.random() < 0.2:
        known = list(made.book.stops)
        request["stop_id"] = rng.choice([*known, made.name("s"), made.name("s")])
    if len(request.get("stop_id", "")) > 64:
        request.pop("stop_id")
    if rng.random() < 0.2:
        request["page_token"] = f"{made.some_account().account_id} o5"
    return made.command("CancelOrders", request, rng.choice(("staff", "anna")))


def copied(made: Commands) -> Message:
    """A report as the drop copy has it: mostly a fill of before, sometimes otherwise."""
    rng = made.rng
    fills = [event for event in made.events[-30:] if event["kind"] == "FILLED"]
    event = deepcopy(rng.choice(fills or made.events))
    event["source"] = rng.choice(("drop-copy", "drop-copy", "other", ""))
    if event["kind"] == "FILLED" and rng.random() < 0.15:
        account = made.some_account().account_id
        side = "BUY" if event["side"] == "SELL" else "SELL"
        event |= rng.choice(
            (
                {"quantity": event["quantity"] + 1},
                {"price_e4": event["price_e4"] + 1},
                {"side": side},
                {"instrument_id": "I1"},
                {"account_id": account},
                {"event_id": made.name("e")},
            )
        )
    return event
