"""Laws of sums of what accounts were last valued at (4.26, 2.7)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, copy_of, law

from tidegate.v1 import order_pb2
from tidegate_server.engine.groups import ancestors
from tidegate_server.engine.rates import regime_multiplier
from tidegate_server.engine.shares import NEVER_VALUED, UNSTRESSED, Share, ages, oldest
from tidegate_server.engine.sharing import share_now
from tidegate_server.engine.state import Book
from tidegate_server.engine.state_hash import state_hash
from tidegate_server.wire.machine import Machine

seeds = st.integers(1, SEEDS)
Sum = tuple[int, int, int, int, tuple[int, str] | None]


def kept(book: Book) -> dict[str, Sum]:
    """Return the sums as the book keeps them, and the oldest share in each."""
    sums = book.share_sums or {}
    found = {
        name: (one.gross, one.drawn, one.shortfall, one.unstressed, oldest(book, name, ""))
        for name, one in sums.items()
    }
    return {name: one for name, one in found.items() if any(one)}


def counted(book: Book) -> dict[str, Sum]:
    """Return the same, added up from every account's last share."""
    shares: dict[str, list[tuple[Share, str]]] = {}
    for name, account in book.accounts.items():
        share = account.share
        if share is None:
            if not (account.active or account.cash < 0 or account.interest_and_fees):
                continue
            share = NEVER_VALUED
        for group_id in ("", *ancestors(book, account.group_id)):
            shares.setdefault(group_id, []).append((share, name))
    made = {}
    for group_id, found in shares.items():
        known = [share[3] for share, _ in found if share[3] != UNSTRESSED]
        old = [(share[0], name) for share, name in found if ages(share)]
        gross = sum(share[1] for share, _ in found)
        drawn = sum(share[2] for share, _ in found)
        unknown = len(found) - len(known)
        made[group_id] = (gross, drawn, sum(known), unknown, min(old, default=None))
    return {name: one for name, one in made.items() if any(one)}


@law(24)
@given(seed=seeds)
def test_what_is_kept_is_the_sum_of_the_last_shares(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        ask(machine, call)
        if machine.book.share_sums is not None:
            assert kept(machine.book) == counted(machine.book)
    again = copy_of(machine)
    assert kept(again.book) == kept(machine.book)
    assert state_hash(again.book) == state_hash(machine.book)


@law(24)
@given(seed=seeds)
def test_an_allowed_order_leaves_the_share_that_its_account_is_valued_at(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        step = ask(machine, call)
        book = machine.book
        if call.method != "CheckOrder" or book.share_sums is None or step.record is None:
            continue
        account = book.accounts.get(step.asked().account_id)
        if account is None or book.policy is None or not step.message().sequence:
            continue
        if step.message().verdict == order_pb2.VERDICT_ALLOW:
            multiplier = regime_multiplier(book, book.policy)
            now = share_now(account, book.policy, multiplier, call.now_ns)
            assert now in {None, account.share}  # None: it cannot be valued, and keeps the last


@law(24)
@given(seed=seeds)
def test_the_oldest_share_is_found_however_seldom_it_is_asked_for(seed: int) -> None:
    machine = Machine()
    for number, call in enumerate(calls_of(seed)):
        ask(machine, call)
        if number % 61 == 0 and machine.book.share_sums is not None:
            assert kept(machine.book) == counted(machine.book)


def test_some_runs_keep_such_sums() -> None:
    books = []
    for seed in range(1, SEEDS + 1):
        machine = Machine()
        for call in calls_of(seed)[:60]:
            ask(machine, call)
        books.append(machine.book)
    assert sum(book.share_sums is not None for book in books) >= SEEDS // 4
