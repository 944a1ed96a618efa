"""What holds of lines and losses, whatever the world (2.6, 2.7, 4.23, 4.25)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, law, view_of

from tidegate.v1 import order_pb2
from tidegate_server.engine.overriding import effective_limits
from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)
VALUING = {
    "CheckOrder",
    "CheckOrders",
    "RecordOrderEvents",
    "AdjustCash",
    "SetPositions",
    "RevalueAccounts",
    "ReplaceOrder",
    "ReconcileOrders",
    "RepayCash",
    "ReturnShares",
    "AccrueInterest",
    "ChargeFee",
}


@law(8)
@given(seed=seeds)
def test_no_accepted_order_leads_past_the_margin_call_or_breaches_a_loss(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "CheckOrder" or step.record is None or machine.book.policy is None:
            continue
        answer, asked = step.message(), step.asked()
        if answer.verdict != order_pb2.VERDICT_ALLOW or answer.verified_exit:
            continue
        account = machine.book.accounts[asked.account_id]
        limits = effective_limits(account, machine.book.policy, call.now_ns)
        view = view_of(machine, asked.account_id, call.now_ns)
        if limits.margin_call_bps:
            assert account.lines < 4  # margin_call is the third
            line = limits.margin_call_bps
            assert view.projected.assets_e4 * 10_000 >= view.projected.debt_e4 * line
        equity = view.actual.equity_e4
        assert view.start_of_day_equity_e4 - equity <= limits.day_loss_e4
        fallen = view.high_water_mark_e4 - equity
        assert fallen * 10_000 <= max(0, view.high_water_mark_e4) * limits.drawdown_bps


@law(8)
@given(seed=seeds)
def test_only_a_valuation_changes_lines_and_the_high_water_mark(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        before = kept(machine)
        ask(machine, call)
        after = kept(machine)
        if call.method not in VALUING:
            assert {name: after[name] for name in before} == before, call.method


@law(8)
@given(seed=seeds)
def test_equity_at_a_valuation_is_never_above_the_high_water_mark(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        if call.method != "RevalueAccounts" or step.record is None:
            continue
        for one in step.message().valuations:
            if one.valued:
                account = machine.book.accounts[one.account_id]
                assert one.figures.equity_e4 <= account.high_water


def kept(machine: Machine) -> dict[str, tuple[int, int]]:
    """Return what only valuations may change."""
    accounts = machine.book.accounts.values()
    return {account.account_id: (account.lines, account.high_water) for account in accounts}
