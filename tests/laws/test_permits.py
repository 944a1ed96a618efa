"""What holds of permits on random runs: sessions (4.6)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, law

from tidegate.v1 import order_pb2
from tidegate_server.wire.machine import Machine

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
