"""The journal: tail and explain through the follower, verify on the files."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import INT64_MAX, LIST_BOUND
from tidegate_server.cli.failure import Exit
from tidegate_server.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    FollowerAddress,
    Timeout,
    configure_client,
)

if TYPE_CHECKING:
    from tidegate.v1 import journal_service_pb2 as journal_pb2
    from tidegate_server.cli.calls import Gate
    from tidegate_server.runtime.config import Config

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Read and prove what was recorded."
)

_PAGE = 100
_FAR = 2**62
_POLL_S = 0.5


@app.command()
def tail(
    *,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many of the newest.", min=1, max=LIST_BOUND)
    ] = 20,
    from_sequence: Annotated[
        int | None,
        typer.Option("--from", help="Start at this sequence instead.", min=1, max=INT64_MAX),
    ] = None,
    keep_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on as records come.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Print records, one a line: sequence, time, method, principal, what was asked.

    Example: tidegate journal tail -n 50 --follow
    """
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, timeout, data)
    with calling(settings, address or settings.follower_address) as follower:
        start = from_sequence or _newest(follower, count)
        while True:
            start, last = _print_page(follower, start, as_json=as_json)
            if start > last and not keep_on:
                return
            if start > last:
                time.sleep(_POLL_S)


@app.command()
def explain(
    sequence: Annotated[int, typer.Argument(help="Journal position.", min=1, max=INT64_MAX)],
    *,
    config: ConfigFile = None,
    data: Data = None,
    address: FollowerAddress = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Spell out one record, and whether deciding it again gave the same outcome.

    Example: tidegate journal explain 4711
    """
    from tidegate.v1 import journal_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    settings = configure_client(config, address, timeout, data)
    request = journal_service_pb2.ExplainRecordRequest(sequence=sequence)
    with calling(settings, address or settings.follower_address) as follower:
        answer = follower.call(follower.journal.ExplainRecord, request)
    console = output.console()
    if as_json:
        console.out(output.as_json(answer))
        return
    entry = answer.entry
    proved = "not yet" if not answer.HasField("proved") else ("yes" if answer.proved else "NO")
    rows = [
        ("sequence", output.count(entry.sequence)),
        ("decided", output.clock(entry.decided_time_ns)),
        ("method", _method(entry)),
        ("principal", entry.record.principal or "the gate itself"),
        ("frame, epoch, rules", f"{entry.frame_sequence:,}, {entry.epoch}, {entry.rules_version}"),
        ("same when decided again", proved),
    ]
    console.print(output.facts(rows))
    parts = (answer.request_json, answer.response_json, answer.effects_json)
    for name, text in zip(("request", "response", "effects"), parts, strict=True):
        if text:
            console.out(f"{name}: {json.dumps(json.loads(text), indent=2)}")


@app.command()
def verify(*, config: ConfigFile = None, data: Data = None, as_json: AsJson = False) -> None:
    """Read the whole journal from its files, decide every record again and compare.

    Sums over the firm, groups and instruments are added up from the accounts and compared, too.
    Ends with 70 if anything differs.

    Needs no running gate, and changes nothing.

    Example: tidegate journal verify --data /var/lib/tidegate
    """
    raise typer.Exit(_verify(configure_client(config, None, None, data), as_json=as_json))


def _verify(config: "Config", *, as_json: bool) -> int:
    from tidegate_server.cli.starting import refusing
    from tidegate_server.runtime.verify import verify as run

    with refusing():
        report = run(config)
    figures = {name: getattr(report, name) for name in report.__slots__}
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        from tidegate_server.cli import output

        rows = [(name.replace("_", " "), str(value)) for name, value in figures.items()]
        output.console().print(output.facts(rows))
    return int(Exit.FAULT) if report.mismatches else 0


def _newest(follower: "Gate", count: int) -> int:
    """Return where the newest records begin, `count` of them or as many as are kept."""
    last = _last_sequence(follower)
    start = max(1, last - count + 1)
    if start > last or _is_kept(follower, start):
        return start
    kept = last + 1  # older segments have been archived: what is kept begins somewhere above
    while kept - start > 1:
        middle = (start + kept) // 2
        if _is_kept(follower, middle):
            kept = middle
        else:
            start = middle
    return kept


def _last_sequence(follower: "Gate") -> int:
    """Return the last record; asked from far above it, for nothing below needs to be kept."""
    from tidegate.v1 import journal_service_pb2

    request = journal_service_pb2.ReadRecordsRequest(from_sequence=_FAR, page_size=1)
    return follower.call(follower.journal.ReadRecords, request).last_sequence


def _is_kept(follower: "Gate", sequence: int) -> bool:
    from tidegate.v1 import journal_service_pb2

    request = journal_service_pb2.ReadRecordsRequest(from_sequence=sequence, page_size=1)
    return follower.finds(follower.journal.ReadRecords, request)


def _print_page(follower: "Gate", start: int, *, as_json: bool) -> tuple[int, int]:
    """Print one page; return where the next one starts and the last known sequence."""
    from tidegate.v1 import journal_service_pb2
    from tidegate_server.cli import output

    request = journal_service_pb2.ReadRecordsRequest(from_sequence=start, page_size=_PAGE)
    answer = follower.call(follower.journal.ReadRecords, request)
    for entry in answer.entries:
        typer.echo(output.as_json(entry, indent=None) if as_json else line_of(entry))
    return max(start, answer.next_sequence), answer.last_sequence


def _method(entry: "journal_pb2.JournalEntry") -> str:
    from tidegate.v1 import journal_pb2

    return journal_pb2.Method.Name(entry.record.method).removeprefix("METHOD_").lower()


def line_of(entry: "journal_pb2.JournalEntry") -> str:
    """Write a record in one line."""
    from tidegate_server.cli import output
    from tidegate_server.cli.records import summarise

    return (
        f"{entry.sequence:>10,}  {output.clock(entry.decided_time_ns)}  {_method(entry):<20}"
        f"  {entry.record.principal or '-':<12}  {summarise(entry.record)}"
    )
