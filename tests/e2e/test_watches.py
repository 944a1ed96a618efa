"""A gate with its follower: what staff see while orders go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.support import (
    SECOND,
    SPY_E4,
    TRANSPORTS,
    eventually,
    listens,
    load_market,
    open_account,
    order,
    serving,
)

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import market_service_pb2 as market_pb
from tidegate_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=TRANSPORTS)
def watched(request: pytest.FixtureRequest) -> Iterator[tuple[Client, Client]]:
    """Serve a market with its follower; yield a client of each."""
    with serving(request.param, {"follower.enabled": True}) as server:
        address = f"unix:{server.folder}/run/follower.sock"
        eventually(lambda: listens(address), 60)
        options = [("grpc.default_authority", "me")]
        with (
            server.client() as gate,
            Client(address, timeout=20, token=SECOND, options=options) as follower,
        ):
            load_market(gate)
            yield gate, follower


def limit_to(gate: Client, account_id: str, quantity: int) -> None:
    """Give an account a position limit of its own."""
    account = gate.get_account(account_id).account.account
    account.limits.position.value = quantity
    gate.upsert_accounts([account])


def test_orders_are_seen_alerted_and_decided_again(watched: tuple[Client, Client]) -> None:
    gate, follower = watched
    opened = open_account(gate, "W1")
    limit_to(gate, "W1", 100)
    eventually(lambda: follower.list_alerts().as_of_sequence > opened, 60)
    accounts = follower.watch_accounts(["W1"])
    alerts = follower.watch_alerts("0")
    assert next(accounts).account.account.account_id == "W1"
    decision = gate.check(order("W1", 96, price_e4=SPY_E4 // 100 * 100))
    assert decision.allowed
    changed = next(one for one in accounts if one.account.open_orders)
    assert changed.account.open_orders[0].order_id == decision.order_id
    alert = next(one for page in alerts for one in page.alerts if one.name == "position")
    assert (alert.account_id, alert.level_bps) == ("W1", 9_500)
    assert alert.sequence == decision.sequence
    noted = follower.acknowledge_alert(alert.alert_id, "seen").alert.acknowledgement
    assert noted.principal == "second"

    refused = gate.check(order("W1", 10, price_e4=SPY_E4 // 100 * 100))
    assert not refused.allowed
    policy = gate.get_policy().policy
    eventually(lambda: follower.list_alerts().as_of_sequence >= refused.sequence, 60)
    *_, last = follower.compare_decisions(policy, from_sequence=1)
    assert (last.totals.both_allowed_count, last.totals.both_rejected_count) == (1, 1)
    assert not last.totals.account_count


def test_positions_are_valued_and_seen(watched: tuple[Client, Client]) -> None:
    gate, follower = watched
    sequence = open_account(gate, "W2")
    target = accounts_pb.PositionTarget(instrument_id="SPY", quantity=50)
    gate.set_positions("W2", [target], expected_sequence=sequence)
    gate.update_marks([market_pb.Mark(instrument_id="SPY", price_e4=SPY_E4 + 100)])
    eventually(lambda: gate.get_account("W2").account.valued_time_ns > 0, 60)
    eventually(lambda: follower.list_alerts().as_of_sequence > sequence, 60)
    message = next(iter(follower.watch_accounts(["W2"])))
    assert message.account.positions[0].quantity == 50
