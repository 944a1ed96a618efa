"""grpc.health.v1 on both fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from tests.transport.harness import NO_LOCAL, Gate, call, dialled, eventually, served, socket_config

from tidegate_server.transport.front import health_services
from tidegate_server.wire.methods import FOLLOWER_METHODS, METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RISK = "tidegate.v1.RiskService"
JOURNAL = "tidegate.v1.JournalService"
CONTROL = "tidegate.v1.ControlService"  # which this front does not serve
SERVING = HealthCheckResponse.SERVING
NOT_SERVING = HealthCheckResponse.NOT_SERVING


def check(channel: grpc.Channel, service: str) -> int:
    response = HealthStub(channel).Check(HealthCheckRequest(service=service), timeout=5)
    status: int = response.status
    return status


def watch(channel: grpc.Channel, service: str) -> Iterator[int]:
    stream = HealthStub(channel).Watch(HealthCheckRequest(service=service), timeout=10)
    return (response.status for response in stream)


def set_serving(gate: Gate, service: str, *, serving: bool) -> None:
    """Change a state in the thread of the gate, as a gate does."""
    gate.after = lambda gate: gate.front.set_serving(service, serving=serving)


@pytest.mark.parametrize("service", ["", RISK, JOURNAL])
def test_known_services_serve_from_the_start(channel: grpc.Channel, service: str) -> None:
    assert check(channel, service) == SERVING


@pytest.mark.parametrize("service", ["nothing", CONTROL])
def test_a_service_that_is_not_served_is_not_found(channel: grpc.Channel, service: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        check(channel, service)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_gate_and_follower_each_know_their_own_services() -> None:
    gate, follower = (
        {name.rpartition(".")[2] for name in health_services([method.path for method in table])}
        for table in (METHODS, FOLLOWER_METHODS)
    )
    assert follower == {"", "JournalService", "WatchService"}
    assert {"", "RiskService", "ControlService"} <= gate
    assert gate & follower == {""}


def test_health_needs_no_identity(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config, NO_LOCAL) as gate, dialled(gate.front.address) as channel:
        assert check(channel, "") == SERVING


def test_a_state_set_before_the_start_holds(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config) as gate:
        set_serving(gate, RISK, serving=False)
        with dialled(gate.front.address) as channel:
            eventually(lambda: check(channel, RISK) == NOT_SERVING)
            assert check(channel, JOURNAL) == SERVING


def test_a_watch_gets_its_state_and_each_change(gate: Gate, channel: grpc.Channel) -> None:
    states = watch(channel, RISK)
    assert next(states) == SERVING
    set_serving(gate, RISK, serving=False)
    assert next(states) == NOT_SERVING
    set_serving(gate, RISK, serving=True)
    assert next(states) == SERVING


def test_watching_an_unknown_service_waits_until_it_is_known(
    gate: Gate, channel: grpc.Channel
) -> None:
    states = watch(channel, "later")
    assert next(states) == HealthCheckResponse.SERVICE_UNKNOWN
    set_serving(gate, "later", serving=True)
    assert next(states) == SERVING


def test_a_watch_is_no_call_in_flight(gate: Gate, channel: grpc.Channel) -> None:
    counts: list[int] = []
    states = watch(channel, RISK)
    next(states)
    gate.after = lambda gate: counts.append(gate.front.in_flight())
    eventually(lambda: counts)
    assert counts[-1] == 0


def test_watches_that_ended_are_forgotten(gate: Gate, channel: grpc.Channel) -> None:
    for _ in range(300):  # more than may be open together
        stream = HealthStub(channel).Watch(HealthCheckRequest(), timeout=10)
        assert next(iter(stream)).status == SERVING
        stream.cancel()
    assert check(channel, "") == SERVING


def test_a_malformed_health_request_is_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError):
        call(channel, b"\xff\xff", "/grpc.health.v1.Health/Check")
    assert check(channel, "") == SERVING
