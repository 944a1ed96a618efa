"""A trading day of orders: the tape is walked, each trade moves a mark and triggers orders.

The flow is pure and seeded. It is told each verdict (`answer`), and from an allow on it plays the
venue: acknowledge, fill in parts, fill, cancel, reject or expire, all at later trades, with prices
of the tape. It mirrors the positions that its own fills make, so that it can send exits. Given the
same verdicts it makes the same day, on every machine.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.sample.data import first_prices, read_tape
from tidegate_server.sample.market import SEED
from tidegate_server.sample.orders import Draft, Trader, draw
from tidegate_server.sample.venue import plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidegate_server.sample.data import Trade
    from tidegate_server.sample.market import Holder

HALTED_INSTRUMENT = "IBM"
STOPS = ("demo-halt", "demo-reduce-only")
_REASON = "part of the sample day"
Control = control_pb2.HaltRequest | control_pb2.SetReduceOnlyRequest | control_pb2.ReleaseRequest


class Step(NamedTuple):
    """What one trade brings, in the order in which it is sent."""

    number: int
    trade: Trade
    control: Control | None
    events: tuple[risk_pb2.OrderEvent, ...]
    orders: tuple[Draft, ...]


class Flow:
    """One day. Take a step, send it, tell each order's answer, take the next."""

    def __init__(
        self, holders: Sequence[Holder], *, trades: int | None = None, seed: int = SEED
    ) -> None:
        self._tape = read_tape()[:trades]
        self._seed = seed
        self._controls = _controls(len(self._tape))
        self._marks = first_prices()
        self._traders = [Trader(holder) for holder in holders]
        self._by_account = {trader.account_id: trader for trader in self._traders}
        self._due: dict[int, list[risk_pb2.OrderEvent]] = defaultdict(list)
        self._index = 0
        self._order_count = 0

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._tape)

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps; the answers of one belong before the next."""
        for index, trade in enumerate(self._tape):
            self._index = index
            self._marks[trade.symbol] = trade.price_e4
            events = self._take_events()
            yield Step(index, trade, self._controls.get(index), events, self._orders(trade))

    def answer(self, draft: Draft, *, allowed: bool) -> None:
        """Tell the verdict on an order; an allow gets a life at the venue."""
        if not allowed or draft.is_repeat:
            return
        order = draft.order
        trader = self._by_account[order.account_id]
        trader.reserve(order)
        for delay, event in plan(
            order, self._marks[order.instrument_id], self._chance(order.order_id)
        ):
            self._due[self._index + delay].append(event)

    def _take_events(self) -> tuple[risk_pb2.OrderEvent, ...]:
        events = tuple(self._due.pop(self._index, ()))
        for event in events:
            self._by_account[event.account_id].apply(event)
        return events

    def _orders(self, trade: Trade) -> tuple[Draft, ...]:
        chance = self._chance(f"trade-{self._index}")
        drafts = []
        for _ in range(1 if chance.random() < 0.75 else 2):  # noqa: PLR2004  (one odds of many)
            self._order_count += 1
            order_id = f"D{self._order_count:06d}"
            trader = chance.choice(self._traders[: 1 + chance.randrange(len(self._traders))])
            drafts.append(draw(order_id, trader, trade.symbol, self._marks, chance))
        return tuple(drafts)

    def _chance(self, name: str) -> random.Random:
        """Return the randomness of one thing, whatever happened before it."""
        return random.Random(f"{self._seed}/{name}")  # noqa: S311  (a sample, no secret)


def _controls(trades: int) -> dict[int, Control]:
    """Stop an instrument, later the firm but for exits, each for three percent of the day."""
    halt_id, reduce_only_id = STOPS
    halt = control_pb2.HaltRequest(
        stop_id=halt_id,
        scope_kind=order_pb2.SCOPE_KIND_INSTRUMENT,
        scope_id=HALTED_INSTRUMENT,
        reason=_REASON,
    )
    reduce_only = control_pb2.SetReduceOnlyRequest(
        stop_id=reduce_only_id, scope_kind=order_pb2.SCOPE_KIND_FIRM, reason=_REASON
    )
    by_percent: dict[int, Control] = {
        30: halt,
        33: control_pb2.ReleaseRequest(stop_id=halt_id, reason=_REASON),
        65: reduce_only,
        68: control_pb2.ReleaseRequest(stop_id=reduce_only_id, reason=_REASON),
    }
    return {trades * percent // 100: control for percent, control in by_percent.items()}
