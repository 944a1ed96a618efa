"""What the fake gate holds and how it answers; knows no network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message


@dataclass(slots=True)
class Plan:
    """An answer to give instead of the usual one; `times` of None is until further notice."""

    answer: risk_pb.CheckOrderResponse
    times: int | None
    account_id: str | None
    instrument_id: str | None

    def takes(self, order: risk_pb.CheckOrderRequest) -> bool:
        """Whether this plan is for that order."""
        return (
            self.times != 0
            and self.account_id in (None, order.account_id)
            and self.instrument_id in (None, order.instrument_id)
        )


@dataclass(slots=True)
class Book:
    """Orders, reports and accounts; used under the fake's lock."""

    sequence: int = 0
    plans: list[Plan] = field(default_factory=list)
    answers: dict[tuple[str, str], risk_pb.CheckOrderResponse] = field(default_factory=dict)
    ended: set[tuple[str, str]] = field(default_factory=set)
    event_ids: set[tuple[str, str]] = field(default_factory=set)
    accounts: dict[str, accounts_pb.AccountView] = field(default_factory=dict)

    def check_order(self, request: risk_pb.CheckOrderRequest) -> risk_pb.CheckOrderResponse:
        """Decide one order."""
        self.sequence += 1
        return self._decide(request)

    def check_orders(self, request: risk_pb.CheckOrdersRequest) -> risk_pb.CheckOrdersResponse:
        """Decide a batch."""
        self.sequence += 1
        answers = [self._decide(order) for order in request.orders]
        refused = any(answer.verdict != order_pb2.VERDICT_ALLOW for answer in answers)
        if request.atomic and refused:
            answers = [self._refused_with_batch(answer) for answer in answers]
        return risk_pb.CheckOrdersResponse(
            answers=answers, sequence=self.sequence, decided_time_ns=time.time_ns()
        )

    def replace_order(self, request: risk_pb.ReplaceOrderRequest) -> risk_pb.ReplaceOrderResponse:
        """Decide a replace like an order."""
        self.sequence += 1
        order = risk_pb.CheckOrderRequest(
            account_id=request.account_id,
            order_id=request.order_id,
            instrument_id=request.instrument_id,
            price_e4=request.price_e4 if request.HasField("price_e4") else None,
        )
        answer = self._decide(order)
        return risk_pb.ReplaceOrderResponse.FromString(answer.SerializeToString())

    def _decide(self, order: risk_pb.CheckOrderRequest) -> risk_pb.CheckOrderResponse:
        key = (order.account_id, order.order_id)
        first = self.answers.get(key)
        answer = risk_pb.CheckOrderResponse()
        answer.CopyFrom(first or self._planned(order))
        answer.replayed = first is not None
        if key in self.ended:
            answer = _refusal(order_pb2.REJECT_REASON_ORDER_NOT_RESERVED)
        answer.sequence = answer.sequence or self.sequence
        answer.decided_time_ns = answer.decided_time_ns or time.time_ns()
        return self.answers.setdefault(key, answer) if first is None else answer

    def _planned(self, order: risk_pb.CheckOrderRequest) -> risk_pb.CheckOrderResponse:
        for plan in self.plans:
            if plan.takes(order):
                plan.times = None if plan.times is None else plan.times - 1
                return plan.answer
        allowed = risk_pb.CheckOrderResponse(verdict=order_pb2.VERDICT_ALLOW)
        if order.HasField("price_e4"):
            allowed.reserved_price_e4 = order.price_e4
        return allowed

    def _refused_with_batch(self, answer: risk_pb.CheckOrderResponse) -> risk_pb.CheckOrderResponse:
        if answer.verdict == order_pb2.VERDICT_ALLOW:
            answer.CopyFrom(_refusal(order_pb2.REJECT_REASON_BATCH_REJECTED))
        return answer

    def preview_order(self, request: risk_pb.PreviewOrderRequest) -> risk_pb.PreviewOrderResponse:
        """Decide without remembering."""
        order = risk_pb.CheckOrderRequest(
            account_id=request.account_id, instrument_id=request.instrument_id
        )
        planned = self._planned(order)
        return risk_pb.PreviewOrderResponse(
            verdict=planned.verdict,
            rejections=planned.rejections,
            as_of_sequence=self.sequence,
            decided_time_ns=time.time_ns(),
            max_acceptable_quantity=request.quantity if not planned.rejections else 0,
            largest_quantity=request.quantity if not planned.rejections else 0,
            limiting=planned.rejections[0] if planned.rejections else None,
            warnings=planned.warnings,
        )

    def record_events(
        self, request: risk_pb.RecordOrderEventsRequest
    ) -> risk_pb.RecordOrderEventsResponse:
        """Take reports."""
        self.sequence += 1
        return risk_pb.RecordOrderEventsResponse(
            results=[self._record(event) for event in request.events],
            sequence=self.sequence,
            decided_time_ns=time.time_ns(),
        )

    def _record(self, event: risk_pb.OrderEvent) -> risk_pb.EventResult:
        known = (event.account_id, event.event_id)
        if known in self.event_ids:
            return risk_pb.EventResult(outcome=risk_pb.EVENT_OUTCOME_DUPLICATE)
        self.event_ids.add(known)
        # Whatever is reported of an order, its first answer is not repeated any more.
        self.ended.add((event.account_id, event.order_id))
        return risk_pb.EventResult(outcome=risk_pb.EVENT_OUTCOME_APPLIED)

    def get_account(
        self, request: accounts_pb.GetAccountRequest
    ) -> accounts_pb.GetAccountResponse | None:
        """Read an account; None if there is none."""
        account = self.accounts.get(request.account_id)
        if account is None:
            return None
        return accounts_pb.GetAccountResponse(
            account=account, as_of_sequence=self.sequence, read_time_ns=time.time_ns()
        )

    def list_accounts(
        self, request: accounts_pb.ListAccountsRequest
    ) -> accounts_pb.ListAccountsResponse:
        """Read a page."""
        size = request.page_size or 100
        ids = [name for name in sorted(self.accounts) if name > request.page_token]
        accounts = [_summary(self.accounts[name]) for name in ids[:size]]
        more = ids[size - 1] if len(ids) > size else ""
        return accounts_pb.ListAccountsResponse(
            accounts=accounts, next_page_token=more, as_of_sequence=self.sequence
        )

    def upsert_accounts(
        self, request: accounts_pb.UpsertAccountsRequest
    ) -> accounts_pb.UpsertAccountsResponse:
        """Take accounts."""
        self.sequence += 1
        for account in request.accounts:
            view = self.accounts.setdefault(account.account_id, accounts_pb.AccountView())
            view.account.CopyFrom(account)
            view.sequence = self.sequence
        return accounts_pb.UpsertAccountsResponse(
            sequence=self.sequence, decided_time_ns=time.time_ns()
        )

    def adjust_cash(
        self, request: accounts_pb.AdjustCashRequest
    ) -> accounts_pb.AdjustCashResponse | None:
        """Book cash once an id; None if there is no account."""
        account = self.accounts.get(request.account_id)
        if account is None:
            return None
        known = (request.account_id, f"cash {request.adjustment_id}")
        replayed = known in self.event_ids
        if not replayed:
            self.event_ids.add(known)
            self.sequence += 1
            account.cash_e4 += request.amount_e4
            account.sequence = self.sequence
        return accounts_pb.AdjustCashResponse(
            sequence=account.sequence,
            decided_time_ns=time.time_ns(),
            cash_e4=account.cash_e4,
            replayed=replayed,
            verdict=order_pb2.VERDICT_ALLOW
            if request.kind == accounts_pb.CASH_KIND_WITHDRAWAL
            else order_pb2.VERDICT_UNSPECIFIED,
        )

    def get_status(self, _request: control_pb.GetStatusRequest) -> control_pb.GetStatusResponse:
        """Say how the book is."""
        return control_pb.GetStatusResponse(
            sequence=self.sequence,
            durable_sequence=self.sequence,
            durability="memory",
            state="serving",
            build="tidegate_client.testing",
            now_time_ns=time.time_ns(),
            account_count=len(self.accounts),
        )


class Method(NamedTuple):
    """One method of the fake: where it is, what it takes, what answers it."""

    service: str
    request: type[Message]
    answer: Callable[[Book, Any], Message | None]


METHODS: Mapping[str, Method] = {
    "CheckOrder": Method("RiskService", risk_pb.CheckOrderRequest, Book.check_order),
    "CheckOrders": Method("RiskService", risk_pb.CheckOrdersRequest, Book.check_orders),
    "ReplaceOrder": Method("RiskService", risk_pb.ReplaceOrderRequest, Book.replace_order),
    "PreviewOrder": Method("RiskService", risk_pb.PreviewOrderRequest, Book.preview_order),
    "RecordOrderEvents": Method(
        "RiskService", risk_pb.RecordOrderEventsRequest, Book.record_events
    ),
    "GetAccount": Method("AccountService", accounts_pb.GetAccountRequest, Book.get_account),
    "ListAccounts": Method("AccountService", accounts_pb.ListAccountsRequest, Book.list_accounts),
    "UpsertAccounts": Method(
        "AccountService", accounts_pb.UpsertAccountsRequest, Book.upsert_accounts
    ),
    "AdjustCash": Method("AccountService", accounts_pb.AdjustCashRequest, Book.adjust_cash),
    "GetStatus": Method("ControlService", control_pb.GetStatusRequest, Book.get_status),
}


def _refusal(reason: order_pb2.RejectReason.ValueType) -> risk_pb.CheckOrderResponse:
    return risk_pb.CheckOrderResponse(
        verdict=order_pb2.VERDICT_REJECT, rejections=[order_pb2.Rejection(reason=reason)]
    )


def _summary(view: accounts_pb.AccountView) -> accounts_pb.AccountSummary:
    return accounts_pb.AccountSummary(
        account_id=view.account.account_id,
        group_id=view.account.group_id,
        tier_id=view.account.tier_id,
        sequence=view.sequence,
        cash_e4=view.cash_e4,
        position_count=len(view.positions),
        open_order_count=len(view.open_orders),
    )
