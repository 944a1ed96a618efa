"""The client of Tidegate, a pre-trade risk gate.

    from tidegate_client import Client, Order, Side, new_order_id, price_e4

    order = Order(
        account_id="A1",
        order_id=new_order_id(),
        instrument_id="600519",
        side=Side.BUY,
        quantity=100,
        price_e4=price_e4("168.80"),
    )
    with Client("localhost:7443") as client:
        decision = client.check(order)
        if decision:
            ...  # send it to the venue, then report what the venue says with record_events

A decision is true only for an explicit allow. Everything else (a reject, an error, no answer, an
answer of a newer gate that this version does not understand) means that the order must not go.
Messages that need no type of their own are those of `tidegate.v1`; `tidegate_client.testing` has a
gate to test against.
"""

from tidegate_client._aio import AsyncClient
from tidegate_client._channel import tls_credentials
from tidegate_client._client import Client
from tidegate_client._errors import (
    AnswerError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineError,
    InternalError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RequestError,
    TidegateError,
    Violation,
    WithdrawnError,
)
from tidegate_client._types import (
    Decision,
    MarginKind,
    Order,
    Preview,
    Rejection,
    Side,
    amount_e4,
    decimal_e4,
    new_order_id,
    price_e4,
)
from tidegate_client._unsent import OrderKey

__all__ = [
    "AnswerError",
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineError",
    "Decision",
    "InternalError",
    "MarginKind",
    "NotFoundError",
    "Order",
    "OrderKey",
    "OverloadedError",
    "PermissionDeniedError",
    "Preview",
    "Rejection",
    "RequestError",
    "Side",
    "TidegateError",
    "Violation",
    "WithdrawnError",
    "amount_e4",
    "decimal_e4",
    "new_order_id",
    "price_e4",
    "tls_credentials",
]
