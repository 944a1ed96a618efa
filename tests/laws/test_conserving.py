"""Whatever happened, what is kept as a sum is the sum of its parts; so it is after a snapshot."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, copy_of, law, played

from tidegate_server.engine.conserving import differing_sums


@law(20)
@given(st.integers(0, SEEDS))
def test_sums_are_those_of_their_parts(seed: int) -> None:
    machine, _ = played(seed, 300)
    assert differing_sums(machine.book) == []
    assert differing_sums(copy_of(machine).book) == []
