"""What routers and staff ask about orders that are open; see commands.py."""

from __future__ import annotations

from .commands import CheckOrder, Command


class ReplaceOrder(Command):
    """An order to take another's place; its quantity is the new total."""

    __slots__ = ("order", "replaced_order_id")

    def __init__(self, principal: str, order: CheckOrder, replaced_order_id: str) -> None:
        self.principal = principal
        self.order = order
        self.replaced_order_id = replaced_order_id


class ListedOrder:
    """An order that is open at the router; `order.quantity` is its total."""

    __slots__ = ("filled", "order")

    def __init__(self, order: CheckOrder, filled: int) -> None:
        self.order = order
        self.filled = filled


class ReconcileOrders(Command):
    """A page of the router's list of an account's open orders; pages count from 1."""

    __slots__ = ("account_id", "last", "list_time_ns", "listed", "page", "session_id")

    def __init__(
        self,
        principal: str,
        account_id: str,
        session_id: str,
        list_time_ns: int,
        page: int,
        listed: list[ListedOrder],
        *,
        last: bool,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.session_id = session_id
        self.list_time_ns = list_time_ns
        self.page = page
        self.last = last
        self.listed = listed


class CancelOrders(Command):
    """Orders to name within a scope, from after `after` on; with a stop id the scope is halted."""

    __slots__ = ("after", "reason", "scope_id", "scope_kind", "stop_id")

    def __init__(
        self,
        principal: str,
        scope_kind: int,
        scope_id: str,
        stop_id: str,
        reason: str,
        after: tuple[str, str],
    ) -> None:
        self.principal = principal
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.stop_id = stop_id
        self.reason = reason
        self.after = after
