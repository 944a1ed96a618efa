"""Orders: check, preview, record."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import json
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import LAST_DATE, QUANTITY_BOUND, TIME_BOUND
from tidegate_server.cli.failure import Exit
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client
from tidegate_server.cli.shapes import KindOption, Price, ReduceOnly, Side, kind_of, shape, side_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tidegate.v1 import risk_service_pb2 as risk_pb2

Account = Annotated[str, typer.Argument(help="Account id.", show_default=False)]
Quantity = Annotated[
    int,
    typer.Argument(help="How much, in the instrument's smallest unit.", min=1, max=QUANTITY_BOUND),
]
Instrument = Annotated[str, typer.Argument(help="Instrument id.", show_default=False)]


class Kind(StrEnum):
    """What the venue or the router reported."""

    UNSENT = "unsent"
    ACKNOWLEDGED = "acknowledged"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    BUSTED = "busted"


SideArgument = Annotated[Side, typer.Argument(help="buy or sell.", show_default=False)]


def check(
    account: Account,
    side: SideArgument,
    quantity: Quantity,
    instrument: Instrument,
    *,
    price: Price = None,
    kind: KindOption = None,
    order_id: Annotated[
        str | None, typer.Option("--id", help="Order id, the key of repeats; else a new one.")
    ] = None,
    created_time_ns: Annotated[
        int | None,
        typer.Option(
            "--created-time-ns",
            help="To repeat an order: its first creation time.",
            min=1,
            max=TIME_BOUND,
        ),
    ] = None,
    reduce_only: ReduceOnly = False,
    want_maximum: Annotated[
        bool, typer.Option("--maximum", help="Also ask for the largest quantity that would pass.")
    ] = False,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Decide one order for real: an allow reserves it until its end is recorded.

    Exit code 0 for an allow, 3 for a reject.

    Example: tidegate check A0001 buy 100 SPY --price 168.80
    """
    from tidegate.v1 import risk_service_pb2
    from tidegate_server.cli.calls import calling

    created = created_time_ns or time.time_ns()
    request = risk_service_pb2.CheckOrderRequest(
        account_id=account,
        order_id=order_id or f"cli-{created}",
        instrument_id=instrument,
        quantity=quantity,
        created_time_ns=created,
        reduce_only=reduce_only,
        want_max_acceptable_quantity=want_maximum,
        margin_kind=kind_of(kind),
        **shape(side, price),
    )
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.risk.CheckOrder, request)
    _show_decision(answer, as_json=as_json, order_id=request.order_id, created=created)


def preview(
    account: Account,
    side: SideArgument,
    quantity: Quantity,
    instrument: Instrument,
    *,
    price: Price = None,
    kind: KindOption = None,
    reduce_only: ReduceOnly = False,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Judge an order without any effect: what it would do, what limits it, what cures a reject.

    Exit code 0 if it would be allowed, 3 if not.

    Example: tidegate preview A0001 sell 50 IBM --price 182.10
    """
    from tidegate.v1 import order_pb2, risk_service_pb2
    from tidegate_server.cli import output, previews
    from tidegate_server.cli.calls import calling

    request = risk_service_pb2.PreviewOrderRequest(
        account_id=account,
        instrument_id=instrument,
        quantity=quantity,
        reduce_only=reduce_only,
        margin_kind=kind_of(kind),
        **shape(side, price),
    )
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.risk.PreviewOrder, request)
    console = output.console()
    if as_json:
        console.out(output.as_json(answer))
    else:
        previews.show(console, answer)
    allowed = answer.verdict == order_pb2.VERDICT_ALLOW
    raise typer.Exit(0 if allowed else int(Exit.REJECTED))


def record(
    account: Account,
    order_id: Annotated[str, typer.Argument(help="Order id.", show_default=False)],
    kind: Annotated[Kind, typer.Argument(help="What happened.", show_default=False)],
    *,
    event_id: Annotated[
        str | None, typer.Option("--event-id", help="Id of the report; a repeat changes nothing.")
    ] = None,
    instrument: Annotated[str, typer.Option("--instrument", help="Of a fill.")] = "",
    side: Annotated[Side | None, typer.Option("--side", help="Of a fill: buy or sell.")] = None,
    quantity: Annotated[
        int, typer.Option("--quantity", help="Of a fill.", min=0, max=QUANTITY_BOUND)
    ] = 0,
    price: Annotated[str | None, typer.Option("--price", help="Of a fill, e.g. 168.80.")] = None,
    cumulative: Annotated[
        int | None,
        typer.Option(
            "--cumulative",
            help="Of an end: all that the venue says was filled.",
            min=0,
            max=QUANTITY_BOUND,
        ),
    ] = None,
    trade_date: Annotated[
        int,
        typer.Option(
            "--trade-date",
            help="Of a fill: YYYYMMDD; 0 is the trading date.",
            min=0,
            max=LAST_DATE,
        ),
    ] = 0,
    busts: Annotated[
        str, typer.Option("--busts", help="Of a bust: the event id of the fill that is undone.")
    ] = "",
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Report what the venue said about an order. Facts are never refused.

    Example: tidegate record A0001 cli-1 cancelled --cumulative 40
    """
    from tidegate.v1 import risk_service_pb2
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.output import parse_price

    event = risk_service_pb2.OrderEvent(
        event_id=event_id or f"cli-{time.time_ns()}",
        account_id=account,
        order_id=order_id,
        kind=risk_service_pb2.OrderEventKind.Value(f"ORDER_EVENT_KIND_{kind.name}"),
        instrument_id=instrument,
        quantity=quantity,
        price_e4=parse_price(price) if price else 0,
        cumulative_quantity=cumulative,
        trade_date=trade_date,
        busted_event_id=busts,
    )
    if side:
        event.side = side_of(side)
    request = risk_service_pb2.RecordOrderEventsRequest(events=[event])
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.risk.RecordOrderEvents, request)
    _show_results(event, answer, as_json=as_json)


def _show_decision(
    answer: "risk_pb2.CheckOrderResponse", *, as_json: bool, order_id: str, created: int
) -> None:
    """Print a decision; end with 3 unless it is an allow."""
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    allowed = answer.verdict == order_pb2.VERDICT_ALLOW
    console = output.console()
    if as_json:
        # With the two that the answer does not have: who made them up must record and repeat them.
        made = {"order_id": order_id, "created_time_ns": str(created)}
        console.out(json.dumps(made | json.loads(output.as_json(answer)), indent=2))
        raise typer.Exit(0 if allowed else int(Exit.REJECTED))
    rows = [("verdict", "ALLOW" if allowed else "REJECT")]
    rows += [("order id", order_id), ("created", f"{created} ns")]
    for name in ("sequence", "policy_version", "max_acceptable_quantity"):
        if _is_set(answer, name):
            rows.append((name.replace("_", " "), output.count(getattr(answer, name))))
    if answer.HasField("reserved_price_e4"):
        rows.append(("reserved at", output.money(answer.reserved_price_e4)))
    rows.append(("verified exit", "yes" if answer.verified_exit else "no"))
    if answer.replayed:
        state = output.short(order_pb2.OrderState.Name(answer.order_state), "ORDER_STATE_")
        rows.append(("repeats an earlier answer", f"the order is {state}"))
    console.print(output.facts(rows))
    if answer.rejections:
        console.print(output.rejections(answer.rejections))
    if answer.warnings:
        console.print(output.rejections(answer.warnings, "warning"))
    raise typer.Exit(0 if allowed else int(Exit.REJECTED))


def _is_set(message: "Message", field: str) -> bool:
    descriptor = message.DESCRIPTOR.fields_by_name[field]
    return not descriptor.has_presence or message.HasField(field)


def _show_results(
    event: "risk_pb2.OrderEvent", answer: "risk_pb2.RecordOrderEventsResponse", *, as_json: bool
) -> None:
    from tidegate.v1 import order_pb2, risk_service_pb2
    from tidegate_server.cli import output

    if as_json:
        output.console().out(output.as_json(answer))
        return
    (result,) = answer.results
    outcome = risk_service_pb2.EventOutcome.Name(result.outcome)
    flags = [risk_service_pb2.EventFlag.Name(flag) for flag in result.flags]
    rows = [
        ("event", event.event_id),
        ("outcome", output.short(outcome, "EVENT_OUTCOME_")),
        ("flags", ", ".join(output.short(flag, "EVENT_FLAG_") for flag in flags) or "-"),
        ("order", output.short(order_pb2.OrderState.Name(result.order_state), "ORDER_STATE_")),
        ("still reserved", output.count(result.reserved_quantity)),
        ("sequence", output.count(answer.sequence)),
    ]
    output.console().print(output.facts(rows))
