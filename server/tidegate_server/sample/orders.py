"""Orders of the sample day: mostly sensible ones, and some of every mistake that a gate is for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.sample.market import LISTINGS, UNPRICED

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tidegate_server.sample.market import Holder

_LISTINGS = {listing.symbol: listing for listing in LISTINGS}
#: How old, in ns, the creation of a deliberately late order is.
LATE_NS = 2 * 3_600 * 10**9


class Draft(NamedTuple):
    """An order before it is stamped: its creation time is the sender's clock less `late_ns`."""

    kind: str
    order: risk_pb2.CheckOrderRequest
    late_ns: int = 0
    is_repeat: bool = False  # the same content under the same id as before


class Trader:
    """One account as its own front-end sees it: what it holds and what it has under way."""

    def __init__(self, holder: Holder) -> None:
        self.account_id = holder.account.account_id
        self.equity_e4 = holder.equity_e4
        self.positions: dict[str, int] = defaultdict(int, holder.positions)
        self.last: Draft | None = None
        self._closing: dict[str, dict[str, int]] = defaultdict(dict)  # instrument: order: quantity
        self._fills: dict[str, risk_pb2.OrderEvent] = {}

    def exit_quantity(self, symbol: str) -> int:
        """Return the signed quantity that can still be closed."""
        held = self.positions[symbol]
        free = max(0, abs(held) - sum(self._closing[symbol].values()))
        return free if held > 0 else -free

    def reserve(self, order: risk_pb2.CheckOrderRequest) -> None:
        """Note an order that is under way."""
        held = self.positions[order.instrument_id]
        if held and (held > 0) == (order.side == order_pb2.SIDE_SELL):
            self._closing[order.instrument_id][order.order_id] = order.quantity

    def apply(self, event: risk_pb2.OrderEvent) -> None:
        """Follow a report."""
        if event.kind == risk_pb2.ORDER_EVENT_KIND_FILLED:
            self._book(event, 1)
            self._fills[event.event_id] = event
        elif event.kind == risk_pb2.ORDER_EVENT_KIND_BUSTED:
            self._book(self._fills[event.busted_event_id], -1)
        elif event.kind != risk_pb2.ORDER_EVENT_KIND_ACKNOWLEDGED:
            for closing in self._closing.values():
                closing.pop(event.order_id, None)

    def _book(self, fill: risk_pb2.OrderEvent, sign: int) -> None:
        if fill.side == order_pb2.SIDE_SELL:
            self.positions[fill.instrument_id] -= sign * fill.quantity
        else:
            self.positions[fill.instrument_id] += sign * fill.quantity
        closing = self._closing[fill.instrument_id]
        if sign > 0 and fill.order_id in closing:
            closing[fill.order_id] -= fill.quantity


def draw(
    order_id: str, trader: Trader, symbol: str, marks: dict[str, int], chance: random.Random
) -> Draft:
    """Make one order of the account, mostly in the symbol that has just traded."""
    (kind,) = chance.choices(KINDS, _WEIGHTS)
    plain = _plain(order_id, trader, symbol, marks, chance)
    draft = _MAKERS[kind](plain, trader, marks, chance)._replace(kind=kind)
    if not draft.is_repeat and not draft.late_ns:  # the id of a late one is soon forgotten
        trader.last = draft
    return draft


def _plain(
    order_id: str, trader: Trader, symbol: str, marks: dict[str, int], chance: random.Random
) -> risk_pb2.CheckOrderRequest:
    """Make a limit order near the mark, of a size that fits the account."""
    lot, mark_e4 = _LISTINGS[symbol].lot, marks[symbol]
    budget_e4 = trader.equity_e4 * chance.randint(1, 12) // 100
    quantity = max(lot, min(1_500, budget_e4 // mark_e4) // lot * lot)
    side = order_pb2.SIDE_BUY if chance.random() < 0.6 else order_pb2.SIDE_SELL  # noqa: PLR2004
    return risk_pb2.CheckOrderRequest(
        account_id=trader.account_id,
        order_id=order_id,
        instrument_id=symbol,
        side=side,
        order_type=order_pb2.ORDER_TYPE_LIMIT,
        quantity=quantity,
        price_e4=_near(mark_e4, chance.randint(-40, 40), symbol),
    )


def _sensible(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    return Draft("", order)


def _market(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    order.order_type = order_pb2.ORDER_TYPE_MARKET
    order.ClearField("price_e4")
    return Draft("", order)


def _exit(
    order: risk_pb2.CheckOrderRequest, trader: Trader, marks: dict[str, int], chance: random.Random
) -> Draft:
    """Close some or all of a position, if there is one."""
    held = {symbol: trader.exit_quantity(symbol) for symbol in sorted(trader.positions)}
    held = {symbol: quantity for symbol, quantity in held.items() if quantity}
    if not held:
        return Draft("", order)
    symbol = chance.choice(list(held))
    lot = _LISTINGS[symbol].lot
    part = abs(held[symbol]) * chance.choice((25, 50, 100)) // 100 // lot * lot
    order.instrument_id, order.quantity = symbol, part or abs(held[symbol])
    order.side = order_pb2.SIDE_SELL if held[symbol] > 0 else order_pb2.SIDE_BUY
    order.price_e4 = _near(marks[symbol], chance.randint(-30, 30), symbol)
    order.reduce_only = chance.random() < 0.5  # noqa: PLR2004
    return Draft("", order)


def _false_claim(order: risk_pb2.CheckOrderRequest, trader: Trader, *_: object) -> Draft:
    """Claim to reduce while adding to what is held."""
    held = trader.positions[order.instrument_id]
    order.side = order_pb2.SIDE_SELL if held < 0 else order_pb2.SIDE_BUY
    order.reduce_only = True
    return Draft("", order)


def _oversize(
    order: risk_pb2.CheckOrderRequest, _: Trader, __: dict[str, int], chance: random.Random
) -> Draft:
    order.quantity *= chance.choice((20, 100, 1000))
    return Draft("", order)


def _leveraged(
    order: risk_pb2.CheckOrderRequest, trader: Trader, marks: dict[str, int], chance: random.Random
) -> Draft:
    """Spend several times the equity at once."""
    lot = _LISTINGS[order.instrument_id].lot
    amount_e4 = trader.equity_e4 * chance.randint(8, 50) // 10
    order.quantity = max(lot, amount_e4 // marks[order.instrument_id] // lot * lot)
    return Draft("", order)


def _concentrated(
    order: risk_pb2.CheckOrderRequest, trader: Trader, marks: dict[str, int], chance: random.Random
) -> Draft:
    """Put most of the equity into one wild instrument."""
    symbol = chance.choice(("AMD", "BBY", "RRC", "LLY"))
    order.instrument_id, order.side = symbol, order_pb2.SIDE_BUY
    order.quantity = max(1, trader.equity_e4 * chance.randint(50, 110) // 100 // marks[symbol])
    order.price_e4 = _near(marks[symbol], chance.randint(-10, 10), symbol)
    return Draft("", order)


def _off_tick(
    order: risk_pb2.CheckOrderRequest, _: Trader, __: dict[str, int], chance: random.Random
) -> Draft:
    order.price_e4 += chance.randint(1, 99)
    return Draft("", order)


def _off_lot(
    order: risk_pb2.CheckOrderRequest, _: Trader, marks: dict[str, int], *__: object
) -> Draft:
    order.instrument_id, order.quantity = "AIG", order.quantity // 10 * 10 + 7
    order.price_e4 = _near(marks["AIG"], 0, "AIG")
    return Draft("", order)


def _through_collar(
    order: risk_pb2.CheckOrderRequest, _: Trader, marks: dict[str, int], chance: random.Random
) -> Draft:
    away = chance.randint(250, 1500)
    away = away if order.side == order_pb2.SIDE_BUY else -away
    order.price_e4 = _near(marks[order.instrument_id], away, order.instrument_id)
    return Draft("", order)


def _unknown_account(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    order.account_id = "NOBODY"
    return Draft("", order)


def _unknown_instrument(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    order.instrument_id = "NOTHING"
    return Draft("", order)


def _unpriced(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    order.instrument_id, order.side = UNPRICED, order_pb2.SIDE_BUY
    return Draft("", order)


def _late(order: risk_pb2.CheckOrderRequest, *_: object) -> Draft:
    return Draft("", order, late_ns=LATE_NS)


def _repeat(order: risk_pb2.CheckOrderRequest, trader: Trader, *_: object) -> Draft:
    """Send the account's last order once more, as a router does that missed the answer."""
    return Draft("", order) if trader.last is None else trader.last._replace(is_repeat=True)


def _reused(order: risk_pb2.CheckOrderRequest, trader: Trader, *_: object) -> Draft:
    """Use the id of the account's last order for other content."""
    if trader.last is None or trader.last.order.account_id != order.account_id:
        return Draft("", order)
    order.order_id, order.quantity = trader.last.order.order_id, trader.last.order.quantity + 10
    return Draft("", order, is_repeat=True)


def _near(mark_e4: int, away_bps: int, symbol: str) -> int:
    """Return the price on the tick that lies so far from the mark."""
    tick = _LISTINGS[symbol].tick_e4
    return max(tick, (mark_e4 + mark_e4 * away_bps // 10_000) // tick * tick)


_TABLE = (
    ("sensible", 48, _sensible),
    ("market", 9, _market),
    ("exit", 14, _exit),
    ("false claim to reduce", 1, _false_claim),
    ("oversize", 4, _oversize),
    ("over-leveraged", 6, _leveraged),
    ("concentrated", 4, _concentrated),
    ("off the tick", 3, _off_tick),
    ("off the lot", 2, _off_lot),
    ("through the collar", 4, _through_collar),
    ("unknown account", 0.5, _unknown_account),
    ("unknown instrument", 0.5, _unknown_instrument),
    ("without a price", 1, _unpriced),
    ("late", 1, _late),
    ("repeated", 1, _repeat),
    ("reused id", 1, _reused),
)
KINDS = tuple(kind for kind, _, __ in _TABLE)
_WEIGHTS = tuple(weight for _, weight, __ in _TABLE)
_MAKERS: dict[str, Callable[..., Draft]] = {kind: maker for kind, _, maker in _TABLE}
