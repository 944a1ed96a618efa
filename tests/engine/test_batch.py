"""What deciding a batch leaves behind: nothing but its answers (rulebook 4.30)."""

import pytest
from tests.engine.script import Script

WORLD = (
    "limit t leverage_bps 10000",
    "instrument X",
    "factor X 10000",
    "account A tier=t",
    "cash A 10000000",
    "mark X 100000",
)
PASSES = "atomic B: buy A X 10 @ 100000 | buy A X 10 @ 100000"
FAILS = "atomic B: buy A X 60 @ 100000 | buy A X 60 @ 100000"


def world() -> Script:
    script = Script()
    for line in WORLD:
        script.run(line)
    return script


@pytest.mark.parametrize("queue", ["acknowledge_queue", "forget_queue"])
def test_an_order_of_an_atomic_batch_that_passes_is_queued_once(queue: str) -> None:
    script = world()
    assert script.run(PASSES) == "allow 100000 | allow 100000"
    assert len(getattr(script.machine.book, queue)) == 2


def test_an_order_of_an_atomic_batch_that_fails_awaits_no_answer() -> None:
    script = world()
    assert "LEVERAGE" in script.run(FAILS)
    assert len(script.machine.book.acknowledge_queue) == 0


def test_a_fault_in_judging_a_batch_as_a_whole_leaves_the_book_as_it_was() -> None:
    script = world()
    script.run("buy A X 1 @ 100000")
    limits = script.machine.book.accounts["A"].effective
    assert limits is not None
    broken: dict[str, object] = {"": 0}  # no table of 4.20, which the whole is judged by
    limits.concentration = broken  # type: ignore[assignment]
    before = script.machine.state_hash()
    assert script.run(PASSES) == "INTERNAL"
    assert script.machine.state_hash() == before
