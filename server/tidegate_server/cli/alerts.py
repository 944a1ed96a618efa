"""Alerts: list them, watch them come, say that one was noted."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import LIST_BOUND
from tidegate_server.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    FollowerAddress,
    Timeout,
    configure_client,
)
from tidegate_server.cli.watching import Count

if TYPE_CHECKING:
    from tidegate.v1 import watch_service_pb2 as watch_pb2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What staff must know: limits nearly used up, lines, odd reports, freezes.",
)
_PAGE = 100


class Severity(Enum):
    """The least severity to show."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@app.command("list")
def list_alerts(
    *,
    limit: Annotated[
        int, typer.Option("--limit", help="How many at most.", min=1, max=LIST_BOUND)
    ] = 100,
    is_open: Annotated[bool, typer.Option("--open", help="Only what nobody acknowledged.")] = False,
    severity: Annotated[Severity, typer.Option("--severity", help="The least.")] = Severity.INFO,
    account: Annotated[str, typer.Option("--account", help="Only one account's.")] = "",
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first.

    Example: tidegate alerts list --open --severity warning
    """
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.alert_texts import where_of, words_of
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, timeout, data)
    request = watch_service_pb2.ListAlertsRequest(
        page_size=min(limit, _PAGE),
        unacknowledged_only=is_open,
        least_severity=f"ALERT_SEVERITY_{severity.name}",  # type: ignore[arg-type] # by its name
        account_id=account,
    )
    found: list[watch_pb2.Alert] = []
    with calling(settings, address or settings.follower_address) as follower:
        while len(found) < limit:
            page = follower.call(follower.watch.ListAlerts, request)
            found += page.alerts
            request.page_token = page.next_page_token
            if not request.page_token:
                break
    if as_json:
        for alert in found[:limit]:
            typer.echo(output.as_json(alert, indent=None))
        return
    table = output.make_table("id", "time", "severity", "about", "what", "acknowledged")
    for alert in found[:limit]:
        table.add_row(
            alert.alert_id,
            output.clock(alert.time_ns),
            _severity(alert),
            where_of(alert),
            words_of(alert),
            alert.acknowledgement.principal or "-",
        )
    output.console().print(table)


@app.command()
def watch(
    *,
    after: Annotated[
        str,
        typer.Option(
            "--after", help="The last alert known; 0 for all.", show_default="those to come"
        ),
    ] = "",
    count: Count = None,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    as_json: AsJson = False,
) -> None:
    """Print each alert as it comes, one a line.

    Example: tidegate alerts watch --after 4711-0
    """
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, None, data)
    request = watch_service_pb2.WatchAlertsRequest(after_alert_id=after)
    with calling(settings, address or settings.follower_address) as follower:
        pages = follower.stream(follower.watch.WatchAlerts, request)
        for alert in islice((alert for page in pages for alert in page.alerts), count):
            typer.echo(output.as_json(alert, indent=None) if as_json else _line(alert))


@app.command()
def acknowledge(
    alert_ids: Annotated[list[str], typer.Argument(help="Which alerts.", metavar="ALERT...")],
    *,
    note: Annotated[str, typer.Option("--note", help="What to say about it.")] = "",
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Say that you have taken note of alerts. Who was first is kept.

    Example: tidegate alerts acknowledge 4711-0 --note "called the desk"
    """
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, timeout, data)
    with calling(settings, address or settings.follower_address) as follower:
        for alert_id in alert_ids:
            request = watch_service_pb2.AcknowledgeAlertRequest(alert_id=alert_id, note=note)
            alert = follower.call(follower.watch.AcknowledgeAlert, request).alert
            if as_json:
                typer.echo(output.as_json(alert, indent=None))
                continue
            given = alert.acknowledgement
            typer.echo(
                f"{alert.alert_id}: noted by {given.principal} at {output.clock(given.time_ns)}"
            )


def _line(alert: "watch_pb2.Alert") -> str:
    from tidegate_server.cli import output
    from tidegate_server.cli.alert_texts import where_of, words_of

    return (
        f"{alert.alert_id:<12}  {output.clock(alert.time_ns)}  {_severity(alert):<8}"
        f"  {where_of(alert):<20}  {words_of(alert)}"
    )


def _severity(alert: "watch_pb2.Alert") -> str:
    from tidegate.v1 import watch_service_pb2
    from tidegate_server.cli import output

    name = watch_service_pb2.AlertSeverity.Name(alert.severity)
    return output.short(name, "ALERT_SEVERITY_").lower()
