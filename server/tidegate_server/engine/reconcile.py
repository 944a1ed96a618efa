"""The router's list of an account's open orders against the gate's (7.4).

A list comes in pages; only its last one changes anything. What the list lacks ends, unless it was
allowed so late that the router may not have had it yet. What the gate did not know is reserved: it
may trade. All else is only told: a list may be older than what the gate has heard since.
"""

from __future__ import annotations

from .account import Account
from .bookings import named, value_cash
from .chains import close, end_quietly, settle, stands_of
from .comparing import ADDED, ENDED, OUT_OF_BOUNDS, differences
from .life_commands import ListedOrder, ReconcileOrders
from .life_outcomes import Difference, ReconcileOutcome
from .order import RECONCILED, Chain, Order
from .outcomes import CheckOutcome, Refusal
from .own_stops import freeze
from .reasons import ScopeKind
from .reconciliation import Reconciliation
from .reserve import release, reserve
from .settle import account_for_fact, forget_if_closed, instrument_for_fact
from .shares_to_be import share_reconciled
from .sharing import with_share
from .state import Book, roll_if_due
from .valuing import apply_valued


def decide_reconcile(
    book: Book, command: ReconcileOrders, now_ns: int
) -> ReconcileOutcome | Refusal:
    """Keep a page, or compare a list that is complete with it."""
    account = book.accounts.get(command.account_id)
    known = account.reconciliation if account is not None else None
    pages: list[ReconcileOrders] = []
    if account is not None and known is not None:
        if known.outcome is not None and command.session_id == known.session_id:
            return again(known.outcome)
        if command.list_time_ns <= known.list_time_ns:
            return stale_list(command, known)
        if known.pages and known.pages[0].session_id == command.session_id:
            pages = known.pages
            if command.page <= len(pages):
                return again(
                    ReconcileOutcome(known.page_sequence, known.page_time_ns, closed=False)
                )
            if command.list_time_ns != pages[0].list_time_ns:
                return other_time(command)
    if command.page != len(pages) + 1:
        return page_missing(command, len(pages) + 1)
    outcome = ReconcileOutcome(book.sequence + 1, now_ns, closed=command.last)
    if account is not None:
        roll_if_due(book, account)
    if book.policy is not None:
        cash = account.cash if account is not None else 0
        outcome.valued = value_cash(book, book.policy, command.account_id, cash, 0, now_ns)
    if command.last:
        listed = listed_orders(pages, command)
        outcome.differences = differences(book, account, listed, command, now_ns)
        if book.policy is not None and book.policy.keeps_shares:
            share = share_reconciled(
                book,
                book.policy,
                account,
                command.account_id,
                listed,
                outcome.differences,
                now_ns,
            )
            change = with_share(outcome.valued[0] if outcome.valued else None, share)
            outcome.valued = named(change, command.account_id)
    return outcome


def listed_orders(pages: list[ReconcileOrders], last: ReconcileOrders) -> dict[str, ListedOrder]:
    """Return the orders of a list by id; of one that stands on two pages the first."""
    found: dict[str, ListedOrder] = {}
    for page in [*pages, last]:
        for one in page.listed:
            found.setdefault(one.order.order_id, one)
    return found


def again(first: ReconcileOutcome) -> ReconcileOutcome:
    """Give the first answer once more."""
    outcome = ReconcileOutcome(first.sequence, first.decided_time_ns, closed=first.closed)
    outcome.differences = first.differences
    outcome.replayed = True
    return outcome


def stale_list(command: ReconcileOrders, known: Reconciliation) -> Refusal:
    """Refuse a list that is not later than the one compared last."""
    return Refusal(
        "STALE_LIST",
        f"a later list of account {command.account_id} was compared already",
        {
            "account_id": command.account_id,
            "list_time_ns": str(command.list_time_ns),
            "compared_time_ns": str(known.list_time_ns),
        },
    )


def page_missing(command: ReconcileOrders, expected: int) -> Refusal:
    """Refuse a page that comes before its turn."""
    return Refusal(
        "PAGE_MISSING",
        f"list {command.session_id} goes on with page {expected}, not {command.page}",
        {
            "account_id": command.account_id,
            "page_number": str(command.page),
            "expected": str(expected),
        },
    )


def other_time(command: ReconcileOrders) -> Refusal:
    """Refuse a page that was taken at another time than the pages before it."""
    return Refusal(
        "IMMUTABLE",
        f"every page of list {command.session_id} has the same list_time_ns",
        {"field": "list_time_ns", "session_id": command.session_id},
    )


def apply_reconcile(
    book: Book, command: ReconcileOrders, outcome: ReconcileOutcome, sequence: int, time_ns: int
) -> None:
    """Keep a page, or end and add what a complete list says."""
    account = account_for_fact(book, command.account_id, time_ns)
    roll_if_due(book, account)
    account.sequence = sequence
    for change in outcome.valued:
        apply_valued(book, account, change)
    state = account.reconciliation
    if state is None:
        state = Reconciliation()
        account.reconciliation = state
    if command.page == 1:
        state.pages = []
    if not outcome.closed:
        state.pages.append(command)
        state.page_sequence = sequence
        state.page_time_ns = time_ns
        return
    listed = listed_orders(state.pages, command)
    for found in outcome.differences:
        if found.kind == ENDED:
            end_lost(book, account, account.orders[found.order_id], time_ns)
        elif found.kind == ADDED:
            add(book, account, listed[found.order_id], found, sequence, time_ns)
        elif found.kind == OUT_OF_BOUNDS:
            freeze(book, ScopeKind.ACCOUNT, account.account_id, "out of bounds", time_ns)
    state.session_id = command.session_id
    state.list_time_ns = command.list_time_ns
    state.outcome = outcome
    state.pages = []
    state.page_sequence = state.page_time_ns = 0


def end_lost(book: Book, account: Account, order: Order, time_ns: int) -> None:
    """End an order that the router no longer has."""
    chain = order.chain
    if chain is None:
        release(book, account, order, order.reserved)
        order.state = RECONCILED
        end_quietly(book, order)
        chain = Chain((0, ""))
        chain.members.append(order)
    else:
        stands = stands_of(chain)
        for stand in stands:
            if stand.member is order:
                stand.state = RECONCILED
        close(stands)
        settle(book, account, chain, stands)
    forget_if_closed(book, chain, time_ns)


def add(
    book: Book,
    account: Account,
    one: ListedOrder,
    found: Difference,
    sequence: int,
    time_ns: int,
) -> None:
    """Keep an order that the gate did not know, and reserve it."""
    command = one.order
    instrument_for_fact(book, command.instrument_id, time_ns)
    order = Order(account.account_id, command.order_id, sequence)
    tombstone = account.orders.get(command.order_id)
    if tombstone is not None:
        order.filled = tombstone.filled
    policy_version = book.policy.version if book.policy is not None else 0
    outcome = CheckOutcome(sequence, time_ns, policy_version, ())
    outcome.reserved_price_e4 = found.reserved_price
    order.command = command
    order.outcome = outcome
    order.state = found.state
    order.reported = True
    order.keep_until_ns = found.keep_until_ns
    account.orders[command.order_id] = order
    book.order_id_count += 1
    book.forget_queue.add(order, order.keep_until_ns, sequence)
    command.margin_kind = found.margin_kind
    outcome.margin_ratio_bps = found.ratio_bps
    reserve(book, account, order, command, outcome)
    release(book, account, order, order.reserved - found.reserved)
