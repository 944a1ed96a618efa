"""The sweep against a real machine; only the wire between them is left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from tests.runtime.alerting import Beside
from tests.runtime.folders import make_config, make_journal

from tidegate.v1 import account_service_pb2, market_service_pb2
from tidegate_server.runtime.recover import recover_machine
from tidegate_server.runtime.sweeping import CALL_ACCOUNTS, Sweep
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from tidegate_server.wire.machine import Machine


class Answered:
    is_done = True

    def __init__(self, response: bytes, error: str) -> None:
        self.response = response
        self.error = error


class Market:
    """A machine that is gate and follower at once, a sweep, and a clock that is turned by hand."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.now_s = 100.0
        self.error = ""
        self.asked: list[list[str]] = []
        self.sweep = Sweep(self, 1.0, structlog.get_logger(), lambda: self.now_s)  # type: ignore[arg-type]

    def call_later(self, path: str, request: bytes, *, seconds: float) -> Answered:
        assert path == BY_NAME["RevalueAccounts"].path
        assert seconds > 0
        message = account_service_pb2.RevalueAccountsRequest.FromString(request)
        self.asked.append(list(message.account_ids))
        if self.error:
            return Answered(b"", self.error)
        return Answered(self.call("RevalueAccounts", message), "")

    def call(self, name: str, message: Any) -> bytes:
        now_ns = max(time.time_ns(), self.machine.book.time_ns + 1)
        answer = self.machine.call(BY_NAME[name], message.SerializeToString(), "local", now_ns)
        assert answer.response is not None, answer.error and answer.error.message
        return answer.response

    def mark(self, name: str, price_e4: int, mark_time_ns: int = 0) -> None:
        mark = market_service_pb2.Mark(
            instrument_id=name, price_e4=price_e4, mark_time_ns=mark_time_ns
        )
        self.call("UpdateMarks", market_service_pb2.UpdateMarksRequest(marks=[mark]))

    def run(self, seconds: float = 10.0) -> list[str]:
        """Let time pass; return whom the gate was asked to value."""
        begin = len(self.asked)
        end = self.now_s + seconds
        while self.now_s < end:
            self.sweep.step(self.machine.book)
            self.now_s += 0.02
        return sorted(name for call in self.asked[begin:] for name in call)

    def holders_of(self, name: str | None = None) -> list[str]:
        return sorted(
            account.account_id
            for account in self.machine.book.accounts.values()
            if any(
                position.quantity and name in {None, position.instrument.instrument_id}
                for position in account.active
            )
        )


@pytest.fixture
def market(tmp_path: Path) -> Market:
    config = make_config(tmp_path)
    make_journal(config, 0)
    return Market(
        recover_machine(config.folder, shard=0, order_id_limit=1000, repair=False).machine
    )


def test_holders_without_a_valuation_are_valued_once(market: Market) -> None:
    assert market.run() == market.holders_of()
    assert market.run() == []


def test_only_holders_of_what_moved_are_valued_again(market: Market) -> None:
    market.run()
    market.mark("SPY", 1_650_000)
    assert market.run() == market.holders_of("SPY") != market.holders_of()
    assert market.run() == []


def test_a_mark_that_its_feed_stamped_earlier_counts_as_moved(market: Market) -> None:
    market.run()
    stamped = market.machine.book.instruments["SPY"].mark_time_ns + 1
    market.mark("SPY", 1_650_000, stamped)
    assert market.run() == market.holders_of("SPY")


def test_a_mark_that_stays_the_same_asks_for_nothing(market: Market) -> None:
    market.run()
    market.mark("SPY", market.machine.book.instruments["SPY"].mark)
    assert market.run() == []


def test_holders_are_valued_after_a_factor_has_changed(market: Market) -> None:
    market.run()
    factor = market_service_pb2.VolatilityFactor(instrument_id="SPY", factor_bps=25_000)
    request = market_service_pb2.UpdateVolatilityRequest(factors=[factor])
    market.call("UpdateVolatility", request)
    assert market.run() == market.holders_of("SPY") != market.holders_of()
    assert market.run() == []


def test_all_holders_are_valued_after_the_regime_has_changed(market: Market) -> None:
    market.run()
    request = market_service_pb2.SetRegimeRequest(
        regime=market_service_pb2.REGIME_STRESSED, reason="why"
    )
    market.call("SetRegime", request)
    assert market.run() == market.holders_of()
    assert market.run() == []


def test_an_account_with_an_unpriced_holding_is_left_alone(market: Market) -> None:
    market.run()
    name = market.holders_of("SPY")[0]
    account = market.machine.book.accounts[name]
    account.active[0].instrument.mark = 0
    unpriced = account.active[0].instrument.instrument_id
    for instrument in list(market.machine.book.instruments.values()):
        if instrument.mark:
            market.mark(instrument.instrument_id, instrument.mark + 100)
    found = market.run()
    assert name not in found
    assert set(found) == set(market.holders_of()) - set(market.holders_of(unpriced))


def test_a_gate_that_is_away_is_asked_again_later(market: Market) -> None:
    market.error = "UNAVAILABLE: nobody answers"
    market.run(9.0)
    assert 2 <= market.sweep.failures <= 5
    assert market.sweep.valued == 0
    market.error = ""
    assert market.run() == market.holders_of()
    assert market.sweep.valued == len(market.holders_of())


def test_a_call_names_no_more_accounts_than_it_may(market: Market) -> None:
    accounts = [
        account_service_pb2.Account(
            account_id=f"B{number}",
            margin_model=account_service_pb2.MARGIN_MODEL_LEVERAGED,
        )
        for number in range(CALL_ACCOUNTS * 2)
    ]
    market.call("UpsertAccounts", account_service_pb2.UpsertAccountsRequest(accounts=accounts))
    for account in accounts:
        held = market.machine.book.accounts[account.account_id]
        target = account_service_pb2.PositionTarget(instrument_id="SPY", quantity=1)
        market.call(
            "SetPositions",
            account_service_pb2.SetPositionsRequest(
                account_id=held.account_id, positions=[target], expected_sequence=held.sequence
            ),
        )
    assert market.run() == market.holders_of()
    assert max(map(len, market.asked)) == CALL_ACCOUNTS


def test_without_a_policy_nobody_can_be_valued(market: Market) -> None:
    market.machine.book.policy = None
    assert market.run() == []


def test_accounts_that_pass_a_line_are_asked_for_before_all_others(market: Market) -> None:
    accounts = [
        account_service_pb2.Account(
            account_id=f"C{number:03d}",
            margin_model=account_service_pb2.MARGIN_MODEL_LEVERAGED,
        )
        for number in range(CALL_ACCOUNTS * 3)
    ]
    market.call("UpsertAccounts", account_service_pb2.UpsertAccountsRequest(accounts=accounts))
    book = market.machine.book
    mark = book.instruments["SPY"].mark
    for account in accounts:
        target = account_service_pb2.PositionTarget(instrument_id="SPY", quantity=100)
        held = book.accounts[account.account_id]
        request = account_service_pb2.SetPositionsRequest(
            account_id=held.account_id, positions=[target], expected_sequence=held.sequence
        )
        market.call("SetPositions", request)
    indebted = book.accounts["C007"]
    debt = account_service_pb2.AdjustCashRequest(
        account_id="C007",
        adjustment_id="debt",
        kind=account_service_pb2.CASH_KIND_CORRECTION,
        amount_e4=-mark * 100 * 10 // 16,
        expected_sequence=indebted.sequence,
    )
    market.call("AdjustCash", debt)
    market.run(60.0)
    lines = indebted.lines
    begin = len(market.asked)
    assert book.policy is not None
    book.policy.slow_mark_step_bps = 10_000
    market.mark("SPY", mark * 3 // 4)
    book.instruments["SPY"].slow_time_ns -= 2 * 10**9  # as if that had been two seconds ago
    market.mark("SPY", mark * 3 // 4)
    market.run(60.0)
    assert "C007" in market.asked[begin]
    assert indebted.lines != lines


def test_a_start_is_over_once_all_that_was_there_is_folded(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    prover = Beside(config).prover
    behind = prover.step(-1.0)  # one frame: accounts and marks are not there yet
    assert behind
    assert not prover.was_level
    while prover.step(-1.0):
        assert not prover.was_level
    assert prover.was_level


def test_it_rests_when_it_has_seen_what_moved_and_valued_whom_it_concerns(market: Market) -> None:
    sweep, book = market.sweep, market.machine.book
    assert not sweep.rests(book.sequence)
    market.run()
    assert sweep.rests(book.sequence)
    market.mark("SPY", 1_650_000)
    assert not sweep.rests(book.sequence)
    market.run()
    assert sweep.rests(book.sequence)


def test_it_keeps_nobody_waiting_while_the_gate_is_away(market: Market) -> None:
    market.error = "UNAVAILABLE: nobody answers"
    market.run(3.0)
    assert market.sweep.rests(market.machine.book.sequence + 1)
    market.error = ""
    market.run()
    assert not market.sweep.rests(market.machine.book.sequence + 1)
