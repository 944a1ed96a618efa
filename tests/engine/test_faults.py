"""A fault while an order is judged (rulebook 4.27), which no word of a table can provoke."""

from tests.engine.script import Script

WORLD = (
    "limit t leverage_bps 10000",
    "limit u leverage_bps 10000",
    "instrument X",
    "factor X 10000",
    "account A tier=t",
    "account B tier=u",
    "cash A 10000000",
    "cash B 10000000",
    "mark X 100000",
)
FAULT = "INTERNAL -/- unspecified"


def broken() -> Script:
    """Return a world in which what accounts of tier t are judged by fails on opening orders."""
    script = Script()
    for line in WORLD:
        script.run(line)
    script.run("buy A X 1 @ 100000")
    limits = script.machine.book.accounts["A"].effective
    assert limits is not None
    tables: dict[str, object] = {"": 0}  # no table of 4.20
    limits.concentration = tables  # type: ignore[assignment]
    return script


def test_a_fault_refuses_the_order_and_reserves_nothing() -> None:
    script = broken()
    book = script.machine.book
    before = book.accounts["A"].positions["X"].open_buy
    assert script.run("buy A X 10 @ 100000") == FAULT
    assert book.accounts["A"].positions["X"].open_buy == before
    assert book.open_order_count == 1


def test_a_fault_over_one_tier_is_none_of_another() -> None:
    script = broken()
    assert script.run("buy A X 10 @ 100000") == FAULT
    assert script.run("buy B X 10 @ 100000") == "allow 100000"
