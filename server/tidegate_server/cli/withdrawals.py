"""Withdrawals: a customer's cash, if the account can do without it."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import time
from typing import Annotated

import typer

from tidegate_server.cli.failure import Exit
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client


def withdraw(
    account: Annotated[str, typer.Argument(help="Account id.", show_default=False)],
    amount: Annotated[
        str, typer.Argument(help="How much, in currency, as 1000.50.", show_default=False)
    ],
    *,
    adjustment_id: Annotated[
        str | None,
        typer.Option("--id", help="Its id, the same again for a repeat; else a new one."),
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Ask for cash of an account: booked, or refused with every reason and the most that passes.

    Nobody borrows to withdraw, and margin and ratio must stay. Exits with 3 if it is refused.

    Example: tidegate account withdraw A0001 2500.00 --id W-17
    """
    from tidegate.v1 import account_service_pb2, order_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    amount_e4 = output.parse_amount(amount, "amount")
    with calling(configure_client(config, address, timeout)) as gate:
        asked = account_service_pb2.GetAccountRequest(account_id=account)
        known = gate.call(gate.accounts.GetAccount, asked).account
        request = account_service_pb2.AdjustCashRequest(
            account_id=account,
            adjustment_id=adjustment_id or f"withdrawal-{time.time_ns()}",
            kind=account_service_pb2.CASH_KIND_WITHDRAWAL,
            amount_e4=-amount_e4,
            expected_sequence=known.sequence,
        )
        answer = gate.call(gate.accounts.AdjustCash, request)
    console = output.console()
    booked = answer.verdict == order_pb2.VERDICT_ALLOW
    if as_json:
        console.out(output.as_json(answer))
    elif booked:
        again = ", as it was before" if answer.replayed else ""
        typer.echo(f"{request.adjustment_id} is booked{again}: cash {output.money(answer.cash_e4)}")
    else:
        typer.echo(f"refused; the most that would pass is {output.money(answer.max_withdrawal_e4)}")
        console.print(output.rejections(answer.rejections))
    if not booked:
        raise typer.Exit(Exit.REJECTED)
