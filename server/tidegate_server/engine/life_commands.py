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
