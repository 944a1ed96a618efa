"""Overrides: one limit of an account or another scope is another for a while."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import LIST_BOUND, MINUTES_BOUND
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
    from google.protobuf.message import Message

    from tidegate.v1 import policy_service_pb2

_SCOPES = ("group", "account", "sector", "board", "instrument")

app = typer.Typer(no_args_is_help=True, help="One limit, another for a while.")


@app.command()
def propose(
    scope: Annotated[
        str,
        typer.Argument(
            help="The account's id; or firm, group:ID, sector:ID, board:ID, instrument:ID,"
            " account:ID. Instruments without a sector or board: sector: or board:."
        ),
    ],
    limit: Annotated[str, typer.Argument(help="The limit by its name, as `policy show` has it.")],
    value: Annotated[
        str, typer.Argument(help="Its value, in the unit of its name; N/BURST a rate.")
    ],
    *,
    minutes: Annotated[
        int, typer.Option("--minutes", help="How long it counts.", min=1, max=MINUTES_BOUND)
    ],
    reason: Reason,
    override_id: Annotated[str | None, typer.Option("--id", help="Its id; else a new one.")] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Propose another value for one limit. A tightening counts at once, by itself.

    Example: tidegate override propose A0001 order_quantity 5000 --minutes 30 --reason "block trade"

    Example: tidegate override propose group:desk-1 position 20000 --minutes 60 --reason "hedge"
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    now_ns = time.time_ns()
    request = policy_service_pb2.ProposeOverrideRequest(
        override_id=override_id or f"override-{now_ns}",
        reason=reason,
        expiry_time_ns=now_ns + minutes * 60 * 10**9,
    )
    _put_limit(request, scope, limit, value)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.ProposeOverride, request)
    name = request.override_id
    if not answer.pending:
        typer.echo(f"{name} counts from sequence {answer.sequence} on")
        return
    typer.echo(
        f"{name} is pending: it is no tightening.\n"
        f"Another person must approve it: tidegate override approve {name}"
    )


@app.command()
def approve(
    override_id: Annotated[str, typer.Argument(help="Its id.")],
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Let an override count, as somebody else than its proposer.

    Example: TIDEGATE_TOKEN=$(cat second.token) tidegate override approve block-1
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    request = policy_service_pb2.ApproveOverrideRequest(override_id=override_id)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.ApproveOverride, request)
    typer.echo(f"{override_id} counts from sequence {answer.sequence} on")


@app.command("list")
def list_overrides(
    *,
    scope_id: Annotated[
        str,
        typer.Option(
            "--account", "--id", help="Only those of the account, group, sector ... with this id."
        ),
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", help="How many at most.", min=1, max=LIST_BOUND)
    ] = 100,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List the overrides that have not ended, by id.

    Example: tidegate override list --account A0001
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    found: list[policy_service_pb2.Override] = []
    request = policy_service_pb2.ListOverridesRequest(page_size=min(limit, 100), scope_id=scope_id)
    with calling(configure_client(config, address, timeout)) as gate:
        while len(found) < limit:
            page = gate.call(gate.policy.ListOverrides, request)
            found += page.overrides
            request.page_token = page.next_page_token
            if not request.page_token:
                break
    console = output.console()
    if as_json:
        for override in found[:limit]:
            console.out(output.as_json(override))
        return
    table = output.make_table(
        "override", "scope", "limit", ">value", "until", "proposed by", "approved by"
    )
    for override in found[:limit]:
        name, value = _shown(override)
        table.add_row(
            override.override_id,
            output.scope(override.scope_kind, override.scope_id),
            name,
            value,
            output.clock(override.expiry_time_ns),
            override.proposer,
            _approved(override),
        )
    console.print(table)


@app.command()
def show(
    override_id: Annotated[str, typer.Argument(help="Its id.")],
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show one override that has not ended.

    Example: tidegate override show block-1
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    request = policy_service_pb2.ListOverridesRequest(override_id=override_id)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.ListOverrides, request)
    if not answer.overrides:
        fail(f"no override {override_id}, or it has ended", Exit.REFUSED)
    override = answer.overrides[0]
    if as_json:
        output.console().out(output.as_json(override))
        return
    name, value = _shown(override)
    rows = [
        ("override", override.override_id),
        ("scope", output.scope(override.scope_kind, override.scope_id)),
        (name, value),
        ("until", output.clock(override.expiry_time_ns)),
        ("reason", override.reason),
        ("proposed", f"{override.proposer}, {output.clock(override.proposed_time_ns)}"),
        ("approved", _approved(override)),
    ]
    output.console().print(output.facts(rows))


def _put_limit(
    request: "policy_service_pb2.ProposeOverrideRequest", scope: str, name: str, value: str
) -> None:
    """Put scope and limit into a request; end the command if they are none."""
    from tidegate.v1 import order_pb2

    kind, colon, scope_id = scope.partition(":")
    if scope == "firm" or (colon and kind in _SCOPES):
        request.scope_kind = order_pb2.ScopeKind.Value(f"SCOPE_KIND_{kind.upper()}")
        request.scope_id = scope_id
    else:
        request.scope_kind = order_pb2.SCOPE_KIND_ACCOUNT
        request.scope_id = scope
    limits: Message = request.scope_limits
    if request.scope_kind == order_pb2.SCOPE_KIND_ACCOUNT:
        limits = request.limits
    fields = [name for name in limits.DESCRIPTOR.fields_by_name if not name.startswith("scope_")]
    if name not in fields:
        fail(f"{name} is no limit of such a scope: one of {', '.join(sorted(fields))}", Exit.USAGE)
    limit = getattr(limits, name)
    try:
        if name == "order_rate":
            per_second, _, burst = value.partition("/")
            limit.per_second = int(per_second)
            limit.burst = int(burst or "1")
        else:
            limit.value = int(value)
    except ValueError:
        fail(f"{value} is no value of {name}", Exit.USAGE)
    limit.SetInParent()


def _shown(override: "policy_service_pb2.Override") -> tuple[str, str]:
    """Return an override's limit and its value."""
    limits: Message = override.limits
    if override.HasField("scope_limits"):
        limits = override.scope_limits
    field, limit = limits.ListFields()[0]
    if field.name == "order_rate":
        return field.name, f"{limit.per_second}/{limit.burst}"
    return field.name, f"{limit.value:,}"


def _approved(override: "policy_service_pb2.Override") -> str:
    """Return who approved an override, or why it may count without."""
    return override.approver or ("counts as a tightening" if override.tightening else "-")
