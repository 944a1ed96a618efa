"""Orders under margin add-ons take the fast path, and no memo outlives what it was worked out of.

Two instruments at 10.0000 each and 30 % initial margin. A has 100 of either, of which 600.0000 are
required, and equity of 700.0000: no bound says anything, and any add-on is more than there is left.
"""

import pytest
from tests.engine.script import Script

from tidegate_server.engine import ordering
from tidegate_server.engine.add_on_memos import (
    AddOnMemo,
    most_of,
    most_of_all,
    most_of_others,
    of_others,
    span_of,
)
from tidegate_server.engine.add_on_tables import AddOns
from tidegate_server.engine.amounts import INT64_MAX, ONE
from tidegate_server.engine.commands import MODEL_LEVERAGED, MODEL_PORTFOLIO
from tidegate_server.engine.judge import judgement_of
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.lines import NO_LINE, Line

ORDER = "buy A Y 1 @ 100000"
ALLOWED = "allow 100000"
TOP_UP = "cash A 10000000000"


class Desk(Script):
    """The world above, which counts the orders that the full judgement decided."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()

        def counted(*arguments: object) -> Judgement:
            self.judged += 1
            return judgement_of(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(ordering, "judgement_of", counted)
        rates = "initial_margin_long_bps=3000 initial_margin_short_bps=3000"
        for line in (
            "limit t leverage_bps unlimited",
            "addon days 10000:2000",
            "addon weight 5500:1000:1000",
            f"instrument X {rates} average_volume=150 shares_outstanding=1000000",
            f"instrument Y {rates} average_volume=1000 shares_outstanding=1000000",
            "factor X 10000",
            "factor Y 10000",
            "mark X 100000 Y 100000",
            "groups G>H K>H H>- L>-",
            "account A tier=t group=G",
            "account B tier=t group=K",
            "account C tier=t group=L",
            "cash A -13000000",
            "cash B 10000000000",
            "cash C 10000000000",
            "hold A X 100",
            "hold A Y 100",
            "hold C X 140",
            "preview buy A X 1 @ 100000",  # the first order asks whether the board is open
            "preview buy A Y 1 @ 100000",
        ):
            self.run(line)
        self.judged = 0

    def memo(self, name: str) -> AddOnMemo | None:
        """Return what is kept of a position of A."""
        return self.machine.book.accounts["A"].positions[name].add_on_memo

    def tables(self) -> AddOns:
        """Return the tables in force."""
        policy = self.machine.book.policy
        assert policy is not None
        assert policy.add_ons is not None
        return policy.add_ons


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_an_order_that_no_points_could_refuse_needs_no_memo(desk: Desk) -> None:
    desk.run(TOP_UP)
    assert desk.run(ORDER) == ALLOWED
    assert desk.judged == 0
    assert desk.memo("X") is desk.memo("Y") is None


def test_an_order_of_an_unlevered_account_needs_no_memo_either(desk: Desk) -> None:
    desk.run("cash A 13110000")  # all that longs may come to need is their value
    assert desk.run("projected A equity gross") == "equity=20110000 gross=20000000"
    assert desk.run(ORDER) == ALLOWED
    assert desk.judged == 0
    assert desk.memo("X") is None


def test_an_order_near_the_edge_is_decided_by_memos(desk: Desk) -> None:
    assert desk.run(ORDER) == ALLOWED
    kept = desk.memo("X"), desk.memo("Y")
    assert None not in kept
    assert desk.run("buy A Y 1 @ 100000") == ALLOWED
    assert desk.memo("X") is kept[0]
    assert desk.memo("Y") is not kept[1]
    assert desk.judged == 0


def test_what_its_order_made_of_a_position_is_found_by_the_next_one(desk: Desk) -> None:
    assert desk.run(ORDER) == ALLOWED
    kept = desk.memo("Y")
    assert desk.run("buy A X 1 @ 100000") == ALLOWED
    assert desk.memo("Y") is kept
    assert desk.judged == 0


def test_an_order_that_brings_its_own_points_is_refused(desk: Desk) -> None:
    assert desk.run("buy A X 22 @ 100000") == ALLOWED  # 122 of 222 are less than 55 %
    assert desk.run("buy A X 1 @ 100000").startswith("INITIAL_MARGIN")


@pytest.mark.parametrize(
    ("spoiled", "cured"),
    [
        # Another account of the topmost group: 160 of a day's volume of 150.
        ("buy B X 60 @ 100000 #b", "report cancelled B #b e1"),
        ("hold B X -60", "hold B X 0"),
        # 130 of 230 are more than 55 %.
        ("mark X 130000", "mark X 100000"),
        ("instrument X average_volume=99", "instrument X average_volume=100"),
        ("instrument X average_volume=unset", "instrument X average_volume=100"),
        # Of that topmost group C has 140.
        ("account A group=L", "account A group=G"),
        ("groups G>L L>-", "groups G>H"),
        ("propose addon days 6000:2000", "cash A 10000000"),
        ("propose addon weight 4900:1000:1000", "cash A 10000000"),
    ],
)
def test_what_moves_a_position_over_an_edge_counts_at_the_next_order(
    desk: Desk, spoiled: str, cured: str
) -> None:
    assert desk.run(ORDER) == ALLOWED
    assert desk.judged == 0
    assert "INITIAL_MARGIN" not in desk.run(spoiled)
    assert desk.run(ORDER).startswith("INITIAL_MARGIN")
    desk.run(cured)
    assert desk.run(ORDER) == ALLOWED
    desk.judged = 0
    assert desk.run(ORDER) == ALLOWED
    assert desk.judged == 0


def test_the_others_are_weighed_against_the_gross_before_the_order(desk: Desk) -> None:
    """X is 100 of 181 once Y has 81: more than 55 %, which one more share of Y brings down."""
    desk.run("hold A Y 82")
    desk.run("cash A 560000")
    assert desk.run(ORDER) == ALLOWED  # 100 of 182 before it
    desk.run("hold A Y 80")
    assert desk.run(ORDER).startswith("INITIAL_MARGIN")
    desk.run("cash A 1000000")
    assert desk.run(ORDER) == ALLOWED
    assert desk.run(ORDER) == ALLOWED  # 100 of 182 before it
    found = desk.memo("X")
    assert found is not None
    assert (found.initial, found.most_reach) == (0, 150)
    assert found.least_gross == 18_181_819  # 55 % of less would be less than X


def test_other_tables_need_other_memos(desk: Desk) -> None:
    assert desk.run(ORDER) == ALLOWED
    book = desk.machine.book
    account, policy = book.accounts["A"], book.policy
    assert policy is not None
    tables = AddOns([(0, 1_000, 1_000)], [], [])
    gross = 20_000_000
    assert of_others(account, policy, ONE, desk.tables(), None, gross) == 0
    assert most_of_others(account, desk.tables(), None, gross) == 0
    assert most_of_others(account, tables, None, gross) == 7_000_000 + 7_070_000
    assert of_others(account, policy, ONE, tables, None, gross) == 1_000_000 + 1_010_000
    kept = desk.memo("X")
    assert most_of_others(account, tables, None, gross) == 1_000_000 + 1_010_000
    assert desk.memo("X") is kept


def test_what_no_memo_says_counts_as_the_most_that_it_can_be(desk: Desk) -> None:
    account = desk.machine.book.accounts["A"]
    assert most_of_others(account, desk.tables(), None, 20_000_000) == 2 * 7_000_000
    assert desk.memo("X") is None


def test_a_share_is_in_a_span_of_parts_both_ends_among_them() -> None:
    bands = [(1_000, 10), (2_000, 30)]
    assert [span_of(bands, part, 99) for part in (0, 9, 10, 19, 20)] == [
        (0, 0, 9),
        (0, 0, 9),
        (10, 10, 19),
        (10, 10, 19),
        (30, 20, INT64_MAX),
    ]
    assert span_of(bands, 5, -1) == (30, 0, INT64_MAX)
    assert span_of([], 5, -1) == span_of([], 5, 9) == (0, 0, INT64_MAX)


def test_a_long_may_need_its_value_and_a_short_its_points() -> None:
    tables = AddOns([(0, 500, 1_500)], [(0, 9_900)], [])
    assert (tables.most_long, tables.most_short) == (10_400, 11_400)
    assert most_of(tables, line_of(long=1_000, short=0, initial=300)) == 700
    assert most_of(tables, line_of(long=1_000, short=0, initial=1_200)) == 0
    assert most_of(tables, line_of(long=0, short=1_000, initial=300)) == 1_140
    assert most_of(tables, line_of(long=2_000, short=1_000, initial=800)) == 1_200
    both = line_of(long=1_000, short=333, initial=300)
    assert most_of_all(tables, both, 1, MODEL_LEVERAGED) == 1_000 + 380 + 2
    assert most_of_all(tables, both, 1, MODEL_PORTFOLIO) == 1_040 + 380 + 2
    assert most_of_all(tables, NO_LINE, 0, MODEL_LEVERAGED) == 0
    nothing = AddOns([], [], [])
    assert most_of_all(nothing, both, 2, MODEL_PORTFOLIO) == 4


def line_of(*, long: int, short: int, initial: int) -> Line:
    """Return a line of so much; only what the bounds look at."""
    return 0, 0, short, max(long, short), 0, initial, 0, 0, 0
