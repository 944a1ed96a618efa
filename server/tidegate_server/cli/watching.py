"""Watch records and accounts as they come, through the follower."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import INT64_MAX, LIST_BOUND
from tidegate_server.cli.options import AsJson, ConfigFile, Data, FollowerAddress, configure_client

if TYPE_CHECKING:
    from tidegate.v1 import watch_service_pb2 as watch_pb2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="See records and accounts change, until interrupted.",
)
Count = Annotated[
    int | None,
    typer.Option(
        "--count", "-n", help="End after so many.", min=1, max=LIST_BOUND, show_default="never"
    ),
]


@app.command()
def records(
    *,
    first: Annotated[
        int,
        typer.Option(
            "--from", help="First record.", min=0, max=INT64_MAX, show_default="the next one"
        ),
    ] = 0,
    count: Count = None,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    as_json: AsJson = False,
) -> None:
    """Print each record as it becomes durable, one a line.

    Example: tidegate watch records --from 1 --json
    """
    from tidegate.v1 import journal_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.journals import line_of

    settings = configure_client(config, address, None, data)
    request = journal_service_pb2.WatchRecordsRequest(from_sequence=first)
    with calling(settings, address or settings.follower_address) as follower:
        stream = follower.stream(follower.journal.WatchRecords, request)
        for entry in islice((entry for page in stream for entry in page.entries), count):
            typer.echo(output.as_json(entry, indent=None) if as_json else line_of(entry))


@app.command()
def accounts(
    account_ids: Annotated[list[str], typer.Argument(help="The accounts.", metavar="ACCOUNT...")],
    *,
    count: Count = None,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    as_json: AsJson = False,
) -> None:
    """Print the accounts as they stand, and each again after whatever changed it.

    Example: tidegate watch accounts A0001 A0002
    """
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, None, data)
    request = watch_service_pb2.WatchAccountsRequest(account_ids=account_ids)
    with calling(settings, address or settings.follower_address) as follower:
        for message in islice(follower.stream(follower.watch.WatchAccounts, request), count):
            typer.echo(output.as_json(message, indent=None) if as_json else _account(message))


def _account(message: "watch_pb2.WatchAccountsResponse") -> str:
    from tidegate_server.cli import output

    view = message.account
    parts = [
        f"{message.as_of_sequence:>10,}",
        output.clock(message.state_time_ns),
        f"{view.account.account_id:<12}",
        f"cash {output.money(view.cash_e4)}",
        f"{len(view.positions)} positions",
        f"{len(view.open_orders)} open orders",
    ]
    if view.HasField("projected"):
        figures = view.projected
        parts += [
            f"equity {output.money(figures.equity_e4)}",
            f"available {output.money(figures.available_e4)}",
            f"leverage {output.percent(output.optional(figures, 'leverage_bps'))}",
        ]
    parts += [f"stopped by {', '.join(view.stop_ids)}"] if view.stop_ids else []
    return "  ".join(parts)
