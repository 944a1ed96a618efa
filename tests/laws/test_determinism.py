"""Deciding looks and never changes; the records alone rebuild the state."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import (
    EXAMPLES,
    SEEDS,
    answer,
    ask,
    calls_of,
    command_of,
    copy_of,
    hashes_of,
    law,
    plain,
    play,
    played,
    steps_of,
)

from tidegate.v1 import journal_pb2
from tidegate_server.engine.decide import decide, execute
from tidegate_server.engine.evolve import evolve
from tidegate_server.engine.outcomes import Outcome
from tidegate_server.wire.machine import Machine, OutcomeMismatchError
from tidegate_server.wire.methods import CODECS
from tidegate_server.wire.validation import MalformedError

ROOT = Path(__file__).resolve().parents[2]
READS = ("PreviewOrder", "GetAccount", "ListAccounts", "GetPolicy")

seeds = st.integers(0, SEEDS)
# A hash after every call costs more than the run: the laws that need them share a few worlds.
hashed_seeds = st.integers(0, EXAMPLES or 9)


@law(6)
@given(seed=hashed_seeds)
def test_deciding_any_command_leaves_the_state_as_it_is(seed: int) -> None:
    machine = Machine()
    for call, before in zip(calls_of(seed), hashes_of(seed), strict=False):
        try:
            read = command_of(call)
        except MalformedError:
            read = None
        if read is not None:
            decide(machine.book, read[1], call.now_ns)
            assert machine.state_hash() == before, call.method
        ask(machine, call)


def test_the_runs_hold_every_method_that_makes_a_record() -> None:
    seen = set()
    for seed in range(SEEDS + 1):
        for step in steps_of(seed):
            if step.record is not None:
                seen.add(journal_pb2.Record.FromString(step.record).method)
    assert seen == set(CODECS)


@law(6)
@given(seed=hashed_seeds)
def test_a_read_leaves_the_state_as_it_is(seed: int) -> None:
    machine = Machine()
    for call, before in zip(calls_of(seed), hashes_of(seed), strict=False):
        step = ask(machine, call)
        if call.method in READS:
            assert step.record is None
            assert machine.state_hash() == before


@law(6)
@given(seed=hashed_seeds)
def test_rehearsing_orders_leaves_every_answer_and_record_as_it_is(seed: int) -> None:
    rehearsed = Machine()
    for step in steps_of(seed):
        assert ask(rehearsed, step.call) == step
        if step.call.method == "CheckOrder":
            rehearsed.rehearse(step.call.request, step.call.principal, step.call.now_ns)
    assert rehearsed.state_hash() == hashes_of(seed)[-1]


@law(6)
@given(seed=seeds)
def test_executing_is_deciding_and_then_evolving(seed: int) -> None:
    executed, evolved = Machine().book, Machine().book
    for call in calls_of(seed):
        try:
            first, second = command_of(call), command_of(call)
        except MalformedError:
            continue
        if first is None or second is None:
            continue
        outcome = execute(executed, first[1], call.now_ns)
        decided = decide(evolved, second[1], call.now_ns)
        assert plain(decided) == plain(outcome), call.method
        if isinstance(decided, Outcome) and not decided.replayed:
            evolve(evolved, second[1], decided, call.now_ns)
    one, other = Machine(), Machine()
    one.book, other.book = executed, evolved
    assert one.state_hash() == other.state_hash()
    assert plain_status(one) == plain_status(other)


def plain_status(machine: Machine) -> str:
    return str(machine.status())


@law(6)
@given(seed=seeds)
def test_an_outcome_reads_back_from_its_record_as_it_was_decided(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        try:
            read = command_of(call)
        except MalformedError:
            read = None
        if read is not None:
            codec, command = read
            outcome = decide(machine.book, command, call.now_ns)
            if isinstance(outcome, Outcome) and not outcome.replayed:  # makes a record
                response = codec.write_response(outcome, command)
                effects = codec.effects(outcome, command) if codec.effects is not None else b""
                again = codec.read_outcome(response, effects, command)
                if call.method in {"Tick", "StartEpoch"}:  # their time is the frame's alone
                    again.decided_time_ns = outcome.decided_time_ns
                assert plain(again) == plain(outcome)
        ask(machine, call)


@law(6)
@given(seed=seeds, verify=st.booleans())
def test_replaying_the_records_gives_the_same_state(seed: int, verify: bool) -> None:  # noqa: FBT001 - drawn
    machine, steps = played(seed)
    again = Machine()
    for step in steps:
        if step.record is not None:
            again.replay(step.record, step.call.now_ns, verify=verify)
    assert again.state_hash() == machine.state_hash()
    assert plain_status(again) == plain_status(machine)


def test_a_record_that_was_decided_otherwise_is_found_and_changes_nothing() -> None:
    steps = played(1)[1]
    records = [step for step in steps if step.record is not None]
    again = Machine()
    for step in records[:-1]:
        again.replay(step.record or b"", step.call.now_ns, verify=True)
    before = again.state_hash()
    record = journal_pb2.Record.FromString(records[-1].record or b"")
    record.effects += b"\x50\x01"
    with pytest.raises(OutcomeMismatchError):
        again.replay(record.SerializeToString(), records[-1].call.now_ns, verify=True)
    assert again.state_hash() == before


@law(10)
@given(seed=seeds, part=st.integers(30, 380))
def test_a_snapshot_is_the_same_state_and_goes_on_the_same_way(seed: int, part: int) -> None:
    calls = calls_of(seed)
    machine = Machine()
    play(machine, calls[:part])
    copy = copy_of(machine)
    assert copy.state_hash() == machine.state_hash()
    assert copy.next_deadline_ns or not machine.next_deadline_ns
    for call in calls[part:]:
        expected, found = ask(machine, call), ask(copy, call)
        assert (found.response, found.record) == (expected.response, expected.record), call
    assert copy.state_hash() == machine.state_hash()
    assert plain_status(copy) == plain_status(machine)


@law(6)
@given(seed=seeds)
def test_a_snapshot_of_a_snapshot_is_the_same_bytes(seed: int) -> None:
    machine = played(seed, 200)[0]
    copy = copy_of(machine)
    assert list(copy_of(copy).snapshot_records()) == list(copy.snapshot_records())


@law(10)
@given(seed=seeds)
def test_every_record_advances_the_sequence_by_one_and_nothing_else_does(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        before = machine.sequence
        step = ask(machine, call)
        assert machine.sequence == before + (step.record is not None)


@law(10)
@given(seed=hashed_seeds)
def test_an_error_leaves_the_state_as_it_is(seed: int) -> None:
    machine = Machine()
    for call, before in zip(calls_of(seed), hashes_of(seed), strict=False):
        if call.method in {"Tick", "StartEpoch"}:
            ask(machine, call)
        elif answer(machine, call).error is not None:
            assert machine.state_hash() == before


def test_the_state_hash_does_not_depend_on_the_seed_of_hashing() -> None:
    program = (
        "from tests.laws.runs import played; machine, steps = played(5);"
        "print(machine.state_hash(), hash('tidegate'))"
    )
    found = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(done.stdout.split())
    assert found[0][1] != found[1][1]
    assert found[0][0] == found[1][0]
