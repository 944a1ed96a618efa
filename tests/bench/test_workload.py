"""The workload: what it promises about itself, and that its expectations tell right from wrong."""

from collections import Counter

from bench.book import Book, policy
from bench.contract import ANSWER, CHECK_ORDER, RECORD_EVENTS, UPDATE_MARKS
from bench.frames import GREATEST_MESSAGE, Call
from bench.workload import ALLOWED, Workload

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import order_pb2 as order_pb
from tidegate.v1 import policy_pb2 as policy_pb
from tidegate.v1 import risk_service_pb2 as risk_pb

BOOK = Book()


def asked(call: Call) -> risk_pb.CheckOrderRequest:
    return risk_pb.CheckOrderRequest.FromString(call.message)


def test_the_same_seed_gives_the_same_orders_but_for_their_time() -> None:
    first, second = (Workload(Book(3), 3).orders(200) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        left, right = asked(one), asked(other)
        left.created_time_ns = right.created_time_ns
        assert left == right


def test_ids_are_distinct_over_calls() -> None:
    workload = Workload(BOOK)
    calls = workload.orders(500) + workload.orders(500)
    assert len({asked(call).order_id for call in calls}) == 1000


def test_about_one_in_twenty_must_be_rejected() -> None:
    calls = Workload(BOOK).orders(10_000)
    assert 0.04 < sum(call.prefix != ALLOWED for call in calls) / 10_000 < 0.06


def test_an_allow_passes_where_it_is_due_and_nowhere_else() -> None:
    allow = ANSWER
    for call in Workload(BOOK).orders(500):
        assert call.check is not None
        assert allow.startswith(call.prefix) == (call.check(allow) == "")


def test_a_rejection_passes_for_its_reason_alone() -> None:
    calls = [call for call in Workload(BOOK).orders(500) if call.prefix != ALLOWED]
    reasons = Counter(
        reason
        for call in calls
        for reason in order_pb.RejectReason.values()
        if call.check is not None and not call.check(rejection(reason))
    )
    assert set(reasons) == {
        order_pb.REJECT_REASON_LOT_SIZE,
        order_pb.REJECT_REASON_TICK_SIZE,
        order_pb.REJECT_REASON_PRICE_COLLAR,
        order_pb.REJECT_REASON_ORDER_QUANTITY,
    }
    assert reasons.total() == len(calls)


def test_settling_ends_each_allowed_order_once() -> None:
    workload = Workload(BOOK)
    allowed = {asked(call).order_id for call in workload.orders(2000) if call.prefix == ALLOWED}
    calls = workload.settle()
    ended = [
        event.order_id
        for call in calls
        for event in risk_pb.RecordOrderEventsRequest.FromString(call.message).events
    ]
    assert sorted(ended) == sorted(allowed)
    assert max(len(call.message) for call in calls) <= GREATEST_MESSAGE
    assert workload.settle() == []


def test_the_mix_is_as_it_says() -> None:
    calls = [call for lane in Workload(BOOK).mix(40_000, 4, 128) for call in lane]
    shares = {path: count / len(calls) for path, count in Counter(c.path for c in calls).items()}
    assert 0.57 < shares[CHECK_ORDER] < 0.63
    assert 0.27 < shares[RECORD_EVENTS] < 0.33
    assert 0.08 < shares[UPDATE_MARKS] < 0.12


def test_a_report_follows_what_it_reports_by_the_lag() -> None:
    for lane in Workload(BOOK).mix(8_000, 2, 100):
        last: dict[str, int] = {}
        for number, call in enumerate(lane):
            if call.path == CHECK_ORDER:
                last[asked(call).order_id] = number
            elif call.path == RECORD_EVENTS:
                (event,) = risk_pb.RecordOrderEventsRequest.FromString(call.message).events
                assert number - last[event.order_id] > 100
                last[event.order_id] = number


def test_every_order_of_the_mix_ends() -> None:
    workload = Workload(BOOK)
    lanes = workload.mix(8_000, 2, 100)
    ends = (risk_pb.ORDER_EVENT_KIND_CANCELLED, risk_pb.ORDER_EVENT_KIND_FILLED)
    opened, left = set(), set()
    for call in [call for lane in lanes for call in lane] + workload.settle():
        if call.path == CHECK_ORDER and call.prefix == ALLOWED:
            opened.add(asked(call).order_id)
        if call.path == RECORD_EVENTS:
            events = risk_pb.RecordOrderEventsRequest.FromString(call.message).events
            left |= {event.order_id for event in events if event.kind in ends}
    assert opened == left


def test_set_up_hands_sequences_on() -> None:
    seen: list[Call] = []

    def exchange(calls: list[Call]) -> list[bytes]:
        first = len(seen) + 1
        seen.extend(calls)
        return [
            accounts_pb.AdjustCashResponse(sequence=first + number).SerializeToString()
            for number in range(len(calls))
        ]

    book = Book(accounts=3)
    book.set_up(exchange)
    valued = seen.pop()
    positions = [accounts_pb.SetPositionsRequest.FromString(call.message) for call in seen[-3:]]
    deposits = [accounts_pb.AdjustCashRequest.FromString(call.message) for call in seen[-6:-3]]
    assert [one.expected_sequence for one in deposits] == [len(seen) - 6] * 3
    assert [one.expected_sequence for one in positions] == [len(seen) - 5 + n for n in range(3)]
    asked = accounts_pb.RevalueAccountsRequest.FromString(valued.message).account_ids
    assert list(asked) == [one.account_id for one in book.holders]
    assert all(len(one.positions) == 10 for one in positions)


def test_the_policy_sets_every_limit() -> None:
    document = policy()
    limits = policy_pb.Limits()
    limits.CopyFrom(document.default_limits)
    limits.MergeFrom(document.tiers[0].limits)
    assert {field.name for field, _ in limits.ListFields()} == set(limits.DESCRIPTOR.fields_by_name)
    unset = set(document.DESCRIPTOR.fields_by_name) - {f.name for f, _ in document.ListFields()}
    # An absent mode is "on"; the ladder has no limits of other scopes than the account, no account
    # under cn_margin, no add-ons, and leaves spans to their defaults.
    above = {"scopes", "reserve", "max_valuation_age_ns"}
    credit = {"financing_ratios", "short_ratios", "private_fund_short_ratios", "haircut_caps"}
    spans = {"max_override_ns", "automatic_upgrade", "add_ons"}
    assert unset == {"version", "self_trade_mode"} | above | credit | spans


def rejection(reason: "order_pb.RejectReason.ValueType") -> bytes:
    return risk_pb.CheckOrderResponse(
        verdict=order_pb.VERDICT_REJECT,
        rejections=[order_pb.Rejection(reason=reason)],
        sequence=1,
    ).SerializeToString()
