"""Orders that are open: replace, reconcile, cancel-orders."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import TIME_BOUND
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import (
    Address,
    AsJson,
    ConfigFile,
    Reason,
    Timeout,
    configure_client,
)
from tidegate_server.cli.orders import (
    Account,
    Instrument,
    Quantity,
    SideArgument,
    _show_decision,
)
from tidegate_server.cli.shapes import Price, ReduceOnly, shape

if TYPE_CHECKING:
    from tidegate.v1 import risk_service_pb2 as risk_pb2

_PAGE = 1_000
_COLUMNS = ("order_id", "instrument_id", "side", "quantity", "price", "filled")


def replace(
    account: Account,
    old_id: Annotated[str, typer.Argument(help="The order to replace.", show_default=False)],
    side: SideArgument,
    quantity: Quantity,
    instrument: Instrument,
    *,
    price: Price = None,
    order_id: Annotated[
        str | None, typer.Option("--id", help="The new order id, the key of repeats.")
    ] = None,
    created_time_ns: Annotated[
        int | None,
        typer.Option(
            "--created-time-ns",
            help="To repeat a replace: its first creation time.",
            min=1,
            max=TIME_BOUND,
        ),
    ] = None,
    reduce_only: ReduceOnly = False,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Decide a change of an order for real; QUANTITY is the new total, what was filled included.

    Both orders are reserved as one until the venue's answer is recorded under the new id. Exit code
    0 for an allow, 3 for a reject: then the old order stands.

    Example: tidegate replace A0001 cli-1 buy 80 SPY --price 168.90
    """
    from tidegate.v1 import risk_service_pb2
    from tidegate_server.cli.calls import calling

    created = created_time_ns or time.time_ns()
    request = risk_service_pb2.ReplaceOrderRequest(
        account_id=account,
        order_id=order_id or f"cli-{created}",
        replaced_order_id=old_id,
        instrument_id=instrument,
        quantity=quantity,
        created_time_ns=created,
        reduce_only=reduce_only,
        **shape(side, price),
    )
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.risk.ReplaceOrder, request)
    # The answer to a replace has the fields of the answer to an order.
    shown = risk_service_pb2.CheckOrderResponse.FromString(answer.SerializeToString())
    _show_decision(shown, as_json=as_json, order_id=request.order_id, created=created)


def reconcile(
    account: Account,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with order_id, instrument_id, side, quantity, price (empty: market), filled; "
            "under cn_margin kind, as margin_buy."
        ),
    ],
    *,
    taken_time_ns: Annotated[
        int | None,
        typer.Option(
            "--taken-time-ns",
            help="When the list was taken.",
            show_default="now",
            min=1,
            max=TIME_BOUND,
        ),
    ] = None,
    session_id: Annotated[
        str | None, typer.Option("--id", help="Id of the list; a repeat changes nothing.")
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Compare with the router's full list of an account's open orders, and print what differs.

    Orders that the list lacks end, unless they are younger than it; orders that the gate did not
    know are reserved. Everything else is printed and left as it is.

    Example: tidegate reconcile A0001 open-orders.csv
    """
    from tidegate.v1 import risk_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    orders = _read_list(file)
    taken = taken_time_ns or time.time_ns()
    pages = [orders[start : start + _PAGE] for start in range(0, len(orders), _PAGE)] or [[]]
    answer = risk_service_pb2.ReconcileOrdersResponse()
    with calling(configure_client(config, address, timeout)) as gate:
        for number, page in enumerate(pages, 1):
            request = risk_service_pb2.ReconcileOrdersRequest(
                account_id=account,
                session_id=session_id or f"cli-{taken}",
                list_time_ns=taken,
                page_number=number,
                last_page=number == len(pages),
                orders=page,
            )
            answer = gate.call(gate.risk.ReconcileOrders, request)
    if as_json:
        output.console().out(output.as_json(answer))
        return
    _show_differences(answer)


def cancel_orders(
    scope: Annotated[
        str, typer.Argument(help="account:ID, group:ID or instrument:ID.", show_default=False)
    ],
    *,
    reason: Reason,
    halt: Annotated[bool, typer.Option("--halt", help="Also halt the scope.")] = False,
    stop_id: Annotated[
        str | None, typer.Option("--id", help="Id of the halt, to release it by; else a new one.")
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Print the orders to cancel at the venue, and halt the scope if asked.

    Nothing is released by this: an order stays reserved until its end is recorded.

    Example: tidegate cancel-orders account:A0001 --halt --reason "erratic orders"
    """
    from tidegate.v1 import control_service_pb2, order_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.scopes import warn_unknown

    kind, _, scope_id = scope.partition(":")
    if kind not in {"account", "group", "instrument"} or not scope_id:
        fail(f"{scope} is no scope: account:ID, group:ID or instrument:ID", Exit.USAGE)
    request = control_service_pb2.CancelOrdersRequest(
        scope_kind=order_pb2.ScopeKind.Value(f"SCOPE_KIND_{kind.upper()}"),
        scope_id=scope_id,
        reason=reason,
        stop_id=(stop_id or f"halt-{time.time_ns()}") if halt else "",
    )
    found = control_service_pb2.CancelOrdersResponse()
    with calling(configure_client(config, address, timeout)) as gate:
        while True:
            answer = gate.call(gate.control.CancelOrders, request)
            found.MergeFrom(answer)
            request.page_token = found.next_page_token = answer.next_page_token
            if not request.page_token:
                break
        warn_unknown(gate, request.scope_kind, scope_id)
    if as_json:
        output.console().out(output.as_json(found))
        return
    table = output.make_table("account", "order")
    for order in found.orders:
        table.add_row(order.account_id, order.order_id)
    output.console().print(table)
    halted = f", halted as {request.stop_id}" if request.stop_id else ""
    typer.echo(f"{len(found.orders)} to cancel at the venue{halted}; nothing is released")


def _read_list(file: Path) -> list["risk_pb2.ListedOrder"]:
    """Read a list of open orders; end the command where it cannot be one."""
    try:
        with file.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text)
            named = reader.fieldnames
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        fail(f"{file}: {error.strerror}", Exit.USAGE)
    except (ValueError, csv.Error) as error:
        fail(f"{file} is no list of open orders: {error}", Exit.USAGE)
    missing = [name for name in _COLUMNS if name not in (named or ())]
    if missing:  # a file that is empty by mistake would end all that is open
        needed = ", ".join(missing)
        fail(f"{file} is no list of open orders: its first row lacks {needed}", Exit.USAGE)
    return [_listed(row, f"{file}, line {line}") for line, row in rows]


def _listed(row: dict[str, str], place: str) -> "risk_pb2.ListedOrder":
    """Read one row of a list of open orders; end the command, saying where, if it is none."""
    from tidegate.v1 import order_pb2, risk_service_pb2
    from tidegate_server.cli.output import parse_price

    price = row["price"]
    kind = order_pb2.ORDER_TYPE_LIMIT if price else order_pb2.ORDER_TYPE_MARKET
    try:
        return risk_service_pb2.ListedOrder(
            order_id=row["order_id"],
            instrument_id=row["instrument_id"],
            side=order_pb2.Side.Value(f"SIDE_{row['side'].upper()}"),
            order_type=kind,
            quantity=int(row["quantity"]),
            price_e4=parse_price(price, f"{place}: price") if price else None,
            filled_quantity=int(row["filled"] or 0),
            margin_kind=order_pb2.MarginKind.Value(
                f"MARGIN_KIND_{(row.get('kind') or 'unspecified').upper()}"
            ),
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        fail(f"{place}: no open order: {error}", Exit.USAGE)


def _show_differences(answer: "risk_pb2.ReconcileOrdersResponse") -> None:
    from tidegate.v1 import order_pb2, risk_service_pb2
    from tidegate_server.cli import output

    if not answer.differences:
        typer.echo(f"the same orders are open on both sides, at sequence {answer.sequence}")
        return
    table = output.make_table("order", "difference", "state", ">reserved")
    for found in answer.differences:
        kind = risk_service_pb2.DifferenceKind.Name(found.kind)
        state = order_pb2.OrderState.Name(found.order_state)
        table.add_row(
            found.order_id,
            output.short(kind, "DIFFERENCE_KIND_"),
            output.short(state, "ORDER_STATE_"),
            output.count(found.reserved_quantity),
        )
    output.console().print(table)
