"""Replaces, lists of open orders and cancels, to and from the contract (chapter 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import journal_pb2, risk_service_pb2
from tidegate_server.engine import life_commands

from . import decoding, effects, encoding
from .codec import Codec
from .validation import MalformedError, Problems, is_id

if TYPE_CHECKING:
    from tidegate_server.engine.commands import CheckOrder


def read_replace(data: bytes, principal: str) -> life_commands.ReplaceOrder:
    """Read a ReplaceOrderRequest."""
    request = decoding.parse(risk_service_pb2.ReplaceOrderRequest, data)
    problems = Problems()
    if not is_id(request.replaced_order_id):
        problems.need_id("replaced_order_id", request.replaced_order_id)
    try:
        order = read_new(request, principal)
    except MalformedError as error:
        raise MalformedError([*error.violations, *problems.found]) from error
    problems.refuse()
    return life_commands.ReplaceOrder(principal, order, request.replaced_order_id)


def read_new(request: risk_service_pb2.ReplaceOrderRequest, principal: str) -> CheckOrder:
    """Read the order that is to take the other's place, as a new one is read."""
    order = risk_service_pb2.CheckOrderRequest(
        account_id=request.account_id,
        order_id=request.order_id,
        instrument_id=request.instrument_id,
        side=request.side,
        order_type=request.order_type,
        quantity=request.quantity,
        price_e4=request.price_e4 if request.HasField("price_e4") else None,
        created_time_ns=request.created_time_ns,
        reduce_only=request.reduce_only,
    )
    return decoding.read_order(order, principal, "")


# The response has the field numbers of an order's, so the same bytes are both.
REPLACE_ORDER: Final = Codec(
    journal_pb2.METHOD_REPLACE_ORDER,
    read_replace,
    encoding.encode_check,
    encoding.decode_check,
    effects.check_effects,
)
