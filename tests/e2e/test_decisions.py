"""What a router sees: verdicts, repeats, reports, previews, batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.support import CASH_E4, SPY_E4, Server, event, order

from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client import Client, Side

if TYPE_CHECKING:
    from tidegate.v1 import account_service_pb2 as accounts_pb

ACKNOWLEDGED = risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED
FILLED = risk_pb.ORDER_EVENT_KIND_FILLED
CANCELLED = risk_pb.ORDER_EVENT_KIND_CANCELLED
PRICE_E4 = SPY_E4 // 100 * 100


def seen(client: Client, account: str) -> accounts_pb.AccountView:
    return client.get_account(account).account


def test_an_order_within_its_limits_is_allowed(client: Client, account: str) -> None:
    decision = client.check(order(account))
    assert decision.allowed
    assert decision.outcome_known


def test_an_allow_says_where_in_the_journal_it_stands(client: Client, account: str) -> None:
    decision = client.check(order(account))
    assert client.status().sequence >= decision.sequence > 0
    assert decision.decided_time_ns > 0


def test_an_allow_says_at_what_price_it_is_reserved(client: Client, account: str) -> None:
    assert client.check(order(account, price_e4=PRICE_E4)).reserved_price_e4 == SPY_E4


def test_an_order_over_its_limit_is_rejected_with_its_figures(client: Client, account: str) -> None:
    decision = client.check(order(account, 20_001))
    (quantity,) = (r for r in decision.rejections if r.reason == "ORDER_QUANTITY")
    assert not decision
    assert (quantity.measured, quantity.limit) == (20_001, 20_000)


def test_a_reject_names_every_reason_in_order_of_precedence(client: Client, account: str) -> None:
    decision = client.check(order(account, 60_000, price_e4=PRICE_E4 * 2))
    reasons = [rejection.reason for rejection in decision.rejections]
    assert reasons[:3] == ["PRICE_COLLAR", "ORDER_QUANTITY", "ORDER_NOTIONAL"]
    assert "POSITION_LIMIT" in reasons


def test_an_unknown_account_is_a_reject(client: Client) -> None:
    assert client.check(order("NOBODY")).reason == "ACCOUNT_UNKNOWN"


def test_an_unknown_instrument_is_a_reject(client: Client, account: str) -> None:
    assert client.check(order(account, instrument_id="VOID")).reason == "INSTRUMENT_UNKNOWN"


def test_an_instrument_without_a_mark_is_a_reject(client: Client, account: str) -> None:
    decision = client.check(order(account, 1, instrument_id="NEW1", price_e4=10_000))
    assert decision.reason == "PRICE_MISSING"


def test_a_repeat_gets_the_first_answer(client: Client, account: str) -> None:
    asked = order(account)
    first, again = client.check(asked), client.check(asked)
    assert not first.replayed
    assert again.replayed
    assert (again.verdict, again.sequence) == (first.verdict, first.sequence)


def test_a_repeated_reject_gets_the_first_answer(client: Client, account: str) -> None:
    asked = order(account, 20_001)
    first, again = client.check(asked), client.check(asked)
    assert again.replayed
    assert (again.rejections, again.sequence) == (first.rejections, first.sequence)


def test_a_repeat_reserves_nothing_more(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    client.check(asked)
    assert [o.reserved_quantity for o in seen(client, account).open_orders] == [10]


def test_changed_content_under_a_known_id_is_refused(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    changed = order(account, 11, order_id=asked.order_id, created_time_ns=asked.created_time_ns)
    assert client.check(changed).reason == "ORDER_ID_REUSED"


def test_a_repeat_after_its_fill_is_not_allowed_again(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    client.record_events([event(FILLED, asked, 10)])
    assert client.check(asked).reason == "ORDER_NOT_RESERVED"


def test_an_acknowledged_order_stays_reserved(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    (result,) = client.record_events([event(ACKNOWLEDGED, asked)])
    assert result.outcome == risk_pb.EVENT_OUTCOME_APPLIED
    assert result.reserved_quantity == 10


def test_a_fill_moves_quantity_from_the_reservation_to_the_position(
    client: Client, account: str
) -> None:
    asked = order(account)
    client.check(asked)
    (result,) = client.record_events([event(FILLED, asked, 4)])
    view = seen(client, account)
    assert result.reserved_quantity == 6
    assert (view.positions[0].quantity, view.positions[0].open_buy_quantity) == (4, 6)
    assert view.cash_e4 == CASH_E4 - 4 * PRICE_E4


def test_a_cancel_frees_the_reservation(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    client.record_events([event(CANCELLED, asked, cumulative_quantity=0)])
    assert not seen(client, account).open_orders


def test_a_report_counts_once(client: Client, account: str) -> None:
    asked = order(account)
    client.check(asked)
    fill = event(FILLED, asked, 4)
    client.record_events([fill])
    (result,) = client.record_events([fill])
    assert result.outcome == risk_pb.EVENT_OUTCOME_DUPLICATE
    assert seen(client, account).positions[0].quantity == 4


def test_a_fill_of_an_unknown_order_is_booked_and_flagged(client: Client, account: str) -> None:
    (result,) = client.record_events([event(FILLED, order(account), 3)])
    assert result.outcome == risk_pb.EVENT_OUTCOME_APPLIED
    assert list(result.flags) == [risk_pb.EVENT_FLAG_UNKNOWN_ORDER]
    assert seen(client, account).positions[0].quantity == 3


def test_a_preview_judges_like_a_check(client: Client, account: str) -> None:
    assert client.preview(order(account)).would_allow
    assert not client.preview(order(account, 20_001)).would_allow


def test_a_preview_shows_what_would_change(client: Client, account: str) -> None:
    preview = client.preview(order(account))
    assert preview.before is not None
    assert preview.after is not None
    assert preview.after.gross_e4 - preview.before.gross_e4 == 10 * SPY_E4


def test_a_preview_leaves_the_state_as_it_is(client: Client, account: str) -> None:
    before, sequence = seen(client, account), client.status().sequence
    client.preview(order(account))
    assert client.status().sequence == sequence
    assert seen(client, account) == before


def test_the_largest_quantity_passes_and_one_more_does_not(client: Client, account: str) -> None:
    largest = client.preview(order(account, 50_000)).max_acceptable_quantity
    assert 0 < largest < 50_000
    assert client.preview(order(account, largest)).would_allow
    assert not client.preview(order(account, largest + 1)).would_allow


def test_a_batch_answers_in_order(client: Client, account: str) -> None:
    answers = client.check_many([order(account), order(account, 20_001), order(account, 7)])
    assert [answer.allowed for answer in answers] == [True, False, True]
    assert len({answer.sequence for answer in answers}) == 1


def test_an_atomic_batch_allows_all(client: Client, account: str) -> None:
    batch = [order(account), order(account, side=Side.SELL)]
    answers = client.check_many(batch, atomic=True, batch_id=f"all-{account}")
    assert all(answers)


def test_an_atomic_batch_refuses_all_for_one(client: Client, account: str) -> None:
    batch = [order(account), order(account, 20_001)]
    answers = client.check_many(batch, atomic=True, batch_id=f"one-{account}")
    assert answers[0].reason == "BATCH_REJECTED"
    assert answers[1].reason == "ORDER_QUANTITY"
    assert not seen(client, account).open_orders


def test_an_atomic_batch_is_repeated_as_it_was(client: Client, account: str) -> None:
    batch = [order(account), order(account, 5)]
    first = client.check_many(batch, atomic=True, batch_id=f"twice-{account}")
    again = client.check_many(batch, atomic=True, batch_id=f"twice-{account}")
    assert all(answer.replayed for answer in again)
    assert [a.sequence for a in again] == [a.sequence for a in first]


def test_sequences_grow_with_every_decision(client: Client, account: str) -> None:
    sequences = [client.check(order(account)).sequence for _ in range(5)]
    assert sequences == sorted(set(sequences))


def test_a_reject_is_journaled_too(client: Client, account: str) -> None:
    before = client.status().sequence
    client.check(order(account, 20_001))
    assert client.status().durable_sequence == before + 1


def test_the_server_of_these_tests_is_the_front_that_they_name(
    server: Server, client: Client
) -> None:
    assert client.status().transport == server.transport
