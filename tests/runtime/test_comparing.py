"""Candidate policies on recorded flow, from the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.flows import make_day, send
from tests.runtime.folders import Desk, make_config, make_journal, writing
from tests.runtime.test_verify import take_snapshot

from tidegate.v1 import order_pb2, policy_pb2, policy_service_pb2, risk_service_pb2
from tidegate_server.journal import Tail, TailDamagedError
from tidegate_server.journal.segments import list_segments, segment_path
from tidegate_server.runtime.comparing import MESSAGE_RECORDS, Message, Range, compare
from tidegate_server.sample.policy import build_policy
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME
from tidegate_server.wire.records import decode_record
from tidegate_server.wire.shadowing import read_candidate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidegate_server.runtime.config import Config

ALLOW, REJECT = order_pb2.VERDICT_ALLOW, order_pb2.VERDICT_REJECT
LEVERAGE = order_pb2.REJECT_REASON_LEVERAGE
QUANTITY = order_pb2.REJECT_REASON_ORDER_QUANTITY
STEPS = 150


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    made = make_config(tmp_path_factory.mktemp("day"))
    make_day(made, STEPS)
    return made


def last_of(config: Config) -> int:
    return max(sequence for sequence, _, _ in records(config))


def run(config: Config, candidate: policy_pb2.Policy, first: int = 1, last: int = 0) -> Message:
    """Return everything that a comparison tells as one message."""
    whole = Message()
    asked = Range(first, last or last_of(config))
    for message in compare(config.folder, read_candidate(candidate), asked):
        if message is not None:
            whole.MergeFrom(message)
    assert whole.HasField("totals")
    return whole


def records(config: Config) -> Iterator[tuple[int, bytes, int]]:
    tail = Tail(config.folder)
    for frame in iter(lambda: tail.poll(1), []):
        for offset, record in enumerate(frame[0].records):
            yield frame[0].first_sequence + offset, record, frame[0].header.time_ns
    tail.close()


def tighter() -> policy_pb2.Policy:
    """Return the sample policy with smaller orders and less leverage."""
    policy = build_policy()
    for tier in policy.tiers:
        tier.limits.leverage_bps.value = 12_000
        tier.limits.order_quantity.value = 150
    return policy


def looser() -> policy_pb2.Policy:
    policy = build_policy()
    for tier in policy.tiers:
        for name in ("leverage_bps", "order_quantity", "order_notional_e4", "price_collar_bps"):
            limit = getattr(tier.limits, name)
            limit.Clear()
            limit.unlimited = True
    return policy


def test_the_active_policy_differs_in_nothing(config: Config) -> None:
    found = run(config, build_policy())
    assert not found.differences
    totals = found.totals
    assert totals.order_count > 100
    assert totals.both_allowed_count > 0
    assert totals.both_rejected_count > 0
    assert totals.order_count == totals.both_allowed_count + totals.both_rejected_count
    assert totals.other_reason_count == 0
    assert found.sequence == found.last_sequence == last_of(config)


@pytest.mark.parametrize("make", [tighter, looser])
def test_each_order_is_judged_at_the_state_that_it_met(config: Config, make: object) -> None:
    candidate = make()  # type: ignore[operator]
    expected, asked = {}, set()
    machine = Machine()
    for sequence, record, time_ns in records(config):
        parsed = decode_record(record)
        if parsed.method == BY_NAME["CheckOrder"].number and sequence % 4 == 0:
            asked.add(sequence)
            was = risk_service_pb2.CheckOrderResponse.FromString(parsed.response).verdict
            would = verdict_of(machine, candidate, parsed.request, parsed.principal, time_ns)
            if was != would:
                expected[sequence] = (was, would)
        machine.replay(record, time_ns, verify=False)
    found = run(config, candidate)
    told = {
        one.sequence: (one.recorded_verdict, one.candidate_verdict)
        for one in found.differences
        if one.sequence in asked
    }
    assert expected
    assert told == expected


def verdict_of(
    machine: Machine, candidate: policy_pb2.Policy, request: bytes, principal: str, time_ns: int
) -> int:
    """Decide an order on a copy of the state whose policy is another one."""
    copy = Machine()
    copy.load_snapshot(machine.snapshot_records())
    policy = read_candidate(candidate)
    copy.book.policy = policy
    answer = copy.call(BY_NAME["CheckOrder"], request, principal, time_ns)
    assert answer.response is not None
    return risk_service_pb2.CheckOrderResponse.FromString(answer.response).verdict


def test_the_totals_are_those_of_the_differences(config: Config) -> None:
    found = run(config, tighter())
    totals = found.totals
    assert totals.newly_rejected.order_count == len(found.differences)
    assert totals.newly_allowed.order_count == 0
    worth = sum(one.notional_e4 for one in found.differences)
    assert totals.newly_rejected.notional_e4 == worth > 0
    headlines = {one.rejections[0].reason for one in found.differences}
    assert [total.reason for total in totals.reasons] == sorted(headlines)
    assert {LEVERAGE, QUANTITY} <= headlines
    accounts = {one.account_id for one in found.differences}
    assert {total.account_id for total in totals.accounts} == accounts
    assert totals.account_count == len(accounts)
    for group in (totals.reasons, totals.accounts):
        assert sum(total.newly_rejected.notional_e4 for total in group) == worth
    first = totals.accounts[0].newly_rejected.notional_e4
    assert first == max(total.newly_rejected.notional_e4 for total in totals.accounts)


def test_what_a_looser_policy_allows_names_why_it_was_refused(config: Config) -> None:
    found = run(config, looser())
    allowed = [one for one in found.differences if one.candidate_verdict == ALLOW]
    assert found.totals.newly_allowed.order_count == len(allowed) > 0
    for one in found.differences:
        assert one.recorded_verdict != one.candidate_verdict
        assert one.rejections


def test_a_range_is_what_the_whole_says_of_it(config: Config) -> None:
    whole = run(config, tighter())
    middle = last_of(config) // 2
    part = run(config, tighter(), middle, middle + 200)
    inside = [one for one in whole.differences if middle <= one.sequence <= middle + 200]
    assert inside
    assert list(part.differences) == inside
    assert (part.first_sequence, part.last_sequence) == (middle, middle + 200)


def test_the_gates_files_stay_as_they_are(config: Config) -> None:
    before = {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}
    run(config, tighter())
    after = {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}
    assert after == before


def batch(desk: Desk, *quantities: int, atomic: bool) -> list[int]:
    orders = [desk.order() for _ in quantities]
    for order, quantity in zip(orders, quantities, strict=True):
        order.account_id, order.quantity = "A0001", quantity
    asked = risk_service_pb2.CheckOrdersRequest(
        orders=orders, atomic=atomic, batch_id=f"b{desk.machine.sequence}" if atomic else ""
    )
    answered = risk_service_pb2.CheckOrdersResponse.FromString(send(desk, "CheckOrders", asked))
    return [answer.verdict for answer in answered.answers]


def test_batches_are_judged_order_by_order_and_atomic_ones_whole(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 1)
    with writing(config) as desk:
        first = desk.machine.sequence + 1
        assert batch(desk, 1, 16, 2, atomic=False) == [ALLOW] * 3
        assert batch(desk, 1, 16, 2, atomic=True) == [ALLOW] * 3
    policy = build_policy()
    for tier in policy.tiers:
        tier.limits.order_quantity.value = 15
    found = run(config, policy, first)
    single, *together = found.differences
    assert (single.sequence, single.quantity) == (first, 16)
    assert [one.quantity for one in together] == [1, 16, 2]
    assert {one.sequence for one in together} == {first + 1}
    assert found.totals.order_count == 6
    assert run(config, build_policy(), first).totals.both_allowed_count == 6


def test_a_policy_that_comes_into_force_meanwhile_does_not_replace_the_candidate(
    tmp_path: Path,
) -> None:
    config = make_config(tmp_path)
    make_journal(config, 1)
    with writing(config) as desk:
        first = desk.machine.sequence + 1
        request = policy_service_pb2.ProposePolicyRequest(policy=tighter(), base_version=1)
        send(desk, "ProposePolicy", request)
        assert batch(desk, 160, atomic=False) == [REJECT]
    assert run(config, tighter(), first).totals.both_rejected_count == 1
    found = run(config, build_policy(), first)
    assert [one.quantity for one in found.differences] == [160]
    assert found.totals.newly_allowed.order_count == 1


def test_it_begins_at_the_newest_snapshot_with_something_after_it(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 20)
    with writing(config) as desk:
        take_snapshot(config, desk)
        start = desk.machine.sequence
        desk.trade(30)
        take_snapshot(config, desk)
    found = run(config, build_policy(), 0)
    assert found.first_sequence == start + 1
    assert found.totals.order_count == 30
    newest = config.folder / "snapshots" / f"{start:020}.snap"
    newest.write_bytes(newest.read_bytes()[:-1])
    again = run(config, build_policy(), 0)
    assert again.first_sequence == 1
    assert not again.differences


def test_progress_is_told_on_the_way(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 1)
    with writing(config) as desk:
        desk.trade(MESSAGE_RECORDS + 100, in_frame=100)
        last = desk.machine.sequence
    asked = Range(1, last)
    told = [one for one in compare(config.folder, read_candidate(build_policy()), asked) if one]
    assert len(told) == 2
    assert MESSAGE_RECORDS <= told[0].sequence < last
    assert not told[0].HasField("totals")
    assert told[1].totals.order_count == told[1].order_count > told[0].order_count


def test_records_that_are_not_kept_are_missed(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 1)
    with writing(config) as desk:
        while len(list_segments(config.folder)) < 2:
            desk.trade(200, in_frame=100)
        desk.trade(10)
        last = desk.machine.sequence
    segment_path(config.folder, 1).rename(tmp_path / "archived")
    with pytest.raises(TailDamagedError):
        list(compare(config.folder, read_candidate(build_policy()), Range(1, last)))
