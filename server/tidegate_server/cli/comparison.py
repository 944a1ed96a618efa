"""`tidegate policy compare`: what a candidate policy would have decided."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import INT64_MAX, LIST_BOUND
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import AsJson, ConfigFile, Data, FollowerAddress, configure_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidegate.v1 import policy_pb2
    from tidegate.v1 import watch_service_pb2 as watch_pb2
    from tidegate_server.runtime.config import Config


def compare(
    file: Annotated[
        Path, typer.Argument(help="The candidate as JSON or TOML, as `policy show --json`.")
    ],
    *,
    first: Annotated[
        int,
        typer.Option(
            "--from", help="First record.", min=0, max=INT64_MAX, show_default="the newest snapshot"
        ),
    ] = 0,
    last: Annotated[
        int,
        typer.Option(
            "--to", help="Last record.", min=0, max=INT64_MAX, show_default="the last durable one"
        ),
    ] = 0,
    offline: Annotated[
        bool, typer.Option("--offline", help="Read the journal's files; needs nothing running.")
    ] = False,
    shown: Annotated[
        int, typer.Option("--show", help="How many single orders to show.", min=0, max=LIST_BOUND)
    ] = 20,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    as_json: AsJson = False,
) -> None:
    """Decide the recorded orders again under a candidate policy, and show what would differ.

    Each order is judged at the state that it met. Neither gate nor journal is touched. With --json
    one line an order that differs, and the totals on the last line.

    Example: tidegate policy show --json > c.json; edit c.json; tidegate policy compare c.json
    """
    from tidegate_server.cli import output
    from tidegate_server.cli.policies import read_policy

    candidate = read_policy(file)
    settings = configure_client(config, address, None, data)
    ask = _from_files if offline else _from_follower
    differences: list[watch_pb2.DecisionDifference] = []
    message: watch_pb2.CompareDecisionsResponse | None = None
    with _progress() as advance:
        for message in ask(settings, address, candidate, first, last):
            advance(message)
            for difference in message.differences:
                if as_json:
                    typer.echo(output.as_json(difference, indent=None))
                elif len(differences) < shown:
                    differences.append(difference)
    if message is None or not message.HasField("totals"):
        fail("the comparison ended without a result", Exit.FAULT)
    if as_json:
        typer.echo(output.as_json(message.totals, indent=None))
        return
    _show(message, differences)


def _from_follower(
    settings: "Config",
    address: str | None,
    candidate: "policy_pb2.Policy",
    first: int,
    last: int,
) -> "Iterator[watch_pb2.CompareDecisionsResponse]":
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli.calls import calling

    request = watch_service_pb2.CompareDecisionsRequest(
        candidate=candidate, from_sequence=first, to_sequence=last
    )
    with calling(settings, address or settings.follower_address) as follower:
        yield from follower.stream(follower.watch.CompareDecisions, request)


def _from_files(
    settings: "Config",
    _address: str | None,
    candidate: "policy_pb2.Policy",
    first: int,
    last: int,
) -> "Iterator[watch_pb2.CompareDecisionsResponse]":
    from tidegate_server.cli.starting import refusing
    from tidegate_server.journal import read_watermark
    from tidegate_server.runtime.comparing import compare as run
    from tidegate_server.runtime.comparison_calls import range_of
    from tidegate_server.wire.shadowing import read_candidate
    from tidegate_server.wire.validation import MalformedError

    with refusing():
        try:
            durable = read_watermark(settings.folder).record_sequence
            wanted = range_of(first, last, durable)
            policy = read_candidate(candidate)
        except MalformedError as error:
            fail(str(error), Exit.REFUSED)
        for message in run(settings.folder, policy, wanted):
            if message is not None:
                yield message


@contextmanager
def _progress() -> "Iterator[Callable[[watch_pb2.CompareDecisionsResponse], None]]":
    """Draw a bar where standard error is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tidegate_server.cli import output

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn())
    console = output.console(stderr=True)
    bar = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("records", total=None)

        def advance(message: "watch_pb2.CompareDecisionsResponse") -> None:
            bar.update(task, completed=message.sequence, total=message.last_sequence)

        yield advance


def _show(
    message: "watch_pb2.CompareDecisionsResponse",
    differences: "list[watch_pb2.DecisionDifference]",
) -> None:
    from tidegate_server.cli import output

    console, totals = output.console(), message.totals
    rejected, allowed = totals.newly_rejected, totals.newly_allowed
    rows = [
        ("records", f"{message.first_sequence:,} to {message.last_sequence:,}"),
        ("orders decided again", output.count(totals.order_count)),
        ("allowed both times", output.count(totals.both_allowed_count)),
        (
            "refused both times",
            f"{totals.both_rejected_count:,}, {totals.other_reason_count:,} for another reason",
        ),
        ("newly refused", f"{rejected.order_count:,}, worth {output.money(rejected.notional_e4)}"),
        ("newly allowed", f"{allowed.order_count:,}, worth {output.money(allowed.notional_e4)}"),
        ("accounts that differ", output.count(totals.account_count)),
    ]
    console.print(output.facts(rows))
    if not totals.order_count:
        console.print("No order lies in this range: --from 1 begins at the first record.")
    if totals.reasons:
        console.print(_by_reason(totals))
        console.print(_by_account(totals))
    if differences:
        console.print(_orders(differences))


_COLUMNS = (">newly refused", ">worth", ">newly allowed", ">worth")


def _by_reason(totals: "watch_pb2.DecisionTotals") -> object:
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    table = output.make_table("reason", *_COLUMNS)
    for reason in totals.reasons:
        name = output.short(order_pb2.RejectReason.Name(reason.reason), "REJECT_REASON_")
        table.add_row(name, *_cells(reason.newly_rejected, reason.newly_allowed))
    return table


def _by_account(totals: "watch_pb2.DecisionTotals") -> object:
    from tidegate_server.cli import output

    table = output.make_table("account", *_COLUMNS)
    for account in totals.accounts:
        table.add_row(account.account_id, *_cells(account.newly_rejected, account.newly_allowed))
    return table


def _cells(*pair: "watch_pb2.DecisionTotal") -> list[str]:
    from tidegate_server.cli import output

    return [
        text
        for total in pair
        for text in (output.count(total.order_count), output.money(total.notional_e4))
    ]


def _orders(differences: "list[watch_pb2.DecisionDifference]") -> object:
    from tidegate.v1 import order_pb2
    from tidegate_server.cli import output

    table = output.make_table(
        ">record", "account", "order", "side", ">quantity", "instrument", ">worth", "now", "reasons"
    )
    for one in differences:
        names = [order_pb2.RejectReason.Name(found.reason) for found in one.rejections]
        is_allowed = one.candidate_verdict == order_pb2.VERDICT_ALLOW
        table.add_row(
            output.count(one.sequence),
            one.account_id,
            one.order_id,
            output.short(order_pb2.Side.Name(one.side), "SIDE_").lower(),
            output.count(one.quantity),
            one.instrument_id,
            output.money(one.notional_e4),
            "allowed" if is_allowed else "refused",
            ", ".join(output.short(name, "REJECT_REASON_") for name in names),
        )
    return table
