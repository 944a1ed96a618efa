"""What an account is valued at once a replace or a list of orders has had its effect (4.26)."""

from __future__ import annotations

from .account import Account
from .chains import (
    Stand,
    holder_of,
    open_of,
    own_price,
    own_ratio,
    price_of,
    ratio_of,
    stands_of,
)
from .cn.booking import holding_of, move_in
from .cn.kinds import MARGIN_BUY, opens
from .commands import BUY, CheckOrder
from .comparing import ADDED, ENDED
from .instrument import Instrument
from .life_commands import ListedOrder
from .life_outcomes import Difference
from .order import RECONCILED, Chain, Order
from .policy import Policy
from .position import Position
from .rates import regime_multiplier
from .shares import Share
from .sharing import share_now, unvalued
from .state import Book


class Drafts:
    """Positions of an account as they would be; `borrowed` is what more they would finance."""

    __slots__ = ("account", "borrowed", "positions")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.borrowed = 0
        self.positions: dict[str, Position] = {}

    def move(
        self,
        instrument: Instrument,
        order: CheckOrder,
        quantity: int,
        price: int,
        ratio_bps: int = 0,
        kind: int = -1,
    ) -> None:
        """Open more of an order, or less, at a price; under `cn_margin` of a kind, at a ratio."""
        name = instrument.instrument_id
        position = self.positions.get(name)
        if position is None:
            position = copied(instrument, self.account.positions.get(name))
            self.positions[name] = position
        if order.side == BUY:
            position.open_buy += quantity
            position.buy_notional += quantity * price
        else:
            position.open_sell += quantity
            position.sell_notional += quantity * price
        if kind < 0:
            kind = order.margin_kind
        if opens(kind):
            holding = holding_of(position)
            unit = instrument.terms.unit
            cost = move_in(holding, unit, kind, order.order_id, quantity, price, ratio_bps)
            if kind == MARGIN_BUY:
                self.borrowed += cost

    def share(self, book: Book, policy: Policy, now_ns: int) -> Share | None:
        """Value the account with them."""
        regime_bps = regime_multiplier(book, policy)
        others = list(self.positions.values())
        return share_now(self.account, policy, regime_bps, now_ns, None, others, self.borrowed)


def copied(instrument: Instrument, known: Position | None) -> Position:
    """Return a position like a known one, to be changed."""
    position = Position(instrument)
    if known is not None:
        position.quantity = known.quantity
        position.open_buy = known.open_buy
        position.open_sell = known.open_sell
        position.buy_notional = known.buy_notional
        position.sell_notional = known.sell_notional
        if known.holding is not None:
            position.holding = known.holding.copy()
    return position


def share_replacing(
    book: Book,
    policy: Policy,
    account: Account,
    old: Order,
    terms: tuple[int, int, int],
    now_ns: int,
) -> Share | None:
    """Return an account's share with a replace reserved beside what it replaces, as one (7.2).

    `terms` are the replace's open quantity, price and ratio.
    """
    holder = old if old.chain is None else holder_of(old.chain)
    drafts = Drafts(account)
    if holder is not None and holder.reserved and holder.command is not None:
        asked, price, ratio_bps = terms
        stands = [Stand(old)] if old.chain is None else stands_of(old.chain)
        now_open = max(open_of(stands), asked)
        worst = holder.reserved_price
        ratio = own_ratio(old) if old.chain is None else old.chain.ratio_bps
        order = holder.command
        if not any(stand.awaited for stand in stands):
            live = [stand.member for stand in stands if stand.is_live()]
            prices = [own_price(member) for member in live]
            worst = max([price, *prices]) if order.side == BUY else min([price, *prices])
            ratio = max([ratio_bps, *[own_ratio(member) for member in live]])
        instrument = account.positions[order.instrument_id].instrument
        drafts.move(instrument, order, -holder.reserved, holder.reserved_price)
        drafts.move(instrument, order, now_open, worst, ratio)
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
            price, ratio_bps = found.reserved_price, found.ratio_bps
            drafts.move(instrument, asked, found.reserved, price, ratio_bps, kind=found.margin_kind)
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
        drafts.move(instrument, order.command, -order.reserved, order.reserved_price)


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
    ratio = ratio_of(stands, chain.ratio_bps)
    end_one(drafts, holder)
    instrument = drafts.account.positions[holder.command.instrument_id].instrument
    drafts.move(instrument, holder.command, open_of(stands), price, ratio)
