"""What the venue does with an allowed order: a plan of reports, each some trades later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

#: The greatest number of trades between two reports of one order.
LONGEST_WAIT = 60
_ENDS = (
    ("filled", 46),
    ("partly filled, then filled", 20),
    ("partly filled, then cancelled", 12),
    ("cancelled", 10),
    ("stays open", 5),
    ("rejected", 3),
    ("expired", 2),
    ("unsent", 1),
    ("filled, then busted", 1),
)
_NAMES = tuple(name for name, _ in _ENDS)
_WEIGHTS = tuple(weight for _, weight in _ENDS)


def plan(
    order: risk_pb2.CheckOrderRequest, mark_e4: int, chance: random.Random
) -> Iterator[tuple[int, risk_pb2.OrderEvent]]:
    """Yield (trades later, report) pairs for one allowed order."""
    (end,) = chance.choices(_NAMES, _WEIGHTS)
    reports = _Reports(order, _fill_price(order, mark_e4))
    wait = 1
    if end == "unsent":
        yield wait, reports.of(risk_pb2.ORDER_EVENT_KIND_UNSENT)
        return
    if end == "rejected":
        yield wait, reports.of(risk_pb2.ORDER_EVENT_KIND_REJECTED)
        return
    yield wait, reports.of(risk_pb2.ORDER_EVENT_KIND_ACKNOWLEDGED)
    wait += chance.randint(1, LONGEST_WAIT)
    first = order.quantity
    if end.startswith("partly"):
        first = max(1, order.quantity * chance.randint(2, 8) // 10)
        if order.quantity % 10 == 0:
            first = max(10, first // 10 * 10)
    if "filled" in end:
        fill = reports.fill(first)
        yield wait, fill
        wait += chance.randint(1, LONGEST_WAIT)
        if end.endswith("busted"):
            yield wait, reports.bust(fill)
    if end.endswith("then filled") and first < order.quantity:
        yield wait, reports.fill(order.quantity - first)
    elif end.endswith("cancelled") and (end == "cancelled" or first < order.quantity):
        yield wait, reports.of(risk_pb2.ORDER_EVENT_KIND_CANCELLED)
    elif end == "expired":
        yield wait, reports.of(risk_pb2.ORDER_EVENT_KIND_EXPIRED)


class _Reports:
    """Makes the reports of one order, each with an id of its own."""

    def __init__(self, order: risk_pb2.CheckOrderRequest, price_e4: int) -> None:
        self._order = order
        self._price_e4 = price_e4
        self._count = 0

    def of(self, kind: risk_pb2.OrderEventKind.ValueType) -> risk_pb2.OrderEvent:
        """Return a report without figures."""
        self._count += 1
        return risk_pb2.OrderEvent(
            event_id=f"{self._order.order_id}.{self._count}",
            account_id=self._order.account_id,
            order_id=self._order.order_id,
            kind=kind,
        )

    def fill(self, quantity: int) -> risk_pb2.OrderEvent:
        """Return a fill of so much."""
        event = self.of(risk_pb2.ORDER_EVENT_KIND_FILLED)
        event.instrument_id, event.side = self._order.instrument_id, self._order.side
        event.quantity, event.price_e4 = quantity, self._price_e4
        return event

    def bust(self, fill: risk_pb2.OrderEvent) -> risk_pb2.OrderEvent:
        """Return the report that undoes a fill."""
        event = self.of(risk_pb2.ORDER_EVENT_KIND_BUSTED)
        event.busted_event_id = fill.event_id
        return event


def _fill_price(order: risk_pb2.CheckOrderRequest, mark_e4: int) -> int:
    """Return the mark, or the limit where the mark is worse."""
    if order.order_type == order_pb2.ORDER_TYPE_MARKET:
        return mark_e4
    better = min if order.side == order_pb2.SIDE_BUY else max
    return int(better(order.price_e4, mark_e4))
