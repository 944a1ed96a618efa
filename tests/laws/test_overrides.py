"""What one person proposes never allows more; what ends leaves nothing behind (5.5, 8.3)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, ask, law, loaded, settled
from tests.laws.test_tightening import no_looser, orders, preview
from tests.oracle.adapter import to_protobuf
from tests.oracle.override_commands import VALUES

from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a limit and a value for it."""
    name = draw(st.sampled_from(sorted(VALUES)))
    return name, draw(st.sampled_from(VALUES[name]))


def propose(machine: Machine, account: str, said: tuple[str, dict[str, Any]], now_ns: int) -> Any:
    """Propose an override of half a second, as one person."""
    name, limit = said
    request = {
        "override_id": f"law-{account}",
        "scope_kind": "ACCOUNT",
        "scope_id": account,
        "limits": {name: limit},
        "reason": "a law",
        "expiry_time_ns": now_ns + 10**9 // 2,
    }
    payload = to_protobuf(request, "ProposeOverrideRequest").SerializeToString()
    return ask(machine, Call("ProposeOverride", payload, "staff", now_ns))


@law(300)
@given(seeds, orders(), proposals())
def test_one_person_never_loosens(
    seed: int, order: tuple[float, float, bool, int, float], said: tuple[str, dict[str, Any]]
) -> None:
    _, snapshot, now_ns = settled(seed)
    machine = loaded(snapshot)
    before = preview(machine, order, now_ns)
    for account in sorted(machine.book.accounts):
        propose(machine, account, said, now_ns)
    assert no_looser(before, preview(machine, order, now_ns))


@law(100)
@given(seeds, orders(), proposals())
def test_an_override_that_has_ended_is_as_if_it_had_never_been(
    seed: int, order: tuple[float, float, bool, int, float], said: tuple[str, dict[str, Any]]
) -> None:
    _, snapshot, now_ns = settled(seed)
    plain, machine = loaded(snapshot), loaded(snapshot)
    accounts = sorted(machine.book.accounts)
    propose(machine, accounts[int(order[0] * len(accounts))], said, now_ns)
    preview(machine, order, now_ns)
    later_ns = now_ns + 10**9 // 2
    mine, other = preview(machine, order, later_ns), preview(plain, order, later_ns)
    mine.as_of_sequence = other.as_of_sequence = 0
    assert mine == other
