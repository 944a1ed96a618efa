"""Every method reaches its own path with its own request, in plain text and over TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2, status_pb2
from tests.client.support import an_order, server

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_service_pb2,
    market_service_pb2,
    order_pb2,
    policy_pb2,
    policy_service_pb2,
    risk_service_pb2,
    watch_service_pb2,
)
from tidegate_client import RequestError, Violation, tls_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


FIRM = order_pb2.SCOPE_KIND_FIRM
TARGET = account_service_pb2.PositionTarget(instrument_id="X", quantity=-5)
MARK = market_service_pb2.Mark(instrument_id="X", price_e4=1)
INSTRUMENT = market_service_pb2.Instrument(instrument_id="X")
FACTOR = market_service_pb2.VolatilityFactor(instrument_id="X")
SESSION = market_service_pb2.Session(open_time_ns=1, close_time_ns=2)
POLICY = policy_pb2.Policy(comment="c")
CAP = policy_pb2.Limits(position=policy_pb2.Limit(value=5))
Example = tuple[str, str, tuple[Any, ...], dict[str, Any], Any]
CALLS: list[Example] = [
    (
        "set_positions",
        "AccountService/SetPositions",
        ("A1", [TARGET]),
        {"expected_sequence": 3},
        account_service_pb2.SetPositionsRequest(
            account_id="A1", positions=[TARGET], expected_sequence=3
        ),
    ),
    (
        "repay_cash",
        "AccountService/RepayCash",
        ("A1", "r1", 50),
        {"expected_sequence": 3},
        account_service_pb2.RepayCashRequest(
            account_id="A1", adjustment_id="r1", amount_e4=50, expected_sequence=3
        ),
    ),
    (
        "return_shares",
        "AccountService/ReturnShares",
        ("A1", "r1", "X", 5),
        {"expected_sequence": 3},
        account_service_pb2.ReturnSharesRequest(
            account_id="A1",
            adjustment_id="r1",
            instrument_id="X",
            quantity=5,
            expected_sequence=3,
        ),
    ),
    (
        "accrue_interest",
        "AccountService/AccrueInterest",
        ("A1", "i1", "c1", 50),
        {"expected_sequence": 3},
        account_service_pb2.AccrueInterestRequest(
            account_id="A1",
            adjustment_id="i1",
            contract_id="c1",
            amount_e4=50,
            expected_sequence=3,
        ),
    ),
    (
        "charge_fee",
        "AccountService/ChargeFee",
        ("A1", "f1", 50),
        {"expected_sequence": 3},
        account_service_pb2.ChargeFeeRequest(
            account_id="A1", adjustment_id="f1", amount_e4=50, expected_sequence=3
        ),
    ),
    (
        "revalue_accounts",
        "AccountService/RevalueAccounts",
        (["A1", "A2"],),
        {},
        account_service_pb2.RevalueAccountsRequest(account_ids=["A1", "A2"]),
    ),
    (
        "update_marks",
        "MarketService/UpdateMarks",
        ([MARK],),
        {},
        market_service_pb2.UpdateMarksRequest(marks=[MARK]),
    ),
    (
        "upsert_instruments",
        "MarketService/UpsertInstruments",
        ([INSTRUMENT],),
        {},
        market_service_pb2.UpsertInstrumentsRequest(instruments=[INSTRUMENT]),
    ),
    (
        "update_volatility",
        "MarketService/UpdateVolatility",
        ([FACTOR], "m1"),
        {},
        market_service_pb2.UpdateVolatilityRequest(factors=[FACTOR], model_version="m1"),
    ),
    (
        "set_session",
        "MarketService/SetSession",
        ("main", [SESSION]),
        {},
        market_service_pb2.SetSessionRequest(board="main", sessions=[SESSION]),
    ),
    (
        "set_regime",
        "MarketService/SetRegime",
        (market_service_pb2.REGIME_STRESSED, "news"),
        {},
        market_service_pb2.SetRegimeRequest(
            regime=market_service_pb2.REGIME_STRESSED, reason="news"
        ),
    ),
    (
        "roll_day",
        "MarketService/RollDay",
        (20131008,),
        {},
        market_service_pb2.RollDayRequest(trading_date=20131008),
    ),
    ("get_policy", "PolicyService/GetPolicy", (), {}, policy_service_pb2.GetPolicyRequest()),
    (
        "propose_policy",
        "PolicyService/ProposePolicy",
        (POLICY,),
        {"base_version": 2},
        policy_service_pb2.ProposePolicyRequest(policy=POLICY, base_version=2),
    ),
    (
        "get_policy",
        "PolicyService/GetPolicy",
        (3,),
        {},
        policy_service_pb2.GetPolicyRequest(version=3),
    ),
    (
        "list_policies",
        "PolicyService/ListPolicies",
        (10, "4"),
        {},
        policy_service_pb2.ListPoliciesRequest(page_size=10, page_token="4"),  # noqa: S106
    ),
    (
        "approve_policy",
        "PolicyService/ApprovePolicy",
        (3,),
        {},
        policy_service_pb2.ApprovePolicyRequest(version=3),
    ),
    (
        "withdraw_policy",
        "PolicyService/WithdrawPolicy",
        (3,),
        {},
        policy_service_pb2.WithdrawPolicyRequest(version=3),
    ),
    (
        "propose_override",
        "PolicyService/ProposeOverride",
        ("V1", "A1", CAP),
        {"reason": "why", "expiry_time_ns": 9},
        policy_service_pb2.ProposeOverrideRequest(
            override_id="V1",
            scope_kind=order_pb2.SCOPE_KIND_ACCOUNT,
            scope_id="A1",
            limits=CAP,
            reason="why",
            expiry_time_ns=9,
        ),
    ),
    (
        "approve_override",
        "PolicyService/ApproveOverride",
        ("V1",),
        {},
        policy_service_pb2.ApproveOverrideRequest(override_id="V1"),
    ),
    (
        "list_overrides",
        "PolicyService/ListOverrides",
        (10, "V0"),
        {"scope_id": "A1"},
        policy_service_pb2.ListOverridesRequest(page_size=10, page_token="V0", scope_id="A1"),  # noqa: S106
    ),
    (
        "withdraw_cash",
        "AccountService/AdjustCash",
        ("A1", "W1", 100),
        {"expected_sequence": 3},
        account_service_pb2.AdjustCashRequest(
            account_id="A1",
            adjustment_id="W1",
            kind=account_service_pb2.CASH_KIND_WITHDRAWAL,
            amount_e4=-100,
            expected_sequence=3,
        ),
    ),
    (
        "set_tier",
        "PolicyService/SetTier",
        ("A1", "gold"),
        {"scorecard_version": "v1", "scorecard_time_ns": 7},
        policy_service_pb2.SetTierRequest(
            account_id="A1", tier_id="gold", scorecard_version="v1", scorecard_time_ns=7
        ),
    ),
    (
        "halt",
        "ControlService/Halt",
        ("H1", FIRM),
        {"reason": "why"},
        control_service_pb2.HaltRequest(stop_id="H1", scope_kind=FIRM, reason="why"),
    ),
    (
        "set_reduce_only",
        "ControlService/SetReduceOnly",
        ("R1", order_pb2.SCOPE_KIND_ACCOUNT, "A1"),
        {},
        control_service_pb2.SetReduceOnlyRequest(
            stop_id="R1", scope_kind=order_pb2.SCOPE_KIND_ACCOUNT, scope_id="A1"
        ),
    ),
    (
        "release",
        "ControlService/Release",
        ("H1", "over"),
        {},
        control_service_pb2.ReleaseRequest(stop_id="H1", reason="over"),
    ),
    (
        "cancel_orders",
        "ControlService/CancelOrders",
        (order_pb2.SCOPE_KIND_ACCOUNT, "A1"),
        {"reason": "why", "stop_id": "H1", "page_token": "A1 o1"},
        control_service_pb2.CancelOrdersRequest(
            scope_kind=order_pb2.SCOPE_KIND_ACCOUNT,
            scope_id="A1",
            stop_id="H1",
            reason="why",
            page_token="A1 o1",  # noqa: S106 - where a page ended
        ),
    ),
    (
        "reconcile_orders",
        "RiskService/ReconcileOrders",
        ("A1", "L1", 7, [risk_service_pb2.ListedOrder(order_id="o1")]),
        {"page_number": 2, "last_page": False},
        risk_service_pb2.ReconcileOrdersRequest(
            account_id="A1",
            session_id="L1",
            list_time_ns=7,
            page_number=2,
            orders=[risk_service_pb2.ListedOrder(order_id="o1")],
        ),
    ),
    (
        "read_records",
        "JournalService/ReadRecords",
        (7, 10),
        {},
        journal_service_pb2.ReadRecordsRequest(from_sequence=7, page_size=10),
    ),
    (
        "explain_record",
        "JournalService/ExplainRecord",
        (7,),
        {},
        journal_service_pb2.ExplainRecordRequest(sequence=7),
    ),
    (
        "list_alerts",
        "WatchService/ListAlerts",
        (10, "4-0"),
        {"unacknowledged_only": True, "account_id": "A1"},
        watch_service_pb2.ListAlertsRequest(
            page_size=10,
            page_token="4-0",  # noqa: S106
            unacknowledged_only=True,
            account_id="A1",
        ),
    ),
    (
        "acknowledge_alert",
        "WatchService/AcknowledgeAlert",
        ("4-0", "seen"),
        {},
        watch_service_pb2.AcknowledgeAlertRequest(alert_id="4-0", note="seen"),
    ),
]


class Recorder(grpc.GenericRpcHandler):
    """Answers everything with an empty message."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        def serve(request: bytes, _context: object) -> bytes:
            self.calls.append((details.method, request))
            return b""

        return grpc.unary_unary_rpc_method_handler(serve)


@contextmanager
def recording(
    credentials: grpc.ServerCredentials | None = None,
) -> Iterator[tuple[Recorder, str]]:
    recorder = Recorder()
    running = grpc.server(ThreadPoolExecutor(2), handlers=[recorder])
    if credentials is None:
        port = running.add_insecure_port("127.0.0.1:0")
    else:
        port = running.add_secure_port("127.0.0.1:0", credentials)
    running.start()
    yield recorder, f"127.0.0.1:{port}"
    running.stop(None).wait()


@pytest.mark.parametrize("example", CALLS, ids=[call[0] for call in CALLS])
def test_a_method_reaches_its_path(connect: Callable[..., Any], example: Example) -> None:
    method, path, arguments, named, expected = example
    with recording() as (recorder, target):
        answer = getattr(connect(target), method)(*arguments, **named)
    ((called, request),) = recorder.calls
    assert called == f"/tidegate.v1.{path}"
    assert type(expected).FromString(request) == expected
    assert type(answer).__name__ == type(expected).__name__.replace("Request", "Response")


def test_google_rpc_details_are_read_without_its_package(connect: Callable[..., Any]) -> None:
    status = status_pb2.Status(code=3)
    info = error_details_pb2.ErrorInfo(
        reason="ERROR_REASON_MALFORMED", domain="tidegate.v1", metadata={"field": "price_e4"}
    )
    fault = error_details_pb2.BadRequest.FieldViolation(field="price_e4", description="too high")
    for detail in (info, error_details_pb2.BadRequest(field_violations=[fault])):
        status.details.add().Pack(detail)

    def refuse(_request: object, context: grpc.ServicerContext) -> None:
        details = ("grpc-status-details-bin", status.SerializeToString())
        context.set_trailing_metadata((details,))
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "malformed")

    with server(CheckOrder=refuse) as target:
        error = connect(target).check(an_order()).error
    assert isinstance(error, RequestError)
    assert error.nothing_decided
    assert error.reason == "MALFORMED"
    assert error.metadata == {"field": "price_e4"}
    assert error.violations == (Violation("price_e4", "too high"),)


def test_the_reason_of_another_domain_proves_nothing(connect: Callable[..., Any]) -> None:
    status = status_pb2.Status(code=8)
    info = error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="proxy.example")
    status.details.add().Pack(info)

    def refuse(_request: object, context: grpc.ServicerContext) -> None:
        details = ("grpc-status-details-bin", status.SerializeToString())
        context.set_trailing_metadata((details,))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy")

    with server(CheckOrder=refuse) as target:
        error = connect(target).check(an_order()).error
    assert (error.reason, error.nothing_decided) == ("", False)


def test_mutual_tls_reaches_the_gate(connect: Callable[..., Any], tmp_path: Path) -> None:
    certificate, key = certify(tmp_path)
    pair = (key.read_bytes(), certificate.read_bytes())
    secured = grpc.ssl_server_credentials([pair], certificate.read_bytes(), True)  # noqa: FBT003
    credentials = tls_credentials(ca=certificate, certificate=certificate, key=key)
    with recording(secured) as (recorder, target):
        connect(target, credentials=credentials, token="secret").status()  # noqa: S106 - of a test
        assert len(recorder.calls) == 1


def certify(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for the loopback address, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gate")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "gate.pem", folder / "gate.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return paths
