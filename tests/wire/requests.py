"""Sound requests of every method, and how a call is made with one."""

from typing import Any

from google.protobuf.message import Message as Protobuf
from tests.oracle.adapter import to_protobuf

from tidegate_server.wire.errors import CallError
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME

NOW = 1_700_000_000 * 10**9
MOST = 10**12
LATEST = 4 * 10**18

ORDER: dict[str, Any] = {
    "account_id": "A",
    "order_id": "o1",
    "instrument_id": "X",
    "side": "BUY",
    "order_type": "LIMIT",
    "quantity": 1,
    "price_e4": 1,
    "created_time_ns": NOW,
}
REPLACE = ORDER | {"replaced_order_id": "o0"}
LISTED: dict[str, Any] = {"account_id": "A", "session_id": "s", "list_time_ns": 1}
LISTED |= {"page_number": 1, "last_page": True}
PREVIEW = {name: ORDER[name] for name in ORDER if name not in {"order_id", "created_time_ns"}}
FILL: dict[str, Any] = {
    "event_id": "e1",
    "account_id": "A",
    "order_id": "o1",
    "kind": "FILLED",
    "instrument_id": "X",
    "side": "BUY",
    "quantity": 1,
    "price_e4": 1,
}
END = {"event_id": "e1", "account_id": "A", "order_id": "o1", "kind": "CANCELLED"}
POLICY: dict[str, Any] = {
    "rules_version": 1,
    "comment": "a test",
    "max_order_age_ns": 1,
    "max_clock_skew_ns": 1,
    "max_mark_age_ns": 1,
    "max_volatility_age_ns": 1,
    "stress_factor_bps": 10_000,
    "elevated_regime_bps": 10_000,
    "stressed_regime_bps": 10_000,
    "slow_mark_step_bps": 0,
    "acknowledgement_limit_ns": 1,
}
ACCOUNT = {"account_id": "A", "margin_model": "LEVERAGED"}
CASH = {"account_id": "A", "adjustment_id": "c1", "kind": "DEPOSIT", "amount_e4": 1}
HALT = {"stop_id": "h", "scope_kind": "ACCOUNT", "scope_id": "A", "reason": "why"}

# Every method that takes anything, with the least that it takes.
SOUND: dict[str, dict[str, Any]] = {
    "CheckOrder": ORDER,
    "CheckOrders": {"orders": [ORDER]},
    "PreviewOrder": PREVIEW,
    "ReplaceOrder": REPLACE,
    "ReconcileOrders": LISTED,
    "CancelOrders": HALT,
    "RecordOrderEvents": {"events": [FILL]},
    "UpsertAccounts": {"accounts": [ACCOUNT]},
    "UpsertGroups": {"groups": [{"group_id": "G", "parent_id": "H"}]},
    "ListGroups": {"page_size": 100},
    "AdjustCash": CASH,
    "SetPositions": {"account_id": "A", "positions": [{"instrument_id": "X", "quantity": 1}]},
    "RevalueAccounts": {"account_ids": ["A"]},
    "UpdateMarks": {"marks": [{"instrument_id": "X", "price_e4": 1}]},
    "UpsertInstruments": {"instruments": [{"instrument_id": "X"}]},
    "UpdateVolatility": {"factors": [{"instrument_id": "X", "factor_bps": 10_000}]},
    "SetSession": {"board": "B", "sessions": [{"open_time_ns": 1, "close_time_ns": 2}]},
    "SetRegime": {"regime": "CALM", "reason": "why"},
    "RollDay": {"trading_date": 20_240_102},
    "ProposePolicy": {"policy": POLICY},
    "ApprovePolicy": {"version": 1},
    "WithdrawPolicy": {"version": 1},
    "ListPolicies": {"page_size": 100},
    "Halt": HALT,
    "SetReduceOnly": HALT,
    "Release": {"stop_id": "h", "reason": "why"},
    "ListAccounts": {"page_size": 100},
    "GetAccount": {"account_id": "A"},
    "GetPolicy": {},
}


def message(method: str, request: dict[str, Any]) -> Protobuf:
    """Return a request's message."""
    return to_protobuf(request, f"{method}Request")


def error_of(method: str, request: bytes | dict[str, Any]) -> CallError | None:
    """Call an empty machine that has a policy; return the error."""
    machine = Machine()
    policy = message("ProposePolicy", SOUND["ProposePolicy"]).SerializeToString()
    machine.call(BY_NAME["ProposePolicy"], policy, "staff", NOW)
    before = machine.state_hash()
    data = request if isinstance(request, bytes) else message(method, request).SerializeToString()
    answer = machine.call(BY_NAME[method], data, "desk", NOW)
    if answer.error is not None:
        assert machine.state_hash() == before
    return answer.error


def fields_of(method: str, request: bytes | dict[str, Any]) -> list[str]:
    """Return the fields that are named as malformed; none for a sound request."""
    error = error_of(method, request)
    if error is None or error.reason != "MALFORMED":
        return []
    assert error.code == 3
    return [field for field, _ in error.violations]
