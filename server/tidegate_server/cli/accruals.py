"""Interest of a day on every contract under cn_margin: `tidegate contract accrue`.

A booking's id has the date in it, so that a day is booked once however often the command is run.
The gate keeps ids until the day rolls: so it is only ever its own trading date that is booked.
"""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tidegate_server.cli.bounds import LAST_DATE
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate.v1 import account_service_pb2 as accounts_pb2
    from tidegate_server.cli.calls import Gate

_YEAR_DAYS = 360
_ID_LENGTH = 64
_ATTEMPTS = 20  # an account whose orders keep moving its sequence on


class Due(NamedTuple):
    """One contract's interest, and what became of it."""

    account_id: str
    contract_id: str
    kind: str
    amount_e4: int
    interest_e4: int
    state: str


def accrue(
    *,
    financing_rate: Annotated[
        int, typer.Option("--financing-rate", min=0, max=1_000_000, help="A year's rate, bps.")
    ],
    short_rate: Annotated[
        int, typer.Option("--short-rate", min=0, max=1_000_000, help="A year's rate, bps.")
    ],
    date: Annotated[
        int | None,
        typer.Option(
            "--date",
            help="YYYYMMDD: the gate's trading date.",
            show_default="that date",
            min=1,
            max=LAST_DATE,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=31, help="Calendar days that it stands for.")
    ] = 1,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="Only this account; may be given again."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Book nothing, show it.")] = False,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Book a day's interest on every contract, once a day however often it is run.

    Interest is amount x rate x days / 360, rounded up: on the principal of financed contracts, on
    the unreleased proceeds of short ones. Run it before the day rolls; a day that has rolled is
    refused, because the gate no longer knows what was booked of it.

    Example: tidegate contract accrue --financing-rate 835 --short-rate 1060
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    rates = {"financed": financing_rate, "short": short_rate}
    with calling(configure_client(config, address, timeout)) as gate:
        status = gate.call(gate.control.GetStatus, control_service_pb2.GetStatusRequest())
        today = status.trading_date
        if not today or date not in {None, today}:
            fail(f"the gate's trading date is {today or 'not set'}: nothing is booked", Exit.USAGE)
        found = [
            one
            for account_id in account or _accounts(gate)
            for one in _book_account(gate, account_id, today, days, rates, dry_run=dry_run)
        ]
    console = output.console()
    if as_json:
        for one in found:
            console.print_json(data=one._asdict())
        return
    table = output.make_table("account", "contract", "kind", ">amount", ">interest", "state")
    for one in found:
        amounts = output.money(one.amount_e4), output.money(one.interest_e4)
        table.add_row(one.account_id, one.contract_id, one.kind, *amounts, one.state)
    if found:
        console.print(table)
    booked = sum(one.interest_e4 for one in found if one.state == "booked")
    typer.echo(f"{len(found)} contracts on {today}, {output.money(booked)} booked now")


def interest_of(amount_e4: int, rate_bps: int, days: int) -> int:
    """Return the interest of some days at a year's rate, rounded up."""
    return -(-amount_e4 * rate_bps * days // (10_000 * _YEAR_DAYS))


def booking_id(date: int, contract_id: str) -> str:
    """Return the id of a contract's booking of a day; a long contract id is hashed."""
    made = f"interest-{date}-{contract_id}"
    if len(made) <= _ID_LENGTH:
        return made
    return f"interest-{date}-{blake2b(contract_id.encode(), digest_size=16).hexdigest()}"


def _accounts(gate: "Gate") -> "Iterator[str]":
    """Yield every account."""
    from tidegate.v1 import account_service_pb2

    request = account_service_pb2.ListAccountsRequest()
    while True:
        page = gate.call(gate.accounts.ListAccounts, request)
        yield from (one.account_id for one in page.accounts)
        request.page_token = page.next_page_token
        if not request.page_token:
            return


def _book_account(
    gate: "Gate",
    account_id: str,
    date: int,
    days: int,
    rates: dict[str, int],
    *,
    dry_run: bool,
) -> "Iterator[Due]":
    """Book what an account's contracts owe, and say what became of each."""
    from tidegate.v1 import account_service_pb2

    read = account_service_pb2.GetAccountRequest(account_id=account_id)
    for contract in gate.call(gate.accounts.GetAccount, read).account.contracts:
        short = contract.kind == account_service_pb2.MARGIN_CONTRACT_KIND_SHORT
        kind = "short" if short else "financed"
        owed = interest_of(contract.amount_e4, rates[kind], days)
        if not owed:
            continue
        request = account_service_pb2.AccrueInterestRequest(
            account_id=account_id,
            adjustment_id=booking_id(date, contract.contract_id),
            contract_id=contract.contract_id,
            amount_e4=owed,
        )
        state = "to be booked" if dry_run else _book(gate, request)
        yield Due(account_id, contract.contract_id, kind, contract.amount_e4, owed, state)


def _book(gate: "Gate", request: "accounts_pb2.AccrueInterestRequest") -> str:
    """Book interest on the account as it is; say whether it was booked before, or is gone."""
    import grpc

    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli.calls import error_info

    read = account_service_pb2.GetAccountRequest(account_id=request.account_id)
    for attempt in range(1, _ATTEMPTS + 1):
        request.expected_sequence = gate.call(gate.accounts.GetAccount, read).account.sequence
        try:
            answer = gate.call(gate.accounts.AccrueInterest, request)
        except grpc.RpcError as error:
            info = error_info(error)
            reason = info.reason if info is not None else ""
            if reason.endswith("NOT_FOUND"):
                return "closed meanwhile"
            if reason.endswith("STALE_SEQUENCE") and attempt < _ATTEMPTS:
                continue
            raise
        return "booked before" if answer.replayed else "booked"
    raise AssertionError
