"""Stops (8.1), and what falls due by itself (4.3, 7.3)."""

from tests.oracle import chains
from tests.oracle.book import SECOND, Book, Message, Order, Stop

TICK_EFFECTS = 256
RELEASE_WINDOW = 15 * 60 * SECOND


class Staff:
    """Does what staff asks, and what time asks."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def halt(self, request: Message, principal: str, now: int) -> Message:
        """Set a halt."""
        return self._set_stop("HALT", request, principal, now)

    def set_reduce_only(self, request: Message, principal: str, now: int) -> Message:
        """Set a reduce-only."""
        return self._set_stop("REDUCE_ONLY", request, principal, now)

    def _set_stop(self, kind: str, request: Message, principal: str, now: int) -> Message:
        scope = (kind, request["scope_kind"], request.get("scope_id", ""))
        known = self.book.stops.get(request["stop_id"])
        if known is not None and (known.kind, known.scope_kind, known.scope_id) == scope:
            return {"sequence": known.sequence, "decided_time_ns": known.time}
        if known is not None:
            return {"error": "IMMUTABLE"}
        sequence, reason = self.book.next(), request.get("reason", "")
        stop = Stop(request["stop_id"], *scope, principal, reason, sequence, now)
        self.book.stops[stop.stop_id] = stop
        return self.book.stamp(now)

    def release(self, request: Message, principal: str, now: int) -> Message:
        """Take a stop back, as the second person within the window."""
        stop = self.book.stops.get(request["stop_id"])
        if stop is None:
            return {"error": "NOT_FOUND"}
        window = self.book.number("release_window_ns") or RELEASE_WINDOW
        if stop.asked is None or now - stop.asked[1] >= window:
            stop.asked = (principal, now, self.book.next())
            return {**self.book.stamp(now), "pending_until_time_ns": now + window}
        first, time, sequence = stop.asked
        if first == principal:
            stamp = {"sequence": sequence, "decided_time_ns": time}
            return {**stamp, "pending_until_time_ns": time + window}
        if principal == "local":
            return {"error": "SECOND_PERSON"}
        self.book.next()
        del self.book.stops[request["stop_id"]]
        return self.book.stamp(now)

    def tick(self, _request: Message, _principal: str, now: int) -> Message:
        """Let at most 256 things fall due."""
        orders = [o for account in self.book.accounts.values() for o in account.orders.values()]
        late = [
            order
            for order in orders
            if order.acknowledge_by and not order.unconfirmed and now >= order.acknowledge_by
        ]
        old = [order for order in orders if chains.is_closed(order) and now >= order.keep_until]
        late.sort(key=lambda order: (order.acknowledge_by, *_rank(order)))
        old.sort(key=lambda order: (order.keep_until, *_rank(order)))
        batches = [name for name, batch in self.book.batches.items() if now >= batch.keep_until]
        batches.sort(key=lambda name: (self.book.batches[name].keep_until, name))
        late = late[:TICK_EFFECTS]
        old = old[: TICK_EFFECTS - len(late)]
        batches = batches[: TICK_EFFECTS - len(late) - len(old)]
        room = TICK_EFFECTS - len(late) - len(old) - len(batches)
        kept = self.book.overrides
        ended = [name for name, override in kept.items() if now >= override.expiry]
        ended.sort(key=lambda name: (kept[name].expiry, kept[name].proposed["sequence"]))
        ended = ended[:room]
        if not (late or old or batches or ended):
            return {}
        for name in ended:
            del kept[name]
        return {**self._fall_due(late, old, batches), "ended_overrides": ended}

    def _fall_due(self, late: list[Order], old: list[Order], batches: list[str]) -> Message:
        sequence = self.book.next()
        for order in late:
            order.unconfirmed = True
        for order in old:
            del self.book.accounts[order.account_id].orders[order.order_id]
            if order.chain is not None:
                order.chain.remove(order)
        for name in batches:
            del self.book.batches[name]
        return {
            "sequence": sequence,
            "unconfirmed": [_key(order) for order in late],
            "forgotten": [_key(order) for order in old],
            "forgotten_batches": batches,
        }


def _key(order: Order) -> Message:
    return {"account_id": order.account_id, "order_id": order.order_id}


def _rank(order: Order) -> tuple[int, str, str]:
    return order.sequence, order.account_id, order.order_id
