"""Open orders by what cancelling each of them would free (8.6)."""

from __future__ import annotations

from .account import Account
from .add_ons import charged, more_of_position, with_more
from .commands import MODEL_CN_MARGIN, CheckOrder
from .exposure import figures_of, line_of_position
from .hedges import account_offset
from .lines import Line, exchanged
from .order import Order
from .policy import Policy
from .rates import rates_at, regime_multiplier
from .shares_to_be import Drafts
from .state import Book
from .walk import walk


class Cancel:
    """One order to cancel, and by how much available margin rises if it alone goes, in e4."""

    __slots__ = ("command", "order", "rise_e4")

    def __init__(self, order: Order, command: CheckOrder, rise_e4: int) -> None:
        self.order = order
        self.command = command
        self.rise_e4 = rise_e4


def cancels_of(book: Book, account: Account, now_ns: int) -> list[Cancel]:
    """Return every order that still rests, the greatest rise first, ties by record and id.

    One that has ended and only awaits its fills cannot be cancelled. An instrument without a mark
    counts as nothing.
    """
    found: list[Cancel] = []
    policy = book.policy
    if policy is None:
        return found
    regime_bps = regime_multiplier(book, policy)
    total = walk(account, None, policy, regime_bps, now_ns).line
    total = charged(account, total, policy, regime_bps, now_ns)
    for order in account.orders.values():
        if order.reserved and order.is_live() and order.command is not None:
            rise_e4 = rise_of(account, total, policy, regime_bps, order, order.command, now_ns)
            found.append(Cancel(order, order.command, rise_e4))
    found.sort(key=place)
    return found


def place(cancel: Cancel) -> tuple[int, int, str]:
    """Return where a cancel stands."""
    return -cancel.rise_e4, cancel.order.sequence, cancel.order.order_id


def rise_of(
    account: Account,
    total: Line,
    policy: Policy,
    regime_bps: int,
    order: Order,
    command: CheckOrder,
    now_ns: int,
) -> int:
    """Return by how much available margin rises without an order.

    Add-ons of other positions are as with it, as they are for one that is new (5.4).
    """
    position = account.positions[command.instrument_id]
    instrument = position.instrument
    if not instrument.mark:
        return 0
    model = account.margin_model
    rates = rates_at(instrument, policy, regime_bps, model, now_ns)
    drafts = Drafts(account)
    drafts.move(instrument, command, -order.reserved, order.reserved_price)
    alone = drafts.positions[command.instrument_id]
    own = position.line
    then = line_of_position(alone, rates, model)
    tables = policy.add_ons
    if tables is not None and model != MODEL_CN_MARGIN:
        reach = position.reach()
        gross = total[3] - own[3] + then[3]
        own = with_more(
            own, more_of_position(account, tables, position, own, rates, total[3], reach)
        )
        then = with_more(then, more_of_position(account, tables, alone, then, rates, gross, reach))
    line = exchanged(total, own, then)
    offset = account_offset(account, policy, regime_bps, now_ns)
    offset_alone = account_offset(
        account, policy, regime_bps, now_ns, without=position, instead=alone
    )
    before = figures_of(account, total, offset)
    return figures_of(account, line, offset_alone).available - before.available
