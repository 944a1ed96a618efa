"""CheckOrders that are decided in a row get what each would get alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, Call, answer, ask, calls_of, law, played

from tidegate_server.wire.machine import Machine
from tidegate_server.wire.order_runs import check_all

MALFORMED = b"\xff"
Told = tuple[bytes | None, str, bytes | None]


def rows_of(calls: tuple[Call, ...]) -> list[list[Call]]:
    """Cut a run of calls into rows: CheckOrders behind each other, and every other call alone.

    Each order of a row is asked twice, so that some are repeats of one before them; and one cannot
    be read.
    """
    rows: list[list[Call]] = []
    for call in calls:
        if call.method != "CheckOrder":
            rows.append([call])
            continue
        now_ns = rows[-1][0].now_ns if rows and rows[-1][0].method == "CheckOrder" else call.now_ns
        asked = [call._replace(now_ns=now_ns), call._replace(now_ns=now_ns)]
        if now_ns == call.now_ns:
            asked.append(call._replace(request=MALFORMED))
            rows.append(asked)
        else:
            rows[-1] += asked
    return rows


def told(found: object) -> Told:
    """Return all that an answer says."""
    error = getattr(found, "error", None)
    text = "" if error is None else f"{error.code} {error.reason} {error.message} {error.metadata}"
    return getattr(found, "response", None), text, getattr(found, "record", None)


@law(10)
@given(seed=st.integers(0, SEEDS))
def test_a_row_gets_the_answers_and_the_records_of_orders_asked_one_by_one(seed: int) -> None:
    alone, together = Machine(), Machine()
    for row in rows_of(calls_of(seed)):
        if row[0].method != "CheckOrder":
            ask(alone, row[0])
            ask(together, row[0])
            continue
        expected = [told(answer(alone, call)) for call in row]
        asked = [(call.request, call.principal) for call in row]
        assert [told(one) for one in check_all(together, asked, row[0].now_ns)] == expected
    assert together.state_hash() == alone.state_hash()
    assert (together.allowed, together.rejected) == (alone.allowed, alone.rejected)


def test_the_runs_have_rows_of_several_orders() -> None:
    longest = [max(map(len, rows_of(calls_of(seed)))) for seed in range(SEEDS + 1)]
    assert min(longest) > 4


def test_a_run_of_no_orders_is_answered_by_nothing() -> None:
    assert check_all(played(0)[0], [], 0) == []
