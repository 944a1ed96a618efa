"""What a decided order changes in the book, and how that is taken back.

`apply_check` is evolve for one order. `retract_check` undoes the last one exactly: a batch is
decided by applying its orders one by one, so that each sees those before it, and retracting them
again.
"""

from __future__ import annotations

from .account import Account
from .cn.booking import move_part
from .commands import BUY, CheckOrder
from .latches import count_alike, uncount_alike
from .margin_lines import Valued
from .order import REFUSED, RESERVED, Order
from .outcomes import CheckOutcome
from .position import Position
from .reach import add, count_open
from .reasons import RejectReason
from .resting import put_to_rest
from .shares import set_share
from .state import Book, roll_if_due
from .valuing import apply_valued, kept_values
from .walk import add_gross


def apply_check(book: Book, command: CheckOrder, outcome: CheckOutcome, sequence: int) -> None:
    """Store the order and its answer, count it, and reserve it if it was allowed."""
    order = keep_order(book, command, outcome, sequence)
    if order is not None and outcome.allowed:
        reserve(book, book.accounts[command.account_id], order, command, outcome)


def keep_order(
    book: Book, command: CheckOrder, outcome: CheckOutcome, sequence: int
) -> Order | None:
    """Store the order and its answer, and count it; None where nothing is stored."""
    if outcome.replayed or not outcome.keep_until_ns:
        return None
    account = book.accounts[command.account_id]
    if account.trading_date != book.trading_date:
        roll_if_due(book, account)
    account.sequence = sequence
    if outcome.valued is not None:
        apply_valued(book, account, outcome.valued)
    if outcome.share is not None:
        set_share(book, account, outcome.share)
    # What is kept shares the book's own strings: 100 bytes less an order.
    command.account_id = account.account_id
    order = Order(account.account_id, command.order_id, sequence)
    order.command = command
    order.outcome = outcome
    order.keep_until_ns = outcome.keep_until_ns
    account.orders[command.order_id] = order
    book.order_id_count += 1
    book.forget_queue.add(order, outcome.keep_until_ns, sequence)
    if outcome.allowed or counts(outcome):
        account.day_order_count += 1
        if outcome.account_next_ns:
            account.next_order_ns = outcome.account_next_ns
        if outcome.principal_next_ns:
            book.principal_next_ns[command.principal] = outcome.principal_next_ns
        if outcome.repeats_floor_ns:
            count_alike(book, account, command, outcome)
    if not outcome.allowed:
        order.state = REFUSED
        return order
    order.state = RESERVED
    order.acknowledge_by_ns = outcome.acknowledge_by_ns
    book.acknowledge_queue.add(order, outcome.acknowledge_by_ns, sequence)
    return order


def counts(outcome: CheckOutcome) -> bool:
    """Tell whether the order reached the counters: 4.1 to 4.3 did not end it (4.29)."""
    return outcome.allowed or outcome.rejections[0].reason > RejectReason.ORDER_STALE


def reserve(
    book: Book, account: Account, order: Order, command: CheckOrder, outcome: CheckOutcome
) -> None:
    """Add the whole order to its position's open orders."""
    instrument = book.instruments[command.instrument_id]
    command.instrument_id = instrument.instrument_id
    instrument.touched = True
    position = account.positions.get(command.instrument_id)
    if position is None:
        position = account.position_in(instrument)
    was_flat = position.is_flat()
    order.reserved = command.quantity
    order.reserved_price = outcome.reserved_price_e4
    count_open(book, account, 1)
    shift_open(account, position, command, order, command.quantity)
    if book.self_trade_scope:
        put_to_rest(book, account, position, order)
    if was_flat:
        account.activate(position)
    if outcome.line is None:
        account.forget_line(position)
    else:
        until_ns = instrument.plain_until_ns
        if was_flat and account.fresh_until_ns >= until_ns:
            account.fresh_until_ns = until_ns - 1  # no walk has looked at its mark yet
        # Just worked out by the judge: the account's next order need not do it again.
        if account.gross_by is not None:
            add_gross(account, instrument, outcome.line[3] - position.line[3])
        position.line = outcome.line
        account.totals = outcome.totals
        position.line_revision = instrument.revision
        account.stressed = outcome.stressed
    outcome.line = None
    outcome.totals = None


def release(book: Book, account: Account, order: Order, quantity: int) -> None:
    """Take a part of an order out of its position's open orders."""
    command = order.command
    if not quantity or command is None:
        return
    position = account.positions[command.instrument_id]
    order.reserved -= quantity
    move_open(account, position, command, order, -quantity)
    if not order.reserved:
        count_open(book, account, -1)
    if position.is_flat():
        account.deactivate(position)


def move_open(
    account: Account, position: Position, command: CheckOrder, order: Order, quantity: int
) -> None:
    """Change what is open of a position, at the price that the order is reserved at."""
    shift_open(account, position, command, order, quantity)
    account.forget_line(position)


def shift_open(
    account: Account, position: Position, command: CheckOrder, order: Order, quantity: int
) -> None:
    """Do as `move_open`, but for the memo of the position's line."""
    notional = quantity * order.reserved_price
    unit = position.instrument.terms.unit
    before = 0 if unit == 1 else position.turnover()
    reach = position.reach()
    if command.margin_kind and order.outcome is not None:
        chain = order.chain
        ratio_bps = order.outcome.margin_ratio_bps if chain is None else chain.ratio_bps
        price = order.reserved_price
        kind = command.margin_kind
        move_part(account, position, kind, order.order_id, quantity, price, ratio_bps)
    if command.side == BUY:
        position.open_buy += quantity
        position.buy_notional += notional
    else:
        short = position.short()
        position.open_sell += quantity
        position.sell_notional += notional
        position.instrument.short_use += position.short() - short
    change = position.reach() - reach
    if change:
        add(account, position, change)
    account.turnover_e4 += notional if unit == 1 else position.turnover() - before


class Saved:
    """What `retract_check` cannot work out from the outcome."""

    __slots__ = (
        "account_sequence",
        "had_latch",
        "had_position",
        "next_order_ns",
        "principal_next_ns",
        "touched",
        "valued",
    )

    def __init__(self, book: Book, command: CheckOrder) -> None:
        account = book.accounts.get(command.account_id)
        self.valued: Valued | None = None
        if account is not None:
            roll_if_due(book, account)  # which may bring another start-of-day equity
            self.valued = kept_values(account)
        instrument = book.instruments.get(command.instrument_id)
        self.account_sequence = account.sequence if account is not None else 0
        self.next_order_ns = account.next_order_ns if account is not None else 0
        self.principal_next_ns = book.principal_next_ns.get(command.principal, 0)
        self.touched = instrument is not None and instrument.touched
        self.had_latch = (command.account_id, command.instrument_id) in book.latches
        self.had_position = account is not None and command.instrument_id in account.positions


def retract_check(book: Book, command: CheckOrder, outcome: CheckOutcome, saved: Saved) -> None:
    """Undo the last `apply_check`."""
    if outcome.replayed or not outcome.keep_until_ns:
        return
    account = book.accounts[command.account_id]
    order = account.orders[command.order_id]
    if order.reserved:
        release(book, account, order, order.reserved)
        book.instruments[command.instrument_id].touched = saved.touched
        if not saved.had_position:
            del account.positions[command.instrument_id]
    if counts(outcome):
        if outcome.repeats_floor_ns:
            uncount_alike(book, account, command, had_latch=saved.had_latch)
        account.day_order_count -= 1
        account.next_order_ns = saved.next_order_ns
        if saved.principal_next_ns:
            book.principal_next_ns[command.principal] = saved.principal_next_ns
        else:
            book.principal_next_ns.pop(command.principal, None)
    del account.orders[command.order_id]
    book.acknowledge_queue.take_back(order)
    book.forget_queue.take_back(order)
    book.order_id_count -= 1
    account.sequence = saved.account_sequence
    if saved.valued is not None:
        account.lines = saved.valued.lines
        account.high_water = saved.valued.high_water
        account.start_of_day_equity = saved.valued.start_of_day
        if account.share is not saved.valued.share:
            set_share(book, account, saved.valued.share)
