"""Calls on the book of a seed, with what each answer must be.

Two profiles. `orders` is nothing but new orders with ids of their own, about one in twenty of which
must be rejected, each for one reason that is known when it is made; `settle` ends them again
between runs. `mix` is about 60 % new orders, 30 % reports of what the venue said, 10 % marks.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from bench.book import LOT, NEVER, ORDER_QUANTITY_LIMIT, TICK_E4, Book, Stock, marks_complaint
from bench.contract import CHECK_ORDER, RECORD_EVENTS, UPDATE_MARKS
from bench.frames import Call

from tidegate.v1 import market_service_pb2 as market_pb
from tidegate.v1 import order_pb2 as order_pb
from tidegate.v1 import risk_service_pb2 as risk_pb

REJECTED_SHARE: Final = 0.05
MARKET_SHARE: Final = 0.1
EVENT_SHARE: Final = 0.3
MARKS_SHARE: Final = 0.1
GREATEST_LOTS: Final = 20  # of an order that is allowed
EVENTS_A_CALL: Final = 256  # what a request of one DATA frame holds
LIVES: Final = (("fill", "ack"), ("cancel",), ("fill",), ("cancel", "part", "ack"))
"""What the venue may say of an order, last first."""

ALLOWED: Final = b"\x08\x01\x18"
"""How an allow starts: the verdict, no rejections, then the sequence."""


class Order:
    """A new order that must be allowed, and how far the mix has taken it."""

    __slots__ = ("account_id", "filled", "open", "order_id", "steps", "stock")

    def __init__(self, account_id: str, order_id: str, stock: Stock, quantity: int) -> None:
        self.account_id = account_id
        self.order_id = order_id
        self.stock = stock
        self.open = quantity
        self.filled = 0
        self.steps = [""]  # what the venue will still say, last first


class Workload:
    """An endless stream of calls on one book, the same for the same seed but for the times."""

    def __init__(self, book: Book, seed: int = 1, tag: str = "b") -> None:
        self._book = book
        self._rng = random.Random(f"{seed} calls")
        self._tag = tag
        self._count = 0
        self._unsettled: list[Order] = []

    def orders(self, count: int) -> list[Call]:
        """Make new orders, created now."""
        now_ns = time.time_ns()
        calls = []
        for _ in range(count):
            call, order = self._order(now_ns)
            calls.append(call)
            if order is not None:
                self._unsettled.append(order)
        return calls

    def settle(self) -> list[Call]:
        """Make the calls that end every order still open, as cancelled."""
        orders, self._unsettled = self._unsettled, []
        return [
            _ending(orders[first : first + EVENTS_A_CALL])
            for first in range(0, len(orders), EVENTS_A_CALL)
        ]

    def mix(self, count: int, connections: int, lag: int) -> list[list[Call]]:
        """Make the mix for each connection.

        A report follows what it reports by more than `lag` calls of the same connection, so that a
        caller with at most that many under way knows the answer before it reports.
        """
        now_ns = time.time_ns()
        return [self._mixed(count // connections, lag, now_ns) for _ in range(connections)]

    def _mixed(self, count: int, lag: int, now_ns: int) -> list[Call]:
        calls: list[Call] = []
        living: deque[tuple[int, Order]] = deque()  # with the number of the last call about it
        while len(calls) < count:
            kind = self._rng.random()
            if kind < MARKS_SHARE:
                calls.append(self._marks())
                continue
            ripe = bool(living) and len(calls) - living[0][0] > lag
            if kind < MARKS_SHARE + EVENT_SHARE and ripe:
                _, order = living.popleft()
                call = _event(order, order.steps.pop())
            else:
                call, new = self._order(now_ns)
                if new is None:
                    calls.append(call)
                    continue
                order = new
                order.steps = list(self._rng.choice(LIVES))
            if order.steps:
                living.append((len(calls), order))
            calls.append(call)
        self._unsettled += [order for _, order in living]
        return calls

    def _order(self, now_ns: int) -> tuple[Call, Order | None]:
        """Draw an order; without an `Order` if it must be rejected."""
        rng, book = self._rng, self._book
        stock = book.stocks[int(rng.random() * len(book.stocks))]
        self._count += 1
        order_id = f"{self._tag}-{self._count:09d}"
        account_id = book.holders[int(rng.random() * len(book.holders))].account_id
        if rng.random() < REJECTED_SHARE:
            return self._rejected(account_id, order_id, stock, now_ns), None
        quantity = LOT * (1 + int(rng.random() * GREATEST_LOTS))
        order = Order(account_id, order_id, stock, quantity)
        message = risk_pb.CheckOrderRequest(
            account_id=account_id,
            order_id=order_id,
            instrument_id=stock.instrument_id,
            side=_side(account_id, stock),
            order_type=order_pb.ORDER_TYPE_LIMIT,
            quantity=quantity,
            price_e4=_near(rng, stock.base_price_e4),
            created_time_ns=now_ns,
        )
        if rng.random() < MARKET_SHARE:
            message.order_type = order_pb.ORDER_TYPE_MARKET
            message.ClearField("price_e4")
        return Call(CHECK_ORDER, message.SerializeToString(), ALLOWED, _why_not), order

    def _rejected(self, account_id: str, order_id: str, stock: Stock, now_ns: int) -> Call:
        """Make an order that fails exactly one check, be it an exit or not."""
        side = _side(account_id, stock)
        mark_e4 = stock.base_price_e4
        far_e4 = mark_e4 * (8 if side == order_pb.SIDE_BUY else 2) // 5 // TICK_E4 * TICK_E4
        reason, lots, price_e4 = self._rng.choice(
            (
                (order_pb.REJECT_REASON_LOT_SIZE, 1.5, mark_e4),
                (order_pb.REJECT_REASON_TICK_SIZE, 1, mark_e4 + TICK_E4 // 2),
                (order_pb.REJECT_REASON_PRICE_COLLAR, 1, far_e4),
                (order_pb.REJECT_REASON_ORDER_QUANTITY, ORDER_QUANTITY_LIMIT // LOT + 1, mark_e4),
            )
        )
        message = risk_pb.CheckOrderRequest(
            account_id=account_id,
            order_id=order_id,
            instrument_id=stock.instrument_id,
            side=side,
            order_type=order_pb.ORDER_TYPE_LIMIT,
            quantity=int(lots * LOT),
            price_e4=price_e4,
            created_time_ns=now_ns,
        )
        return Call(CHECK_ORDER, message.SerializeToString(), NEVER, _REJECTED_FOR[reason])

    def _marks(self) -> Call:
        """Draw marks of one to five instruments, within a percent of where they began."""
        rng = self._rng
        marks = [
            market_pb.Mark(
                instrument_id=stock.instrument_id, price_e4=_near(rng, stock.base_price_e4)
            )
            for stock in rng.sample(self._book.stocks, rng.randint(1, 5))
        ]
        message = market_pb.UpdateMarksRequest(marks=marks).SerializeToString()
        return Call(UPDATE_MARKS, message, NEVER, marks_complaint)


def _side(account_id: str, stock: Stock) -> "order_pb.Side.ValueType":
    """Choose the side on which an account trades a stock; with both it would trade with itself."""
    buys = (ord(account_id[-1]) + ord(stock.instrument_id[-1])) % 2
    return order_pb.SIDE_BUY if buys else order_pb.SIDE_SELL


def _near(rng: random.Random, price_e4: int) -> int:
    """Draw a price on the tick within a percent."""
    return TICK_E4 * round(price_e4 * (0.99 + 0.02 * rng.random()) / TICK_E4)


def _event(order: Order, step: str) -> Call:
    """Report one step of an order's life, and say what the gate must make of it."""
    event = risk_pb.OrderEvent(
        event_id=f"{order.order_id}-{len(order.steps)}",
        account_id=order.account_id,
        order_id=order.order_id,
    )
    if step == "ack":
        event.kind = risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED
        state: order_pb.OrderState.ValueType = order_pb.ORDER_STATE_ACKNOWLEDGED
    elif step == "cancel":
        event.kind = risk_pb.ORDER_EVENT_KIND_CANCELLED
        event.cumulative_quantity = order.filled
        order.open = 0
        state = order_pb.ORDER_STATE_CANCELLED
    else:
        state = _fill(order, event, step)
    result = risk_pb.EventResult(
        outcome=risk_pb.EVENT_OUTCOME_APPLIED, order_state=state, reserved_quantity=order.open
    )
    return _report([event], result)


def _fill(order: Order, event: risk_pb.OrderEvent, step: str) -> "order_pb.OrderState.ValueType":
    quantity = order.open if step == "fill" else order.open // (2 * LOT) * LOT or order.open
    event.kind = risk_pb.ORDER_EVENT_KIND_FILLED
    event.instrument_id = order.stock.instrument_id
    event.side = _side(order.account_id, order.stock)
    event.quantity = quantity
    event.price_e4 = order.stock.base_price_e4
    order.open -= quantity
    order.filled += quantity
    if order.open:
        return order_pb.ORDER_STATE_PARTLY_FILLED
    order.steps.clear()
    return order_pb.ORDER_STATE_FILLED


def _ending(orders: Sequence[Order]) -> Call:
    """End orders, however far they have come."""
    events = [
        risk_pb.OrderEvent(
            event_id=f"{order.order_id}-end",
            account_id=order.account_id,
            order_id=order.order_id,
            kind=risk_pb.ORDER_EVENT_KIND_CANCELLED,
        )
        for order in orders
    ]
    result = risk_pb.EventResult(
        outcome=risk_pb.EVENT_OUTCOME_APPLIED, order_state=order_pb.ORDER_STATE_CANCELLED
    )
    return _report(events, result)


def _report(events: Sequence[risk_pb.OrderEvent], result: risk_pb.EventResult) -> Call:
    """Report events that must all come to the same result."""
    message = risk_pb.RecordOrderEventsRequest(events=events).SerializeToString()
    answer = risk_pb.RecordOrderEventsResponse(results=[result] * len(events))
    return Call(RECORD_EVENTS, message, answer.SerializeToString() + b"\x10", _events_complaint)


def _why_not(message: bytes) -> str:
    answer = risk_pb.CheckOrderResponse.FromString(message)
    if answer.verdict == order_pb.VERDICT_ALLOW and not answer.rejections:
        return ""
    return f"should be allowed: {answer}"


def _events_complaint(message: bytes) -> str:
    return f"should be applied otherwise: {risk_pb.RecordOrderEventsResponse.FromString(message)}"


def _rejected_for(reason: "order_pb.RejectReason.ValueType") -> Callable[[bytes], str]:
    def check(message: bytes) -> str:
        answer = risk_pb.CheckOrderResponse.FromString(message)
        reasons = [rejection.reason for rejection in answer.rejections]
        if answer.verdict == order_pb.VERDICT_REJECT and reasons == [reason]:
            return ""
        return f"should be rejected for {order_pb.RejectReason.Name(reason)} alone: {answer}"

    return check


_REJECTED_FOR: Final = {
    reason: _rejected_for(reason)
    for reason in (
        order_pb.REJECT_REASON_LOT_SIZE,
        order_pb.REJECT_REASON_TICK_SIZE,
        order_pb.REJECT_REASON_PRICE_COLLAR,
        order_pb.REJECT_REASON_ORDER_QUANTITY,
    )
}
