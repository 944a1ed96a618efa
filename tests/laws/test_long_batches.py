"""A batch decided a few orders at a time, and begun again, is as one decided whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, ask, calls_of, law, played, steps_of

from tidegate_server.wire.long_batches import BatchCall, begin
from tidegate_server.wire.machine import Answer, Machine

AT_ONCE = 2


def begun(machine: Machine, call: Call) -> Answer | BatchCall:
    return begin(machine, call.request, call.principal, call.now_ns)


def in_turns(machine: Machine, call: Call) -> Answer:
    """Answer a batch after it was left in the middle."""
    batch = begun(machine, call)
    if isinstance(batch, Answer):
        return batch
    before = machine.state_hash()
    answer = batch.go_on(AT_ONCE)
    if answer is None:
        batch.leave()
        assert machine.state_hash() == before
        batch = begun(machine, call)
        assert isinstance(batch, BatchCall)
    while answer is None:
        answer = batch.go_on(AT_ONCE)
    return answer


@law(10)
@given(seed=st.integers(0, SEEDS))
def test_a_batch_taken_in_turns_gets_the_answers_and_the_record_of_one_taken_whole(
    seed: int,
) -> None:
    machine = Machine()
    for call, step in zip(calls_of(seed), steps_of(seed), strict=True):
        if call.method == "CheckOrders":
            answer = in_turns(machine, call)
            assert (answer.response, answer.record) == (step.response, step.record)
        else:
            ask(machine, call)
    assert machine.state_hash() == played(seed)[0].state_hash()


def test_the_runs_have_batches_that_take_several_turns() -> None:
    several = 0
    for seed in range(SEEDS + 1):
        for step in steps_of(seed):
            if step.call.method == "CheckOrders":
                several += len(step.asked().orders) > AT_ONCE
    assert several > 2 * SEEDS
