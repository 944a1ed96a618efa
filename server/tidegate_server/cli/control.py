"""Control: halt, release, reduce-only, status."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import (
    Address,
    AsJson,
    ConfigFile,
    Reason,
    Timeout,
    configure_client,
)

if TYPE_CHECKING:
    from tidegate.v1 import control_service_pb2 as control_pb2
    from tidegate.v1 import order_pb2

_SCOPES = ("firm", "group", "account", "instrument", "principal")
ScopeArgument = Annotated[
    str,
    typer.Argument(
        help="firm, group:ID, account:ID, instrument:ID or principal:ID.", show_default=False
    ),
]
StopId = Annotated[
    str | None, typer.Option("--id", help="Id of the stop, to release it by; else a new one.")
]


def halt(
    scope: ScopeArgument,
    *,
    reason: Reason,
    stop_id: StopId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Stop every order within a scope, exits included. Reports and facts still pass.

    Example: tidegate halt instrument:SPY --reason "erratic prices" --id spy-1
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.scopes import warn_unknown

    kind, scope_id = _parse_scope(scope)
    request = control_service_pb2.HaltRequest(
        stop_id=stop_id or _new_id("halt"), scope_kind=kind, scope_id=scope_id, reason=reason
    )
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.control.Halt, request)
        typer.echo(f"halted {scope} as {request.stop_id} at sequence {answer.sequence}")
        warn_unknown(gate, kind, scope_id)


def reduce_only(
    scope: ScopeArgument,
    *,
    reason: Reason,
    stop_id: StopId = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Let only verified exits pass within a scope.

    Example: tidegate reduce-only account:A0001 --reason "margin call"
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.scopes import warn_unknown

    kind, scope_id = _parse_scope(scope)
    request = control_service_pb2.SetReduceOnlyRequest(
        stop_id=stop_id or _new_id("reduce"), scope_kind=kind, scope_id=scope_id, reason=reason
    )
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.control.SetReduceOnly, request)
        typer.echo(f"{scope} is reduce-only as {request.stop_id} at sequence {answer.sequence}")
        warn_unknown(gate, kind, scope_id)


def release(
    stop_id: Annotated[str, typer.Argument(help="Id of the halt or reduce-only.")],
    *,
    reason: Reason,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Ask to take back one halt or reduce-only; it ends when a second person asks the same.

    The second person is another named principal: whoever calls without a token may only ask first.
    The scope is free when no stop is left.

    Example: tidegate release spy-1 --reason "prices are sound again"
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    request = control_service_pb2.ReleaseRequest(stop_id=stop_id, reason=reason)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.control.Release, request)
    if not answer.pending_until_time_ns:
        typer.echo(f"released {stop_id} at sequence {answer.sequence}")
        return
    until = output.clock(answer.pending_until_time_ns)
    typer.echo(
        f"{stop_id} still stands: asked for its release at sequence {answer.sequence}.\n"
        f"A second person must do the same before {until}, under a token of their own:"
        f" TIDEGATE_TOKEN=... tidegate release {stop_id} --reason ..."
    )


def status(
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show how the gate is: sequences, epoch, policy, stops, the follower's proof.

    Example: tidegate status --json
    """
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.control.GetStatus, control_service_pb2.GetStatusRequest())
    if as_json:
        output.console().out(output.as_json(answer))
        return
    output.console().print(output.facts(_status_rows(answer)))
    if answer.stops:
        _show_stops(answer)


def _parse_scope(text: str) -> "tuple[order_pb2.ScopeKind.ValueType, str]":
    from tidegate.v1 import order_pb2

    kind, _, scope_id = text.partition(":")
    if kind not in _SCOPES or (kind == "firm") != (not scope_id):
        fail(f"{text} is no scope: firm, or one of {', '.join(_SCOPES[1:])} with :ID", Exit.USAGE)
    return order_pb2.ScopeKind.Value(f"SCOPE_KIND_{kind.upper()}"), scope_id


def _new_id(prefix: str) -> str:
    return f"{prefix}-{time.time_ns()}"


def _status_rows(answer: "control_pb2.GetStatusResponse") -> list[tuple[str, str]]:
    from tidegate_server.cli import output

    proof = "none yet"
    if answer.HasField("proof"):
        given = answer.proof
        proof = (
            f"{given.proved_sequence:,} records decided again, {given.mismatch_count} differed;"
            f" {given.state_hash} after {given.state_hash_sequence:,}"
        )
    behind_us = answer.clock_behind_ns // 1000
    return [
        ("state", answer.state),
        ("sequence", f"{answer.sequence:,}, durable {answer.durable_sequence:,}"),
        ("durability", answer.durability),
        ("chain head", answer.chain_head),
        ("shard, epoch", f"{answer.shard}, {answer.epoch}"),
        ("rules, policy", f"{answer.rules_version}, {answer.policy_version}"),
        ("checks off", ", ".join(answer.checks_off) or "none"),
        ("currency", answer.currency),
        ("trading date", str(answer.trading_date) if answer.trading_date else "-"),
        ("transport, build", f"{answer.transport}, {answer.build}"),
        ("started", output.clock(answer.started_time_ns)),
        ("clock", f"{output.clock(answer.now_time_ns)}, {behind_us:,} us behind the wall"),
        ("accounts, instruments", f"{answer.account_count:,}, {answer.instrument_count:,}"),
        (
            "open orders",
            f"{answer.open_order_count:,}, {answer.unconfirmed_order_count:,} unconfirmed",
        ),
        ("order ids kept", output.count(answer.order_id_count)),
        ("follower's proof", proof),
    ]


def _show_stops(answer: "control_pb2.GetStatusResponse") -> None:
    from tidegate.v1 import control_service_pb2
    from tidegate_server.cli import output

    columns = ("stop", "kind", "scope", "set by", "since", "reason", "release asked by")
    table = output.make_table(*columns)
    for stop in answer.stops:
        kind = output.short(control_service_pb2.StopKind.Name(stop.kind), "STOP_KIND_")
        table.add_row(
            stop.stop_id,
            kind.lower().replace("_", "-"),
            output.scope(stop.scope_kind, stop.scope_id),
            stop.principal,
            output.clock(stop.set_time_ns),
            stop.reason,
            stop.release_principal,
        )
    output.console().print(table)
