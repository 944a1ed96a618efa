"""The table of methods: one row a method of the gate and the follower.

A row says where a call waits (its lane), how large its request may be, which roles may make it,
and, for what changes the book, its permanent number in the journal with the codecs of its record.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tidegate.v1 import (
    control_service_pb2,
    journal_pb2,
    market_service_pb2,
)

from . import (
    dates,
    decoding,
    effects,
    encoding,
    event_encoding,
    market_decoding,
    market_encoding,
    own_encoding,
    staff_decoding,
)
from .account_codecs import (
    ADJUST_CASH,
    REVALUE_ACCOUNTS,
    SET_POSITIONS,
    UPSERT_ACCOUNTS,
    UPSERT_GROUPS,
)
from .codec import Codec, plain
from .credit_codecs import ACCRUE_INTEREST, CHARGE_FEE, REPAY_CASH, RETURN_SHARES
from .life import CANCEL_ORDERS, RECONCILE_ORDERS, REPLACE_ORDER
from .staff_codecs import (
    APPROVE_OVERRIDE,
    APPROVE_POLICY,
    PROPOSE_OVERRIDE,
    PROPOSE_POLICY,
    RELEASE,
    SET_TIER,
    WITHDRAW_POLICY,
)

SMALL: Final = 16 * 1024
LARGE: Final = 1024 * 1024

ROLES: Final = (
    "router",
    "viewer",
    "feed",
    "drop_copy",
    "risk",
    "approver",
    "killer",
    "operator",
    "auditor",
)


class Lane(IntEnum):
    """Where a call waits; a lane is served before those after it."""

    CONTROL = 0
    FACTS = 1
    CHECKS = 2
    READS = 3


class MethodSpec:
    """One method: `codec` is None for a read; `risk` says that it asks for new risk.

    `streams` says that it answers with a stream, as only the follower's do.
    """

    __slots__ = (
        "codec",
        "index",
        "lane",
        "mutates",
        "name",
        "number",
        "path",
        "request_limit",
        "risk",
        "roles",
        "streams",
    )

    def __init__(
        self,
        path: str,
        lane: Lane,
        roles: str,
        codec: Codec | None = None,
        *,
        request_limit: int = LARGE,
        risk: bool = False,
        streams: bool = False,
    ) -> None:
        self.index = -1
        self.path = path
        self.name = path.rsplit("/", 1)[1]
        self.lane = lane
        self.roles = frozenset(roles.split())
        self.codec = codec
        self.number = codec.number if codec is not None else 0
        self.mutates = codec is not None
        self.request_limit = request_limit
        self.risk = risk
        self.streams = streams


CHECK_ORDER: Final = Codec(
    journal_pb2.METHOD_CHECK_ORDER,
    decoding.decode_check,
    encoding.encode_check,
    encoding.decode_check,
    effects.check_effects,
)
CHECK_ORDERS: Final = Codec(
    journal_pb2.METHOD_CHECK_ORDERS,
    decoding.decode_checks,
    encoding.encode_checks,
    encoding.decode_checks,
    encoding.checks_effects,
)
RECORD_ORDER_EVENTS: Final = Codec(
    journal_pb2.METHOD_RECORD_ORDER_EVENTS,
    decoding.decode_events,
    event_encoding.encode_events,
    event_encoding.decode_events,
    event_encoding.events_effects,
    dates.vet_events,
)
UPDATE_MARKS: Final = Codec(
    journal_pb2.METHOD_UPDATE_MARKS,
    market_decoding.decode_marks,
    market_encoding.encode_marks,
    market_encoding.decode_marks,
    market_encoding.marks_effects,
)
UPSERT_INSTRUMENTS: Final = plain(
    journal_pb2.METHOD_UPSERT_INSTRUMENTS,
    market_decoding.decode_instruments,
    market_service_pb2.UpsertInstrumentsResponse,
)
UPDATE_VOLATILITY: Final = Codec(
    journal_pb2.METHOD_UPDATE_VOLATILITY,
    market_decoding.decode_factors,
    market_encoding.encode_factors,
    market_encoding.decode_factors,
    market_encoding.factors_effects,
)
SET_SESSION: Final = plain(
    journal_pb2.METHOD_SET_SESSION,
    market_decoding.decode_session,
    market_service_pb2.SetSessionResponse,
)
SET_REGIME: Final = Codec(
    journal_pb2.METHOD_SET_REGIME,
    market_decoding.decode_regime,
    market_encoding.encode_regime,
    market_encoding.decode_regime,
)
ROLL_DAY: Final = Codec(
    journal_pb2.METHOD_ROLL_DAY,
    market_decoding.decode_roll,
    market_encoding.encode_roll,
    market_encoding.decode_roll,
    vet=dates.vet_roll,
)
HALT: Final = plain(
    journal_pb2.METHOD_HALT, staff_decoding.decode_halt, control_service_pb2.HaltResponse
)
SET_REDUCE_ONLY: Final = plain(
    journal_pb2.METHOD_SET_REDUCE_ONLY,
    staff_decoding.decode_reduce_only,
    control_service_pb2.SetReduceOnlyResponse,
)
START_EPOCH: Final = Codec(
    journal_pb2.METHOD_START_EPOCH,
    decoding.decode_epoch,
    own_encoding.encode_epoch,
    own_encoding.decode_epoch,
)
TICK: Final = Codec(
    journal_pb2.METHOD_TICK,
    decoding.decode_tick,
    own_encoding.encode_tick,
    own_encoding.decode_tick,
)

_RISK = "/tidegate.v1.RiskService/"
_ACCOUNT = "/tidegate.v1.AccountService/"
_MARKET = "/tidegate.v1.MarketService/"
_POLICY = "/tidegate.v1.PolicyService/"
_CONTROL = "/tidegate.v1.ControlService/"
_JOURNAL = "/tidegate.v1.JournalService/"
_WATCH = "/tidegate.v1.WatchService/"
_STAFF = "risk approver killer operator auditor viewer"

METHODS: Final = (
    MethodSpec(
        _RISK + "CheckOrder", Lane.CHECKS, "router", CHECK_ORDER, request_limit=SMALL, risk=True
    ),
    MethodSpec(_RISK + "CheckOrders", Lane.CHECKS, "router", CHECK_ORDERS, risk=True),
    MethodSpec(
        _RISK + "PreviewOrder", Lane.READS, "router viewer risk operator", request_limit=SMALL
    ),
    MethodSpec(
        _RISK + "ReplaceOrder", Lane.CHECKS, "router", REPLACE_ORDER, request_limit=SMALL, risk=True
    ),
    MethodSpec(
        _RISK + "RecordOrderEvents", Lane.FACTS, "router drop_copy operator", RECORD_ORDER_EVENTS
    ),
    MethodSpec(_RISK + "ReconcileOrders", Lane.FACTS, "router operator", RECONCILE_ORDERS),
    MethodSpec(_ACCOUNT + "GetAccount", Lane.READS, "router " + _STAFF, request_limit=SMALL),
    MethodSpec(_ACCOUNT + "ListAccounts", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(_ACCOUNT + "UpsertAccounts", Lane.FACTS, "operator", UPSERT_ACCOUNTS),
    MethodSpec(_ACCOUNT + "UpsertGroups", Lane.FACTS, "operator", UPSERT_GROUPS),
    MethodSpec(_ACCOUNT + "ListGroups", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(_ACCOUNT + "AdjustCash", Lane.FACTS, "operator", ADJUST_CASH, request_limit=SMALL),
    MethodSpec(_ACCOUNT + "SetPositions", Lane.FACTS, "operator", SET_POSITIONS),
    MethodSpec(_ACCOUNT + "RepayCash", Lane.FACTS, "operator", REPAY_CASH, request_limit=SMALL),
    MethodSpec(
        _ACCOUNT + "ReturnShares", Lane.FACTS, "operator", RETURN_SHARES, request_limit=SMALL
    ),
    MethodSpec(
        _ACCOUNT + "AccrueInterest", Lane.FACTS, "operator", ACCRUE_INTEREST, request_limit=SMALL
    ),
    MethodSpec(_ACCOUNT + "ChargeFee", Lane.FACTS, "operator", CHARGE_FEE, request_limit=SMALL),
    MethodSpec(_ACCOUNT + "RevalueAccounts", Lane.READS, "operator risk", REVALUE_ACCOUNTS),
    MethodSpec(_MARKET + "UpdateMarks", Lane.FACTS, "feed operator", UPDATE_MARKS),
    MethodSpec(_MARKET + "UpsertInstruments", Lane.FACTS, "feed operator", UPSERT_INSTRUMENTS),
    MethodSpec(_MARKET + "UpdateVolatility", Lane.FACTS, "feed operator", UPDATE_VOLATILITY),
    MethodSpec(
        _MARKET + "SetSession", Lane.FACTS, "feed operator", SET_SESSION, request_limit=SMALL
    ),
    MethodSpec(
        _MARKET + "SetRegime", Lane.CONTROL, "risk killer operator", SET_REGIME, request_limit=SMALL
    ),
    MethodSpec(_MARKET + "RollDay", Lane.FACTS, "feed operator", ROLL_DAY, request_limit=SMALL),
    MethodSpec(_POLICY + "GetPolicy", Lane.READS, "router " + _STAFF, request_limit=SMALL),
    MethodSpec(_POLICY + "ListPolicies", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(_POLICY + "ProposePolicy", Lane.CONTROL, "risk", PROPOSE_POLICY),
    MethodSpec(
        _POLICY + "ApprovePolicy", Lane.CONTROL, "approver", APPROVE_POLICY, request_limit=SMALL
    ),
    MethodSpec(
        _POLICY + "WithdrawPolicy",
        Lane.CONTROL,
        "risk approver",
        WITHDRAW_POLICY,
        request_limit=SMALL,
    ),
    MethodSpec(
        _POLICY + "ProposeOverride", Lane.CONTROL, "risk", PROPOSE_OVERRIDE, request_limit=SMALL
    ),
    MethodSpec(
        _POLICY + "ApproveOverride", Lane.CONTROL, "approver", APPROVE_OVERRIDE, request_limit=SMALL
    ),
    MethodSpec(_POLICY + "ListOverrides", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(
        _POLICY + "SetTier", Lane.CONTROL, "risk approver operator", SET_TIER, request_limit=SMALL
    ),
    MethodSpec(_CONTROL + "Halt", Lane.CONTROL, "killer risk", HALT, request_limit=SMALL),
    MethodSpec(
        _CONTROL + "SetReduceOnly",
        Lane.CONTROL,
        "killer risk",
        SET_REDUCE_ONLY,
        request_limit=SMALL,
    ),
    MethodSpec(_CONTROL + "Release", Lane.CONTROL, "killer risk", RELEASE, request_limit=SMALL),
    MethodSpec(_CONTROL + "PlanLiquidation", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(
        _CONTROL + "CancelOrders",
        Lane.CONTROL,
        "killer risk",
        CANCEL_ORDERS,
        request_limit=SMALL,
    ),
    MethodSpec(
        _CONTROL + "GetStatus",
        Lane.CONTROL,
        "router feed drop_copy " + _STAFF,
        request_limit=SMALL,
    ),
)

FOLLOWER_METHODS: Final = (
    MethodSpec(_JOURNAL + "ReadRecords", Lane.READS, "auditor operator", request_limit=SMALL),
    MethodSpec(_JOURNAL + "ExplainRecord", Lane.READS, "auditor operator", request_limit=SMALL),
    MethodSpec(
        _JOURNAL + "WatchRecords",
        Lane.READS,
        "auditor operator",
        request_limit=SMALL,
        streams=True,
    ),
    MethodSpec(
        _WATCH + "WatchAccounts", Lane.READS, "router " + _STAFF, request_limit=SMALL, streams=True
    ),
    MethodSpec(_WATCH + "WatchAlerts", Lane.READS, _STAFF, request_limit=SMALL, streams=True),
    MethodSpec(_WATCH + "ListAlerts", Lane.READS, _STAFF, request_limit=SMALL),
    MethodSpec(
        _WATCH + "AcknowledgeAlert",
        Lane.READS,
        "risk approver killer operator",
        request_limit=SMALL,
    ),
    MethodSpec(
        _WATCH + "CompareDecisions", Lane.READS, "risk approver operator auditor", streams=True
    ),
)

for _table in (METHODS, FOLLOWER_METHODS):
    for _index, _method in enumerate(_table):
        _method.index = _index

BY_NAME: Final = {method.name: method for method in (*METHODS, *FOLLOWER_METHODS)}
CODECS: Final = {
    method.codec.number: method.codec for method in METHODS if method.codec is not None
} | {START_EPOCH.number: START_EPOCH, TICK.number: TICK}
