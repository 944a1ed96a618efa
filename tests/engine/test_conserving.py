"""What is kept as a sum is compared with its parts, and named where it differs."""

from collections.abc import Callable

import pytest
from tests.engine.script import Script

from tidegate_server.engine.conserving import differing_sums
from tidegate_server.engine.lines import NO_LINE
from tidegate_server.engine.state import Book


@pytest.fixture
def book() -> Book:
    """A group with an account that holds, is short and has orders open; a sum is limited."""
    script = Script()
    steps = (
        "limit t leverage_bps unlimited",
        "scope group:G group_exposure_e4=90000000000",
        "instrument X",
        "factor X 10000",
        "groups G>H",
        "account A tier=t group=G",
        "cash A 1000000000",
        "mark X 100000",
        "hold A X 10",
        "revalue A",
        "buy A X 5 @ 100000",
        "sell A X 30 @ 100000",
    )
    for step in steps:
        script.run(step)
    return script.machine.book


def test_a_book_that_was_evolved_is_the_sum_of_its_parts(book: Book) -> None:
    assert book.open_order_count == 2
    assert differing_sums(book) == []


def spoil_open(book: Book) -> None:
    book.open_order_count += 1


def spoil_open_of(book: Book) -> None:
    book.open_orders_of["H"] -= 1


def spoil_own_open(book: Book) -> None:
    book.accounts["A"].open_order_count = 3


def spoil_ids(book: Book) -> None:
    book.order_id_count = 0


def spoil_unconfirmed(book: Book) -> None:
    book.unconfirmed_count = 1


def spoil_reach(book: Book) -> None:
    book.instruments["X"].reach -= 5


def spoil_reach_of(book: Book) -> None:
    book.instruments["X"].reach_of["G"] = 0


def spoil_short(book: Book) -> None:
    book.instruments["X"].short_use += 1


def spoil_open_buy(book: Book) -> None:
    book.accounts["A"].positions["X"].buy_notional += 1


def spoil_active(book: Book) -> None:
    book.accounts["A"].active.clear()
    book.accounts["A"].totals = NO_LINE


def spoil_totals(book: Book) -> None:
    book.accounts["A"].totals = NO_LINE


def spoil_sectors(book: Book) -> None:
    account = book.accounts["A"]
    account.lines_hold_at = book.revision
    gross = account.active[0].line[3]
    account.gross_by = {"": gross + 1}, {"": gross}


def spoil_boards(book: Book) -> None:
    account = book.accounts["A"]
    account.lines_hold_at = book.revision
    gross = account.active[0].line[3]
    account.gross_by = {"": gross}, {"": gross, "B": 5}


def spoil_groups(book: Book) -> None:
    book.accounts["A"].groups = ["G"]


def spoil_position(book: Book) -> None:
    del book.accounts["A"].positions["X"]


def spoil_gross(book: Book) -> None:
    assert book.share_sums is not None
    book.share_sums["G"].gross += 1


def spoil_noted(book: Book) -> None:
    assert book.share_sums is not None
    book.share_sums[""].noted.clear()


def spoil_share(book: Book) -> None:
    book.accounts["A"].share = (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoil_open, "open orders of the firm: 3 is kept, its parts come to 2"),
        (spoil_open_of, "open orders of group H: 1 is kept, its parts come to 2"),
        (spoil_own_open, "open orders of account A: 3 is kept, its parts come to 2"),
        (spoil_ids, "order ids: 0 is kept, its parts come to 2"),
        (spoil_unconfirmed, "unconfirmed orders: 1 is kept, its parts come to 0"),
        (spoil_reach, "positions of the firm in X: 15 is kept, its parts come to 20"),
        (spoil_reach_of, "positions in X of group G: 0 is kept, its parts come to 20"),
        (spoil_short, "short of X: 21 is kept, its parts come to 20"),
        (spoil_open_buy, "reserved buys of account A in X: 500001 is kept"),
        (spoil_active, "positions of account A: those that are not flat differ"),
        (spoil_totals, "figures of account A: not the sum of its positions'"),
        (
            spoil_sectors,
            "gross of account A in sector : 2000001 is kept, its parts come to 2000000",
        ),
        (spoil_boards, "gross of account A on board B: 5 is kept, its parts come to 0"),
        (spoil_groups, "groups of account A: ['G'] are kept, not ['G', 'H']"),
        (spoil_position, "open orders of account A in X: no position is kept"),
        (spoil_gross, "gross of group G: "),
        (spoil_noted, "shares of the firm older than noted: 1 is kept, its parts come to 0"),
        (spoil_share, "share of account A: not what is counted"),
    ],
)
def test_a_sum_that_differs_is_named(book: Book, spoil: Callable[[Book], None], named: str) -> None:
    spoil(book)
    assert any(problem.startswith(named) for problem in differing_sums(book)), differing_sums(book)
