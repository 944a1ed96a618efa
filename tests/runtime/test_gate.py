"""The loop, turn by turn: lanes, commits, admission, drain. Machine, writer and clock are real."""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.runtime.gates import (
    DIRECTORY,
    WORK_US,
    Bench,
    bench,
    call,
    check,
    checks,
    fact,
    halt,
    read,
    status,
)

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import market_service_pb2 as market_pb
from tidegate.v1 import order_pb2
from tidegate_server.journal import JournalFailedError, JournalOwnedError, persist_epoch
from tidegate_server.runtime import gate as gate_module
from tidegate_server.runtime.config_schema import Admission, Commit
from tidegate_server.runtime.counters import INDEX, open_gate_page
from tidegate_server.runtime.gate import IDLE_NS, NANOSECONDS, ORDERS_A_TURN, PUBLISH_NS
from tidegate_server.runtime.publishing import RISK_SERVICE
from tidegate_server.runtime.recover import recover_machine
from tidegate_server.transport import STOP
from tidegate_server.wire.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidegate.v1 import control_service_pb2 as control_pb
    from tidegate_server.transport import Call

LONG = 8 * ORDERS_A_TURN + 1
ALLOW = order_pb2.VERDICT_ALLOW


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def reason(gate: Bench, asked: tuple[int, int, bytes, str]) -> str:
    error = gate.answer(asked)
    assert isinstance(error, CallError)
    return error.reason


def test_facts_are_decided_before_checks_and_checks_before_reads(gate: Bench) -> None:
    last, middle, first = read(), check(), fact()
    gate.turn(last, middle, first)
    assert gate.answer(first).sequence + 1 == gate.answer(middle).sequence
    assert gate.answer(last).as_of_sequence == gate.answer(middle).sequence
    assert list(gate.front.answers)[-3:] == [first[0], middle[0], last[0]]


def test_calls_of_one_lane_are_decided_as_they_came(gate: Bench) -> None:
    calls = [check() for _ in range(5)]
    gate.turn(*calls)
    sequences = [gate.answer(asked).sequence for asked in calls]
    assert sequences == sorted(sequences)


def test_a_long_batch_is_decided_over_several_turns(gate: Bench) -> None:
    batch = checks(9 * ORDERS_A_TURN)
    assert gate.turn(batch) == 0.0
    assert turns_until_answered(gate, batch) == 9
    assert len(gate.answer(batch).answers) == 9 * ORDERS_A_TURN


def test_what_came_before_a_long_batch_need_not_wait_for_it(gate: Bench) -> None:
    asked, batch = check(), checks(LONG)
    gate.turn(asked, batch)
    assert gate.answered(asked, batch) == [True, False]


def test_nothing_is_decided_between_the_orders_of_a_batch(gate: Bench) -> None:
    batch, told = checks(LONG), fact()
    gate.turn(batch)
    gate.turn(told)
    assert gate.answered(batch, told) == [False, False]
    turns_until_answered(gate, told)
    assert gate.answer(told).sequence == gate.answer(batch).sequence + 1


def test_a_halt_overtakes_a_batch_under_way(gate: Bench) -> None:
    batch, stop = checks(LONG), halt(scope="A0")
    gate.turn(batch)
    gate.turn()
    gate.turn(stop)
    assert gate.answered(stop, batch) == [True, False]
    turns_until_answered(gate, batch)
    assert not any(answer.verdict == ALLOW for answer in gate.answer(batch).answers)


def test_the_record_of_a_long_batch_has_the_time_at_which_it_was_decided(gate: Bench) -> None:
    batch = checks(LONG)
    gate.turn(batch)
    turns_until_answered(gate, batch)
    again = recover_machine(
        gate.config.folder, shard=0, order_id_limit=1 << 20, repair=False, verify=True
    )
    assert again.mismatches == []
    assert again.machine.sequence == gate.answer(batch).sequence


@pytest.mark.parametrize("other", [status(), halt(principal="watcher"), check()])
def test_nothing_but_a_change_of_control_overtakes_a_batch(gate: Bench, other: Call) -> None:
    batch = checks(LONG)
    gate.turn(batch)
    gate.turn(other)
    turns_until_answered(gate, other)
    assert list(gate.front.answers)[-2:] == [batch[0], other[0]]


def test_halts_without_end_cannot_keep_a_batch_from_being_decided(gate: Bench) -> None:
    batch = checks(LONG)
    gate.turn(batch)
    turns = 0
    while gate.answer(batch) is None:
        gate.turn(halt())
        gate.turn()
        turns += 1
        assert turns < 100


def test_an_overtaken_batch_whose_caller_has_gone_is_dropped(gate: Bench) -> None:
    batch, stop = checks(LONG), halt()
    gate.turn(batch)
    gate.front.gone.add(batch[0])
    gate.turn(stop)
    gate.turn()
    assert gate.answered(stop, batch) == [True, False]
    assert gate.turn() > 0.0


def turns_until_answered(gate: Bench, asked: Call) -> int:
    """Take turns until a call that was handed over is answered."""
    turns = 0
    while gate.answer(asked) is None:
        gate.turn()
        turns += 1
    return turns


def test_what_waits_together_is_flushed_once(gate: Bench) -> None:
    before = gate.writer.flushes
    gate.turn(*[check() for _ in range(20)], fact(), read())
    assert gate.writer.flushes == before + 1


def test_a_halt_has_a_commit_of_its_own(gate: Bench) -> None:
    stop, asked, told = halt(), check(), fact()
    assert gate.turn(asked, told, stop) == 0.0
    assert gate.answered(stop, asked, told) == [True, False, False]
    gate.turn()
    assert gate.answered(asked, told) == [True, True]


def test_a_halt_that_came_with_a_check_is_decided_first(gate: Bench) -> None:
    asked = check("A3")
    gate.turn(asked, halt(scope="A3"))
    gate.turn()
    assert gate.answer(asked).rejections[0].reason == order_pb2.REJECT_REASON_HALTED


def test_asking_for_the_status_keeps_no_check_waiting(gate: Bench) -> None:
    asked = check()
    gate.turn(status(), asked)
    assert gate.answered(asked) == [True]


def test_a_commit_holds_so_many_calls(tmp_path: Path) -> None:
    with bench(tmp_path, commit=Commit(orders=3, work_us=WORK_US)) as gate:
        calls = [check() for _ in range(5)]
        assert gate.turn(*calls) == 0.0
        assert gate.answered(*calls) == [True, True, True, False, False]
        gate.turn()
        assert all(gate.answered(*calls))


def test_a_commit_ends_when_its_time_is_spent(tmp_path: Path) -> None:
    with bench(tmp_path, commit=Commit(work_us=1)) as gate:
        calls = [check() for _ in range(3)]
        assert gate.turn(*calls) == 0.0
        assert gate.answered(*calls) == [True, False, False]


def test_a_commit_ends_when_it_holds_its_share_of_a_segment(tmp_path: Path) -> None:
    with bench(tmp_path, commit=Commit(work_us=WORK_US)) as gate:
        calls = [large_fact(gate.config.segment_bytes // 4), fact()]
        assert gate.turn(*calls) == 0.0
        assert gate.answered(*calls) == [True, False]
        gate.turn()
        assert all(gate.answered(*calls))


def large_fact(size: int) -> Call:
    """Return a call whose record is longer than so many bytes."""
    name = "n" * 64
    terms = market_pb.Instrument(sector=name, board=name, rating_group=name)
    made = market_pb.UpsertInstrumentsRequest()
    while made.ByteSize() <= size:
        terms.instrument_id = f"{len(made.instruments):064}"
        made.instruments.append(terms)
    return call("UpsertInstruments", made)


def test_no_answer_leaves_before_its_record_is_durable(gate: Bench) -> None:
    calls = [check() for _ in range(5)]
    gate.turn(*calls)
    for asked in calls:
        assert gate.front.durable_at[asked[0]] >= gate.answer(asked).sequence


def test_a_read_waits_for_the_commit_of_what_it_saw(gate: Bench) -> None:
    seen = read()
    gate.turn(check(), seen)
    assert gate.front.durable_at[seen[0]] >= gate.answer(seen).as_of_sequence


def test_a_repeat_waits_for_the_commit_of_what_it_repeats(gate: Bench) -> None:
    first = check(order_id="same")
    again = (*check(), "")[:1] + first[1:]
    gate.turn(first, again)
    assert gate.answer(again).replayed
    assert gate.front.durable_at[again[0]] >= gate.answer(first).sequence


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file be written beyond its first bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_of_a_commit_that_failed_is_answered(gate: Bench) -> None:
    calls = [check(), fact(), read(), check("A1")]
    gate.front.batches = [list(calls)]
    with full_disk(), pytest.raises(JournalFailedError):
        gate.gate.run(lambda: None)
    assert not any(gate.answered(*calls))


def test_after_a_failed_commit_nothing_is_answered_ever(gate: Bench) -> None:
    with full_disk(), pytest.raises(JournalFailedError):
        gate.turn(check())
    again = check()
    with pytest.raises(JournalFailedError):
        gate.turn(again)
    assert gate.answered(again) == [False]


def test_the_newest_reads_are_shed_first(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(waiting_calls=2)) as gate:
        asked, reads = check(), [read() for _ in range(3)]
        gate.turn(*reads, asked)
        assert gate.answer(asked).verdict == order_pb2.VERDICT_ALLOW
        assert gate.answer(reads[0]).account.account.account_id == "A0"
        assert [reason(gate, shed) for shed in reads[1:]] == ["OVERLOADED"] * 2


def test_then_the_newest_checks_are_shed(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(waiting_calls=2)) as gate:
        calls = [check() for _ in range(4)]
        gate.turn(*calls, read())
        assert [gate.answer(kept).verdict for kept in calls[:2]] == [order_pb2.VERDICT_ALLOW] * 2
        assert [reason(gate, shed) for shed in calls[2:]] == ["OVERLOADED"] * 2


def test_facts_and_halts_are_never_shed(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(waiting_calls=1)) as gate:
        calls = [*[fact() for _ in range(5)], halt(), halt()]
        while gate.turn(*calls) == 0.0:
            calls = []
        assert not [a for a in gate.front.answers.values() if isinstance(a, CallError)]


def test_a_check_that_waited_too_long_is_refused(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(oldest_ms=5), Commit(orders=1, work_us=WORK_US)) as gate:
        first, late = check(), check()
        gate.turn(first, late)
        time.sleep(0.01)
        gate.turn()
        assert gate.answer(first).verdict == order_pb2.VERDICT_ALLOW
        assert reason(gate, late) == "OVERLOADED"
        assert int(gate.answer(late).metadata["waiting"]) >= 10


def test_a_fact_that_waited_long_is_taken(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(oldest_ms=5), Commit(orders=1, work_us=WORK_US)) as gate:
        first, late = fact(), fact()
        gate.turn(first, late)
        time.sleep(0.01)
        gate.turn()
        assert gate.answer(late).results


def test_orders_in_a_row_are_each_asked_whether_they_may(gate: Bench) -> None:
    before, after = check(), check()
    stranger = (*check()[:3], "watcher")
    gate.turn(before, stranger, after)
    assert reason(gate, stranger) == "PERMISSION_DENIED"
    assert [gate.answer(one).verdict for one in (before, after)] == [order_pb2.VERDICT_ALLOW] * 2


def test_of_orders_in_a_row_those_that_waited_too_long_are_refused(tmp_path: Path) -> None:
    with bench(tmp_path, Admission(oldest_ms=50), Commit(orders=2, work_us=WORK_US)) as gate:
        late, in_time = check(), check()
        gate.turn(check(), check(), late)
        time.sleep(0.06)
        gate.turn(in_time)
        assert reason(gate, late) == "OVERLOADED"
        assert gate.answer(in_time).verdict == order_pb2.VERDICT_ALLOW


def test_an_order_in_a_row_that_cannot_be_read_stops_no_other(gate: Bench) -> None:
    before, after = check(), check()
    number, index, _, principal = check()
    unreadable = (number, index, b"\xff", principal)
    gate.turn(before, unreadable, after)
    assert reason(gate, unreadable) == "MALFORMED"
    assert gate.answer(after).sequence == gate.answer(before).sequence + 1


def test_a_drain_refuses_new_risk_takes_facts_and_ends(gate: Bench) -> None:
    asked, told, seen = check(), fact(), read()
    gate.gate.stopping = True
    assert gate.turn(asked, told, seen) == STOP
    assert reason(gate, asked) == "DRAINING"
    assert gate.answer(told).results
    assert gate.answer(seen).account.account.account_id == "A0"


def test_a_gate_that_finds_a_newer_epoch_in_its_folder_ends(
    gate: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "PUBLISH_NS", -1)
    gate.turn()
    persist_epoch(gate.config.folder, 99)
    with pytest.raises(JournalOwnedError, match="epoch 99"):
        gate.turn()


def test_a_drain_lets_verified_exits_pass(gate: Bench) -> None:
    hold(gate)
    asked = check(side=order_pb2.SIDE_SELL)
    gate.gate.stopping = True
    gate.turn(asked)
    assert gate.answer(asked).verdict == ALLOW
    assert gate.answer(asked).verified_exit


def test_without_room_for_new_risk_verified_exits_pass(
    gate: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(gate)
    monkeypatch.setattr(type(gate.writer), "space_is_short", property(lambda _: True))
    risk, leaving = check(), check(side=order_pb2.SIDE_SELL)
    gate.turn(risk, leaving)
    assert reason(gate, risk) == "JOURNAL_STALLED"
    assert gate.answer(leaving).verified_exit


def hold(gate: Bench) -> None:
    """Give A0 something to sell."""
    account = gate.ask(read()).account
    target = accounts_pb.PositionTarget(instrument_id="SPY", quantity=10)
    request = accounts_pb.SetPositionsRequest(
        account_id="A0", positions=[target], expected_sequence=account.sequence
    )
    gate.turn(call("SetPositions", request))


def test_a_drain_answers_what_waited_in_its_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "DRAIN_NS", WORK_US * 1_000)
    with bench(tmp_path, commit=Commit(orders=1, work_us=WORK_US)) as gate:
        told = [fact() for _ in range(4)]
        gate.turn(*told)
        gate.gate.stopping = True
        gate.front.batches = []
        gate.gate.run(lambda: None)
        assert all(gate.answered(*told))


def test_a_drain_ends_at_its_time_whatever_still_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "DRAIN_NS", 0)
    with bench(tmp_path, commit=Commit(orders=1, work_us=WORK_US)) as gate:
        gate.gate.stopping = True
        assert gate.turn(fact(), fact(), fact()) == 0.0
        assert gate.turn(fact()) == STOP


def test_a_call_whose_caller_has_gone_is_not_decided(gate: Bench) -> None:
    lost, asked = check(), check()
    gate.front.gone.add(lost[0])
    before = gate.machine.sequence
    gate.turn(lost, asked)
    assert gate.machine.sequence == before + 1
    assert gate.answered(lost, asked) == [False, True]
    assert lost[0] not in gate.front.gone


def test_a_method_without_the_role_is_denied(gate: Bench) -> None:
    asked = call("GetAccount", accounts_pb.GetAccountRequest(account_id="A0"), "watcher")
    refused = call("UpsertAccounts", accounts_pb.UpsertAccountsRequest(), "watcher")
    gate.turn(asked, refused)
    assert not isinstance(gate.answer(asked), CallError)
    assert reason(gate, refused) == "PERMISSION_DENIED"


def test_a_principal_that_the_directory_does_not_know_may_nothing(gate: Bench) -> None:
    assert DIRECTORY.find("stranger") is None
    asked = (*read()[:3], "stranger")
    gate.turn(asked)
    assert reason(gate, asked) == "PERMISSION_DENIED"


def test_a_fault_in_a_read_is_internal_and_the_gate_goes_on(gate: Bench) -> None:
    def broken(_: control_pb.GetStatusResponse) -> None:
        raise ZeroDivisionError("a secret of the house")

    gate.describe = broken
    asked = status()
    gate.turn(asked)
    error = gate.answer(asked)
    assert (error.code, error.reason) == (13, "INTERNAL")
    assert "secret" not in error.message
    (entry,) = (e for e in gate.logged.entries if e["event"] == "fault")
    assert entry["correlation_id"] == error.metadata["correlation_id"]
    assert gate.ask(check()).verdict == order_pb2.VERDICT_ALLOW


def test_a_malformed_read_is_the_callers_fault(gate: Bench) -> None:
    asked = (*read()[:2], b"\xff\xff", "local")
    gate.turn(asked)
    assert gate.answer(asked).code == 3


def test_counters_are_on_the_page_when_the_gate_closes(gate: Bench) -> None:
    gate.turn(check(), check(quantity=20_001), read())
    gate.gate.close()
    page = open_gate_page(gate.config.folder)
    counts = page.read()
    page.close()
    assert counts[INDEX["calls.CheckOrder"]] == 2
    assert counts[INDEX["calls.GetAccount"]] == 1
    assert counts[INDEX["orders_allowed"]] == 1
    assert counts[INDEX["rejected.ORDER_QUANTITY"]] == 1
    assert counts[INDEX["sequence"]] == gate.machine.sequence
    assert counts[INDEX["durable_sequence"]] == gate.machine.sequence
    assert counts[INDEX["open_orders"]] == 1


def test_a_tick_comes_when_an_order_was_not_acknowledged_in_time(tmp_path: Path) -> None:
    with bench(tmp_path, policy={"acknowledgement_limit_ns": 30_000_000}) as gate:
        pause = gate.turn(check())
        before = gate.machine.sequence
        assert 0 < pause <= 0.03
        time.sleep(0.04)
        gate.turn()
        assert gate.machine.sequence == before + 1
        assert gate.machine.book.unconfirmed_count == 1
        assert gate.writer.durable_sequence == before + 1


def test_no_tick_comes_before_its_time(gate: Bench) -> None:
    gate.turn(check())
    before = gate.machine.sequence
    for _ in range(5):
        gate.turn()
    assert gate.machine.sequence == before


def test_an_idle_gate_writes_nothing(gate: Bench) -> None:
    before = gate.writer.flushes
    assert 0 < gate.turn() <= IDLE_NS / NANOSECONDS
    assert gate.writer.flushes == before


def test_a_halted_firm_does_not_serve_new_risk(gate: Bench) -> None:
    gate.turn(halt(order_pb2.SCOPE_KIND_FIRM, ""))
    time.sleep(2 * PUBLISH_NS / 10**9)
    gate.turn()
    assert gate.front.serving[RISK_SERVICE] is False


def test_the_time_of_a_commit_is_one_for_all_of_it(gate: Bench) -> None:
    calls = [check() for _ in range(3)]
    gate.turn(*calls)
    assert len({gate.answer(asked).decided_time_ns for asked in calls}) == 1


def test_the_book_is_what_its_journal_says(gate: Bench) -> None:
    gate.turn(*[check(f"A{n % 4}", n + 1) for n in range(30)], fact(), halt())
    gate.turn()
    again = recover_machine(
        gate.config.folder, shard=0, order_id_limit=1 << 20, repair=False, verify=True
    )
    assert again.mismatches == []
    assert again.machine.state_hash() == gate.machine.state_hash()
