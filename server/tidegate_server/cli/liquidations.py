"""A liquidation plan as risk staff reads it."""
# ruff: noqa: PLC0415  - calls are imported when made; a command has an argument a flag

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from rich.console import Console

    from tidegate.v1 import control_service_pb2 as control_pb2

_WHY = {
    1: "bought today, to be sold tomorrow at the earliest",
    2: "halted",
    3: "without a mark: counts as nothing",
}


def plan_liquidation(
    account: Annotated[str, typer.Argument(help="Account id.", show_default=False)],
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Say how an account in liquidation could get back: what to cancel, what to trade, by stages.

    An answer with its reasoning, no order: nothing is sent, reserved or recorded.

    Exit code 0 if the plan reaches the target, 3 if nothing does.

    Example: tidegate plan-liquidation A0001
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.failure import Exit

    request = control_service_pb2.PlanLiquidationRequest(account_id=account)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.control.PlanLiquidation, request)
    console = output.console()
    if as_json:
        console.out(output.as_json(answer))
    else:
        show(console, account, answer)
    raise typer.Exit(0 if answer.reachable else int(Exit.REJECTED))


def show(console: "Console", account: str, answer: "control_pb2.PlanLiquidationResponse") -> None:
    """Print a plan."""
    from tidegate_server.cli import output

    rows = [
        ("account", account),
        ("assets over debt", _ratio(answer, "before_ratio_bps")),
        ("to be reached", output.percent(answer.target_ratio_bps)),
        ("after the plan", _ratio(answer, "after_ratio_bps")),
        ("outcome", _outcome(answer)),
    ]
    if answer.repay_e4:
        rows.insert(3, ("to be repaid in cash", output.money(answer.repay_e4)))
    console.print(output.facts(rows))
    _show_cancels(console, answer)
    _show_stages(console, answer)
    blocked = output.make_table("cannot be traded", ">quantity", "why")
    for one in answer.blocked:
        why = _WHY.get(one.reason, "unknown")
        blocked.add_row(one.instrument_id, output.count(one.quantity), why)
    if answer.blocked:
        console.print(blocked)


def _ratio(answer: "control_pb2.PlanLiquidationResponse", name: str) -> str:
    from tidegate_server.cli import output

    bps = output.optional(answer, name)
    return "no debt" if bps is None else output.percent(bps)


def _outcome(answer: "control_pb2.PlanLiquidationResponse") -> str:
    from tidegate_server.cli import output

    if answer.reachable:
        return "the plan reaches it"
    if not answer.shortfall_e4:
        return "not known: what is owed in a position without a mark cannot be told"
    lacking = f"{output.money(answer.shortfall_e4)} of assets would still be lacking"
    return f"the plan is too long to write down; {lacking}" if answer.cut else lacking


def _show_cancels(console: "Console", answer: "control_pb2.PlanLiquidationResponse") -> None:
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    table = output.make_table("first cancel", "side", "instrument", ">open", ">frees")
    for cancel in answer.cancels:
        table.add_row(
            cancel.order_id,
            output.short(order_pb2.Side.Name(cancel.side), "SIDE_").lower(),
            cancel.instrument_id,
            output.count(cancel.reserved_quantity),
            output.money(cancel.rise_e4),
        )
    if answer.cancels:
        console.print(table)


def _show_stages(console: "Console", answer: "control_pb2.PlanLiquidationResponse") -> None:
    from tidegate_server.cli import output

    columns = [">stage", "then", "instrument", ">quantity", ">at", ">amount", ">factor"]
    weighed = any(trade.weight_band for stage in answer.stages for trade in stage.trades)
    columns += [">weight band"] * weighed
    table = output.make_table(*columns, ">ratio after", ">still lacking")
    for number, stage in enumerate(answer.stages, 1):
        for trade in stage.trades:
            bps = output.optional(trade, "ratio_bps")
            band = [str(trade.weight_band or "-")] * weighed
            table.add_row(
                str(number),
                _what(trade),
                trade.instrument_id,
                output.count(trade.quantity),
                output.money(trade.price_e4),
                output.money(trade.amount_e4),
                output.percent(trade.factor_bps),
                *band,
                "no debt" if bps is None else output.percent(bps),
                output.money(trade.shortfall_e4),
            )
    if answer.stages:
        console.print(table)


def _what(trade: "control_pb2.PlannedTrade") -> str:
    """Say what a trade is: its side, under cn_margin its kind."""
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    if trade.margin_kind:
        return output.short(order_pb2.MarginKind.Name(trade.margin_kind), "MARGIN_KIND_").lower()
    return output.short(order_pb2.Side.Name(trade.side), "SIDE_").lower()
