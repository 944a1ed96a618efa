"""Records are the contract's message, written by hand; errors say what the contract says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.runs import steps_of
from tests.wire.requests import NOW, SOUND, error_of, message

from tidegate.v1 import journal_pb2
from tidegate_server.engine.decide import execute
from tidegate_server.engine.outcomes import CheckOutcome
from tidegate_server.wire.effects import check_effects
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME
from tidegate_server.wire.records import decode_record, encode_record
from tidegate_server.wire.varints import varint

SIZES = (0, 1, 127, 128, 16_383, 16_384, 70_000)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    number=st.sampled_from([value.number for value in journal_pb2.Method.DESCRIPTOR.values][1:]),
    principal=st.text(max_size=40),
    parts=st.tuples(*[st.binary(max_size=300)] * 3),
)
def test_a_record_is_what_the_contract_writes(
    number: journal_pb2.Method.ValueType, principal: str, parts: tuple[bytes, bytes, bytes]
) -> None:
    request, response, effects = parts
    wanted = journal_pb2.Record(
        method=number, principal=principal, request=request, response=response, effects=effects
    )
    assert encode_record(number, principal, *parts) == wanted.SerializeToString()


@pytest.mark.parametrize("size", SIZES)
def test_a_part_of_any_size_is_what_the_contract_writes(size: int) -> None:
    part = b"x" * size
    wanted = journal_pb2.Record(method=journal_pb2.METHOD_TICK, request=part, effects=part)
    assert encode_record(2, "", part, b"", part) == wanted.SerializeToString()


def test_a_record_reads_back() -> None:
    found = decode_record(encode_record(10, "desk", b"a", b"b", b"c"))
    assert (found.method, found.principal) == (10, "desk")
    assert (found.request, found.response, found.effects) == (b"a", b"b", b"c")


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**14, 2**35])
def test_a_varint_ends_with_its_last_seven_bits(number: int) -> None:
    found = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(varint(number)))
    assert found == number


@pytest.mark.parametrize("seed", range(3))
def test_every_record_of_a_run_holds_what_was_asked_and_answered(seed: int) -> None:
    for step in steps_of(seed):
        if step.record is not None and step.call.method not in {"Tick", "StartEpoch"}:
            record = decode_record(step.record)
            assert record.request == step.call.request
            assert record.response == step.response
            assert record.principal == step.call.principal


@pytest.mark.parametrize("verify", [True, False])
def test_a_day_that_no_calendar_has_is_read_from_an_older_record(*, verify: bool) -> None:
    codec = BY_NAME["RollDay"].codec
    assert codec is not None
    request = message("RollDay", {"trading_date": 20_131_399}).SerializeToString()
    first, second = Machine(), Machine()
    command = codec.read_request(request, "feed")
    outcome = execute(first.book, command, NOW)
    record = first.told(codec, command, outcome, request, "feed").record
    assert record is not None
    second.replay(record, NOW, verify=verify)
    assert second.book.trading_date == 20_131_399


def test_a_call_before_any_policy_is_draining() -> None:
    request = message("CheckOrder", SOUND["CheckOrder"]).SerializeToString()
    error = Machine().call(BY_NAME["CheckOrder"], request, "desk", NOW).error
    assert error is not None
    assert (error.code, error.reason) == (14, "DRAINING")


def test_an_unknown_account_is_not_found() -> None:
    error = error_of("GetAccount", {"account_id": "nobody"})
    assert error is not None
    assert (error.code, error.reason) == (5, "NOT_FOUND")
    assert error.metadata == {"kind": "account", "id": "nobody"}


def test_a_stale_sequence_says_both() -> None:
    error = error_of("AdjustCash", {**SOUND["AdjustCash"], "expected_sequence": 7})
    assert error is not None
    assert (error.code, error.reason) == (9, "STALE_SEQUENCE")
    assert error.metadata == {"account_id": "A", "expected_sequence": "7", "sequence": "0"}


def test_a_stop_that_does_not_stand_is_not_found() -> None:
    error = error_of("Release", SOUND["Release"])
    assert error is not None
    assert (error.code, error.reason) == (5, "NOT_FOUND")


def test_a_policy_on_another_base_is_stale() -> None:
    error = error_of("ProposePolicy", {**SOUND["ProposePolicy"], "base_version": 9})
    assert error is not None
    assert (error.code, error.reason) == (9, "STALE_POLICY")


@pytest.mark.parametrize("seed", range(6))
def test_answers_written_by_hand_are_what_the_contract_writes(seed: int) -> None:
    found = 0
    for step in steps_of(seed):
        if step.call.method in {"CheckOrder", "CheckOrders"} and step.response is not None:
            assert step.message().SerializeToString(deterministic=True) == step.response
            found += 1
    assert found > 50


@pytest.mark.parametrize("seed", range(6))
def test_effects_written_by_hand_read_as_the_outcome_says(seed: int) -> None:
    machine = Machine()
    for step in steps_of(seed):
        if step.record is None:
            continue
        command, outcome = machine.replay(step.record, step.call.now_ns, verify=False)
        if isinstance(outcome, CheckOutcome):
            again = decode_record(step.record)
            assert check_effects(outcome, command) == again.effects
