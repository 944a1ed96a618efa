"""What ends an order before it is judged: 4.1 to 4.3, and a gate that takes no new risk."""

from __future__ import annotations

from .account import Account
from .checks.stops import halted, reduce_only
from .commands import CheckOrder
from .instrument import Instrument
from .order import RESERVED, Order
from .outcomes import CheckOutcome, Refusal
from .policy import Policy
from .reasons import Rejection, RejectReason, ScopeKind
from .state import Book

# Exits may use this share of the id table beyond its limit, so that a full one never blocks them.
EXIT_RESERVE = 16


def unknown(
    book: Book,
    policy: Policy,
    account: Account | None,
    instrument: Instrument | None,
    command: CheckOrder,
    now_ns: int,
) -> CheckOutcome:
    """Refuse what names an unknown account or instrument (4.1)."""
    rejections = []
    if account is None:
        rejections.append(
            Rejection(
                RejectReason.ACCOUNT_UNKNOWN,
                None,
                None,
                ScopeKind.ACCOUNT,
                command.account_id,
            )
        )
    if instrument is None:
        rejections.append(
            Rejection(
                RejectReason.INSTRUMENT_UNKNOWN,
                None,
                None,
                ScopeKind.INSTRUMENT,
                command.instrument_id,
            )
        )
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, tuple(rejections))
    outcome.max_quantity = 0 if command.want_max else -1
    if account is not None and command.order_id not in account.orders:
        outcome.keep_until_ns = (
            command.created_time_ns + policy.max_order_age_ns + policy.max_clock_skew_ns
        )
    return outcome


def id_taken(
    book: Book, policy: Policy, known: Order, command: CheckOrder, now_ns: int
) -> CheckOutcome:
    """Refuse an id that stands for another order, or for one known only from reports or a list."""
    reason = RejectReason.ORDER_ID_REUSED
    if known.command is None or not known.command.created_time_ns:
        reason = RejectReason.ORDER_NOT_RESERVED
    rejection = Rejection(reason, None, None, ScopeKind.ACCOUNT, known.account_id)
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, (rejection,))
    outcome.max_quantity = 0 if command.want_max else -1
    return outcome


def repeated(book: Book, account: Account, order: Order) -> CheckOutcome:
    """Return the first answer, or a stricter one (4.2): never a looser one."""
    first = order.outcome
    command = order.command
    if first is None or command is None:
        raise ValueError("a tombstone has no first answer")
    outcome = CheckOutcome(
        first.sequence, first.decided_time_ns, first.policy_version, first.rejections
    )
    outcome.replayed = True
    outcome.order_state = order.state
    outcome.verified_exit = first.verified_exit
    outcome.max_quantity = first.max_quantity
    outcome.warnings = first.warnings
    if not first.allowed:
        return outcome
    stricter = moved_on(book, account, order, command)
    if stricter is not None:
        refuse(outcome, [stricter])
        return outcome
    outcome.reserved_price_e4 = first.reserved_price_e4
    outcome.acknowledge_by_ns = first.acknowledge_by_ns
    return outcome


def moved_on(book: Book, account: Account, order: Order, command: CheckOrder) -> Rejection | None:
    """Return why an allow may not be repeated."""
    if order.reported or order.state != RESERVED or is_superseded(order):
        return not_reserved(account)
    found = halted(book, account, command.instrument_id, command.principal)
    first = order.outcome
    if found is None and first is not None and not first.verified_exit:
        found = reduce_only(book, account, command.instrument_id, command.principal)
    return found


def is_superseded(order: Order) -> bool:
    """Tell whether a replace of the order was allowed, or what it was to replace has ended."""
    if order.chain is None:
        return False
    members = order.chain.members
    if members[-1] is not order:
        return True
    return any(member.order_id == order.replaces and not member.is_live() for member in members)


def not_reserved(account: Account) -> Rejection:
    """Say that the id's order holds no fresh reservation."""
    return Rejection(
        RejectReason.ORDER_NOT_RESERVED, None, None, ScopeKind.ACCOUNT, account.account_id
    )


def order_stale(book: Book, policy: Policy, command: CheckOrder, now_ns: int) -> Rejection | None:
    """Refuse an order created too long ago or too far ahead (4.3)."""
    age = now_ns - command.created_time_ns
    greatest_age = policy.max_order_age_ns
    if command.created_time_ns <= book.former_until_ns and book.former_age_ns < greatest_age:
        greatest_age = book.former_age_ns
    if age > greatest_age:
        measured, limit = age, greatest_age
    elif -age > policy.max_clock_skew_ns:
        measured, limit = -age, policy.max_clock_skew_ns
    else:
        return None
    return Rejection(
        RejectReason.ORDER_STALE, measured, limit, ScopeKind.ACCOUNT, command.account_id
    )


def refuse(outcome: CheckOutcome, rejections: list[Rejection]) -> None:
    """Make an outcome a reject."""
    outcome.rejections = tuple(rejections)
    outcome.allowed = False


def has_room(book: Book, count: int) -> bool:
    """Tell whether a full id table still takes verified exits (4.3)."""
    limit = book.order_id_limit
    return book.order_id_count + count <= limit + limit // EXIT_RESERVE


def no_policy() -> Refusal:
    """Say that nothing can be judged before the first policy."""
    return Refusal("DRAINING", "no policy is in force: run `tidegate init`", {})


def no_new_risk(book: Book) -> Refusal:
    """Say why only verified exits pass: the gate takes no new risk, or keeps no more ids."""
    if book.risk_refusal is not None:
        return book.risk_refusal
    figures = {"kept": str(book.order_id_count), "limit": str(book.order_id_limit)}
    return Refusal("ORDER_TABLE_FULL", "the table of order ids is full", figures)
