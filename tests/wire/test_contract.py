"""The engine's numbers are the contract's, and every method of the contract is in the table."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    error_reason_pb2,
    journal_pb2,
    journal_service_pb2,
    market_service_pb2,
    order_pb2,
    policy_pb2,
    policy_service_pb2,
    risk_service_pb2,
    watch_service_pb2,
)
from tidegate_server.engine import (
    commands,
    limit,
    order,
    reports,
    settle,
    tightening,
    versions,
)
from tidegate_server.engine.reasons import RejectReason, ScopeKind
from tidegate_server.wire.errors import REFUSAL_CODES
from tidegate_server.wire.methods import BY_NAME, CODECS, FOLLOWER_METHODS, METHODS, ROLES

SERVICES = (
    account_service_pb2,
    control_service_pb2,
    journal_service_pb2,
    market_service_pb2,
    policy_service_pb2,
    risk_service_pb2,
    watch_service_pb2,
)


def rpcs() -> Iterator[tuple[str, Any]]:
    """Yield every method of the contract with its path."""
    for module in SERVICES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", method


def numbers(enum: Any, prefix: str) -> dict[str, int]:
    """Return an enum's numbers by name without its prefix, the unspecified left out."""
    return {value.name.removeprefix(prefix): value.number for value in enum.DESCRIPTOR.values[1:]}


def constants(module: Any, *names: str, prefix: str = "") -> dict[str, int]:
    """Return a module's constants by name without a prefix."""
    return {name.removeprefix(prefix): getattr(module, name) for name in names}


# Methods.


def test_every_rpc_has_its_row_in_the_table() -> None:
    rows = [spec.path for spec in (*METHODS, *FOLLOWER_METHODS)]
    assert sorted(rows) == sorted(path for path, _ in rpcs())


def test_every_row_has_its_index() -> None:
    for table in (METHODS, FOLLOWER_METHODS):
        assert [spec.index for spec in table] == list(range(len(table)))


def test_every_name_of_a_method_is_its_own() -> None:
    assert len(BY_NAME) == len(METHODS) + len(FOLLOWER_METHODS)


def test_every_number_of_a_method_is_the_journals() -> None:
    for spec in METHODS:
        if spec.codec is not None:
            name = "".join(f"_{c}" if c.isupper() else c.upper() for c in spec.name)
            assert journal_pb2.Method.Value(f"METHOD{name}") == spec.number == spec.codec.number


def test_every_number_of_a_method_is_its_own() -> None:
    used = [spec.number for spec in METHODS if spec.codec is not None]
    assert len(set(used)) == len(used)


def test_every_number_of_the_journal_has_its_codec_or_is_a_snapshots() -> None:
    known = {value.number for value in journal_pb2.Method.DESCRIPTOR.values}
    restores = {number for number in known if number >= journal_pb2.METHOD_RESTORE_BOOK}
    assert set(CODECS) == known - restores - {journal_pb2.METHOD_UNSPECIFIED}


def test_a_method_without_a_codec_is_a_read() -> None:
    reads = {spec.name for spec in METHODS if not spec.mutates}
    lists = {"ListAccounts", "ListGroups", "ListOverrides", "ListPolicies"}
    plans = {"PreviewOrder", "PlanLiquidation"}
    assert reads == {"GetAccount", "GetPolicy", "GetStatus"} | lists | plans


def test_new_risk_is_what_routers_check() -> None:
    assert {spec.name for spec in METHODS if spec.risk} == {
        "CheckOrder",
        "CheckOrders",
        "ReplaceOrder",
    }


def test_every_role_of_a_method_is_known() -> None:
    for spec in (*METHODS, *FOLLOWER_METHODS):
        assert spec.roles
        assert spec.roles <= set(ROLES)


# Enums.


def test_reject_reasons_are_the_contracts() -> None:
    found = {reason.name: int(reason) for reason in RejectReason}
    assert found == numbers(order_pb2.RejectReason, "REJECT_REASON_")


def test_reject_reasons_stand_in_order_of_precedence() -> None:
    found = [int(reason) for reason in RejectReason]
    assert found == sorted(found)


def test_scope_kinds_are_the_contracts() -> None:
    found = {kind.name: int(kind) for kind in ScopeKind if kind}
    assert found == numbers(order_pb2.ScopeKind, "SCOPE_KIND_")


def test_order_states_are_the_contracts() -> None:
    wanted = numbers(order_pb2.OrderState, "ORDER_STATE_")
    assert constants(order, *wanted) == wanted


def test_sides_are_the_contracts() -> None:
    assert constants(commands, "BUY", "SELL") == numbers(order_pb2.Side, "SIDE_")


def test_order_types_are_the_contracts() -> None:
    wanted = numbers(order_pb2.OrderType, "ORDER_TYPE_")
    assert wanted == {"LIMIT": commands.LIMIT_ORDER, "MARKET": commands.MARKET_ORDER}


def test_event_kinds_are_the_contracts() -> None:
    wanted = numbers(risk_service_pb2.OrderEventKind, "ORDER_EVENT_KIND_")
    names = [f"EVENT_{name}" for name in wanted]
    assert constants(commands, *names, prefix="EVENT_") == wanted


def test_event_outcomes_are_the_contracts() -> None:
    wanted = numbers(risk_service_pb2.EventOutcome, "EVENT_OUTCOME_")
    assert constants(settle, *wanted) == wanted


def test_event_flags_are_the_contracts() -> None:
    wanted = numbers(risk_service_pb2.EventFlag, "EVENT_FLAG_")
    assert constants(reports, *wanted) == wanted


def test_regimes_are_the_contracts() -> None:
    wanted = numbers(market_service_pb2.Regime, "REGIME_")
    names = [f"REGIME_{name}" for name in wanted]
    assert constants(commands, *names, prefix="REGIME_") == wanted


def test_stop_kinds_are_the_contracts() -> None:
    wanted = numbers(control_service_pb2.StopKind, "STOP_KIND_")
    names = [f"STOP_{name}" for name in wanted]
    assert constants(commands, *names, prefix="STOP_") == wanted


def test_policy_states_are_the_contracts() -> None:
    wanted = numbers(policy_service_pb2.PolicyState, "POLICY_STATE_")
    assert constants(versions, *wanted) == wanted


def test_margin_models_are_the_contracts() -> None:
    wanted = numbers(account_service_pb2.MarginModel, "MARGIN_MODEL_")
    names = [f"MODEL_{name}" for name in wanted]
    assert constants(commands, *names, prefix="MODEL_") == wanted


def test_every_refusal_of_the_engine_is_an_error_of_the_contract() -> None:
    known = numbers(error_reason_pb2.ErrorReason, "ERROR_REASON_")
    assert set(REFUSAL_CODES) <= set(known)


# What is looser.


def policy_fields(kind: Any = policy_pb2.Policy.DESCRIPTOR) -> Iterator[Any]:
    """Yield every field of a policy, nested ones too."""
    for field in kind.fields:
        yield field
        if field.message_type is not None:
            yield from policy_fields(field.message_type)


def looser_of(field: FieldDescriptor) -> int:
    """Return what a field says of itself."""
    return int(field.GetOptions().Extensions[policy_pb2.looser])


@pytest.mark.parametrize("field", list(policy_fields()), ids=lambda field: field.full_name)
def test_every_field_of_a_policy_says_what_is_looser(field: FieldDescriptor) -> None:
    assert looser_of(field) != policy_pb2.LOOSER_UNSPECIFIED


def test_the_engine_knows_what_is_looser_as_the_contract_says_it() -> None:
    plain = {
        field.name: looser_of(field)
        for field in policy_pb2.Policy.DESCRIPTOR.fields
        if field.message_type is None
    }
    never = {name for name, looser in plain.items() if looser == policy_pb2.LOOSER_NEVER}
    assert never == {"version", "comment"}
    assert {name: plain[name] for name in plain.keys() - never} == tightening.SCALAR_LOOSER


def test_the_engine_numbers_what_is_looser_as_the_contract_does() -> None:
    wanted = numbers(policy_pb2.Looser, "LOOSER_")
    assert constants(tightening, *wanted) == wanted


def test_the_engine_knows_every_limit_by_its_name() -> None:
    assert list(limit.LIMIT_NAMES) == [field.name for field in policy_pb2.Limits.DESCRIPTOR.fields]
