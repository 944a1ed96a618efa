"""Putting back what one report touched: for decisions that must leave no trace."""

from __future__ import annotations

from .account import Account
from .cn.contracts import NOT_OPENED
from .cn.saved import SavedCredit
from .commands import MODEL_CN_MARGIN, OrderEvent
from .lines import NO_LINE
from .order import Chain, Order
from .position import Position
from .reach import add, count_in_groups
from .state import Book


class SavedEvent:
    """What one report may touch, as it was before: for decisions that must leave no trace.

    `names` are the instruments that it may move, of which `positions` has those that there are.
    """

    __slots__ = (
        "account",
        "account_figures",
        "active",
        "chain",
        "credit",
        "entries",
        "instrument",
        "names",
        "order",
        "order_figures",
        "positions",
        "stop_ids",
        "totals",
        "touched",
    )

    def __init__(self, book: Book, event: OrderEvent) -> None:
        self.account = book.accounts.get(event.account_id)
        self.instrument = book.instruments.get(event.instrument_id)
        self.touched = self.instrument is not None and self.instrument.touched
        self.stop_ids = list(book.stops)
        self.totals = (book.order_id_count, book.open_order_count, book.unconfirmed_count)
        self.order: Order | None = None
        self.chain: SavedChain | None = None
        self.order_figures = (0, 0, 0, 0, False, False, NOT_OPENED)
        self.credit: SavedCredit | None = None
        self.account_figures = (0, 0, 0, 0)
        self.active: list[Position] = []
        self.names: list[str] = []
        self.positions: dict[str, tuple[int, int, int, int, int, int, int]] = {}
        self.entries: dict[str, tuple[str, int, int, bool, int, str]] = {}
        if self.account is not None:
            self._save_account(self.account, event)

    def _save_account(self, account: Account, event: OrderEvent) -> None:
        self.account_figures = (
            account.sequence,
            account.cash,
            account.turnover_e4,
            account.open_order_count,
        )
        self.order = account.orders.get(event.order_id)
        if account.margin_model == MODEL_CN_MARGIN:  # a sale may repay what others financed
            self.credit = SavedCredit(account)
            self.names = list(account.positions)
        else:
            self.names = names_in(account, self.order, event)
        self.active = list(account.active)
        for key in self.names:
            p = account.positions.get(key)
            if p is None:
                continue
            self.positions[key] = (
                p.quantity,
                p.open_buy,
                p.open_sell,
                p.buy_notional,
                p.sell_notional,
                p.day_traded,
                p.bought_today,
            )
        for key in (event.event_id, event.busted_event_id):
            entry = account.events.get(key)
            if entry is not None:
                self.entries[key] = (
                    entry.instrument_id,
                    entry.fill_quantity,
                    entry.cash_change,
                    entry.busted,
                    entry.trade_date,
                    entry.source,
                )
        if self.order is not None and self.order.chain is not None:
            self.chain = SavedChain(self.order.chain)
        if self.order is not None:
            self.order_figures = (
                self.order.state,
                self.order.filled,
                self.order.reserved,
                self.order.awaited,
                self.order.unconfirmed,
                self.order.reported,
                self.order.opening,
            )


def names_in(account: Account, order: Order | None, event: OrderEvent) -> list[str]:
    """Return the instruments that a report may move: its own, its order's, a busted execution's.

    However many the account holds: with all of 18 saved and put back, proving an order and its
    report took 559 us, not 363 (in process, a journal of the bench book, on a busy machine).
    """
    names = [event.instrument_id]
    entry = account.events.get(event.busted_event_id)
    if entry is not None:
        names.append(entry.instrument_id)
    if order is not None:
        members = [order] if order.chain is None else order.chain.members
        for member in members:
            if member.command is not None:
                names.append(member.command.instrument_id)  # noqa: PERF401 - compiled
    return sorted(set(names))


def retract_event(book: Book, event: OrderEvent, saved: SavedEvent) -> None:
    """Put back what one report touched."""
    book.order_id_count, book.open_order_count, book.unconfirmed_count = saved.totals
    for stop_id in list(book.stops):
        if stop_id not in saved.stop_ids:
            book.remove_stop(stop_id)
    if saved.instrument is not None:
        saved.instrument.touched = saved.touched
    else:
        book.instruments.pop(event.instrument_id, None)
    account = saved.account
    if account is None:
        created = book.accounts.pop(event.account_id, None)
        if created is not None:
            for position in created.positions.values():
                position.instrument.short_use -= position.short()
                add(created, position, -position.reach())
        return
    count_in_groups(book, account, saved.account_figures[3] - account.open_order_count)
    account.sequence, account.cash, account.turnover_e4, account.open_order_count = (
        saved.account_figures
    )
    retract_positions(account, saved)
    for key in (event.event_id, event.busted_event_id):
        if key not in saved.entries:
            account.events.pop(key, None)
            continue
        entry = account.events[key]
        (
            entry.instrument_id,
            entry.fill_quantity,
            entry.cash_change,
            entry.busted,
            entry.trade_date,
            entry.source,
        ) = saved.entries[key]
    order = saved.order
    if saved.chain is not None:
        saved.chain.put_back()
    if order is None:
        account.orders.pop(event.order_id, None)
        return
    (
        order.state,
        order.filled,
        order.reserved,
        order.awaited,
        order.unconfirmed,
        order.reported,
        order.opening,
    ) = saved.order_figures


def retract_positions(account: Account, saved: SavedEvent) -> None:
    """Put an account's positions back."""
    account.active = saved.active
    names = saved.names
    if saved.credit is not None:
        account.totals = None
        names = list(account.positions)
    for key in names:
        position = account.positions.get(key)
        if position is None:
            continue
        position.instrument.short_use -= position.short()
        add(account, position, -position.reach())
        if key not in saved.positions:
            account.replace_line(position, NO_LINE)
            del account.positions[key]
    if saved.credit is not None:
        saved.credit.put_back(account)
    for key in names:
        position = account.positions.get(key)
        if position is None:
            continue
        (
            position.quantity,
            position.open_buy,
            position.open_sell,
            position.buy_notional,
            position.sell_notional,
            position.day_traded,
            position.bought_today,
        ) = saved.positions[key]
        position.instrument.short_use += position.short()
        add(account, position, position.reach())
        account.forget_line(position)
        if position.is_flat():
            account.replace_line(position, NO_LINE)


class SavedChain:
    """A chain as it was, for decisions that must leave no trace."""

    __slots__ = ("chain", "members", "openings", "ratio_bps", "states")

    def __init__(self, chain: Chain) -> None:
        self.members = list(chain.members)
        self.chain = chain
        self.ratio_bps = chain.ratio_bps
        self.openings = [member.opening for member in chain.members]
        self.states = [
            (m.state, m.filled, m.reserved, m.reserved_price, m.awaited, m.unconfirmed, m.reported)
            for m in chain.members
        ]

    def put_back(self) -> None:
        """Put every member back."""
        self.chain.ratio_bps = self.ratio_bps
        for member, opening in zip(self.members, self.openings, strict=True):
            member.opening = opening
        for member, state in zip(self.members, self.states, strict=True):
            (
                member.state,
                member.filled,
                member.reserved,
                member.reserved_price,
                member.awaited,
                member.unconfirmed,
                member.reported,
            ) = state
