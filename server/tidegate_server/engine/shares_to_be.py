"""What an account is valued at once a replace or a list of orders has had its effect (4.26)."""

from __future__ import annotations

from .chains import Stand, holder_of, open_of, own_price, price_of, stands_of
from .commands import BUY, MODEL_CN_MARGIN
from .comparing import ADDED, ENDED
from .exposure import regime_multiplier
from .life_commands import ListedOrder
from .life_outcomes import Difference
from .order import RECONCILED, Chain, Order
from .policy import Policy
from .shares import Share
from .sharing import share_now, unvalued
from .state import Account, Book, Instrument, Position


class Drafts:
    """Positions of an account as they would be."""

    __slots__ = ("account", "positions")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.positions: dict[str, Position] = {}

    def move(self, instrument: Instrument, side: int, quantity: int, price: int) -> None:
        """Open more, or less, at a price."""
        name = instrument.instrument_id
        position = self.positions.get(name)
        if position is None:
            position = copied(instrument, self.account.positions.get(name))
            self.positions[name] = position
        if side == BUY:
            position.open_buy += quantity
            position.buy_notional += quantity * price
        else:
            position.open_sell += quantity
            position.sell_notional += quantity * price

    def share(self, book: Book, policy: Policy, now_ns: int) -> Share | None:
        """Value the account with them."""
        regime_bps = regime_multiplier(book, policy)
        others = list(self.positions.values())
        return share_now(self.account, policy, regime_bps, now_ns, None, others)


def copied(instrument: Instrument, known: Position | None) -> Position:
    """Return a position like a known one, to be changed."""
    position = Position(instrument)
    if known is not None:
        position.quantity = known.quantity
        position.open_buy = known.open_buy
        position.open_sell = known.open_sell
        position.buy_notional = known.buy_notional
        position.sell_notional = known.sell_notional
    return position


def share_replacing(
    book: Book, policy: Policy, account: Account, old: Order, asked: int, price: int, now_ns: int
) -> Share | None:
    """Return an account's share with a replace reserved beside what it replaces, as one (7.2)."""
    holder = old if old.chain is None else holder_of(old.chain)
    drafts = Drafts(account)
    if holder is not None and holder.reserved and holder.command is not None:
        stands = [Stand(old)] if old.chain is None else stands_of(old.chain)
        now_open = max(open_of(stands), asked)
        worst = holder.reserved_price
        if not any(stand.awaited for stand in stands):
            prices = [own_price(stand.member) for stand in stands if stand.is_live()]
            worst = max([price, *prices]) if holder.command.side == BUY else min([price, *prices])
        instrument = account.positions[holder.command.instrument_id].instrument
        side = holder.command.side
        drafts.move(instrument, side, -holder.reserved, holder.reserved_price)
        drafts.move(instrument, side, now_open, worst)
    return drafts.share(book, policy, now_ns)


def share_reconciled(
    book: Book,
    policy: Policy,
    account: Account | None,
    account_id: str,
    listed: dict[str, ListedOrder],
    differences: list[Difference],
    now_ns: int,
) -> Share | None:
    """Return an account's share once a list has ended and added what it says (7.4)."""
    if account is not None and account.margin_model == MODEL_CN_MARGIN:
        # As it was before the list: the next valuation says what that changed (6.3).
        return share_now(account, policy, regime_multiplier(book, policy), now_ns)
    drafts = Drafts(Account(account_id) if account is None else account)
    ended: dict[str, Order] = {}
    for found in differences:
        if found.kind == ENDED:
            ended[found.order_id] = drafts.account.orders[found.order_id]
        elif found.kind == ADDED:
            asked = listed[found.order_id].order
            instrument = book.instruments.get(asked.instrument_id)
            if instrument is None:
                return unvalued(drafts.account)
            drafts.move(instrument, asked.side, found.reserved, found.reserved_price)
    settled: list[Chain] = []
    for order in ended.values():
        if order.chain is None:
            end_one(drafts, order)
        elif order.chain not in settled:
            settled.append(order.chain)
            end_in_chain(drafts, order.chain, ended)
    return drafts.share(book, policy, now_ns)


def end_one(drafts: Drafts, order: Order) -> None:
    """Take what an order reserves out."""
    if order.reserved and order.command is not None:
        instrument = drafts.account.positions[order.command.instrument_id].instrument
        drafts.move(instrument, order.command.side, -order.reserved, order.reserved_price)


def end_in_chain(drafts: Drafts, chain: Chain, ended: dict[str, Order]) -> None:
    """Let the ended members of a chain go, and reserve what is left of it as one."""
    holder = holder_of(chain)
    if holder is None or holder.command is None:
        return
    stands = stands_of(chain)
    for stand in stands:
        if stand.member.order_id in ended:
            stand.state = RECONCILED
    price = price_of(stands, holder.reserved_price)
    end_one(drafts, holder)
    instrument = drafts.account.positions[holder.command.instrument_id].instrument
    drafts.move(instrument, holder.command.side, open_of(stands), price)
