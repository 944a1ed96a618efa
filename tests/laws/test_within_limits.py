"""An accepted order leaves every limit that it faces unbroken, of the account and of other scopes.

Of sums over accounts that is said of the moment after the order alone: marks, fills and facts of
other accounts may move them past a limit. What only warns refuses nothing (4.28), and a verified
exit faces none of these but the count of open orders (4.0.4).
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, law, view_of

from tidegate.v1 import order_pb2, policy_pb2, usage_pb2
from tidegate_server.engine.account import Account
from tidegate_server.engine.instrument import Instrument
from tidegate_server.engine.standing import Standing
from tidegate_server.engine.state import Book
from tidegate_server.engine.usage_sums import cap_of
from tidegate_server.wire.machine import Machine

FIRM, GROUP = order_pb2.SCOPE_KIND_FIRM, order_pb2.SCOPE_KIND_GROUP
#: What an order is judged by whatever it trades: as the account's view tells it.
WHOLE = {
    "open_order_count",
    "day_order_count",
    "day_turnover_e4",
    "credit_line_e4",
    "group_exposure_e4",
    "financing_e4",
    "reserve_pool_e4",
}


@law(8)
@given(seed=st.integers(0, SEEDS))
def test_no_accepted_order_breaches_a_limit(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "CheckOrder" or step.record is None:
            continue
        answer, asked = step.message(), step.asked()
        if answer.verdict != order_pb2.VERDICT_ALLOW or answer.replayed or answer.verified_exit:
            continue
        view = view_of(machine, asked.account_id, call.now_ns)
        account = machine.book.accounts[asked.account_id]
        instrument = machine.book.instruments[asked.instrument_id]
        margin_is_kept(view)
        for limit in limits_that_are_on(view):
            used = used_by(machine.book, account, instrument, limit)
            assert used is None or used <= limit.value, limit
        by_instrument = instrument.terms.position_limit
        assert by_instrument < 0 or reach(account, instrument) <= by_instrument
        shares_are_within_their_caps(machine.book, account, instrument, call.now_ns)


def limits_that_are_on(view: Any) -> list[usage_pb2.LimitView]:
    """Return the limits that refuse orders."""
    return [
        limit
        for limit in view.limits
        if limit.HasField("value") and limit.mode == policy_pb2.LIMIT_MODE_ON
    ]


def margin_is_kept(view: Any) -> None:
    """Assert 4.21 and 4.22 of the projected figures, and that there is equity."""
    figures = view.projected
    assert figures.equity_e4 > 0
    assert figures.available_e4 >= 0
    for limit in limits_that_are_on(view):
        if limit.name == "leverage_bps":
            assert figures.weighted_gross_e4 * 10_000 <= figures.equity_e4 * limit.value


def used_by(
    book: Book, account: Account, instrument: Instrument, limit: usage_pb2.LimitView
) -> int | None:
    """Return what a limit measures of what was ordered, added up anew; None where it does not.

    The view names the instrument that uses most of a limit, which may be another one.
    """
    if limit.name in WHOLE:
        return int(limit.used)
    if not is_within(instrument, limit):
        return None
    unit, shares = instrument.terms.unit, instrument.terms.shares_outstanding
    match limit.name:
        case "position":
            return sum(reach(one, instrument) for one in counted(book, account, limit))
        case "ownership_bps":
            top = account.groups[-1:]
            family = [one for one in book.accounts.values() if one.groups[-1:] == top]
            owned = sum(reach(one, instrument) for one in (family if top else [account]))
            return -(-owned * 10_000 // shares)
        case "instrument_exposure_e4":
            total = sum(reach(one, instrument) for one in book.accounts.values())
            return -int(-total * instrument.high // unit)
        case _:
            return None


def counted(book: Book, account: Account, limit: usage_pb2.LimitView) -> list[Account]:
    """Return whose positions a position limit adds up: only firm and groups have a sum (4.18)."""
    if limit.scope_kind == FIRM:
        return list(book.accounts.values())
    if limit.scope_kind == GROUP:
        return [one for one in book.accounts.values() if limit.scope_id in one.groups]
    return [account]


def is_within(instrument: Instrument, limit: usage_pb2.LimitView) -> bool:
    """Tell whether what was ordered counts for a limit of a sector, a board or an instrument."""
    terms = instrument.terms
    own = {
        order_pb2.SCOPE_KIND_SECTOR: terms.sector,
        order_pb2.SCOPE_KIND_BOARD: terms.board,
        order_pb2.SCOPE_KIND_INSTRUMENT: terms.instrument_id,
    }
    return own.get(limit.scope_kind, limit.scope_id) == limit.scope_id


def reach(account: Account, instrument: Instrument) -> int:
    """Return how much an account is long or short with one side's open orders filled (4.18)."""
    position = account.positions.get(instrument.instrument_id)
    return 0 if position is None else position.reach()


def shares_are_within_their_caps(
    book: Book, account: Account, instrument: Instrument, now_ns: int
) -> None:
    """Assert 4.20 of the order's own instrument, sector and board, at its caps (5.3)."""
    assert book.policy is not None
    standing = Standing(book, book.policy, account, now_ns)
    assert standing.figures is not None
    limits, terms = standing.limits, instrument.terms
    (ordered,) = [one for one in standing.positions if one.instrument is instrument]
    alike = [one for one in standing.positions if one.instrument.terms.sector == terms.sector]
    beside = [one for one in standing.positions if one.instrument.terms.board == terms.board]
    for tables, name, held in (
        (limits.concentration, terms.rating_group, [ordered]),
        (limits.sector_concentration, terms.sector, alike),
        (limits.board_concentration, terms.board, beside),
    ):
        cap = cap_of(standing, ordered, tables, name)
        gross = sum(one.line[3] for one in held)
        assert gross * 10_000 <= standing.figures.assets * cap, (name, cap)
