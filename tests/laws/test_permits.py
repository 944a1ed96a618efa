"""What holds of permits on random runs: sessions, permissions, short sales (4.6, 4.7, 4.19)."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import (
    SEEDS,
    Call,
    ask,
    calls_of,
    command_of,
    copy_of,
    law,
    played,
    steps_of,
    view_of,
)

from tidegate.v1 import order_pb2
from tidegate_server.engine.commands import Command
from tidegate_server.engine.decide import decide
from tidegate_server.engine.state import roll_if_due
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.validation import MalformedError

NOT_PERMITTED = order_pb2.REJECT_REASON_NOT_PERMITTED
SELL = order_pb2.SIDE_SELL
ALLOW = order_pb2.VERDICT_ALLOW

seeds = st.integers(0, SEEDS)


@law(8)
@given(seed=seeds)
def test_no_order_passes_outside_a_session_of_its_board(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "CheckOrder" or step.record is None or step.message().verdict != ALLOW:
            continue
        board = machine.book.instruments[step.asked().instrument_id].terms.board
        sessions = machine.book.sessions[board]
        assert any(opens <= call.now_ns < closes for opens, closes in sessions)


@law(8)
@given(seed=seeds)
def test_an_order_without_the_permission_for_margin_leaves_cash(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "CheckOrder" or step.record is None or step.message().verdict != ALLOW:
            continue
        view = view_of(machine, step.asked().account_id, call.now_ns)
        if not (view.account.permissions.margin or step.message().verified_exit):
            assert view.projected.cash_e4 >= 0


@law(8)
@given(seed=seeds)
def test_an_exit_lacks_a_permission_for_its_types_only(seed: int) -> None:
    for step in steps_of(seed):
        if step.call.method != "CheckOrder" or step.response is None:
            continue
        answer = step.message()
        subjects = {one.subject for one in answer.rejections if one.reason == NOT_PERMITTED}
        if answer.verified_exit:
            assert subjects <= {"product_type", "order_type", "margin_kind"}


def shorts(machine: Machine) -> dict[str, int]:
    """Add up what all accounts are short of each instrument, open sales filled."""
    use = dict.fromkeys(machine.book.instruments, 0)
    for account in machine.book.accounts.values():
        for name, position in account.positions.items():
            if position.holding is not None:  # held and owed are apart (6.3)
                use[name] += position.holding.owed + position.holding.open_short
            else:
                use[name] += max(0, position.open_sell - position.quantity)
    return use


@law(8)
@given(seed=seeds)
def test_what_is_short_of_an_instrument_is_the_sum_over_accounts(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        ask(machine, call)
        kept = {name: one.short_use for name, one in machine.book.instruments.items()}
        assert kept == shorts(machine)
    again = copy_of(machine).book.instruments
    assert {name: one.short_use for name, one in again.items()} == shorts(machine)


@law(8)
@given(seed=seeds)
def test_deciding_leaves_what_is_short_and_bought_as_it_was(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        found = sound(call)
        if found is not None:
            before = bought(machine)
            decide(machine.book, found, call.now_ns)
            assert bought(machine) == before
            kept = {name: one.short_use for name, one in machine.book.instruments.items()}
            assert kept == shorts(machine)
        ask(machine, call)


def sound(call: Call) -> Command | None:
    """Read a batch of orders or reports; None for another call, or one that is malformed."""
    if call.method not in {"CheckOrders", "RecordOrderEvents"}:
        return None
    with suppress(MalformedError):
        found = command_of(call)
        return None if found is None else found[1]
    return None


def bought(machine: Machine) -> dict[tuple[str, str], int]:
    """Return what each account bought today of each instrument, accounts rolled first."""
    for account in machine.book.accounts.values():
        roll_if_due(machine.book, account)
    return {
        (account.account_id, name): position.bought_today
        for account in machine.book.accounts.values()
        for name, position in account.positions.items()
        if position.bought_today
    }


@law(8)
@given(seed=seeds)
def test_a_snapshot_knows_what_was_bought_today(seed: int) -> None:
    machine = played(seed)[0]
    assert bought(copy_of(machine)) == bought(machine)


@law(8)
@given(seed=seeds)
def test_no_short_sale_passes_beyond_the_pool(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "CheckOrder" or step.record is None or step.message().verdict != ALLOW:
            continue
        instrument = machine.book.instruments[step.asked().instrument_id]
        opens = step.asked().side == SELL and not step.message().verified_exit
        if opens and not step.message().replayed:
            assert instrument.terms.dealing.shortable
            assert instrument.short_use <= instrument.terms.dealing.short_pool
