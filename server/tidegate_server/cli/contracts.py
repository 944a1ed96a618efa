"""Contracts of accounts under cn_margin: list, repay, return, interest, fee."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidegate_server.cli.accruals import accrue
from tidegate_server.cli.bounds import QUANTITY_BOUND
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.table import Table

    from tidegate.v1 import account_service_pb2 as accounts_pb2
    from tidegate_server.cli.calls import Gate
    from tidegate_server.runtime.config import Config

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Contracts of accounts under cn_margin: read them, repay, return, book what they owe.",
)
app.command()(accrue)
Account = Annotated[str, typer.Argument(help="Account id.", show_default=False)]
Amount = Annotated[str, typer.Argument(help="How much, e.g. 12.50.", show_default=False)]
BookingId = Annotated[
    str | None, typer.Option("--id", help="Id of the booking; a repeat changes nothing.")
]
TakeBack = Annotated[bool, typer.Option("--take-back", help="Take so much back instead.")]


@app.command(name="list")
def list_(
    account: Account,
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List an account's contracts, the oldest first.

    Example: tidegate contract list C0001
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    request = account_service_pb2.GetAccountRequest(account_id=account)
    with calling(configure_client(config, address, timeout)) as gate:
        view = gate.call(gate.accounts.GetAccount, request).account
    console = output.console()
    if as_json:
        for contract in view.contracts:
            console.out(output.as_json(contract))
        return
    console.print(contract_table(view.contracts))


@app.command()
def repay(
    account: Account,
    amount: Amount,
    *,
    booking_id: BookingId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Repay financed contracts out of free cash: the oldest first, interest before principal.

    Example: tidegate contract repay C0001 2500.00
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli.output import parse_amount

    request = account_service_pb2.RepayCashRequest(amount_e4=parse_amount(amount, "amount"))
    name(request, account, booking_id)
    client = configure_client(config, address, timeout)
    _book(client, request, _repay, as_json=as_json)


@app.command(name="return")
def return_(
    account: Account,
    quantity: Annotated[int, typer.Argument(help="How many shares.", min=1, max=QUANTITY_BOUND)],
    instrument: Annotated[str, typer.Argument(help="Instrument id.", show_default=False)],
    *,
    booking_id: BookingId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Return collateral to short contracts, the oldest first.

    Example: tidegate contract return C0001 100 600519
    """
    from tidegate.v1 import account_service_pb2

    request = account_service_pb2.ReturnSharesRequest(instrument_id=instrument, quantity=quantity)
    name(request, account, booking_id)
    client = configure_client(config, address, timeout)
    _book(client, request, _return, as_json=as_json)


@app.command()
def interest(
    account: Account,
    contract: Annotated[str, typer.Argument(help="Contract id.", show_default=False)],
    amount: Amount,
    *,
    take_back: TakeBack = False,
    booking_id: BookingId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Book interest on a contract.

    Example: tidegate contract interest C0001 order-17 1.25
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli.output import parse_amount

    signed = parse_amount(amount, "amount") * (-1 if take_back else 1)
    request = account_service_pb2.AccrueInterestRequest(contract_id=contract, amount_e4=signed)
    name(request, account, booking_id)
    client = configure_client(config, address, timeout)
    _book(client, request, _interest, as_json=as_json)


@app.command()
def fee(
    account: Account,
    amount: Amount,
    *,
    take_back: TakeBack = False,
    booking_id: BookingId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Book a fee that the account owes as a whole.

    Example: tidegate contract fee C0001 5.00
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli.output import parse_amount

    signed = parse_amount(amount, "amount") * (-1 if take_back else 1)
    request = account_service_pb2.ChargeFeeRequest(amount_e4=signed)
    name(request, account, booking_id)
    client = configure_client(config, address, timeout)
    _book(client, request, _fee, as_json=as_json)


def contract_table(contracts: "Iterable[accounts_pb2.MarginContract]") -> "Table":
    """Return contracts as a table."""
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli import output

    columns = (
        "contract",
        "kind",
        "instrument",
        ">shares",
        ">amount",
        ">interest",
        ">ratio",
        "opened",
    )
    table = output.make_table(*columns)
    for one in contracts:
        kind = account_service_pb2.MarginContractKind.Name(one.kind)
        table.add_row(
            one.contract_id,
            output.short(kind, "MARGIN_CONTRACT_KIND_").lower(),
            one.instrument_id,
            output.count(one.quantity),
            output.money(one.amount_e4),
            output.money(one.interest_e4),
            output.percent(one.ratio_bps),
            output.clock(one.opened_time_ns),
        )
    return table


def name(request: Any, account: str, booking_id: str | None) -> None:  # noqa: ANN401 - one of four
    """Say whose booking it is, and under which id."""
    request.account_id = account
    request.adjustment_id = booking_id or f"cli-{time.time_ns()}"


def _book(
    client: "Config",
    request: Any,  # noqa: ANN401 - one of four bookings alike
    send: "Callable[[Gate, Any], Any]",
    *,
    as_json: bool,
) -> None:
    """Make a booking on the account as it is now, and say cash after it."""
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    with calling(client) as gate:
        read = account_service_pb2.GetAccountRequest(account_id=request.account_id)
        request.expected_sequence = gate.call(gate.accounts.GetAccount, read).account.sequence
        answer = send(gate, request)
    console = output.console()
    if as_json:
        console.out(output.as_json(answer))
        return
    again = ", booked before" if answer.replayed else ""
    rows = [
        ("booking", request.adjustment_id + again),
        ("cash", output.money(answer.cash_e4)),
        ("record", output.count(answer.sequence)),
    ]
    console.print(output.facts(rows))


def _repay(gate: "Gate", request: "accounts_pb2.RepayCashRequest") -> Any:  # noqa: ANN401
    return gate.call(gate.accounts.RepayCash, request)


def _return(gate: "Gate", request: "accounts_pb2.ReturnSharesRequest") -> Any:  # noqa: ANN401
    return gate.call(gate.accounts.ReturnShares, request)


def _interest(gate: "Gate", request: "accounts_pb2.AccrueInterestRequest") -> Any:  # noqa: ANN401
    return gate.call(gate.accounts.AccrueInterest, request)


def _fee(gate: "Gate", request: "accounts_pb2.ChargeFeeRequest") -> Any:  # noqa: ANN401
    return gate.call(gate.accounts.ChargeFee, request)
