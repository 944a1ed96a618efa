"""The table of order ids is bounded (rulebook 4.3): full, it refuses new risk and never an exit."""

import pytest
from tests.engine.script import Script

LIMIT = 32
WORLD = (
    "limit t leverage_bps unlimited",
    "instrument X",
    "factor X 10000",
    "account A tier=t",
    "cash A 100000000",
    "mark X 100000",
    "hold A X 100",
)


def filled(count: int) -> Script:
    """Return a world with a small table that keeps so many ids."""
    script = Script()
    for line in WORLD:
        script.run(line)
    script.machine.book.order_id_limit = LIMIT
    for _ in range(count):
        assert script.run("buy A X 1 @ 100000") == "allow 100000"
    return script


def kept(script: Script) -> int:
    return script.machine.status().order_id_count


def test_the_last_free_place_is_taken() -> None:
    assert filled(LIMIT - 1).run("buy A X 1 @ 100000") == "allow 100000"


def test_a_full_table_refuses_new_risk() -> None:
    assert filled(LIMIT).run("buy A X 1 @ 100000") == "ORDER_TABLE_FULL"


def test_a_full_table_refuses_a_batch_of_new_risk() -> None:
    assert filled(LIMIT - 1).run("batch buy A X 1 @ 100000 | buy A X 1 @ 1") == "ORDER_TABLE_FULL"


def test_a_full_table_takes_a_verified_exit() -> None:
    assert filled(LIMIT).run("sell A X 1 @ 100000") == "allow 100000 exit"


def test_a_full_table_repeats_what_it_keeps() -> None:
    script = filled(LIMIT - 1)
    script.run("buy A X 1 @ 100000 #o")
    assert script.run("buy A X 1 @ 100000 #o") == "allow 100000 replayed RESERVED"


def test_a_full_table_takes_reports() -> None:
    script = filled(LIMIT)
    assert script.run("fill A #p e1 buy X 1 @ 100000").startswith("APPLIED UNKNOWN_ORDER")


def test_a_full_table_has_room_again_when_ids_are_forgotten() -> None:
    script = filled(LIMIT)
    for number, order in enumerate(script.run("open A").split("; ")):
        script.run(f"report cancelled A #{order.split()[0]} e{number}")
    script.run("wait 11000000000")
    script.run("tick")
    assert script.run("buy A X 1 @ 100000").split()[0] != "ORDER_TABLE_FULL"


def test_a_full_table_takes_a_batch_of_verified_exits() -> None:
    found = filled(LIMIT).run("batch sell A X 1 @ 100000 | sell A X 1 @ 100000")
    assert found == "allow 100000 exit | allow 100000 exit"


def test_a_full_table_repeats_an_atomic_batch() -> None:
    script = filled(LIMIT - 2)
    batch = "atomic B: buy A X 1 @ 100000 #a | buy A X 1 @ 100000 #b"
    assert script.run(batch) == "allow 100000 | allow 100000"
    assert script.run(batch).startswith("replayed: allow 100000")


@pytest.mark.parametrize("order", ["buy A Z 1 @ 100000", "buy A X 1 @ 100000 created=-20000000000"])
def test_a_full_table_does_not_grow_with_refused_orders(order: str) -> None:
    script = filled(LIMIT)
    for _ in range(LIMIT):
        script.run(order)
    assert kept(script) <= LIMIT + LIMIT // 16


def test_a_report_of_an_unknown_order_takes_no_place() -> None:
    script = filled(LIMIT - 1)
    script.run("report cancelled A #p e1")
    assert script.run("buy A X 1 @ 100000") == "allow 100000"


def test_a_report_of_an_unknown_order_takes_no_place_after_a_snapshot() -> None:
    script = filled(LIMIT - 1)
    script.run("report cancelled A #p e1")
    script.machine.load_snapshot(script.machine.snapshot_records())
    assert kept(script) == LIMIT - 1


def test_forgetting_an_unknown_order_gives_no_place_back() -> None:
    script = filled(0)
    script.run("report cancelled A #p e1")
    script.run("wait 11000000000")
    assert script.run("tick") == "A/p forgotten"
    assert kept(script) == 0
