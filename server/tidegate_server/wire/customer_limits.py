"""The caps that a customer set on its own account, from the contract to the engine (2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.limit import CUSTOMER_LIMITS, Limit

from .policies import read_limits

if TYPE_CHECKING:
    from tidegate.v1 import policy_pb2

    from .validation import Problems


def read_customer_limits(message: policy_pb2.Limits, problems: Problems) -> dict[str, Limit]:
    """Read the caps that a customer set on its own account."""
    limits = read_limits(message, problems, "customer_limits.")
    for name, limit in limits.items():
        field = f"customer_limits.{name}"
        if name not in CUSTOMER_LIMITS:
            problems.add(field, "cannot be a customer's cap")
        elif not is_plain(limit):
            problems.add(field, "must be a value and nothing else")
    return limits


def is_plain(limit: Limit) -> bool:
    """Tell whether a limit is a value, on."""
    said = limit.unlimited or limit.required or limit.warns
    return limit.value is not None and not said
