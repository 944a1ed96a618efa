"""Scorecards: score accounts from a file, show score, tier and inputs, send tiers to the gate."""
# ruff: noqa: PLC0415, PLR0913  - what a command needs is imported when it runs; an argument a flag

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from tidegate_server.runtime.config import Config
    from tidegate_server.scorecard.card import Card

MINUTE_NS = 60 * 10**9
OF_ONE_ACCOUNT = ("NOT_FOUND", "STALE_SCORECARD", "SECOND_PERSON")

InputsFile = Annotated[
    Path,
    typer.Argument(
        help="CSV: account_id, then a column an input in whole numbers; an empty cell is missing.",
        show_default=False,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="TOML file with [inputs.NAME] weight_bps, points and [tiers]; see docs/operations.md.",
        show_default="those of docs/operations.md",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="When the inputs were true, YYYY-MM-DDTHH:MM in UTC; a second person names the same.",
        show_default="now, to the minute",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")]
Send = Annotated[bool, typer.Option("--send", help="Send every tier to the gate.")]


def scorecard(
    inputs: InputsFile,
    *,
    settings: SettingsFile = None,
    as_of: AsOf = None,
    send: Send = False,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Score accounts and give each a tier; show them, and send the tiers to the gate.

    The score is the weighted sum of points, 0 to 1 000. An input that is missing has no points. A
    move to a tier of a lower rank is in force at once; one up waits until a second person sends the
    same file as of the same time, unless the policy lets scorecards raise tiers.

    Example: tidegate scorecard inputs.csv --as-of 2026-01-31T18:00 --send
    """
    from tidegate_server.scorecard.card import read_inputs, score_account
    from tidegate_server.scorecard.errors import ScorecardError
    from tidegate_server.scorecard.settings import Settings, read_settings

    try:
        chosen = read_settings(settings) if settings else Settings()
        values = read_inputs(inputs, chosen)
    except ScorecardError as error:
        fail(str(error), Exit.USAGE)
    cards = [score_account(name, given, chosen) for name, given in values.items()]
    time_ns = _time_ns(as_of)
    sent: dict[str, str] = {}
    if send:
        sent = _send(configure_client(config, address, timeout), cards, chosen.version, time_ns)
    if as_json:
        said = {
            "scorecard_version": chosen.version,
            "scorecard_time_ns": str(time_ns),
            "cards": [_tree(card, sent) for card in cards],
            "settings": chosen.tree(),
        }
        typer.echo(json.dumps(said, indent=2))
        return
    _show(cards, chosen.version, time_ns, sent)


def _time_ns(text: str | None) -> int:
    if text is None:
        return time.time_ns() // MINUTE_NS * MINUTE_NS
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        fail(f"--as-of {text}: no time, YYYY-MM-DDTHH:MM", Exit.USAGE)
    return int(moment.timestamp()) * 10**9


def _send(config: "Config", cards: "list[Card]", version: str, time_ns: int) -> dict[str, str]:
    """Send every tier; return what became of each, by account. One that fails stops nothing."""
    import grpc

    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling, error_info

    became: dict[str, str] = {}
    with calling(config) as gate:
        for card in cards:
            request = policy_service_pb2.SetTierRequest(
                account_id=card.account_id,
                tier_id=card.tier,
                scorecard_version=version,
                scorecard_time_ns=time_ns,
            )
            try:
                answer = gate.call(gate.policy.SetTier, request)
            except grpc.RpcError as error:
                info = error_info(error)
                reason = info.reason.removeprefix("ERROR_REASON_") if info else ""
                if reason not in OF_ONE_ACCOUNT:
                    raise
                became[card.account_id] = reason
                continue
            became[card.account_id] = "pending" if answer.pending else "in force"
    return became


def _tree(card: "Card", sent: dict[str, str]) -> dict[str, object]:
    inputs = {
        one.name: {"value": one.value, "points": one.points, "weight_bps": one.weight_bps}
        for one in card.inputs
    }
    tree: dict[str, object] = {"account_id": card.account_id, "score": card.score}
    tree |= {"tier": card.tier, "inputs": inputs}
    return tree | ({"sent": sent[card.account_id]} if card.account_id in sent else {})


def _show(cards: "list[Card]", version: str, time_ns: int, sent: dict[str, str]) -> None:
    from tidegate_server.cli import output

    names = [one.name for one in cards[0].inputs] if cards else []
    columns = ["account", ">score", "tier", *(f">{name}" for name in names)]
    table = output.make_table(*columns, *(["gate"] if sent else []))
    for card in cards:
        shown = [
            f"{'-' if one.value is None else format(one.value, ',')} ({one.points:,})"
            for one in card.inputs
        ]
        row = [card.account_id, f"{card.score:,}", card.tier or "none", *shown]
        table.add_row(*row, *([sent[card.account_id]] if sent else []))
    output.console().print(table)
    typer.echo(f"{version} as of {output.clock(time_ns)}; an input's points in brackets")
    if "pending" in sent.values():
        moment = datetime.fromtimestamp(time_ns / 10**9, UTC)
        typer.echo(
            "Some wait for a second person, who sends the same file under a token of their own with"
            f" --as-of {moment:%Y-%m-%dT%H:%M}"
        )
