"""Chapter 7.4 and 7.5: the router's list of open orders, and what staff has to cancel."""

from tests.oracle import chains, credit, groups, reports, valuations, valued_sums
from tests.oracle.book import LIVE, Account, Book, Message, Order, Stop, out_of_bounds
from tests.oracle.credit import is_credit

TARGETS = 1_000


class Lists:
    """Compares lists of open orders with the book."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def reconcile_orders(self, request: Message, _principal: str, now: int) -> Message:
        """Keep a page, or compare the list that it completes."""
        book, name = self.book, request["account_id"]
        account = book.accounts.get(name)
        session, page = request["session_id"], request["page_number"]
        pages: list[Message] = []
        if account is not None:
            pages = [kept for kept in account.pages if kept["session_id"] == session]
            early = self._without_effect(account, request, pages)
            if early is not None:
                return early
        if page != len(pages) + 1:
            return {"error": "PAGE_MISSING"}
        book.next()
        reports.ensure_account(book, name, now)
        account = book.touch(name)
        assert account is not None
        valuations.value(book, account, now)
        if not request.get("last_page", False):
            account.pages, account.page_stamp = [*pages, request], book.stamp(now)
            return {**book.stamp(now), "closed": False}
        listed: dict[str, Message] = {}
        for one in (one for kept in [*pages, request] for one in kept.get("orders", [])):
            listed.setdefault(one["order_id"], one)
        told = self._compare(account, listed, request["list_time_ns"], now)
        valued_sums.keep(book, account, now)  # what had no mark may be gone
        answer = {**book.stamp(now), "closed": True, "differences": told}
        list_time = request["list_time_ns"]
        account.compared = {"session_id": session, "list_time_ns": list_time, "answer": answer}
        account.pages = []
        return answer

    def _without_effect(
        self, account: Account, request: Message, pages: list[Message]
    ) -> Message | None:
        """The answer to a page that was answered before, or that is not the list's."""
        if account.compared and account.compared["session_id"] == request["session_id"]:
            return {**account.compared["answer"], "replayed": True}
        if request["list_time_ns"] <= account.compared.get("list_time_ns", 0):
            return {"error": "STALE_LIST"}
        if request["page_number"] <= len(pages):
            return {**account.page_stamp, "closed": False, "replayed": True}
        if pages and pages[0]["list_time_ns"] != request["list_time_ns"]:
            return {"error": "IMMUTABLE"}
        return None

    def _compare(
        self, account: Account, listed: dict[str, Message], list_time: int, now: int
    ) -> list[Message]:
        until = min(list_time, now) - self.book.number("max_clock_skew_ns")
        lost = [
            order
            for order in account.orders.values()
            if order.state in LIVE and order.order_id not in listed and order.allowed_time <= until
        ]
        lost.sort(key=lambda order: (order.sequence, order.order_id))
        for order in lost:
            self._lose(order)
        told = [_difference(order, "ENDED") for order in lost]
        return told + [found for one in listed.values() for found in self._told(account, one, now)]

    def _lose(self, order: Order) -> None:
        order.state = "RECONCILED"
        order.reported, order.acknowledge_by, order.unconfirmed = True, 0, False
        if order.chain is None:
            order.reserved = 0
            return
        for member in order.chain:  # waits with nothing open, and nothing else is
            if member.state in LIVE and not any(chains.still_open(one) for one in order.chain):
                member.state, member.reported = "FILLED", True
                member.acknowledge_by, member.unconfirmed = 0, False
        chains.regroup(order.chain)

    def _told(self, account: Account, one: Message, now: int) -> list[Message]:
        known = account.orders.get(one["order_id"])
        if known is None or known.content is None:
            return [self._add(account, one, known.filled if known else 0, now)]
        if known.state not in LIVE:
            return [_difference(known, "NOT_OPEN")]
        ours = (known.instrument_id, known.side, known.quantity, known.limit_price)
        theirs = (one["instrument_id"], one["side"], one["quantity"], one.get("price_e4", 0))
        kind = one.get("margin_kind", "") if is_credit(account) else ""
        if ours != theirs or kind not in {"", known.margin_kind}:
            return [_difference(known, "TERMS")]
        if known.filled != one.get("filled_quantity", 0):
            return [_difference(known, "FILLED")]
        return []

    def _add(self, account: Account, one: Message, filled: int, now: int) -> Message:
        book, left = self.book, one["quantity"] - filled
        told: Message = {"order_id": one["order_id"], "order_state": "UNKNOWN_TO_GATE"}
        if left <= 0:
            return {**told, "kind": "FILLED"}
        known = book.instruments.get(one["instrument_id"])
        price = self._price(one)
        highest = max(price, one.get("price_e4", 0), (known.mark if known else None) or 0)
        if out_of_bounds(highest, one["quantity"], known.decimals if known else 0):
            reports.freeze(book, ("ACCOUNT", account.account_id), "out of bounds", now)
            return {**told, "kind": "OUT_OF_BOUNDS"}
        reports.ensure_instrument(book, one["instrument_id"], now)
        book.instruments[one["instrument_id"]].touched = True
        keep = book.number("max_order_age_ns") + book.number("max_clock_skew_ns")
        order = Order(
            account.account_id,
            one["order_id"],
            one["instrument_id"],
            one["side"],
            one["quantity"],
            content=("listed", "", "", one.get("price_e4", 0)),
            answer={"reserved_price_e4": price},
            state="PARTLY_FILLED" if filled else "ACKNOWLEDGED",
            keep_until=now + keep,
            arrival=book.arrival(),
            sequence=book.sequence,
            reserved=left,
            reserved_price=price,
            filled=filled,
            reported=True,
            allowed_time=now,
            taken_kind=_kind(account, one),
        )
        opened = {"MARGIN_BUY": "FINANCED", "SHORT_SELL": "SHORT"}.get(order.margin_kind)
        if opened:
            order.ratio = order.own_ratio = credit.ratio_of(book, account, opened, now)
        account.orders.pop(order.order_id, None)
        account.orders[order.order_id] = order
        return _difference(order, "ADDED")

    def _price(self, one: Message) -> int:
        instrument = self.book.instruments.get(one["instrument_id"])
        mark = instrument.mark if instrument else None
        price, buys = one.get("price_e4"), one["side"] == "BUY"
        if price is not None:
            worst = max if buys else min
            return int(price if mark is None else worst(price, mark))
        side = "upper" if buys else "lower"
        day = instrument.facts.get(f"{side}_price_limit_e4") if instrument else None
        return int((mark or 0) if day is None else day)


class Cancels:
    """Names what to cancel at the venue."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def cancel_orders(self, request: Message, principal: str, now: int) -> Message:
        """Name the working orders of a scope by account and id, and halt it if asked."""
        book, kind, name = self.book, request["scope_kind"], request["scope_id"]
        stop_id = request.get("stop_id", "")
        known = book.stops.get(stop_id)
        if known and (known.kind, known.scope_kind, known.scope_id) != ("HALT", kind, name):
            return {"error": "IMMUTABLE"}
        book.next()
        if stop_id and not known:
            scope = ("HALT", kind, name)
            stop = Stop(stop_id, *scope, principal, request["reason"], book.sequence, now)
            book.stops[stop_id] = stop
        after = tuple(request.get("page_token", " ").split(" "))
        keys = sorted(
            (account.account_id, order.order_id)
            for account in book.accounts.values()
            for order in account.orders.values()
            if order.state in LIVE and self._is_within(account, order, kind, name)
        )
        keys = [key for key in keys if key > after]
        shown = keys[:TARGETS]
        targets = [{"account_id": one, "order_id": other} for one, other in shown]
        token = " ".join(shown[-1]) if len(keys) > TARGETS else ""
        return {**book.stamp(now), "orders": targets, "next_page_token": token}

    def _is_within(self, account: Account, order: Order, kind: str, name: str) -> bool:
        if kind == "ACCOUNT":
            return account.account_id == name
        if kind == "GROUP":
            return name in groups.above(self.book, account)
        return order.instrument_id == name


def _kind(account: Account, one: Message) -> str:
    """What an order counts as under cn_margin, where the list does not say what it is for (6.3)."""
    if not is_credit(account):
        return ""
    told = str(one.get("margin_kind", ""))
    return told or ("COLLATERAL_BUY" if one["side"] == "BUY" else "COLLATERAL_SELL")


def _difference(order: Order, kind: str) -> Message:
    return {
        "order_id": order.order_id,
        "kind": kind,
        "order_state": order.state,
        "reserved_quantity": chains.reserved_under(order),
    }
