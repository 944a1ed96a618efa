"""The ladders of 4.17: the best open order without looking at them all, and nothing piling up."""

from random import Random

from tests.engine.script import Script

from tidegate_server.engine.ladders import LEAST_SWEEP, Ladder


def world(scope: str) -> Script:
    """Return a world whose policy asks for the check."""
    script = Script()
    for line in (
        f"policy self_trade_scope={scope}",
        "limit t leverage_bps unlimited",
        "instrument X",
        "factor X 10000",
        "account A tier=t group=G",
        "account B tier=t group=G",
        "cash A 100000000000",
        "cash B 100000000000",
        "mark X 100000",
    ):
        script.run(line)
    return script


def test_the_best_that_is_alive_is_that_of_a_sorted_list() -> None:
    random = Random(1)
    alive: dict[int, int] = {}
    ladder: Ladder[int] = Ladder(lambda entry: entry in alive)
    for entry in range(2_000):
        alive[entry] = random.randint(0, 99)
        ladder.add(alive[entry], entry)
        if random.random() < 0.7:
            del alive[random.choice(list(alive))]
        found = ladder.first()
        if found is None:
            assert not alive
        else:
            assert alive[found] == min(alive.values())


def test_dead_entries_below_the_best_do_not_pile_up() -> None:
    alive = {0}
    ladder: Ladder[int] = Ladder(alive.__contains__)
    ladder.add(0, 0)
    for entry in range(1, 10_000):
        ladder.add(1, entry)
        assert ladder.first() == 0
    assert len(ladder.entries) <= LEAST_SWEEP + 1


def test_cancelled_orders_below_the_best_do_not_pile_up() -> None:
    script = world("ACCOUNT")
    script.run("sell A X 1 @ 100001")
    for number in range(200):
        script.run(f"sell A X 1 @ 100002 #c{number}")
        script.run(f"report cancelled A #c{number} e{number}")
    ladder = script.machine.book.accounts["A"].positions["X"].sell_ladder
    assert ladder is not None
    assert len(ladder.entries) <= LEAST_SWEEP + 1
    assert script.run("buy A X 1 @ 100001").startswith("SELF_TRADE 100001/100001")


def test_nothing_is_followed_that_the_policy_does_not_ask_for() -> None:
    script = world("UNSPECIFIED")
    script.run("sell A X 1 @ 100001")
    assert script.machine.book.ladders == {}
    assert script.machine.book.accounts["A"].positions["X"].sell_ladder is None


def test_a_loaded_snapshot_knows_what_rests() -> None:
    script = world("GROUP")
    script.run("sell B X 1 @ 100001")
    script.run("sell A X 1 @ 100002")
    script.machine.load_snapshot(script.machine.snapshot_records())
    assert script.run("buy A X 1 @ 100002") == "SELF_TRADE 100002/100001 group:G"
