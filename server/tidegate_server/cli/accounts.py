"""Accounts: show, list."""
# ruff: noqa: PLC0415  - calls are imported when made; a command has an argument a flag

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import LIST_BOUND
from tidegate_server.cli.contracts import contract_table
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from tidegate.v1 import account_service_pb2 as accounts_pb2
    from tidegate.v1 import risk_service_pb2 as risk_pb2

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Read accounts.")


@app.command()
def show(
    account: Annotated[str, typer.Argument(help="Account id.", show_default=False)],
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show one account: figures, use of each limit (what binds next first), positions, orders.

    Example: tidegate account show A0001
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    request = account_service_pb2.GetAccountRequest(account_id=account)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.accounts.GetAccount, request)
    if as_json:
        output.console().out(output.as_json(answer))
        return
    _show_account(answer.account)


@app.command(name="list")
def list_(
    *,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", help="How many at most.", show_default="all", min=1, max=LIST_BOUND
        ),
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List the accounts in order of id.

    Example: tidegate account list --limit 20
    """
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.readings import list_accounts

    with calling(configure_client(config, address, timeout)) as gate:
        found = list_accounts(gate, limit)
    console = output.console()
    if as_json:
        for summary in found:
            console.out(output.as_json(summary))
        return
    columns = (
        "account",
        "tier",
        "group",
        ">cash",
        ">positions",
        ">open orders",
        ">equity",
        ">leverage",
        "line",
    )
    table = output.make_table(*columns)
    for summary in found:
        actual = summary.actual if summary.HasField("actual") else None
        table.add_row(
            summary.account_id,
            summary.tier_id or "-",
            summary.group_id or "-",
            output.money(summary.cash_e4),
            output.count(summary.position_count),
            output.count(summary.open_order_count),
            output.money(actual.equity_e4 if actual else None),
            output.percent(output.optional(actual, "leverage_bps") if actual else None),
            output.line_state(summary.line_state),
        )
    console.print(table)


def _show_account(view: "accounts_pb2.AccountView") -> None:
    from tidegate_server.cli import output

    console = output.console()
    rows = [
        ("account", view.account.account_id),
        ("tier", view.account.tier_id or "none: new risk is refused"),
        ("group", view.account.group_id or "-"),
        ("cash", output.money(view.cash_e4)),
        ("interest and fees", output.money(view.interest_and_fees_e4)),
        *[("free cash", output.money(view.free_cash_e4))] * view.HasField("free_cash_e4"),
        ("orders today", output.count(view.day_order_count)),
        ("turnover today", output.money(view.day_turnover_e4)),
        ("start of day equity", output.money(output.optional(view, "start_of_day_equity_e4"))),
        ("high-water mark", output.money(output.optional(view, "high_water_mark_e4"))),
        ("line", output.line_state(view.line_state)),
        ("stops", ", ".join(view.stop_ids) or "-"),
        ("last record", output.count(view.sequence)),
    ]
    console.print(output.facts(rows))
    _show_figures(
        view.projected if view.HasField("projected") else None,
        view.actual if view.HasField("actual") else None,
    )
    _show_limits(view)
    _show_positions(view)
    if view.contracts:
        console.print(contract_table(view.contracts))
    _show_orders(view)


def _show_figures(projected: "risk_pb2.Figures | None", actual: "risk_pb2.Figures | None") -> None:
    from tidegate.v1 import risk_service_pb2
    from tidegate_server.cli import output

    table = output.make_table("figure", ">projected", ">actual")
    for field in risk_service_pb2.Figures.DESCRIPTOR.fields:
        cells = []
        for figures in (projected, actual):
            known = figures is not None and (
                not field.has_presence or figures.HasField(field.name)  # type: ignore[arg-type]
            )
            cells.append(
                output.in_unit(field.name, getattr(figures, field.name) if known else None)
            )
        label = field.name.removesuffix("_e4").removesuffix("_bps").replace("_", " ")
        table.add_row(label, *cells)
    output.console().print(table)


def _show_limits(view: "accounts_pb2.AccountView") -> None:
    from tidegate_server.cli import output, usages

    console = output.console()
    if any(limit.HasField("usage_bps") for limit in view.limits):
        console.print(usages.usages(view.limits))
    rest = usages.others(view.limits)
    if rest:
        console.print(output.facts(rest))


def _show_positions(view: "accounts_pb2.AccountView") -> None:
    from tidegate_server.cli import output

    columns = ["position", ">quantity", ">open buys", ">open sells", ">can be closed", ">mark"]
    charged = any(one.long_add_on_bps or one.short_add_on_bps for one in view.positions)
    columns += [">add-on long", ">short"] * charged
    table = output.make_table(*columns)
    for position in view.positions:
        add_ons = (position.long_add_on_bps, position.short_add_on_bps)
        table.add_row(
            position.instrument_id,
            output.count(position.quantity),
            output.count(position.open_buy_quantity),
            output.count(position.open_sell_quantity),
            output.count(position.exit_quantity),
            output.money(output.optional(position, "mark_e4")),
            *[output.percent(bps) for bps in add_ons if charged],
        )
    if view.positions:
        output.console().print(table)


def _show_orders(view: "accounts_pb2.AccountView") -> None:
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    columns = (
        "open order",
        "side",
        "instrument",
        ">quantity",
        ">filled",
        ">reserved",
        ">at",
        "state",
    )
    table = output.make_table(*columns)
    for order in view.open_orders:
        state = output.short(order_pb2.OrderState.Name(order.state), "ORDER_STATE_").lower()
        table.add_row(
            order.order_id,
            output.short(order_pb2.Side.Name(order.side), "SIDE_").lower(),
            order.instrument_id,
            output.count(order.quantity),
            output.count(order.filled_quantity),
            output.count(order.reserved_quantity),
            output.money(order.reserved_price_e4),
            f"{state}, unconfirmed" if order.unconfirmed else state,
        )
    if view.open_orders:
        output.console().print(table)
