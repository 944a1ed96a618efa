"""Volatility: estimate factors from closes, show, write and send them."""
# ruff: noqa: PLC0415, PLR0913  - what a command needs is imported when it runs; an argument a flag

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidegate_server.runtime.config import Config
    from tidegate_server.volatility.closes import Closes
    from tidegate_server.volatility.model import Estimate

FACTORS_A_CALL = 1_000

ClosesFile = Annotated[
    Path,
    typer.Argument(
        help="CSV of adjusted daily closes, plain or gzip: dates, then a column an instrument.",
        show_default=False,
    ),
]
Day = Annotated[
    str | None,
    typer.Option("--date", help="After whose close, YYYY-MM-DD.", show_default="the file's last"),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="TOML file with parameters of the model; see docs/volatility.md.",
        show_default="those of docs/volatility.md",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="An instrument; may be repeated.", show_default="all"),
]
CloseTime = Annotated[
    str,
    typer.Option("--close-time", help="When the session of the date ended, HH:MM in UTC."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print factors, settings and notes as one JSON object.")
]
CsvFile = Annotated[
    Path | None,
    typer.Option(
        "--csv", help="Write the whole history to this file, to --date.", show_default=False
    ),
]
Send = Annotated[bool, typer.Option("--send", help="Send the factors of the date to the gate.")]


def volatility(
    closes: ClosesFile,
    *,
    day: Day = None,
    settings: SettingsFile = None,
    only: Only = None,
    csv_file: CsvFile = None,
    send: Send = False,
    close_time: CloseTime = "21:00",
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Estimate volatility factors from daily closes; show them, and send them to the gate.

    A factor of 2 halves the caps of an instrument and doubles its margin rates, up to 100 %. An
    instrument with too few closes gets none and is not sent: the gate then applies its policy's
    stress factor, as it does to factors that are older than the policy allows. An instrument that
    the gate does not know is created there frozen: name those that it knows with --only.

    Example: tidegate volatility closes.csv.gz --date 2020-03-16 --only JPM --only XOM --send
    """
    from tidegate_server.cli import estimates
    from tidegate_server.volatility.closes import read_closes
    from tidegate_server.volatility.errors import ModelError
    from tidegate_server.volatility.model import estimate_all
    from tidegate_server.volatility.settings import Settings, read_settings

    try:
        chosen = read_settings(settings) if settings else Settings()
        read = _select(read_closes(closes), only)
    except ModelError as error:
        fail(str(error), Exit.USAGE)
    asked = _parse_day(day, read)
    ended = _parse_time(close_time)
    histories = estimate_all(read, chosen)
    found = {name: history.at(asked) for name, history in histories.items()}
    if csv_file:
        estimates.write_csv(csv_file, histories, asked, chosen)
    sent = None
    if send:
        sent = _send(configure_client(config, address, timeout), found, ended, chosen.model_version)
    if as_json:
        typer.echo(json.dumps(estimates.tree(found, histories, asked, chosen, sent), indent=2))
        return
    estimates.show(found, histories, asked, chosen)
    if sent is not None:
        typer.echo(
            f"sent {sent['count']} factors of {chosen.model_version} at sequence"
            f" {sent['sequence']}; {sent['older_count']} were older than what the gate knows"
        )


def _select(closes: "Closes", only: list[str] | None) -> "Closes":
    from tidegate_server.volatility.closes import Closes

    for name in only or ():
        if name not in closes.columns:
            fail(f"--only {name}: the file has no such column", Exit.USAGE)
    names = [name for name in closes.columns if not only or name in only]
    return Closes(closes.dates, {name: closes.columns[name] for name in names})


def _parse_day(text: str | None, closes: "Closes") -> date:
    first, last = closes.dates[0], closes.dates[-1]
    if text is None:
        return last
    try:
        day = date.fromisoformat(text)
    except ValueError:
        fail(f"--date {text}: no date, YYYY-MM-DD", Exit.USAGE)
    if not first <= day <= last:
        fail(f"--date {text}: the closes are from {first} to {last}", Exit.USAGE)
    return day


def _parse_time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).timetz()
    except ValueError:
        fail(f"--close-time {text}: no time of day, HH:MM", Exit.USAGE)


def _send(
    config: "Config", found: "Mapping[str, Estimate | None]", ended: time, model_version: str
) -> dict[str, int]:
    """Send what there is; return how many, the last sequence, and how many came too late."""
    from tidegate.v1 import market_service_pb2 as market_pb2
    from tidegate_server.cli.calls import calling

    factors = [
        market_pb2.VolatilityFactor(
            instrument_id=name,
            factor_bps=estimate.factor_bps,
            factor_time_ns=_time_ns(estimate.day, ended),
        )
        for name, estimate in found.items()
        if estimate is not None
    ]
    if not factors:
        fail("nothing to send: no instrument has an estimate on that date", Exit.USAGE)
    sequence = older = 0
    with calling(config) as gate:
        for first in range(0, len(factors), FACTORS_A_CALL):
            request = market_pb2.UpdateVolatilityRequest(
                factors=factors[first : first + FACTORS_A_CALL], model_version=model_version
            )
            answer = gate.call(gate.market.UpdateVolatility, request)
            sequence, older = answer.sequence, older + answer.older_count
    return {"count": len(factors), "sequence": sequence, "older_count": older}


def _time_ns(day: date, ended: time) -> int:
    return int(datetime.combine(day, ended).timestamp()) * 10**9
