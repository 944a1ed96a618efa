"""Clients that keep what a gate acknowledged, and hold it to that after it was killed.

Each thread owns two accounts and calls one thing at a time, so that its own notes are an exact
model of both. What it was waiting for when the gate died it asks again, under the same ids, once
the gate is back: whether that had been decided before or not, its notes are exact again then.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import grpc
from tests.e2e.support import ACCOUNTS, SECOND, dialled, event, eventually, order, request_of

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import account_service_pb2_grpc as accounts_grpc
from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import control_service_pb2_grpc as control_grpc
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate.v1 import risk_service_pb2_grpc as risk_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidegate_client import Order

THREADS = 2
BEARER = (("authorization", f"Bearer {SECOND}"),)
TIMEOUT_S = 20.0
ALLOW = order_pb2.VERDICT_ALLOW
FILLED = risk_pb.ORDER_EVENT_KIND_FILLED
CANCELLED = risk_pb.ORDER_EVENT_KIND_CANCELLED
ACKNOWLEDGED = risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED
NOT_RESERVED = order_pb2.REJECT_REASON_ORDER_NOT_RESERVED
HALTED = order_pb2.REJECT_REASON_HALTED
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class Gate:
    """Plain stubs: nothing is repeated behind the witness's back."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.risk = risk_grpc.RiskServiceStub(channel)
        self.accounts = accounts_grpc.AccountServiceStub(channel)
        self.control = control_grpc.ControlServiceStub(channel)

    def check(self, request: risk_pb.CheckOrderRequest) -> risk_pb.CheckOrderResponse:
        return self.risk.CheckOrder(request, timeout=TIMEOUT_S)

    def report(self, told: risk_pb.OrderEvent) -> risk_pb.RecordOrderEventsResponse:
        request = risk_pb.RecordOrderEventsRequest(events=[told])
        return self.risk.RecordOrderEvents(request, timeout=TIMEOUT_S)

    def account(self, account_id: str) -> accounts_pb.AccountView:
        request = accounts_pb.GetAccountRequest(account_id=account_id)
        return self.accounts.GetAccount(request, timeout=TIMEOUT_S).account

    def status(self) -> control_pb.GetStatusResponse:
        return self.control.GetStatus(control_pb.GetStatusRequest(), timeout=TIMEOUT_S)


class Noted:
    """One order: what was asked, what was answered, what was reported since."""

    def __init__(
        self, request: risk_pb.CheckOrderRequest, answer: risk_pb.CheckOrderResponse
    ) -> None:
        self.request = request
        self.answer = answer
        self.left = request.quantity if answer.verdict == ALLOW else 0
        self.reported = False

    def excuse(self) -> int:
        """Return the only reason for which an allow may not be repeated now; 0 for none."""
        return NOT_RESERVED if self.reported else 0


class Witness:
    """One thread's notes."""

    def __init__(self, number: int, seed: int) -> None:
        self._chance = random.Random(f"{seed}/{number}")
        self.accounts = [f"A{index}" for index in range(number, ACCOUNTS, THREADS)]
        self.orders: list[Noted] = []
        self.positions = dict.fromkeys(self.accounts, 0)
        self.sequences: list[int] = [0]
        self.halts: set[str] = set()
        self.acknowledged = 0
        self._halt_count = 0
        self._pending: Callable[[Gate], None] | None = None

    def run(self, address: str) -> None:
        """Call until the gate is gone."""
        with dialled(address) as channel:
            gate = Gate(channel)
            try:
                while True:
                    self._pending = self._next()
                    self._pending(gate)
                    self._pending = None
                    self.acknowledged += 1
            except grpc.RpcError as error:
                if code_of(error) not in GONE:
                    raise

    def settle(self, gate: Gate) -> None:
        """Ask again for what was never answered."""
        if self._pending is not None:
            self._pending(gate)
            self._pending = None

    def _next(self) -> Callable[[Gate], None]:
        dice = self._chance.random()
        account = self._chance.choice(self.accounts)
        open_orders = [noted for noted in self.orders[-40:] if noted.left]
        if dice < 0.03:
            return self._halting(account)
        if (dice < 0.5 and open_orders) or len(open_orders) > 30:
            return self._telling(self._chance.choice(open_orders))
        return self._checking(account)

    def _checking(self, account: str) -> Callable[[Gate], None]:
        too_much = self._chance.random() < 0.2
        quantity = 20_001 if too_much else self._chance.randint(1, 20)
        request = request_of(order(account, quantity))

        def call(gate: Gate) -> None:
            answer = gate.check(request)
            self._note(answer.sequence)
            self.orders.append(Noted(request, answer))

        return call

    def _telling(self, noted: Noted) -> Callable[[Gate], None]:
        kind = self._chance.choice((ACKNOWLEDGED, FILLED, FILLED, CANCELLED))
        quantity = self._chance.randint(1, noted.left)
        asked = noted.request
        told = event(kind, _as_order(asked), quantity)
        if kind == CANCELLED:
            told.cumulative_quantity = asked.quantity - noted.left

        def call(gate: Gate) -> None:
            response = gate.report(told)
            (result,) = response.results
            assert result.outcome != risk_pb.EVENT_OUTCOME_NOT_APPLIED
            noted.reported = True
            if kind == FILLED:
                noted.left -= quantity
                self.positions[asked.account_id] += quantity
            elif kind == CANCELLED:
                noted.left = 0
            assert result.reserved_quantity == noted.left
            self._note(response.sequence)

        return call

    def _halting(self, account: str) -> Callable[[Gate], None]:
        if self.halts:
            stop_id = min(self.halts)

            def release(gate: Gate) -> None:
                request = control_pb.ReleaseRequest(stop_id=stop_id, reason="over")
                try:
                    gate.control.Release(request, timeout=TIMEOUT_S)
                    agreed = gate.control.Release(request, timeout=TIMEOUT_S, metadata=BEARER)
                    self._note(agreed.sequence)
                except grpc.RpcError as error:
                    if code_of(error) is not grpc.StatusCode.NOT_FOUND:
                        raise  # not found: it was released just before the gate died
                self.halts.discard(stop_id)

            return release
        self._halt_count += 1
        stop_id = f"{account}-{self._halt_count}"

        def halt(gate: Gate) -> None:
            request = control_pb.HaltRequest(
                stop_id=stop_id,
                scope_kind=order_pb2.SCOPE_KIND_ACCOUNT,
                scope_id=account,
                reason="test",
            )
            self._note(gate.control.Halt(request, timeout=TIMEOUT_S).sequence)
            self.halts.add(stop_id)

        return halt

    def _note(self, sequence: int) -> None:
        # A report or a check that is asked again has its first sequence, or a later one.
        assert sequence > self.sequences[-1], (sequence, self.sequences[-1])
        self.sequences.append(sequence)

    def hold_to(self, gate: Gate, sample: Iterable[Noted]) -> None:
        """Prove that the gate still says what it said, and reserves what follows from it."""
        for noted in sample:
            again = gate.check(noted.request)
            self._compare(noted, again)
        for account in self.accounts:
            view = gate.account(account)
            reserved = {o.order_id: o.reserved_quantity for o in view.open_orders}
            assert reserved == {
                noted.request.order_id: noted.left
                for noted in self.orders
                if noted.left and noted.request.account_id == account
            }, account
            held = sum(position.quantity for position in view.positions)
            assert held == self.positions[account], account
            open_buy = sum(position.open_buy_quantity for position in view.positions)
            assert open_buy == sum(reserved.values()), account

    def _compare(self, noted: Noted, again: risk_pb.CheckOrderResponse) -> None:
        first = noted.answer
        assert again.replayed
        assert again.sequence == first.sequence
        assert again.decided_time_ns == first.decided_time_ns
        if first.verdict != ALLOW:
            assert again.rejections == first.rejections
            return
        excuse = noted.excuse()
        halted = any(stop.startswith(noted.request.account_id + "-") for stop in self.halts)
        if excuse or halted:
            assert again.verdict == order_pb2.VERDICT_REJECT
            assert again.rejections[0].reason == (excuse or HALTED)
        else:
            assert again.verdict == ALLOW
            assert again.reserved_price_e4 == first.reserved_price_e4


class Witnesses:
    """All threads, through one life of the gate after the other."""

    def __init__(self, seed: int) -> None:
        self.each = [Witness(number, seed) for number in range(THREADS)]
        self._chance = random.Random(seed)
        self._threads: list[threading.Thread] = []
        self._faults: list[BaseException] = []
        self._epoch = 0

    @property
    def acknowledged(self) -> int:
        return sum(witness.acknowledged for witness in self.each)

    def await_acknowledged(self, number: int) -> None:
        """Wait until there were so many, however slow the machine; or until a thread fails."""
        eventually(lambda: self._faults or self.acknowledged >= number, 60)

    def start(self, address: str) -> None:
        self._threads = [
            threading.Thread(target=self._run, args=(witness, address)) for witness in self.each
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, witness: Witness, address: str) -> None:
        try:
            witness.run(address)
        except BaseException as fault:  # noqa: BLE001 - raised again in the test's thread
            self._faults.append(fault)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(2 * TIMEOUT_S)
            assert not thread.is_alive()
        if self._faults:
            raise self._faults[0]

    def hold_to(self, address: str, recent: int = 60) -> None:
        """Ask again for what is recent and for some of what is not; compare the books."""
        with dialled(address) as channel:
            gate = Gate(channel)
            status = gate.status()
            assert status.epoch > self._epoch
            self._epoch = status.epoch
            assert status.sequence >= max(witness.sequences[-1] for witness in self.each)
            for witness in self.each:
                witness.settle(gate)
                older = witness.orders[:-recent]
                sample = self._chance.sample(older, min(len(older), recent // 4))
                witness.hold_to(gate, [*sample, *witness.orders[-recent:]])
            standing = {stop.stop_id for stop in gate.status().stops}
            assert standing == set().union(*(witness.halts for witness in self.each))
        given = [sequence for witness in self.each for sequence in witness.sequences[1:]]
        assert len(given) == len(set(given))  # no position in the journal was given twice


def code_of(error: object) -> grpc.StatusCode:
    assert isinstance(error, grpc.Call)
    return error.code()


def _as_order(request: risk_pb.CheckOrderRequest) -> Order:
    return order(
        request.account_id,
        request.quantity,
        order_id=request.order_id,
        price_e4=request.price_e4,
    )
