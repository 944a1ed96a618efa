"""Whether what the book keeps as a sum is still the sum of its parts (2.1, 4.16, 4.18, 4.26).

Sums over the firm, groups and instruments are memos that follow each change, so that an order costs
the same whatever there is. An error in one of them would show nowhere else: no hash knows them, and
a snapshot builds them anew. So whoever proves the journal adds them up from the accounts now and
then, and compares. It looks only; it costs as much as the book is large.
"""

from __future__ import annotations

from .account import Account
from .amounts import INT64_MAX
from .commands import BUY
from .groups import ancestors
from .instrument import Instrument
from .position import Position
from .shares import ShareSum, share_in
from .state import Book
from .walk import sum_of_lines


class Recount:
    """The sums as accounts, positions and orders give them; `problems` names what differs."""

    __slots__ = ("ids", "open_of", "opened", "problems", "reach_of", "shorts", "unconfirmed")

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.ids = 0
        self.unconfirmed = 0
        self.opened = 0
        self.open_of: dict[str, int] = {}
        self.shorts: dict[str, int] = {}
        # By instrument, then by group; "" is the firm.
        self.reach_of: dict[str, dict[str, int]] = {}

    def compare(self, name: str, kept: int, counted: int) -> None:
        """Name a sum that is not what its parts come to."""
        if kept != counted:
            self.problems.append(f"{name}: {kept} is kept, its parts come to {counted}")


def differing_sums(book: Book) -> list[str]:
    """Return what is kept as a sum and is not the sum of its parts, each by name and figures."""
    recount = Recount()
    for account in book.accounts.values():
        count_account(recount, book, account)
    recount.compare("open orders of the firm", book.open_order_count, recount.opened)
    compare_named(recount, "open orders of group", book.open_orders_of, recount.open_of)
    recount.compare("order ids", book.order_id_count, recount.ids)
    recount.compare("unconfirmed orders", book.unconfirmed_count, recount.unconfirmed)
    for instrument in book.instruments.values():
        compare_instrument(recount, instrument)
    compare_shares(recount, book)
    return recount.problems


def count_account(recount: Recount, book: Book, account: Account) -> None:
    """Count one account's orders and positions."""
    name = account.account_id
    groups = ancestors(book, account.group_id)
    if groups != account.groups:
        recount.problems.append(
            f"groups of account {name}: {account.groups} are kept, not {groups}"
        )
    opened = 0
    parts: dict[str, tuple[int, int, int, int]] = {}
    for order in account.orders.values():
        recount.unconfirmed += int(order.unconfirmed)
        command = order.command
        if command is None:
            continue
        recount.ids += 1
        if not order.reserved:
            continue
        opened += 1
        bought, sold, paid, received = parts.get(command.instrument_id, (0, 0, 0, 0))
        notional = order.reserved * order.reserved_price
        if command.side == BUY:
            bought, paid = bought + order.reserved, paid + notional
        else:
            sold, received = sold + order.reserved, received + notional
        parts[command.instrument_id] = bought, sold, paid, received
    recount.compare(f"open orders of account {name}", account.open_order_count, opened)
    recount.opened += opened
    for group_id in groups:
        recount.open_of[group_id] = recount.open_of.get(group_id, 0) + opened
    count_positions(recount, account, groups, parts)
    if account.lines_hold_at == book.revision:
        count_gross(recount, account)


def count_positions(
    recount: Recount,
    account: Account,
    groups: list[str],
    parts: dict[str, tuple[int, int, int, int]],
) -> None:
    """Count an account's positions, and compare what is open of them with its orders."""
    name = account.account_id
    active = {position.instrument.instrument_id for position in account.active}
    busy = {key for key, position in account.positions.items() if not position.is_flat()}
    if active != busy or len(account.active) != len(busy):
        recount.problems.append(f"positions of account {name}: those that are not flat differ")
    for key in parts.keys() - account.positions.keys():
        recount.problems.append(f"open orders of account {name} in {key}: no position is kept")
    for key, position in account.positions.items():
        what = f"of account {name} in {key}"
        bought, sold, paid, received = parts.get(key, (0, 0, 0, 0))
        recount.compare(f"open buys {what}", position.open_buy, bought)
        recount.compare(f"open sells {what}", position.open_sell, sold)
        recount.compare(f"reserved buys {what}", position.buy_notional, paid)
        recount.compare(f"reserved sells {what}", position.sell_notional, received)
        add_position(recount, key, position, groups)
    if account.totals is not None and account.totals != sum_of_lines(account.active):
        recount.problems.append(f"figures of account {name}: not the sum of its positions'")


def count_gross(recount: Recount, account: Account) -> None:
    """Compare an account's gross by sector and board, while it keeps them (4.20)."""
    if account.gross_by is None:
        return
    by_sector: dict[str, int] = {}
    by_board: dict[str, int] = {}
    for position in account.active:
        terms, gross = position.instrument.terms, position.line[3]
        by_sector[terms.sector] = by_sector.get(terms.sector, 0) + gross
        by_board[terms.board] = by_board.get(terms.board, 0) + gross
    name = account.account_id
    compare_named(recount, f"gross of account {name} in sector", account.gross_by[0], by_sector)
    compare_named(recount, f"gross of account {name} on board", account.gross_by[1], by_board)


def add_position(recount: Recount, key: str, position: Position, groups: list[str]) -> None:
    """Add one position to the sums over the firm and its groups."""
    reach = position.reach()
    reaches = recount.reach_of.setdefault(key, {})
    for group_id in ("", *groups):
        reaches[group_id] = reaches.get(group_id, 0) + reach
    recount.shorts[key] = recount.shorts.get(key, 0) + position.short()


def compare_named(
    recount: Recount, name: str, kept: dict[str, int], counted: dict[str, int]
) -> None:
    """Compare what is kept by group, sector or board."""
    for key in sorted({*kept, *counted}):
        recount.compare(f"{name} {key}", kept.get(key, 0), counted.get(key, 0))


def compare_instrument(recount: Recount, instrument: Instrument) -> None:
    """Compare what all accounts have of one instrument."""
    key = instrument.instrument_id
    counted = recount.reach_of.get(key, {})
    recount.compare(f"positions of the firm in {key}", instrument.reach, counted.pop("", 0))
    compare_named(recount, f"positions in {key} of group", instrument.reach_of, counted)
    recount.compare(f"short of {key}", instrument.short_use, recount.shorts.get(key, 0))


def compare_shares(recount: Recount, book: Book) -> None:
    """Compare what accounts were last valued at with the sums of it (4.26)."""
    kept = book.share_sums
    if kept is None:
        return
    counted: dict[str, ShareSum] = {}
    for account in book.accounts.values():
        share = account.counted
        if account.share is not None and share != account.share:
            recount.problems.append(f"share of account {account.account_id}: not what is counted")
        if share is not None:
            for group_id in ("", *account.groups):
                counted.setdefault(group_id, ShareSum()).count(share, 1)
    nothing = ShareSum()
    for group_id in sorted({*kept, *counted}):
        one, other = kept.get(group_id, nothing), counted.get(group_id, nothing)
        where = f"group {group_id}" if group_id else "the firm"
        recount.compare(f"gross of {where}", one.gross, other.gross)
        recount.compare(f"financing of {where}", one.drawn, other.drawn)
        recount.compare(f"shortfall of {where}", one.shortfall, other.shortfall)
        recount.compare(f"unknown shortfalls of {where}", one.unstressed, other.unstressed)
        recount.compare(f"shares of {where} older than noted", late_notes(book, group_id, one), 0)


def late_notes(book: Book, group_id: str, total: ShareSum) -> int:
    """Count the accounts of a sum whose shares are older than it knows."""
    late = 0
    for account_id in book.accounts:
        share = share_in(book, group_id, account_id)
        late += share is not None and total.noted.get(account_id, INT64_MAX) > share[0]
    return late
