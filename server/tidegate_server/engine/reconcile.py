"""The router's list of an account's open orders against the gate's (7.4).

A list comes in pages; only its last one changes anything. What the list lacks ends, unless it was
allowed so late that the router may not have had it yet. What the gate did not know is reserved: it
may trade. All else is only told: a list may be older than what the gate has heard since.
"""

from __future__ import annotations

from typing import Final

from .amounts import product_in_bounds
from .bookings import value_cash
from .chains import LIVE, close, end_quietly, open_of, open_under, settle, stands_of
from .commands import BUY, CheckOrder
from .life_commands import ListedOrder, ReconcileOrders
from .life_outcomes import Difference, ReconcileOutcome
from .order import ACKNOWLEDGED, PARTLY_FILLED, RECONCILED, UNKNOWN_TO_GATE, Chain, Order
from .outcomes import CheckOutcome, Refusal
from .reasons import ScopeKind
from .reconciliation import Reconciliation
from .reserve import release, reserve
from .settle import account_for_fact, freeze, instrument_for_fact
from .state import Account, Book, Instrument, roll_if_due
from .valuing import apply_valued

ENDED: Final = 1
ADDED: Final = 2
NOT_OPEN: Final = 3
TERMS: Final = 4
FILLED: Final = 5
OUT_OF_BOUNDS: Final = 6


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


def differences(
    book: Book,
    account: Account | None,
    listed: dict[str, ListedOrder],
    command: ReconcileOrders,
    now_ns: int,
) -> list[Difference]:
    """Return what the list lacks, oldest first, then how what is on it differs, in its order."""
    policy = book.policy
    skew_ns = policy.max_clock_skew_ns if policy is not None else 0
    keep_until_ns = now_ns + skew_ns + (policy.max_order_age_ns if policy is not None else 0)
    gone: list[Order] = []
    if account is not None:
        gone = missing(account, listed, min(command.list_time_ns, now_ns) - skew_ns)
    lost = set(gone)
    found = [told(order, ENDED, lost) for order in gone]
    for one in listed.values():
        known = account.orders.get(one.order.order_id) if account is not None else None
        if known is None or known.command is None:
            found.append(addition(book, known, one, keep_until_ns))
        else:
            after = told(known, NOT_OPEN, lost)
            if after.state in LIVE:
                after.kind = difference(known, known.command, one)
            if after.kind:
                found.append(after)
    return found


def difference(known: Order, asked: CheckOrder, one: ListedOrder) -> int:
    """Return how an order that both have open differs; 0 if it does not."""
    if not same_terms(asked, one.order):
        return TERMS
    return FILLED if known.filled != one.filled else 0


def missing(account: Account, listed: dict[str, ListedOrder], until_ns: int) -> list[Order]:
    """Return the orders that were allowed by then, have not ended and are not listed."""
    gone = [
        order
        for order in account.orders.values()
        if order.is_live()
        and order.order_id not in listed
        and order.outcome is not None
        and order.outcome.decided_time_ns <= until_ns
    ]
    gone.sort(key=age_of)
    return gone


def age_of(order: Order) -> tuple[int, str]:
    """Return an order's age, for sorting."""
    return order.sequence, order.order_id


def told(order: Order, kind: int, lost: set[Order]) -> Difference:
    """Return a difference of an order that the gate has, as it is once the lost ones have ended."""
    if order.chain is None:
        if order in lost:
            return Difference(order.order_id, kind, RECONCILED, 0)
        return Difference(order.order_id, kind, order.state, order.reserved)
    stands = stands_of(order.chain)
    for stand in stands:
        if stand.member in lost:
            stand.state = RECONCILED
    close(stands)
    state = next(stand.state for stand in stands if stand.member is order)
    return Difference(order.order_id, kind, state, open_of(stands))


def same_terms(known: CheckOrder, other: CheckOrder) -> bool:
    """Tell whether a listed order is the one that the gate has."""
    return (
        known.instrument_id == other.instrument_id
        and known.side == other.side
        and known.order_type == other.order_type
        and known.quantity == other.quantity
        and known.price_e4 == other.price_e4
    )


def addition(book: Book, known: Order | None, one: ListedOrder, keep_until_ns: int) -> Difference:
    """Say how an order that the gate did not know is reserved: less fills that it has booked."""
    order = one.order
    filled = known.filled if known is not None else 0
    left = max(0, order.quantity - filled)
    state = PARTLY_FILLED if filled else ACKNOWLEDGED
    instrument = book.instruments.get(order.instrument_id)
    price = listed_price(instrument, order)
    unit = instrument.terms.unit if instrument is not None else 1
    highest = max(price, order.price_e4, instrument.mark if instrument is not None else 0)
    if not left or not product_in_bounds(order.quantity, highest, unit):
        kind = OUT_OF_BOUNDS if left else FILLED
        return Difference(order.order_id, kind, UNKNOWN_TO_GATE, 0)
    found = Difference(order.order_id, ADDED, state, left)
    found.reserved_price = price
    found.keep_until_ns = keep_until_ns
    return found


def listed_price(instrument: Instrument | None, order: CheckOrder) -> int:
    """Return what to reserve a listed order at: as 3.1, a market order without a collar."""
    mark = instrument.mark if instrument is not None else 0
    if order.price_e4:
        if not mark:
            return order.price_e4
        return max(order.price_e4, mark) if order.side == BUY else min(order.price_e4, mark)
    if instrument is None:
        return 0
    terms = instrument.terms
    day_limit = terms.upper_limit_e4 if order.side == BUY else terms.lower_limit_e4
    return day_limit if day_limit >= 0 else mark


def apply_reconcile(
    book: Book, command: ReconcileOrders, outcome: ReconcileOutcome, sequence: int, time_ns: int
) -> None:
    """Keep a page, or end and add what a complete list says."""
    account = account_for_fact(book, command.account_id, time_ns)
    roll_if_due(book, account)
    account.sequence = sequence
    for change in outcome.valued:
        apply_valued(account, change)
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
    if open_under(order):
        return
    for member in chain.members:
        if member.keep_until_ns <= time_ns:
            book.forget_queue.add(member, member.keep_until_ns, member.sequence)


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
    outcome = CheckOutcome(sequence, time_ns, policy_version, [])
    outcome.reserved_price_e4 = found.reserved_price
    order.command = command
    order.outcome = outcome
    order.state = found.state
    order.reported = True
    order.keep_until_ns = found.keep_until_ns
    account.orders[command.order_id] = order
    book.order_id_count += 1
    book.forget_queue.add(order, order.keep_until_ns, sequence)
    reserve(book, account, order, command, outcome)
    release(book, account, order, order.reserved - found.reserved)
