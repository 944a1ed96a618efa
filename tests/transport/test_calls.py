"""What both fronts do with calls: one suite, run on each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.transport.harness import (
    BIG,
    DIRECTORY,
    ECHO,
    LIMITS,
    NO_LOCAL,
    TOKEN,
    Gate,
    call,
    details_of,
    dialled,
    eventually,
    refusal,
    served,
    socket_config,
    start,
)

from tidegate_server.transport import Directory, FrontConfig
from tidegate_server.wire.errors import CallError

if TYPE_CHECKING:
    from pathlib import Path


def bearer(token: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {token}"),)}


def test_a_call_is_taken_in_while_a_gate_works_off_its_backlog(
    gate: Gate, channel: grpc.Channel
) -> None:
    turns: list[Gate] = []
    gate.pause = 0.0
    gate.after = turns.append
    eventually(lambda: len(turns) > 10)
    gate.after = lambda _: None
    assert call(channel, b"x") == b"x"


def test_a_reply_reaches_its_own_caller(channel: grpc.Channel) -> None:
    with ThreadPoolExecutor(16) as pool:
        requests = [b"request %d" % number for number in range(500)]
        assert list(pool.map(lambda request: call(channel, request), requests)) == requests


def test_an_empty_request_gets_its_empty_reply(channel: grpc.Channel) -> None:
    assert call(channel, b"") == b""


def test_a_turn_sees_method_index_payload_and_principal(gate: Gate, channel: grpc.Channel) -> None:
    call(channel, b"x", BIG)
    ((_, index, payload, name),) = gate.seen
    assert (index, payload, name) == (1, b"x", "local")


def test_the_first_turn_has_no_calls_and_knows_the_port(transport: str) -> None:
    addresses: list[str] = []
    config = FrontConfig("127.0.0.1:0", transport=transport)  # type: ignore[arg-type]
    with served(config) as gate, dialled(gate.front.address) as channel:
        addresses.append(gate.front.address)
        assert call(channel, b"x") == b"x"
    assert not addresses[0].endswith(":0")


def test_an_error_carries_code_message_and_one_error_info(channel: grpc.Channel) -> None:
    error = refusal(channel, b"fail")
    status, info, bad = details_of(error)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (status.code, status.message) == (error.code().value[0], error.details())
    assert (info.reason, info.domain) == ("ERROR_REASON_OVERLOADED", "tidegate.v1")
    assert dict(info.metadata) == {"waiting": "9", "limit": "8"}
    assert not bad.field_violations


def test_violations_are_a_bad_request(gate: Gate, channel: grpc.Channel) -> None:
    problems = (("price_e4", "must be positive"), ("account_id", "is empty"))
    gate.error = CallError(3, "MALFORMED", "2 fields are malformed", {}, problems)
    error = refusal(channel, b"fail")
    _, _, bad = details_of(error)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = tuple((found.field, found.description) for found in bad.field_violations)
    assert found == problems


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.value[0]])
def test_every_code_arrives_as_itself(
    gate: Gate, channel: grpc.Channel, code: grpc.StatusCode
) -> None:
    gate.error = CallError(code.value[0], "INTERNAL", "café: 100 %\n")
    error = refusal(channel, b"fail")
    assert (error.code(), error.details()) == (code, "café: 100 %\n")


def test_two_errors_of_one_reason_keep_their_own_figures(gate: Gate, channel: grpc.Channel) -> None:
    details_of(refusal(channel, b"fail"))
    gate.error = CallError(8, "OVERLOADED", "too much waits", {"waiting": "10", "limit": "8"})
    assert details_of(refusal(channel, b"fail"))[1].metadata["waiting"] == "10"


def test_an_endless_message_is_cut_to_what_a_header_carries(
    gate: Gate, channel: grpc.Channel
) -> None:
    gate.error = CallError(9, "OUT_OF_BOUNDS", "m" * 100_000)
    error = refusal(channel, b"fail")
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == details_of(error)[0].message == "m" * 1024


def test_a_token_names_its_principal(channel: grpc.Channel) -> None:
    assert call(channel, b"who", **bearer(TOKEN)) == b"desk-1"


def test_the_scheme_of_a_token_has_no_case(channel: grpc.Channel) -> None:
    metadata = (("authorization", f"bearer {TOKEN}"),)
    assert call(channel, b"who", metadata=metadata) == b"desk-1"


def test_callers_on_one_connection_keep_their_names(channel: grpc.Channel) -> None:
    for _ in range(3):
        assert call(channel, b"who", **bearer(TOKEN)) == b"desk-1"
        assert call(channel, b"who") == b"local"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic x", TOKEN, ""])
def test_a_wrong_token_is_never_local(gate: Gate, channel: grpc.Channel, header: str) -> None:
    error = refusal(channel, b"x", metadata=(("authorization", header),))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details_of(error)[1].reason == "ERROR_REASON_UNAUTHENTICATED"
    assert not gate.seen


def test_without_local_a_caller_without_token_is_refused(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config, NO_LOCAL) as gate, dialled(gate.front.address) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAUTHENTICATED
        assert call(channel, b"who", **bearer(TOKEN)) == b"desk-1"


def test_nobody_is_local_where_other_machines_can_call(transport: str) -> None:
    config = FrontConfig(
        "0.0.0.0:0",
        transport=transport,  # type: ignore[arg-type]
        allow_plaintext_from_other_machines=True,
    )
    with served(config, DIRECTORY) as gate:
        port = gate.front.address.rpartition(":")[2]
        with dialled(f"127.0.0.1:{port}") as channel:
            assert refusal(channel, b"x").code() is grpc.StatusCode.UNAUTHENTICATED


def test_an_empty_directory_refuses_everybody(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config, Directory(())) as gate, dialled(gate.front.address) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(("path", "limit"), [(ECHO, LIMITS[0]), (BIG, LIMITS[1])])
def test_each_method_has_its_own_bound(
    gate: Gate, channel: grpc.Channel, path: str, limit: int
) -> None:
    assert len(call(channel, b"x" * limit, path)) == limit
    error = refusal(channel, b"x" * (limit + 1), path)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    _, info, _ = details_of(error)
    assert info.reason == "ERROR_REASON_REQUEST_TOO_LARGE"
    assert dict(info.metadata) == {"bytes": str(limit + 1), "limit": str(limit)}
    assert len(gate.seen) == 1


def test_a_stranger_does_not_learn_the_bound(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config, NO_LOCAL) as gate, dialled(gate.front.address) as channel:
        error = refusal(channel, b"x" * (LIMITS[0] + 1))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("path", ["/tidegate.v1.RiskService/Nothing", "/other.Service/Call"])
def test_an_unknown_method_is_unimplemented(gate: Gate, channel: grpc.Channel, path: str) -> None:
    assert refusal(channel, b"x", path).code() is grpc.StatusCode.UNIMPLEMENTED
    assert not gate.seen


def test_too_much_metadata_is_refused(gate: Gate, channel: grpc.Channel) -> None:
    refusal(channel, b"x", metadata=(("a", "b" * 10_000),))
    assert not gate.seen
    assert call(channel, b"x", metadata=(("a", "b" * 4_000),)) == b"x"


def test_a_gzip_bomb_never_reaches_a_turn(gate: Gate, channel: grpc.Channel) -> None:
    bomb = bytes(8 * 1024 * 1024)
    error = refusal(channel, bomb, BIG, compression=grpc.Compression.Gzip)
    assert error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}
    assert not gate.seen
    assert call(channel, b"x") == b"x"


def test_a_cancel_lands_in_gone(gate: Gate, channel: grpc.Channel) -> None:
    future = start(channel, b"hold")
    eventually(lambda: gate.held)
    future.cancel()
    eventually(lambda: gate.gone_seen == set(gate.held))


def test_a_passed_deadline_lands_in_gone(gate: Gate, channel: grpc.Channel) -> None:
    error = refusal(channel, b"hold", timeout=0.1)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    eventually(lambda: gate.gone_seen == set(gate.held))


def test_gone_forgets_a_call_that_is_answered(gate: Gate, channel: grpc.Channel) -> None:
    refusal(channel, b"hold", timeout=0.05)
    eventually(lambda: gate.gone_seen)
    gate.release = True
    eventually(lambda: not gate.held and not gate.front.gone)


def test_answering_a_caller_that_has_gone_does_no_harm(gate: Gate, channel: grpc.Channel) -> None:
    refusal(channel, b"hold", timeout=0.05)
    gate.release = True
    eventually(lambda: not gate.held)
    assert call(channel, b"x") == b"x"


def test_in_flight_counts_the_calls_without_an_answer(gate: Gate, channel: grpc.Channel) -> None:
    counts: list[int] = []
    futures = [start(channel, b"hold") for _ in range(3)]
    eventually(lambda: len(gate.held) == 3)
    gate.after = lambda gate: counts.append(gate.front.in_flight())
    eventually(lambda: counts and counts[-1] == 3)
    gate.release = True
    assert [future.result() for future in futures] == [b"late"] * 3
    eventually(lambda: counts[-1] == 0)


def test_a_turn_with_work_left_comes_again_at_once(gate: Gate) -> None:
    turns: list[float] = []
    gate.after = lambda _: turns.append(time.monotonic())
    gate.pause = 0.0
    eventually(lambda: len(turns) > 1_000)
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert median(gaps) < 0.001  # whoever waits does so for a millisecond at least


def test_a_turn_comes_when_it_asked_to(gate: Gate) -> None:
    turns: list[float] = []
    gate.after = lambda _: turns.append(time.monotonic())
    gate.pause = 0.05
    eventually(lambda: len(turns) > 4)
    assert turns[4] - turns[3] > 0.04


def test_a_call_does_not_wait_for_the_time_of_the_turn(gate: Gate, channel: grpc.Channel) -> None:
    gate.pause = 0.25
    call(channel, b"x")
    before = time.monotonic()
    for _ in range(80):
        call(channel, b"x")
    assert time.monotonic() - before < 80 * 0.25 / 2
