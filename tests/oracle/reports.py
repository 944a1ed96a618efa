"""Chapter 7.1: what becomes of one report from the venue. Facts are never refused."""

from dataclasses import replace

from tests.oracle import chains, credit, credit_fills, sources
from tests.oracle.book import (
    LIVE,
    MONEY_MAX,
    QUANTITY_MAX,
    Account,
    Book,
    Event,
    Instrument,
    Message,
    Order,
    Stop,
    down,
    out_of_bounds,
    up,
)

FLAGS = (
    "UNKNOWN_ORDER",
    "UNKNOWN_ACCOUNT",
    "UNKNOWN_INSTRUMENT",
    "OVERFILL",
    "AFTER_END",
    "TOO_OLD",
    "ORDER_MISMATCH",
    "UNKNOWN_EXECUTION",
    "BUSTED_BEFORE",
    "OUT_OF_BOUNDS",
    "SOURCES_DISAGREE",
)

AWAITABLE = frozenset({"CANCELLED", "REJECTED", "EXPIRED"})


def stop_by_gate(book: Book, stop: Stop) -> None:
    """Set a stop of the gate's own, unless it stands already; an id that is taken is left alone."""
    first, number = stop.stop_id, 1
    standing = [one.stop_id for one in book.stops.values() if one.place == stop.place]
    if any(name == first or name.startswith(f"{first}-") for name in standing):
        return
    while stop.stop_id in book.stops:
        number += 1
        stop = replace(stop, stop_id=f"{first}-{number}")
    book.stops[stop.stop_id] = stop


def freeze(book: Book, scope: tuple[str, str], reason: str, now: int) -> None:
    """Halt an account or instrument that a fact created or pushed out of bounds (1.4, 2.5)."""
    kind, name = scope
    stop_id = f"frozen-{kind}-{name}"
    stop = Stop(stop_id, "HALT", kind, name, "gate", reason, book.sequence, now)
    stop_by_gate(book, stop)


def ensure_account(book: Book, account_id: str, now: int) -> bool:
    """Create an unknown account, frozen; say whether it was unknown."""
    if account_id in book.accounts:
        return False
    book.accounts[account_id] = Account({"account_id": account_id}, trading_date=book.trading_date)
    freeze(book, ("ACCOUNT", account_id), "created by a fact", now)
    return True


def ensure_instrument(book: Book, instrument_id: str, now: int) -> bool:
    """Create an unknown instrument, frozen; say whether it was unknown."""
    if instrument_id in book.instruments:
        return False
    book.instruments[instrument_id] = Instrument({"instrument_id": instrument_id})
    freeze(book, ("INSTRUMENT", instrument_id), "created by a fact", now)
    return True


class Report:
    """One event on its way into the book."""

    def __init__(self, book: Book, event: Message, now: int) -> None:
        """Look at the event's account and leave the rest to `apply`."""
        self.book = book
        self.event = event
        self.now = now
        self.flags: set[str] = set()
        self.disputed = False
        self.others: list[Account] = []
        if ensure_account(book, event["account_id"], now):
            self.flags.add("UNKNOWN_ACCOUNT")
        self.account = book.accounts[event["account_id"]]

    def apply(self) -> Message:
        """Book the event and say what became of it."""
        if self._is_known():
            return self._result("DUPLICATE")  # touches nothing
        self.others = sources.elsewhere(self.book, self.event)
        self.book.touch(self.account.account_id)
        if self.event["order_id"] not in self.account.orders:
            self._leave_tombstone()
        order = self.account.orders[self.event["order_id"]]
        if order.content is None:
            self.flags.add("UNKNOWN_ORDER")
        order.reported = True
        order.acknowledge_by = 0
        order.unconfirmed = False
        kind = self.event["kind"]
        if kind == "FILLED":
            return self._result("APPLIED" if self._fill(order) else "NOT_APPLIED")
        self._remember(Event(self.book.trading_date, source=self.event.get("source", "")))
        if kind == "BUSTED":
            return self._result("APPLIED" if self._bust() else "NOT_APPLIED")
        if order.chain is not None:
            self.flags |= chains.Told(order.chain, order).end(kind, self.event)
        elif kind == "ACKNOWLEDGED":
            if order.state == "RESERVED":
                order.state = "ACKNOWLEDGED"
        elif order.content is not None:
            self._end(order, kind)
        return self._result("APPLIED")

    def _is_known(self) -> bool:
        """Say whether it was recorded before; note whether another source told it otherwise."""
        known = self.account.events.get(self.event["event_id"])
        if known is None or not known.recorded or self._forgotten(known):
            return False
        self.disputed = sources.disagrees(self.event, known)
        return not self.disputed

    def _forgotten(self, known: Event) -> bool:
        """Say whether the roll that is due forgets an event (7.1, 7.7)."""
        today = self.book.trading_date
        return self.account.trading_date != today and known.trade_date < today

    def _result(self, outcome: str) -> Message:
        order = self.account.orders.get(self.event["order_id"])
        result: Message = {
            "outcome": outcome,
            "flags": [flag for flag in FLAGS if flag in self.flags],
            "order_state": "UNKNOWN_TO_GATE",
        }
        if order is not None:
            reserved = chains.reserved_under(order)
            result |= {"order_state": order.state, "reserved_quantity": reserved}
        return result

    def _remember(self, event: Event) -> None:
        self.account.events[self.event["event_id"]] = event

    def _leave_tombstone(self) -> None:
        book = self.book
        keep = book.number("max_order_age_ns") + book.number("max_clock_skew_ns")
        order_id = self.event["order_id"]
        self.account.orders[order_id] = Order(
            self.account.account_id,
            order_id,
            instrument_id="",
            side="",
            quantity=0,
            content=None,
            answer=None,
            state="UNKNOWN_TO_GATE",
            keep_until=self.now + keep,
            arrival=book.arrival(),
            sequence=book.sequence,
        )

    def _fill(self, order: Order) -> bool:
        event, book = self.event, self.book
        if ensure_instrument(book, event["instrument_id"], self.now):
            self.flags.add("UNKNOWN_INSTRUMENT")
        trade_date = event.get("trade_date", 0) or book.trading_date
        if self.disputed or self.others:
            self._dispute(trade_date)
            return False
        busted_first = event["event_id"] in self.account.events
        told = Event(trade_date, busted=busted_first, is_fill=True)
        told.source = event.get("source", "")
        self._remember(told)
        if busted_first:
            self.flags.add("BUSTED_BEFORE")
            return False
        if trade_date < book.trading_date:
            self._too_old()
            return False
        if not self._book_fill(trade_date):
            self.flags.add("OUT_OF_BOUNDS")
            freeze(book, ("ACCOUNT", self.account.account_id), "out of bounds", self.now)
            return False
        if order.content is None:
            order.filled += event["quantity"]
        elif (order.instrument_id, order.side) != (event["instrument_id"], event["side"]):
            self.flags.add("ORDER_MISMATCH")
        elif order.chain is not None:
            self.flags |= chains.Told(order.chain, order).fill(event["quantity"])
        else:
            self._advance(order, event["quantity"])
        return True

    def _dispute(self, trade_date: int) -> None:
        """7.6: the first report stands, and whoever is named may only reduce."""
        self.flags.add("SOURCES_DISAGREE")
        if not self.disputed:
            fill = Event(trade_date, source=self.event.get("source", ""), is_fill=True)
            first = self.account.events.get(self.event["event_id"])
            if first is not None:  # its bust came first
                fill.busted, fill.trade_date = True, max(trade_date, first.trade_date)
            self._remember(fill)
        for account in (self.account, *self.others):
            scope = ("REDUCE_ONLY", "ACCOUNT", account.account_id)
            reason = "sources disagree on an execution"
            name = f"disagree-{account.account_id}"
            stop = Stop(name, *scope, "gate", reason, self.book.sequence, self.now)
            stop_by_gate(self.book, stop)

    def _too_old(self) -> None:
        self.flags.add("TOO_OLD")
        name = self.account.account_id
        reason = "execution older than the trading date"
        scope = ("REDUCE_ONLY", "ACCOUNT", name)
        stop = Stop(f"late-{name}", *scope, "gate", reason, self.book.sequence, self.now)
        stop_by_gate(self.book, stop)

    def _book_fill(self, trade_date: int) -> bool:
        """Change position, cash and turnover by the fill, unless a bound would be passed."""
        event = self.event
        name, quantity, price = event["instrument_id"], event["quantity"], event["price_e4"]
        instrument = self.book.instruments[name]
        margin = credit.is_credit(self.account)
        if out_of_bounds(price, quantity, instrument.decimals):
            return False
        product = price * quantity
        if event["side"] == "BUY":
            signed, cash = quantity, -up(product, instrument.unit)
        else:
            signed, cash = -quantity, down(product, instrument.unit)
        moved = self._move_margin(signed) if margin else self._move(name, signed, cash)
        if not moved:
            return False
        self.account.traded[name] = self.account.traded.get(name, 0) + product
        booked = Event(trade_date, booked=(name, signed, cash), price=price, is_fill=True)
        booked.source = event.get("source", "")
        if margin:
            booked.change = self.account.last_change
            booked.gained = credit_fills.long_change(booked.change, name)
        self._remember(booked)
        instrument.touched = True
        return True

    def _move_margin(self, _signed: int) -> bool:
        """Change contracts and collateral by the fill (6.3)."""
        order = self.account.orders[self.event["order_id"]]
        return credit_fills.book_fill(self.book, self.account, order, self.event, self.now)

    def _move(self, name: str, quantity: int, cash: int) -> bool:
        account = self.account
        position = account.positions.get(name, 0) + quantity
        if abs(position) > QUANTITY_MAX or abs(account.cash + cash) > MONEY_MAX:
            return False
        account.positions[name] = position
        account.cash += cash
        return True

    def _advance(self, order: Order, quantity: int) -> None:
        """Let a fill use up the order."""
        if order.state not in LIVE and quantity > order.reserved:
            self.flags.add("AFTER_END")  # else it had been awaited
        order.filled += quantity
        order.reserved -= min(quantity, order.reserved)
        if order.filled > order.quantity:
            self.flags.add("OVERFILL")
        if order.state in LIVE:
            order.state = "PARTLY_FILLED"
            if order.filled >= order.quantity:
                order.state, order.reserved = "FILLED", 0

    def _end(self, order: Order, state: str) -> None:
        if order.state not in LIVE:
            self.flags.add("AFTER_END")
            return
        awaited = 0
        if state in AWAITABLE:
            awaited = max(0, self.event.get("cumulative_quantity", 0) - order.filled)
        order.state = state
        order.reserved = min(awaited, order.reserved)

    def _bust(self) -> bool:
        name = self.event["busted_event_id"]
        fill = self.account.events.get(name)
        if fill is None:
            self.account.events[name] = Event(self.book.trading_date, recorded=False, busted=True)
        if fill is not None and fill.busted:
            self.flags.add("BUSTED_BEFORE")
            return False
        if fill is None or fill.booked is None:
            self.flags.add("UNKNOWN_EXECUTION")
            return False
        instrument_id, quantity, cash = fill.booked
        if fill.change is not None:
            event = {**self.event, "booked_in": instrument_id}
            moved = credit_fills.bust(self.book, self.account, fill.change, event, self.now)
        else:
            moved = self._move(instrument_id, -quantity, -cash)
        if not moved:
            self.flags.add("OUT_OF_BOUNDS")
            freeze(self.book, ("ACCOUNT", self.account.account_id), "out of bounds", self.now)
            return False
        fill.busted = True
        return True
