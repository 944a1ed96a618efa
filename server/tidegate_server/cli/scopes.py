"""Whether the gate knows what a stop or a list of cancels was asked for.

It need not: a stop may come before what it stands on. But a mistyped id holds nobody, and whoever
mistyped it must hear so at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import typer

from tidegate.v1 import account_service_pb2, order_pb2, risk_service_pb2

if TYPE_CHECKING:
    from tidegate_server.cli.calls import Gate


def warn_unknown(gate: Gate, kind: order_pb2.ScopeKind.ValueType, scope_id: str) -> None:
    """Say on standard error that the gate does not know an id; nothing if it cannot be asked.

    Asked after the fact, so that it never delays a stop nor fails one that stands.
    """
    try:
        known = _is_known(gate, kind, scope_id)
    except grpc.RpcError:
        return
    if not known:
        name = order_pb2.ScopeKind.Name(kind).removeprefix("SCOPE_KIND_").lower()
        typer.echo(f"tidegate: the gate knows no {name} {scope_id}", err=True)


def _is_known(gate: Gate, kind: order_pb2.ScopeKind.ValueType, scope_id: str) -> bool:
    if kind == order_pb2.SCOPE_KIND_ACCOUNT:
        request = account_service_pb2.GetAccountRequest(account_id=scope_id)
        return gate.finds(gate.accounts.GetAccount, request)
    if kind == order_pb2.SCOPE_KIND_GROUP:
        return _is_group(gate, scope_id)
    if kind == order_pb2.SCOPE_KIND_INSTRUMENT:
        return _is_instrument(gate, scope_id)
    return True  # the firm; and callers stand in the configuration, which nobody can ask for


def _is_group(gate: Gate, group_id: str) -> bool:
    """Read on from just before its place in the list: one page, unless a hundred come between."""
    token = group_id[:-1]
    while True:
        request = account_service_pb2.ListGroupsRequest(page_token=token)
        page = gate.call(gate.accounts.ListGroups, request)
        token = page.next_page_token
        if not token or token >= group_id:
            return any(view.group.group_id == group_id for view in page.groups)


def _is_instrument(gate: Gate, instrument_id: str) -> bool:
    """Preview an order of nobody: instruments have no read, but every reason is told at once."""
    request = risk_service_pb2.PreviewOrderRequest(
        account_id="-",
        instrument_id=instrument_id,
        side=order_pb2.SIDE_BUY,
        order_type=order_pb2.ORDER_TYPE_MARKET,
        quantity=1,
    )
    found = gate.call(gate.risk.PreviewOrder, request).rejections
    return all(one.reason != order_pb2.REJECT_REASON_INSTRUMENT_UNKNOWN for one in found)
