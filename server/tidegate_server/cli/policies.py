"""The policy: show, propose."""
# ruff: noqa: PLC0415  - calls are imported when made; a command has an argument a flag

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from rich.table import Table

    from tidegate.v1 import policy_pb2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Read the policy in force, and tighten it.",
)


@app.command()
def show(
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show the policy in force.

    Example: tidegate policy show --json > policy.json
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.GetPolicy, policy_service_pb2.GetPolicyRequest())
    if as_json:
        from google.protobuf import json_format

        text = json_format.MessageToJson(answer.policy, preserving_proto_field_name=True)
        output.console().out(text)
        return
    _show_policy(answer.policy)


@app.command()
def propose(
    file: Annotated[
        Path, typer.Argument(help="The whole policy as JSON or TOML, as `policy show --json`.")
    ],
    *,
    base_version: Annotated[
        int | None,
        typer.Option("--base", help="The version that it changes.", show_default="the file's"),
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Propose a policy. A provable tightening is in force at once, anything else is refused.

    Example: tidegate policy show --json > p.json; edit p.json; tidegate policy propose p.json
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    policy = read_policy(file)
    base = policy.version if base_version is None else base_version
    policy.version = 0  # given by the gate
    request = policy_service_pb2.ProposePolicyRequest(policy=policy, base_version=base)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.ProposePolicy, request)
    typer.echo(f"version {answer.version} is in force from sequence {answer.sequence} on")


def read_policy(file: Path) -> "policy_pb2.Policy":
    """Read a policy from a JSON or TOML file; end the command if it is none."""
    import json
    import tomllib

    from google.protobuf import json_format

    from tidegate.v1 import policy_pb2

    try:
        text = file.read_text(encoding="utf-8")
        tree = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        if not isinstance(tree, dict):
            raise ValueError("it is no object")  # noqa: TRY004, TRY301  (of the file, like others)
        return json_format.ParseDict(tree, policy_pb2.Policy())
    except (OSError, ValueError, json_format.ParseError) as error:
        fail(f"{file} is no policy: {error}", Exit.USAGE)


def _show_policy(policy: "policy_pb2.Policy") -> None:
    from tidegate_server.cli import output

    rows = []
    for field in policy.DESCRIPTOR.fields:
        if field.message_type is not None:
            continue
        value = getattr(policy, field.name)
        if field.name.endswith("_bps"):
            rows.append((field.name, output.percent(value)))
        elif field.name.endswith("_ns"):
            rows.append((field.name, f"{value / 10**9:,g} s"))
        elif field.enum_type is not None:
            name = field.enum_type.values_by_number[value].name
            rows.append((field.name, name.rsplit("_", 1)[1].lower() if value else "-"))
        else:
            rows.append((field.name, str(value)))
    rows.append(("principal_order_rate", _rate(policy.principal_order_rate)))
    console = output.console()
    console.print(output.facts(rows))
    console.print(_limits(policy))
    for tier in policy.tiers:
        if tier.concentration:
            console.print(_concentration(tier))


def _limits(policy: "policy_pb2.Policy") -> "Table":
    from tidegate.v1 import policy_pb2
    from tidegate_server.cli import output

    levels = [policy.default_limits, *(tier.limits for tier in policy.tiers)]
    names = (f">{tier.tier_id}" for tier in policy.tiers)
    table = output.make_table("limit", ">default", *names)
    for field in policy_pb2.Limits.DESCRIPTOR.fields:
        cells = []
        for limits in levels:
            limit = getattr(limits, field.name)
            write = _rate if field.name == "order_rate" else _limit
            cells.append(write(limit, field.name) if limits.HasField(field.name) else "")  # type: ignore[arg-type]
        table.add_row(field.name, *cells)
    return table


def _limit(limit: "policy_pb2.Limit", name: str) -> str:
    from tidegate_server.cli import output

    if limit.unlimited:
        return "unlimited"
    if not limit.HasField("value"):
        return "must be set" if limit.required else ""
    return output.in_unit(name, limit.value)


def _rate(rate: "policy_pb2.Rate", _name: str = "") -> str:
    return "unlimited" if rate.unlimited else f"{rate.per_second:,}/s, burst {rate.burst:,}"


def _concentration(tier: "policy_pb2.Tier") -> "Table":
    from tidegate_server.cli import output

    edges = sorted({band.ratio_from_bps for table in tier.concentration for band in table.bands})
    columns = [f">from {output.percent(edge)}" for edge in edges]
    table = output.make_table("rating", *columns, title=f"{tier.tier_id}: greatest share by ratio")
    for caps in tier.concentration:
        known = {band.ratio_from_bps: band for band in caps.bands}
        cells = []
        for edge in edges:
            band = known.get(edge)
            if band is None:
                cells.append("")
            else:
                cap = output.optional(band, "cap_bps")
                cells.append("no cap" if cap is None else output.percent(cap))
        table.add_row(caps.rating_group or "(none)", *cells)
    return table
