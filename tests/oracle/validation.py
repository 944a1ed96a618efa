"""What the edge refuses before anything is judged (1.4 and the contract's comments)."""

from collections.abc import Callable

from tests.oracle.book import MONEY_MAX, PRICE_MAX, QUANTITY_MAX, Message
from tests.oracle.credit import SIDE_OF

BATCH_MAX = 1000
ID_MAX = 64


def well_formed(method: str, request: Message) -> bool:
    """Say whether a request keeps to the contract."""
    check = CHECKS.get(method)
    return check is None or check(request)


def _id(request: Message, name: str) -> bool:
    text = request.get(name, "")
    return 1 <= len(text) <= ID_MAX and all("!" <= letter <= "~" for letter in text)


def _order_core(request: Message) -> bool:
    if not (_id(request, "account_id") and _id(request, "instrument_id")):
        return False
    if request.get("side") not in {"BUY", "SELL"}:
        return False
    if not 1 <= request.get("quantity", 0) <= QUANTITY_MAX:
        return False
    if not _kind(request):
        return False
    price = request.get("price_e4")
    if request.get("order_type") == "MARKET":
        return price is None
    return request.get("order_type") == "LIMIT" and 1 <= (price or 0) <= PRICE_MAX


def _kind(request: Message) -> bool:
    """A margin kind goes with one side."""
    kind = request.get("margin_kind", "")
    return not kind or SIDE_OF[kind] == request["side"]


def _order(request: Message) -> bool:
    return (
        _order_core(request)
        and _id(request, "order_id")
        and int(request.get("created_time_ns", 0)) > 0
    )


def _orders(request: Message) -> bool:
    orders = request.get("orders", [])
    if not 1 <= len(orders) <= BATCH_MAX or not all(_order(order) for order in orders):
        return False
    if request.get("atomic", False):
        return _id(request, "batch_id")
    return not request.get("batch_id", "")


def _event(event: Message) -> bool:
    if not all(_id(event, name) for name in ("event_id", "account_id", "order_id")):
        return False
    if event.get("kind") == "BUSTED":
        return _id(event, "busted_event_id")
    if event.get("kind") != "FILLED":
        return "kind" in event and event.get("cumulative_quantity", 0) <= QUANTITY_MAX
    return (
        _id(event, "instrument_id")
        and event.get("side") in {"BUY", "SELL"}
        and 1 <= event.get("quantity", 0) <= QUANTITY_MAX
        and 1 <= event.get("price_e4", 0) <= PRICE_MAX
    )


def _events(request: Message) -> bool:
    events = request.get("events", [])
    return 1 <= len(events) <= BATCH_MAX and all(_event(event) for event in events)


def _cash(request: Message) -> bool:
    amount = request.get("amount_e4", 0)
    ids = _id(request, "account_id") and _id(request, "adjustment_id")
    out = request.get("kind") == "WITHDRAWAL"
    return ids and amount != 0 and abs(amount) <= MONEY_MAX and not (out and amount > 0)


def _marks(request: Message) -> bool:
    marks = request.get("marks", [])
    names = [mark.get("instrument_id", "") for mark in marks]
    prices = all(1 <= mark.get("price_e4", 0) <= PRICE_MAX for mark in marks)
    return 1 <= len(marks) <= BATCH_MAX and len(set(names)) == len(names) and prices


CHECKS: dict[str, Callable[[Message], bool]] = {
    "CheckOrder": _order,
    "CheckOrders": _orders,
    "ReplaceOrder": lambda request: _order(request) and _id(request, "replaced_order_id"),
    "PreviewOrder": _order_core,
    "RecordOrderEvents": _events,
    "AdjustCash": _cash,
    "UpdateMarks": _marks,
}
