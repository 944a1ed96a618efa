"""What holds of permits on random runs: sessions and permissions (4.6, 4.7)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, law, played, view_of

from tidegate.v1 import order_pb2
from tidegate_server.wire.machine import Machine

NOT_PERMITTED = order_pb2.REJECT_REASON_NOT_PERMITTED
ALLOW = order_pb2.VERDICT_ALLOW

seeds = st.integers(0, SEEDS)


@law(12)
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


@law(12)
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


@law(12)
@given(seed=seeds)
def test_an_exit_lacks_a_permission_for_its_types_only(seed: int) -> None:
    for step in played(seed)[1]:
        if step.call.method != "CheckOrder" or step.response is None:
            continue
        answer = step.message()
        subjects = {one.subject for one in answer.rejections if one.reason == NOT_PERMITTED}
        if answer.verified_exit:
            assert subjects <= {"product_type", "order_type"}
