"""The most that would pass passes, and nothing above it does (8.7)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, ask, law, loaded, settled, view_of

from tidegate.v1 import account_service_pb2, order_pb2
from tidegate_server.wire.machine import Machine

ALLOW = order_pb2.VERDICT_ALLOW


def withdraw(machine: Machine, account_id: str, amount: int, now_ns: int) -> Any:
    """Ask for an amount."""
    request = account_service_pb2.AdjustCashRequest(
        account_id=account_id,
        adjustment_id=f"law-{amount}",
        kind=account_service_pb2.CASH_KIND_WITHDRAWAL,
        amount_e4=-amount,
        expected_sequence=view_of(machine, account_id, now_ns).sequence,
    )
    return ask(machine, Call("AdjustCash", request.SerializeToString(), "staff", now_ns)).message()


@law(60)
@given(st.integers(0, SEEDS))
def test_the_most_that_would_pass_is_the_most(seed: int) -> None:
    _, snapshot, now_ns = settled(seed)
    machine = loaded(snapshot)
    for account_id in sorted(machine.book.accounts):
        before = view_of(machine, account_id, now_ns)
        refused = withdraw(machine, account_id, 9 * 10**16, now_ns)
        assert refused.verdict != ALLOW
        most = refused.max_withdrawal_e4
        assert view_of(machine, account_id, now_ns).cash_e4 == before.cash_e4
        assert withdraw(machine, account_id, most + 1, now_ns).verdict != ALLOW
        if not most:
            continue
        assert withdraw(machine, account_id, most, now_ns).verdict == ALLOW
        after = view_of(machine, account_id, now_ns)
        assert after.cash_e4 == before.cash_e4 - most
        assert after.projected.cash_e4 >= 0
        assert after.projected.available_e4 >= 0
