"""How a replace is decided, and what it changes (7.2).

It is judged like an order of its own whose quantity is what would be open of it, with the old order
out of the book. One that keeps or lowers the open quantity at the same or a less aggressive price
is judged as an exit: nothing that stands in the way of new risk may keep anybody from less of it.
"""

from __future__ import annotations

from .account import Account
from .chains import holder_of, own_ratio, settle, stands_of
from .cn.judging import keep_ratio, order_ratio
from .commands import BUY, CheckOrder
from .ends import (
    has_room,
    id_taken,
    no_new_risk,
    no_policy,
    not_reserved,
    order_stale,
    refuse,
    repeated,
    unknown,
)
from .instrument import Instrument
from .judge import judge, judgement_of
from .life_commands import ReplaceOrder
from .order import Chain, Order
from .ordering import accept, count_in_buckets, internal_fault
from .outcomes import CheckOutcome, Refusal
from .overriding import effective_limits
from .policy import Policy
from .reach import count_open
from .reserve import keep_order, move_open
from .resting import put_to_rest
from .shares_to_be import share_replacing
from .sharing import share_now
from .state import Book, roll_if_due
from .warn import warnings_of


def decide_replace(book: Book, command: ReplaceOrder, now_ns: int) -> CheckOutcome | Refusal:
    """Decide a replace, or give its first answer again."""
    policy = book.policy
    if policy is None:
        return no_policy()
    order = command.order
    account = book.accounts.get(order.account_id)
    instrument = book.instruments.get(order.instrument_id)
    if account is not None:
        take_kind(account, command)
        known = account.orders.get(order.order_id)
        if known is not None:
            if is_repeat(known, command):
                return repeated(book, account, known)
            if instrument is not None:
                return id_taken(book, policy, known, order, now_ns)
    full = book.order_id_count >= book.order_id_limit or book.risk_refusal is not None
    if account is None or instrument is None:
        outcome = unknown(book, policy, account, instrument, order, now_ns)
        return no_new_risk(book) if full and outcome.keep_until_ns else outcome
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, ())
    outcome.keep_until_ns = (
        order.created_time_ns + policy.max_order_age_ns + policy.max_clock_skew_ns
    )
    old = account.orders.get(command.replaced_order_id)
    if old is None or not may_be_replaced(old, order):
        gone = not_reserved(account)
        gone.subject = command.replaced_order_id
        refuse(outcome, [gone])
        return no_new_risk(book) if full else outcome
    stale = order_stale(book, policy, order, now_ns)
    if stale is not None:
        refuse(outcome, [stale])
        return no_new_risk(book) if full else outcome
    limits = effective_limits(account, policy, now_ns)
    try:
        roll_if_due(book, account)
        allowed_price = judge_without(book, policy, account, instrument, order, old, outcome)
    except Exception:  # noqa: BLE001 - 4.27: whatever went wrong, the order is not allowed
        return internal_fault(book, policy, now_ns)
    if full and (not outcome.verified_exit or not has_room(book, 1)):
        return no_new_risk(book)
    if outcome.allowed:
        accept(outcome, book, policy, limits, account, allowed_price, order.principal)
    else:
        count_in_buckets(outcome, book, policy, limits, account, order.principal)
    return outcome


def is_repeat(known: Order, command: ReplaceOrder) -> bool:
    """Tell whether a known id stands for the same replace (4.2)."""
    first = known.command
    return (
        first is not None
        and known.replaces == command.replaced_order_id
        and first.same_content(command.order)
    )


def take_kind(account: Account, command: ReplaceOrder) -> None:
    """Give a replace the kind of what it replaces, which cannot change (6.3), nor can its side."""
    first = account.orders.get(command.order.order_id)
    if first is None or first.replaces != command.replaced_order_id:
        first = account.orders.get(command.replaced_order_id)
    order = command.order
    if first is not None and first.command is not None and first.command.side == order.side:
        order.margin_kind = first.command.margin_kind


def may_be_replaced(old: Order, order: CheckOrder) -> bool:
    """Tell whether an order is there to be replaced by this one: account and the like must stay."""
    asked = old.command
    return (
        asked is not None
        and old.is_live()
        and asked.instrument_id == order.instrument_id
        and asked.side == order.side
    )


def judge_without(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    old: Order,
    outcome: CheckOutcome,
) -> int:
    """Judge a replace with the old order out of the book; return the price to reserve it at."""
    holder = old if old.chain is None else holder_of(old.chain)
    asked = max(0, order.quantity - old.filled)
    take_out(book, account, holder, -1)
    try:
        judged = judgement_of(book, policy, account, instrument, order, outcome.decided_time_ns)
        keep_ratio(judged, old)
        judged.asked_quantity = asked
        judged.old_room = room_of(old, order)
        judged.resize(asked)
        outcome.valued = judged.footing.change
        rejections = judge(judged)
        outcome.warnings = tuple(warnings_of(judged))
    finally:
        take_out(book, account, holder, 1)
    outcome.verified_exit = judged.is_exit
    outcome.margin_ratio_bps = 0 if rejections else order_ratio(judged)
    if rejections:
        refuse(outcome, rejections)
    if policy.keeps_shares:
        now_ns = outcome.decided_time_ns
        if rejections:
            outcome.share = share_now(account, policy, judged.regime_bps, now_ns)
        else:
            terms = (asked, judged.reserved_price, outcome.margin_ratio_bps)
            outcome.share = share_replacing(book, policy, account, old, terms, now_ns)
    return judged.reserved_price


def take_out(book: Book, account: Account, holder: Order | None, sign: int) -> None:
    """Take what an order reserves out of the book (-1), or put it back (1)."""
    if holder is None or holder.command is None:
        return
    position = account.positions[holder.command.instrument_id]
    move_open(account, position, holder.command, holder, sign * holder.reserved)
    count_open(book, account, sign)


def room_of(old: Order, order: CheckOrder) -> int:
    """Return up to what open quantity a replace is judged as an exit."""
    asked = old.command
    if asked is None or not is_at_most_as_aggressive(order, asked):
        return 0
    return max(0, asked.quantity - old.filled)


def is_at_most_as_aggressive(order: CheckOrder, old: CheckOrder) -> bool:
    """Tell whether a price reaches no further than the old one; a market order reaches furthest."""
    if not old.price_e4:
        return True
    if not order.price_e4:
        return False
    if order.side == BUY:
        return order.price_e4 <= old.price_e4
    return order.price_e4 >= old.price_e4


def apply_replace(book: Book, command: ReplaceOrder, outcome: CheckOutcome, sequence: int) -> None:
    """Store a replace and its answer, count it, and reserve both as one if it was allowed."""
    known = book.accounts.get(command.order.account_id)
    if known is not None:
        take_kind(known, command)
    order = keep_order(book, command.order, outcome, sequence)
    if order is None:
        return
    order.replaces = command.replaced_order_id
    if not outcome.allowed:
        return
    account = book.accounts[command.order.account_id]
    old = account.orders[command.replaced_order_id]
    if old.command is not None:
        command.order.instrument_id = old.command.instrument_id
    chain = old.chain
    if chain is None:
        chain = Chain((old.sequence, old.order_id))
        chain.members.append(old)
        old.chain = chain
        chain.ratio_bps = own_ratio(old)
    order.chain = chain
    order.opening = old.opening
    order.filled = old.filled
    order.reserved_price = outcome.reserved_price_e4
    chain.members.append(order)
    settle(book, account, chain, stands_of(chain))
    if book.self_trade_scope:
        position = account.positions[command.order.instrument_id]
        put_to_rest(book, account, position, order)
