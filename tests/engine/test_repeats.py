"""What 4.15 keeps is bounded by its window, is the same after a snapshot, and can be taken back."""

from tests.engine.script import Script

from tidegate_server.engine.repeats import COMPACT_AT, Times

SECOND = 10**9


def world(rule: str = f"3/{SECOND}") -> Script:
    """Return a world whose policy counts orders alike."""
    script = Script()
    for line in (
        f"policy order_repeated={rule}",
        "limit t leverage_bps unlimited",
        "instrument X",
        "factor X 10000",
        "account A tier=t",
        "account B tier=t",
        "cash A 100000000000",
        "cash B 100000000000",
        "mark X 100000",
    ):
        script.run(line)
    return script


def test_times_forget_from_the_front_and_count_from_the_back() -> None:
    times = Times(0)
    times.times = list(range(3 * COMPACT_AT))
    for forgotten in range(1, 3 * COMPACT_AT):
        assert not times.forget_first()
        assert times.kept() == list(range(forgotten, 3 * COMPACT_AT))
        assert times.since(forgotten) == max(0, 3 * COMPACT_AT - forgotten - 1)
    assert times.forget_first()


def test_nothing_is_kept_that_is_older_than_the_window() -> None:
    script = world()
    book = script.machine.book
    for number in range(1, 300):
        script.run(f"wait {SECOND // 10}")
        script.run(f"buy {'AB'[number % 2]} X {number} @ 1")
        kept = sum(len(account.repeats) for account in book.accounts.values())
        assert kept == len(book.repeat_queue) <= 10


def test_nothing_is_kept_where_the_policy_counts_nothing() -> None:
    script = world()
    del script.policy["order_repeated"]
    plain = Script()
    plain.policy = script.policy
    for line in ("instrument X", "factor X 10000", "account A tier=t", "mark X 100000"):
        plain.run(line)
    plain.run("buy A X 1 @ 1")
    assert not plain.machine.book.repeat_queue


def test_counts_and_latches_go_on_after_a_snapshot() -> None:
    script = world()
    script.run("buy A X 1 @ 100000")
    script.run(f"wait {SECOND // 2}")
    script.run("batch buy A X 1 @ 100000 | buy B X 1 @ 1 | buy B X 1 @ 1 | buy B X 1 @ 1")
    script.machine.load_snapshot(script.machine.snapshot_records())
    sequence = script.machine.sequence
    assert script.run("buy B X 2 @ 100000").startswith("ORDER_REPEATED -/- account:B repeated-")
    found = script.run("buy A X 1 @ 100000")
    assert found == f"ORDER_REPEATED 3/3 account:A repeated-{sequence + 2}"
    script.run(f"wait {SECOND}")
    script.run("buy A X 9 @ 100000")
    assert len(script.machine.book.repeat_queue) == 1


def test_a_latch_is_shown_with_its_account() -> None:
    script = world()
    for _ in range(3):
        script.run("buy A X 7")
    (stop,) = script.machine.status().stops
    view = script.call("GetAccount", {"account_id": "A"}).account
    assert list(view.stop_ids) == [stop.stop_id]
    assert (stop.instrument_id, stop.side, stop.quantity) == ("X", 1, 7)
    assert not stop.HasField("price_e4")
    assert stop.reason == "3 orders alike in X"
