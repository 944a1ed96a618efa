"""What one person proposes never allows more; what ends leaves nothing behind (5.5, 8.3)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, ask, law, loaded, settled
from tests.laws.test_tightening import no_looser, orders, preview
from tests.oracle.adapter import to_protobuf
from tests.oracle.override_commands import AT_SCOPES, VALUES
from tests.oracle.scope_world import SCOPES

from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a limit and a value for it."""
    name = draw(st.sampled_from(sorted(VALUES)))
    return name, draw(st.sampled_from(VALUES[name]))


@st.composite
def scope_proposals(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a scope, one of its limits and a value for it."""
    kind, scope_id = draw(st.sampled_from(SCOPES))
    known = sorted(name for name, (kinds, _) in AT_SCOPES.items() if kind in kinds)
    name = draw(st.sampled_from(known))
    limit = {"value": draw(st.sampled_from(AT_SCOPES[name][1]))}
    return {"scope_kind": kind, "scope_id": scope_id, "scope_limits": {name: limit}}


def propose(machine: Machine, account: str, said: tuple[str, dict[str, Any]], now_ns: int) -> Any:
    """Propose an override of half a second, as one person."""
    name, limit = said
    scope = {"scope_kind": "ACCOUNT", "scope_id": account, "limits": {name: limit}}
    return propose_at(machine, scope, now_ns)


def propose_at(machine: Machine, scope: dict[str, Any], now_ns: int) -> Any:
    """Propose the same at any scope."""
    request = scope | {
        "override_id": f"law-{scope['scope_kind']}-{scope['scope_id']}",
        "reason": "a law",
        "expiry_time_ns": now_ns + 10**9 // 2,
    }
    payload = to_protobuf(request, "ProposeOverrideRequest").SerializeToString()
    return ask(machine, Call("ProposeOverride", payload, "staff", now_ns))


@law(150)
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


@law(100)
@given(seeds, orders(), st.lists(scope_proposals(), max_size=3))
def test_one_person_never_loosens_a_scope(
    seed: int, order: tuple[float, float, bool, int, float], scopes: list[dict[str, Any]]
) -> None:
    _, snapshot, now_ns = settled(seed)
    machine = loaded(snapshot)
    before = preview(machine, order, now_ns)
    for scope in scopes:
        propose_at(machine, scope, now_ns)
    assert no_looser(before, preview(machine, order, now_ns))


@law(100)
@given(seeds, orders(), scope_proposals())
def test_an_override_of_a_scope_leaves_nothing_behind(
    seed: int, order: tuple[float, float, bool, int, float], scope: dict[str, Any]
) -> None:
    _, snapshot, now_ns = settled(seed)
    plain, machine = loaded(snapshot), loaded(snapshot)
    later_ns = now_ns + 10**9 // 2
    propose_at(machine, scope, now_ns)
    preview(machine, order, now_ns)
    ask(machine, Call("Tick", b"", "", later_ns))
    ask(plain, Call("Tick", b"", "", later_ns))
    mine, other = preview(machine, order, later_ns), preview(plain, order, later_ns)
    mine.as_of_sequence = other.as_of_sequence = 0
    assert mine == other
