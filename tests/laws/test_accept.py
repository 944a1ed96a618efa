"""The fast paths decide what the full judgement decides, and leave the same sums behind.

An order that asks for its largest quantity is always judged in full, so asking for that is how one
order is decided both ways. The worlds are calm ones, where the fast paths are taken often.
"""

from typing import NamedTuple

import pytest
from tests.laws.runs import EXAMPLES, Call, ask, calls_of, plain
from tests.oracle.calm_world import is_calm

from tidegate_server.engine.accept import accepted
from tidegate_server.engine.account import Account
from tidegate_server.engine.commands import MODEL_PORTFOLIO, MODEL_REG_T, REGIME_CALM
from tidegate_server.engine.misshapen import refused_for_shape
from tidegate_server.engine.ordering import decide_check
from tidegate_server.engine.outcomes import CheckOutcome
from tidegate_server.engine.overriding import effective_limits
from tidegate_server.engine.reserve import Saved, apply_check, retract_check
from tidegate_server.engine.state import Book
from tidegate_server.engine.walk import sum_of_lines
from tidegate_server.wire.decoding import decode_check
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.validation import MalformedError

WORLDS = EXAMPLES or 4
COMMANDS = 1_500


class Found(NamedTuple):
    """One order, decided both ways."""

    call: Call
    quick: CheckOutcome
    full: CheckOutcome
    path: str
    sums_agree: bool
    amid: set[str]  # what of a policy or a market makes it harder


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """Decide the orders of some worlds both ways, before each is made."""
    made = []
    for seed in [seed for seed in range(3 * WORLDS) if is_calm(seed)]:
        machine = Machine()
        for call in calls_of(seed, COMMANDS):
            both = both_ways(machine, call) if call.method == "CheckOrder" else None
            if both is not None:
                path = path_of(machine, call)
                agree = not both[0].allowed or sums_agree(machine.book, call, both[0])
                made.append(Found(call, *both, path, agree, amid(machine, call)))
            ask(machine, call)
    return made


def test_an_order_gets_the_same_answer_either_way(found: list[Found]) -> None:
    for one in found:
        assert plain(one.quick) == plain(one.full), one.call


def test_what_is_handed_on_is_what_a_walk_finds(found: list[Found]) -> None:
    assert [one.call for one in found if not one.sums_agree] == []


def test_many_orders_are_accepted_at_sight(found: list[Found]) -> None:
    fast = [one for one in found if one.path == "accepted"]
    assert len(fast) > 60
    assert sum(one.quick.verified_exit for one in fast) > 5
    assert sum("add-ons" in one.amid for one in fast) > 10
    for name in ("a stop elsewhere", "a regime", "a limit that warns", "reg_t", "portfolio"):
        assert sum(name in one.amid for one in fast) > 2, name


def test_many_orders_are_refused_for_their_shape(found: list[Found]) -> None:
    fast = [one for one in found if one.path == "refused for its shape"]
    assert len(fast) > 20
    assert sum(one.quick.verified_exit for one in fast) > 1
    assert any(len(one.quick.rejections) > 1 for one in fast)
    assert sum("add-ons" in one.amid for one in fast) > 1


def both_ways(machine: Machine, call: Call) -> tuple[CheckOutcome, CheckOutcome] | None:
    """Decide an order as it comes, and in full; None for what is no order to be decided."""
    try:
        first, second = (decode_check(call.request, call.principal) for _ in range(2))
    except MalformedError:
        return None
    account = machine.book.accounts.get(first.account_id)
    if first.want_max or (account is not None and first.order_id in account.orders):
        return None  # judged in full anyway, or a repeat
    second.want_max = True
    found = decide_check(machine.book, first, call.now_ns)
    full = decide_check(machine.book, second, call.now_ns)
    if not isinstance(found, CheckOutcome) or not isinstance(full, CheckOutcome):
        return None
    full.max_quantity = found.max_quantity
    return found, full


def path_of(machine: Machine, call: Call) -> str:
    """Name the fast path that takes an order that can be decided, "" for none."""
    order = decode_check(call.request, call.principal)
    book, policy, now_ns = machine.book, machine.book.policy, call.now_ns
    account = book.accounts.get(order.account_id)
    instrument = book.instruments.get(order.instrument_id)
    if policy is None or account is None or instrument is None:
        return ""
    limits = effective_limits(account, policy, now_ns)
    strict = limits.strict or limits
    if accepted(book, policy, account, instrument, order, strict, now_ns) is not None:
        return "accepted"
    outcome = CheckOutcome(book.sequence + 1, now_ns, policy.version, ())
    if refused_for_shape(outcome, book, policy, account, instrument, order, limits, now_ns):
        return "refused for its shape"
    return ""


def amid(machine: Machine, call: Call) -> set[str]:
    """Name what there is that the fast paths must bear with."""
    order = decode_check(call.request, call.principal)
    book = machine.book
    policy, account = book.policy, book.accounts.get(order.account_id)
    if policy is None or account is None:
        return set()
    found = {
        "add-ons": policy.add_ons is not None,
        "a stop elsewhere": bool(book.stops),
        "a regime": book.regime != REGIME_CALM,
        "reg_t": account.margin_model == MODEL_REG_T,
        "portfolio": account.margin_model == MODEL_PORTFOLIO,
        "a limit that warns": effective_limits(account, policy, call.now_ns).warning is not None,
    }
    return {name for name, is_so in found.items() if is_so}


def sums_agree(book: Book, call: Call, outcome: CheckOutcome) -> bool:
    """Apply an order on trial; tell whether the account's sums are those of its lines."""
    command = decode_check(call.request, call.principal)
    saved = Saved(book, command)
    apply_check(book, command, outcome, book.sequence + 1)
    account = book.accounts[command.account_id]
    agrees = account.totals == sum_of_lines(account.active) and agrees_by_group(account)
    retract_check(book, command, outcome, saved)
    return agrees


def agrees_by_group(account: Account) -> bool:
    """Tell whether the sums by sector and board are those of the lines, if they are kept."""
    if account.gross_by is None:
        return True
    by_sector: dict[str, int] = {}
    by_board: dict[str, int] = {}
    for position in account.active:
        terms = position.instrument.terms
        by_sector[terms.sector] = by_sector.get(terms.sector, 0) + position.line[3]
        by_board[terms.board] = by_board.get(terms.board, 0) + position.line[3]
    kept = [{name: gross for name, gross in one.items() if gross} for one in account.gross_by]
    made = [{name: gross for name, gross in one.items() if gross} for one in (by_sector, by_board)]
    return kept == made
