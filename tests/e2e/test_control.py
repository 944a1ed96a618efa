"""What risk staff see: halts, health, policies, status."""

from __future__ import annotations

import grpc
import pytest
from tests.e2e.support import (
    CONTROL_SERVICE,
    RISK_SERVICE,
    SECOND,
    Server,
    eventually,
    health,
    order,
    serving,
    trading,
)

from tidegate.v1 import order_pb2
from tidegate.v1.policy_service_pb2 import POLICY_STATE_ACTIVE, POLICY_STATE_REPLACED
from tidegate_client import Client, ConflictError, PermissionDeniedError

FIRM = order_pb2.SCOPE_KIND_FIRM
ACCOUNT = order_pb2.SCOPE_KIND_ACCOUNT


def test_a_halt_refuses_the_next_order_of_its_scope(client: Client, account: str) -> None:
    client.halt(f"h-{account}", ACCOUNT, account, "test")
    assert client.check(order(account)).reason == "HALTED"


def test_a_release_by_two_persons_lets_orders_pass_again(
    server: Server, client: Client, account: str
) -> None:
    client.halt(f"h-{account}", ACCOUNT, account, "test")
    assert client.release(f"h-{account}", "over").pending_until_time_ns
    assert client.check(order(account)).reason == "HALTED"
    with server.client(token=SECOND) as second:
        assert not second.release(f"h-{account}", "over").pending_until_time_ns
    assert client.check(order(account)).allowed


def test_a_caller_without_a_token_is_no_second_person(
    server: Server, client: Client, account: str
) -> None:
    client.halt(f"h-{account}", ACCOUNT, account, "test")
    with server.client(token=SECOND) as second:
        second.release(f"h-{account}", "over")
    with pytest.raises(PermissionDeniedError) as caught:
        client.release(f"h-{account}", "over")
    assert caught.value.reason == "SECOND_PERSON"


def test_a_halt_withdraws_an_allow_that_is_repeated(client: Client, account: str) -> None:
    asked = order(account)
    assert client.check(asked).allowed
    client.halt(f"h-{account}", ACCOUNT, account, "test")
    assert client.check(asked).reason == "HALTED"


def test_reduce_only_refuses_what_opens(client: Client, account: str) -> None:
    client.set_reduce_only(f"r-{account}", ACCOUNT, account, "test")
    assert client.check(order(account)).reason == "REDUCE_ONLY"


def test_a_standing_halt_is_in_the_status_with_who_set_it(client: Client, account: str) -> None:
    client.halt(f"h-{account}", ACCOUNT, account, "storm")
    (stop,) = (s for s in client.status().stops if s.stop_id == f"h-{account}")
    assert (stop.principal, stop.reason, stop.scope_id) == ("local", "storm", account)


def test_a_stop_id_cannot_move_to_another_scope(client: Client, account: str) -> None:
    client.halt(f"h-{account}", ACCOUNT, account, "test")
    with pytest.raises(ConflictError) as caught:
        client.halt(f"h-{account}", order_pb2.SCOPE_KIND_INSTRUMENT, "SPY", "test")
    assert caught.value.reason == "IMMUTABLE"


def test_a_serving_gate_serves_every_service(server: Server) -> None:
    for service in ("", RISK_SERVICE, CONTROL_SERVICE):
        assert health(server.address, service) == "SERVING"


def test_a_service_that_is_not_there_is_not_found(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        health(server.address, "tidegate.v1.Nothing")
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_halted_firm_stops_serving_new_risk_until_it_is_released(
    server: Server, client: Client
) -> None:
    client.halt("firm", FIRM, "", "test")
    try:
        eventually(lambda: health(server.address, RISK_SERVICE) == "NOT_SERVING")
        assert health(server.address, CONTROL_SERVICE) == "SERVING"
        assert health(server.address, "") == "SERVING"
    finally:
        server.release("firm")
    eventually(lambda: health(server.address, RISK_SERVICE) == "SERVING")


def test_reduce_only_for_the_firm_keeps_the_health(server: Server, client: Client) -> None:
    client.set_reduce_only("firm-reduce", FIRM, "", "test")
    try:
        with pytest.raises(AssertionError, match="in time"):
            eventually(lambda: health(server.address, RISK_SERVICE) != "SERVING", 0.4)
    finally:
        server.release("firm-reduce")


def test_the_status_names_what_the_gate_is(server: Server, client: Client) -> None:
    status = client.status()
    assert status.durability == "flush"
    assert status.epoch == 2  # init is the first
    assert status.shard == 0
    assert status.transport == server.transport
    assert status.currency == "USD"
    assert status.state == "serving"


def test_the_status_has_a_chain_head_that_moves(client: Client, account: str) -> None:
    before = client.status().chain_head
    client.check(order(account))
    assert len(before) == 32
    assert client.status().chain_head != before


def test_the_status_counts_what_is_open(client: Client, account: str) -> None:
    before = client.status().open_order_count
    client.check(order(account))
    assert client.status().open_order_count == before + 1


def test_settings_show_in_the_status(transport: str) -> None:
    settings = {"shard": 7, "durability": "write", "currency": "CHF"}
    with serving(transport, settings) as server, server.client() as client:
        status = client.status()
    assert (status.shard, status.durability, status.currency) == (7, "write", "CHF")


def test_a_tightening_is_in_force_at_once_and_a_loosening_when_it_is_approved(
    transport: str,
) -> None:
    with trading(transport) as (server, client):
        assert client.check(order("A0", 100)).allowed
        policy = client.get_policy().policy
        policy.ClearField("version")
        limits = policy.tiers[2].limits
        limits.order_quantity.value = 99
        assert client.propose_policy(policy, base_version=1).version == 2
        tight = client.check(order("A0", 100))
        assert tight.reason == "ORDER_QUANTITY"
        assert tight.policy_version == 2
        limits.order_quantity.value = 100
        proposed = client.propose_policy(policy, base_version=2)
        assert proposed.pending
        assert "tiers[professional].limits.order_quantity" in proposed.loosened_fields
        assert client.check(order("A0", 100)).reason == "ORDER_QUANTITY"
        with pytest.raises(ConflictError) as caught:
            client.propose_policy(policy, base_version=1)
        assert caught.value.reason == "STALE_POLICY"
        assert client.status().policy_version == 2
        with server.client(token=SECOND) as second:
            second.approve_policy(proposed.version)
        assert client.check(order("A0", 100)).allowed
        states = [known.state for known in client.list_policies().policies]
        assert states == [POLICY_STATE_ACTIVE, POLICY_STATE_REPLACED, POLICY_STATE_REPLACED]
