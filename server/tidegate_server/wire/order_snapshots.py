"""Order ids in a snapshot, and what they reserve once they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2, risk_service_pb2
from tidegate_server.engine.order import Chain, Order
from tidegate_server.engine.reach import count_open
from tidegate_server.engine.reserve import move_open
from tidegate_server.engine.state import Book, acknowledge_rank, forget_rank

from . import decoding, encoding
from .effects import effects_message
from .life import order_of

if TYPE_CHECKING:
    from tidegate_server.engine.account import Account
    from tidegate_server.engine.commands import CheckOrder
    from tidegate_server.engine.position import Position


class SnapshotError(Exception):
    """A snapshot does not rebuild the state that it was made of."""


def order_request(command: CheckOrder) -> risk_service_pb2.CheckOrderRequest:
    """Return what an order asked."""
    return risk_service_pb2.CheckOrderRequest(
        account_id=command.account_id,
        order_id=command.order_id,
        instrument_id=command.instrument_id,
        side=command.side,  # type: ignore[arg-type] # numbers are the contract's
        order_type=command.order_type,  # type: ignore[arg-type] # the same
        quantity=command.quantity,
        price_e4=command.price_e4 or None,
        created_time_ns=command.created_time_ns,
        reduce_only=command.reduce_only,
        want_max_acceptable_quantity=command.want_max,
        margin_kind=command.margin_kind,  # type: ignore[arg-type] # the same
    )


def order_message(order: Order) -> journal_pb2.RestoreOrder:
    """Return one order id that is kept."""
    message = journal_pb2.RestoreOrder(
        state=order.state,  # type: ignore[arg-type] # numbers are the contract's
        sequence=order.sequence,
        filled_quantity=order.filled,
        reserved_quantity=order.reserved,
        awaited_quantity=order.awaited,
        acknowledge_by_time_ns=order.acknowledge_by_ns,
        unconfirmed=order.unconfirmed,
        keep_until_time_ns=order.keep_until_ns,
        reported=order.reported,
        replaced_order_id=order.replaces,
        contract_opened_time_ns=order.opening[0],
        contract_ratio_bps=order.opening[1],
    )
    if order.chain is not None:
        message.chain_sequence, message.chain_order_id = order.chain.root
        message.reserved_price_e4 = order.reserved_price
        message.reserved_ratio_bps = order.chain.ratio_bps
    if order.command is not None and order.outcome is not None:
        message.request.CopyFrom(order_request(order.command))
        message.principal = order.command.principal
        message.response.CopyFrom(encoding.check_message(order.outcome))
        message.effects.CopyFrom(effects_message(order.outcome))
    else:
        message.request.account_id = order.account_id
        message.request.order_id = order.order_id
    return message


class OrderLoader:
    """Keeps a snapshot's orders in a book again."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._kept: list[Order] = []
        self._waiting: list[Order] = []
        self._chains: dict[tuple[str, int, str], Chain] = {}

    def finish(self) -> None:
        """Queue what falls due, and put the orders that replace each other in order."""
        book = self.book
        for order in sorted(self._waiting, key=acknowledge_rank):
            book.acknowledge_queue.add(order, order.acknowledge_by_ns, order.sequence)
        for order in sorted(self._kept, key=forget_rank):
            book.forget_queue.add(order, order.keep_until_ns, order.sequence)
        for chain in self._chains.values():
            chain.members.sort(key=sequence_of)

    def load(self, message: journal_pb2.RestoreOrder) -> None:
        """Keep one order id."""
        book = self.book
        account = book.accounts[message.request.account_id]
        order = Order(account.account_id, message.request.order_id, message.sequence)
        order.state = message.state
        order.filled = message.filled_quantity
        order.awaited = message.awaited_quantity
        order.acknowledge_by_ns = message.acknowledge_by_time_ns
        order.unconfirmed = message.unconfirmed
        order.keep_until_ns = message.keep_until_time_ns
        order.reported = message.reported
        order.opening = (message.contract_opened_time_ns, message.contract_ratio_bps)
        if message.HasField("response"):
            asked = message.request
            if asked.created_time_ns:
                order.command = decoding.read_order(asked, message.principal, "")
            else:  # a list added it
                order.command = order_of(asked, account.account_id, message.principal)
            order.outcome = encoding.read_check(message.response, message.effects)
            order.reserved_price = max(0, order.outcome.reserved_price_e4)
        if message.HasField("reserved_price_e4"):
            order.reserved_price = message.reserved_price_e4
        self._link(order, message)
        account.orders[order.order_id] = order
        book.order_id_count += order.command is not None
        book.unconfirmed_count += order.unconfirmed
        self._kept.append(order)
        if order.acknowledge_by_ns and not order.reported and not order.unconfirmed:
            self._waiting.append(order)
        if message.reserved_quantity:
            reserve_again(book, account, order, message.reserved_quantity)

    def _link(self, order: Order, message: journal_pb2.RestoreOrder) -> None:
        """Put an order among those that it replaces or is replaced by."""
        order.replaces = message.replaced_order_id
        if not message.chain_sequence:
            return
        root = (message.chain_sequence, message.chain_order_id)
        order.chain = self._chains.setdefault((order.account_id, *root), Chain(root))
        order.chain.members.append(order)
        order.chain.ratio_bps = message.reserved_ratio_bps


def sequence_of(order: Order) -> int:
    """Return the record that stored an order, for sorting."""
    return order.sequence


def reserve_again(book: Book, account: Account, order: Order, quantity: int) -> None:
    """Put back what an open order still reserves."""
    command = order.command
    if command is None:
        raise SnapshotError(f"order {order.order_id} reserves without having been decided")
    position: Position = account.position_in(book.instruments[command.instrument_id])
    if position.is_flat():
        account.activate(position)
    order.reserved = quantity
    count_open(book, account, 1)
    move_open(account, position, command, order, quantity)
