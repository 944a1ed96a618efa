"""How the router's list of open orders and the gate's differ (7.4)."""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import product_in_bounds
from .chains import LIVE, close, open_of, stands_of
from .cn.kinds import kind_of_listed
from .cn.ratios import ratio_of_kind
from .cn.rules import NO_CREDIT
from .commands import BUY, MODEL_CN_MARGIN, CheckOrder
from .instrument import Instrument
from .life_commands import ListedOrder, ReconcileOrders
from .life_outcomes import Difference
from .order import ACKNOWLEDGED, PARTLY_FILLED, RECONCILED, UNKNOWN_TO_GATE, Order
from .policy import Policy
from .state import Book

ENDED: Final = 1
ADDED: Final = 2
NOT_OPEN: Final = 3
TERMS: Final = 4
FILLED: Final = 5
OUT_OF_BOUNDS: Final = 6


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
            more = addition(book, known, one, keep_until_ns)
            if more.kind == ADDED and account is not None:
                take_kind(policy, account, one.order, more, now_ns)
            found.append(more)
        else:
            after = told(known, NOT_OPEN, lost)
            if after.state in LIVE:
                after.kind = difference(account, known, known.command, one)
            if after.kind:
                found.append(after)
    return found


def take_kind(
    policy: Policy | None, account: Account, order: CheckOrder, more: Difference, now_ns: int
) -> None:
    """Say what an added order is for under `cn_margin`, and at what ratio it opens a contract."""
    if account.margin_model == MODEL_CN_MARGIN:
        more.margin_kind = kind_of_listed(order)
        rules = policy.credit if policy is not None else NO_CREDIT
        kind = more.margin_kind
        more.ratio_bps = ratio_of_kind(rules, account.permissions, kind, now_ns)


def difference(account: Account | None, known: Order, asked: CheckOrder, one: ListedOrder) -> int:
    """Return how an order that both have open differs; 0 if it does not."""
    if not same_terms(asked, one.order):
        return TERMS
    own = account is not None and account.margin_model == MODEL_CN_MARGIN
    if own and one.order.margin_kind not in (0, asked.margin_kind):
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
