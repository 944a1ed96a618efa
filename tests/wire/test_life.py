"""Requests about open orders, as they are read at the edge, and what the contract says of them."""

from typing import Any

import pytest
from tests.wire.requests import HALT, LISTED, REPLACE, fields_of

from tidegate.v1 import risk_service_pb2
from tidegate_server.engine import comparing

LONG = "i" * 65
ONE: dict[str, Any] = {"order_id": "o1", "instrument_id": "X", "side": "BUY", "order_type": "LIMIT"}
ONE |= {"quantity": 10, "price_e4": 1}
CANCEL = {**HALT}


def listed(*orders: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**LISTED, "orders": list(orders), **changes}


def without(request: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in names}


MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("ReplaceOrder", without(REPLACE, "replaced_order_id"), "replaced_order_id"),
    ("ReplaceOrder", {**REPLACE, "replaced_order_id": LONG}, "replaced_order_id"),
    ("ReplaceOrder", {**REPLACE, "quantity": 0}, "quantity"),
    ("ReplaceOrder", without(REPLACE, "side"), "side"),
    ("ReplaceOrder", without(REPLACE, "created_time_ns"), "created_time_ns"),
    ("ReplaceOrder", {**REPLACE, "order_type": "MARKET"}, "price_e4"),
    ("ReconcileOrders", without(LISTED, "account_id"), "account_id"),
    ("ReconcileOrders", without(LISTED, "session_id"), "session_id"),
    ("ReconcileOrders", without(LISTED, "list_time_ns"), "list_time_ns"),
    ("ReconcileOrders", without(LISTED, "page_number"), "page_number"),
    ("ReconcileOrders", {**LISTED, "page_number": 101}, "page_number"),
    ("ReconcileOrders", listed(*[ONE] * 1_001), "orders"),
    ("ReconcileOrders", listed(ONE, ONE), "orders"),
    ("ReconcileOrders", listed(without(ONE, "order_id")), "orders[0].order_id"),
    ("ReconcileOrders", listed(without(ONE, "instrument_id")), "orders[0].instrument_id"),
    ("ReconcileOrders", listed(without(ONE, "side")), "orders[0].side"),
    ("ReconcileOrders", listed(without(ONE, "order_type")), "orders[0].order_type"),
    ("ReconcileOrders", listed(without(ONE, "quantity")), "orders[0].quantity"),
    ("ReconcileOrders", listed(without(ONE, "price_e4")), "orders[0].price_e4"),
    ("ReconcileOrders", listed({**ONE, "order_type": "MARKET"}), "orders[0].price_e4"),
    ("ReconcileOrders", listed({**ONE, "filled_quantity": 11}), "orders[0].filled_quantity"),
    ("ReconcileOrders", listed({**ONE, "filled_quantity": -1}), "orders[0].filled_quantity"),
    ("CancelOrders", {**CANCEL, "scope_kind": "FIRM"}, "scope_kind"),
    ("CancelOrders", without(CANCEL, "scope_id"), "scope_id"),
    ("CancelOrders", without(CANCEL, "reason"), "reason"),
    ("CancelOrders", {**CANCEL, "stop_id": LONG}, "stop_id"),
    ("CancelOrders", {**CANCEL, "page_token": "A"}, "page_token"),
    ("CancelOrders", {**CANCEL, "page_token": "A o p"}, "page_token"),
    ("Release", {"stop_id": "s" * 97, "reason": "why"}, "stop_id"),
]


@pytest.mark.parametrize(("method", "request_", "field"), MALFORMED)
def test_a_malformed_request_names_its_field(
    method: str, request_: dict[str, Any], field: str
) -> None:
    assert field in fields_of(method, request_)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("ReplaceOrder", REPLACE),
        ("ReconcileOrders", LISTED),
        ("ReconcileOrders", listed(ONE)),
        ("CancelOrders", CANCEL),
        ("CancelOrders", without(CANCEL, "stop_id")),
        ("Release", {"stop_id": "s" * 96, "reason": "why"}),
    ],
)
def test_a_sound_request_is_read(method: str, request_: dict[str, Any]) -> None:
    assert not fields_of(method, request_)


def test_the_answer_to_a_replace_has_the_numbers_of_the_answer_to_an_order() -> None:
    order = risk_service_pb2.CheckOrderResponse.DESCRIPTOR.fields_by_name
    for field in risk_service_pb2.ReplaceOrderResponse.DESCRIPTOR.fields:
        assert (field.number, field.type) == (order[field.name].number, order[field.name].type)
    asked = risk_service_pb2.CheckOrderRequest.DESCRIPTOR.fields_by_name
    for field in risk_service_pb2.ReplaceOrderRequest.DESCRIPTOR.fields:
        if field.name != "replaced_order_id":
            assert field.number == asked[field.name].number


def test_kinds_of_difference_are_the_contracts() -> None:
    values = risk_service_pb2.DifferenceKind.DESCRIPTOR.values[1:]
    for value in values:
        assert getattr(comparing, value.name.removeprefix("DIFFERENCE_KIND_")) == value.number
