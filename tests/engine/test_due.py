"""What falls due comes out in order of its rank, however it came in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate_server.engine.due import DueQueue, Rank

# Few different ones, so that many tie.
RANKS = st.tuples(
    st.integers(1, 3), st.integers(1, 3), st.sampled_from(["A", "B"]), st.sampled_from("xyz")
)


def as_it_is(rank: Rank) -> Rank:
    return rank


def filled(ranks: list[Rank]) -> DueQueue[Rank]:
    queue = DueQueue(as_it_is)
    for rank in ranks:
        queue.add(rank, rank[0], rank[1])
    return queue


@given(st.lists(RANKS))
def test_entries_come_out_in_order_of_their_ranks(ranks: list[Rank]) -> None:
    assert list(filled(ranks).due(3)) == sorted(ranks)


@given(st.lists(RANKS), st.lists(RANKS))
def test_a_look_between_changes_nothing(before: list[Rank], after: list[Rank]) -> None:
    queue = filled(before)
    list(queue.due(3))
    for rank in after:
        queue.add(rank, rank[0], rank[1])
    assert list(queue.due(3)) == sorted(before + after)


@given(st.lists(RANKS, min_size=1), st.data())
def test_what_was_added_on_trial_is_gone_once_taken_back(
    ranks: list[Rank], data: st.DataObject
) -> None:
    queue = filled(ranks)
    gone = data.draw(st.sampled_from(ranks))
    queue.take_back(gone)
    left = list(ranks)
    left.remove(gone)
    assert list(queue.due(3)) == sorted(left)


@given(st.lists(RANKS, min_size=1))
def test_the_first_to_be_dropped_is_the_one_that_falls_due_first(ranks: list[Rank]) -> None:
    queue = filled(ranks)
    assert queue.first() == min(ranks)
    queue.drop_first()
    assert list(queue.due(3)) == sorted(ranks)[1:]


@given(st.lists(RANKS, min_size=1))
def test_ties_need_no_order_to_say_when_the_first_falls_due(ranks: list[Rank]) -> None:
    assert filled(ranks).first_ns() == min(ranks)[0]
