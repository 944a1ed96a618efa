"""What the gate can be asked, once for both clients: each function only prepares a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import journal_service_pb2 as journal_pb
from tidegate.v1 import market_service_pb2 as market_pb
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client._wire import answers_of, preview_of, preview_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from tidegate.v1.order_pb2 import ScopeKind
    from tidegate_client._types import Order, Preview

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_PACKAGE = "tidegate.v1"
CHECK_ORDER = f"/{_PACKAGE}.RiskService/CheckOrder"
CHECK_ORDERS = f"/{_PACKAGE}.RiskService/CheckOrders"
REPLACE_ORDER = f"/{_PACKAGE}.RiskService/ReplaceOrder"
RECORD_ORDER_EVENTS = f"/{_PACKAGE}.RiskService/RecordOrderEvents"

# What gRPC retries by itself: reads, and commands that name themselves.
RETRIED_PATHS = tuple(
    f"/{_PACKAGE}.{method}"
    for method in (
        "RiskService/PreviewOrder",
        "RiskService/ReconcileOrders",
        "AccountService/GetAccount",
        "AccountService/ListAccounts",
        "AccountService/ListGroups",
        "AccountService/AdjustCash",
        "PolicyService/GetPolicy",
        "PolicyService/ListPolicies",
        "PolicyService/ApprovePolicy",
        "PolicyService/ApproveOverride",
        "PolicyService/ListOverrides",
        "ControlService/Halt",
        "ControlService/SetReduceOnly",
        "ControlService/PlanLiquidation",
        "ControlService/CancelOrders",
        "ControlService/GetStatus",
        "JournalService/ReadRecords",
        "JournalService/ExplainRecord",
        "WatchService/ListAlerts",
        "WatchService/AcknowledgeAlert",
    )
)
# What the client repeats, within the deadline, after a lost connection or a lost answer too.
REPEATED_PATHS = frozenset({CHECK_ORDER, CHECK_ORDERS, REPLACE_ORDER, RECORD_ORDER_EVENTS})


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request as bytes, so that every attempt sends the same, and how to read the answer."""

    path: str
    payload: bytes
    decode: Callable[[bytes], T_co]

    @property
    def repeated(self) -> bool:
        """Whether the client itself sends it again."""
        return self.path in REPEATED_PATHS


def call_of(method: str, request: Message, decode: Callable[[bytes], T]) -> Call[T]:
    """Prepare a call of `Service/Method`."""
    return Call(f"/{_PACKAGE}.{method}", request.SerializeToString(), decode)


def check_order(request: risk_pb.CheckOrderRequest) -> Call[list[risk_pb.CheckOrderResponse]]:
    """Ask for one decision."""

    def decode(raw: bytes) -> list[risk_pb.CheckOrderResponse]:
        return [risk_pb.CheckOrderResponse.FromString(raw)]

    return call_of("RiskService/CheckOrder", request, decode)


def check_orders(
    requests: Iterable[risk_pb.CheckOrderRequest], batch_id: str = ""
) -> Call[list[risk_pb.CheckOrderResponse]]:
    """Ask for the decisions on a batch, an atomic one if it has an id."""

    def decode(raw: bytes) -> list[risk_pb.CheckOrderResponse]:
        return answers_of(risk_pb.CheckOrdersResponse.FromString(raw))

    request = risk_pb.CheckOrdersRequest(orders=requests, atomic=bool(batch_id), batch_id=batch_id)
    return call_of("RiskService/CheckOrders", request, decode)


def join_checks(
    calls: Iterable[Call[list[risk_pb.CheckOrderResponse]]],
) -> Call[list[risk_pb.CheckOrderResponse]]:
    """Join calls of `check_order` into one of `check_orders`."""
    return check_orders(risk_pb.CheckOrderRequest.FromString(call.payload) for call in calls)


def preview(order: Order) -> Call[Preview]:
    """Judge an order without reserving anything, and show what it would do to the account.

    The order's id and creation time play no part. Raise TidegateError if the gate cannot say.
    """

    def decode(raw: bytes) -> Preview:
        return preview_of(risk_pb.PreviewOrderResponse.FromString(raw))

    return call_of("RiskService/PreviewOrder", preview_request(order), decode)


def record_events(events: Iterable[risk_pb.OrderEvent]) -> Call[list[risk_pb.EventResult]]:
    """Report what the venue said: 1 to 1 000 `OrderEvent`s of any accounts, in any order.

    Return one `EventResult` an event. Idempotent by event id, so it is repeated within the
    deadline; after a TidegateError report the same events again.
    """

    def decode(raw: bytes) -> list[risk_pb.EventResult]:
        return list(risk_pb.RecordOrderEventsResponse.FromString(raw).results)

    request = risk_pb.RecordOrderEventsRequest(events=events)
    return call_of("RiskService/RecordOrderEvents", request, decode)


def get_account(account_id: str) -> Call[accounts_pb.GetAccountResponse]:
    """Read one account: balances, positions, open orders, figures, limits, state.

    Raise NotFoundError if the gate does not know it.
    """
    request = accounts_pb.GetAccountRequest(account_id=account_id)
    decode = accounts_pb.GetAccountResponse.FromString
    return call_of("AccountService/GetAccount", request, decode)


def list_accounts(
    page_size: int = 100, page_token: str = ""
) -> Call[accounts_pb.ListAccountsResponse]:
    """Read a page of 1 to 100 accounts in order of id.

    Pass the answer's `next_page_token` to read on; it is empty after the last page.
    """
    request = accounts_pb.ListAccountsRequest(page_size=page_size, page_token=page_token)
    decode = accounts_pb.ListAccountsResponse.FromString
    return call_of("AccountService/ListAccounts", request, decode)


def upsert_accounts(
    accounts: Iterable[accounts_pb.Account],
) -> Call[accounts_pb.UpsertAccountsResponse]:
    """Create 1 to 1 000 accounts or replace what they are; never their cash or positions."""
    request = accounts_pb.UpsertAccountsRequest(accounts=accounts)
    decode = accounts_pb.UpsertAccountsResponse.FromString
    return call_of("AccountService/UpsertAccounts", request, decode)


def upsert_groups(groups: Iterable[accounts_pb.Group]) -> Call[accounts_pb.UpsertGroupsResponse]:
    """Create 1 to 1 000 groups or nest them anew, taken as a whole; at most 4 deep.

    Raise RequestError where one would be nested in itself, or too deep.
    """
    request = accounts_pb.UpsertGroupsRequest(groups=groups)
    decode = accounts_pb.UpsertGroupsResponse.FromString
    return call_of("AccountService/UpsertGroups", request, decode)


def list_groups(page_size: int = 100, page_token: str = "") -> Call[accounts_pb.ListGroupsResponse]:
    """Read a page of 1 to 100 groups in order of id; go on as with `list_accounts`."""
    request = accounts_pb.ListGroupsRequest(page_size=page_size, page_token=page_token)
    return call_of("AccountService/ListGroups", request, accounts_pb.ListGroupsResponse.FromString)


def adjust_cash(
    account_id: str,
    adjustment_id: str,
    kind: accounts_pb.CashKind.ValueType,
    amount_e4: int,
    *,
    expected_sequence: int,
) -> Call[accounts_pb.AdjustCashResponse]:
    """Book cash, in 1/10 000 of the currency unit; positive adds. A repeated id changes nothing.

    Raise ConflictError if the account has moved on from `expected_sequence`.
    """
    request = accounts_pb.AdjustCashRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        kind=kind,
        amount_e4=amount_e4,
        expected_sequence=expected_sequence,
    )
    decode = accounts_pb.AdjustCashResponse.FromString
    return call_of("AccountService/AdjustCash", request, decode)


def set_positions(
    account_id: str,
    positions: Iterable[accounts_pb.PositionTarget],
    *,
    expected_sequence: int,
) -> Call[accounts_pb.SetPositionsResponse]:
    """Set 1 to 1 000 positions as the back office has them; others stay as they are.

    Raise ConflictError if the account has moved on from `expected_sequence`.
    """
    request = accounts_pb.SetPositionsRequest(
        account_id=account_id, positions=positions, expected_sequence=expected_sequence
    )
    decode = accounts_pb.SetPositionsResponse.FromString
    return call_of("AccountService/SetPositions", request, decode)


def revalue_accounts(
    account_ids: Iterable[str],
) -> Call[accounts_pb.RevalueAccountsResponse]:
    """Value 1 to 1 000 accounts at the gate's own marks, at one time, in request order."""
    request = accounts_pb.RevalueAccountsRequest(account_ids=account_ids)
    decode = accounts_pb.RevalueAccountsResponse.FromString
    return call_of("AccountService/RevalueAccounts", request, decode)


def update_marks(marks: Iterable[market_pb.Mark]) -> Call[market_pb.UpdateMarksResponse]:
    """Report 1 to 1 000 marks, at most one an instrument. Sent once: send newer ones instead."""
    request = market_pb.UpdateMarksRequest(marks=marks)
    decode = market_pb.UpdateMarksResponse.FromString
    return call_of("MarketService/UpdateMarks", request, decode)


def upsert_instruments(
    instruments: Iterable[market_pb.Instrument],
) -> Call[market_pb.UpsertInstrumentsResponse]:
    """Create 1 to 1 000 instruments or replace what they are; never their marks."""
    request = market_pb.UpsertInstrumentsRequest(instruments=instruments)
    decode = market_pb.UpsertInstrumentsResponse.FromString
    return call_of("MarketService/UpsertInstruments", request, decode)


def update_volatility(
    factors: Iterable[market_pb.VolatilityFactor], model_version: str
) -> Call[market_pb.UpdateVolatilityResponse]:
    """Report 1 to 1 000 volatility factors, in bps, and which model made them."""
    request = market_pb.UpdateVolatilityRequest(factors=factors, model_version=model_version)
    decode = market_pb.UpdateVolatilityResponse.FromString
    return call_of("MarketService/UpdateVolatility", request, decode)


def set_session(
    board: str, sessions: Iterable[market_pb.Session]
) -> Call[market_pb.SetSessionResponse]:
    """Set a board's trading sessions, at most 16 in order; none closes the board."""
    request = market_pb.SetSessionRequest(board=board, sessions=sessions)
    decode = market_pb.SetSessionResponse.FromString
    return call_of("MarketService/SetSession", request, decode)


def set_regime(
    regime: market_pb.Regime.ValueType, reason: str
) -> Call[market_pb.SetRegimeResponse]:
    """Set the market-wide regime."""
    request = market_pb.SetRegimeRequest(regime=regime, reason=reason)
    decode = market_pb.SetRegimeResponse.FromString
    return call_of("MarketService/SetRegime", request, decode)


def roll_day(trading_date: int) -> Call[market_pb.RollDayResponse]:
    """Begin a trading day, as YYYYMMDD. Raise ConflictError if it does not move forward."""
    request = market_pb.RollDayRequest(trading_date=trading_date)
    decode = market_pb.RollDayResponse.FromString
    return call_of("MarketService/RollDay", request, decode)


def halt(
    stop_id: str, scope_kind: ScopeKind.ValueType, scope_id: str = "", reason: str = ""
) -> Call[control_pb.HaltResponse]:
    """Stop every order within a scope, exits included; `scope_id` is empty for the firm."""
    request = control_pb.HaltRequest(
        stop_id=stop_id, scope_kind=scope_kind, scope_id=scope_id, reason=reason
    )
    return call_of("ControlService/Halt", request, control_pb.HaltResponse.FromString)


def set_reduce_only(
    stop_id: str, scope_kind: ScopeKind.ValueType, scope_id: str = "", reason: str = ""
) -> Call[control_pb.SetReduceOnlyResponse]:
    """Let only verified exits pass within a scope; `scope_id` is empty for the firm."""
    request = control_pb.SetReduceOnlyRequest(
        stop_id=stop_id, scope_kind=scope_kind, scope_id=scope_id, reason=reason
    )
    decode = control_pb.SetReduceOnlyResponse.FromString
    return call_of("ControlService/SetReduceOnly", request, decode)


def release(stop_id: str, reason: str = "") -> Call[control_pb.ReleaseResponse]:
    """Take back one halt or reduce-only. Raise NotFoundError if it does not stand."""
    request = control_pb.ReleaseRequest(stop_id=stop_id, reason=reason)
    return call_of("ControlService/Release", request, control_pb.ReleaseResponse.FromString)


def status() -> Call[control_pb.GetStatusResponse]:
    """Read how the gate is: sequence, durability, versions, counts, standing halts, proof."""
    decode = control_pb.GetStatusResponse.FromString
    return call_of("ControlService/GetStatus", control_pb.GetStatusRequest(), decode)


def read_records(from_sequence: int, page_size: int = 100) -> Call[journal_pb.ReadRecordsResponse]:
    """Read 1 to 100 journal records as they were written. Asks a follower, not the gate.

    Go on at the answer's `next_sequence`. Raise NotFoundError below the oldest kept.
    """
    request = journal_pb.ReadRecordsRequest(from_sequence=from_sequence, page_size=page_size)
    decode = journal_pb.ReadRecordsResponse.FromString
    return call_of("JournalService/ReadRecords", request, decode)


def explain_record(sequence: int) -> Call[journal_pb.ExplainRecordResponse]:
    """Read one journal record spelled out, and decided again. Asks a follower, not the gate."""
    request = journal_pb.ExplainRecordRequest(sequence=sequence)
    decode = journal_pb.ExplainRecordResponse.FromString
    return call_of("JournalService/ExplainRecord", request, decode)
