"""Orders that are open: pages of what to cancel, and what loading a snapshot keeps of a chain."""

from tests.engine.script import Script

from tidegate_server.wire.machine import Machine

WORLD = (
    "limit t leverage_bps unlimited",
    "instrument X",
    "factor X 10000",
    "account A tier=t",
    "cash A 10000000",
    "mark X 100000",
)


def world(*steps: str) -> Script:
    script = Script()
    for line in (*WORLD, *steps):
        script.run(line)
    return script


def loaded(script: Script) -> Machine:
    copy = Machine()
    copy.load_snapshot(script.machine.snapshot_records())
    return copy


def test_what_to_cancel_is_named_a_thousand_at_a_time() -> None:
    script = world()
    for start in range(0, 1_200, 100):
        orders = [f"buy A X 1 @ 100000 #{number:05}" for number in range(start, start + 100)]
        script.run("batch " + " | ".join(orders))
    first = script.run("cancel account A").split()
    assert len(first) == 1_001
    assert first[-2:] == ["A/00999", "+"]
    rest = script.run(f"cancel account A after={first[-2]}").split()
    assert rest == [f"A/{number:05}" for number in range(1_000, 1_200)]


def test_a_chain_goes_on_after_a_snapshot() -> None:
    steps = ("buy A X 100 @ 100000 #o", "replace #o buy A X 150 @ 110000 #n")
    script = world(*steps, "replace #n buy A X 50 @ 90000 #m")
    script.machine = loaded(script)
    assert script.run("report rejected A #n e1") == "APPLIED REJECTED 100"
    assert script.run("position A X").startswith("P=0 OB=100 OS=0 RB=10000000")
    script.machine = loaded(script)
    assert script.run("fill A #o e2 buy X 40 @ 100000") == "APPLIED PARTLY_FILLED 60"
    script.machine = loaded(script)
    assert script.run("report acknowledged A #m e3") == "APPLIED PARTLY_FILLED 10"


def test_pages_of_a_list_go_on_after_a_snapshot() -> None:
    script = world("buy A X 100 @ 100000 #o", "buy A X 50 @ 100000 #p", "wait 2000000000")
    assert script.run("reconcile A L1 more: o buy X 100 @ 100000") == "kept"
    script.machine = loaded(script)
    assert script.run("reconcile A L1 more: o buy X 100 @ 100000") == "replayed kept"
    listed = "reconcile A L1 page=2: q buy X 10 @ 100000"
    told = script.run(listed)
    assert told == "p ENDED RECONCILED 0; q ADDED ACKNOWLEDGED 10"
    script.machine = loaded(script)
    assert script.run(listed) == f"replayed {told}"


def test_sources_are_compared_after_a_snapshot() -> None:
    script = world("account B tier=t", "fill A #o e1 buy X 10 @ 100000 from=dc")
    script.machine = loaded(script)
    assert "SOURCES_DISAGREE" in script.run("fill B #p e1 buy X 10 @ 100000")
    assert script.run("stops") == "disagree-A disagree-B"
