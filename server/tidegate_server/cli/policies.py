"""The policy: show, list, propose, approve, withdraw, restore."""
# ruff: noqa: PLC0415  - calls are imported when made; a command has an argument a flag

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli import comparison
from tidegate_server.cli.bounds import INT64_MAX, LIST_BOUND
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from tidegate.v1 import policy_pb2, policy_service_pb2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Read the policy and its versions, propose another one, approve it.",
)


Pending = Annotated[
    int, typer.Argument(help="The pending version.", min=1, max=INT64_MAX, show_default=False)
]

app.command("compare")(comparison.compare)


@app.command()
def show(
    version: Annotated[
        int,
        typer.Argument(
            help="Which version.", show_default="the one in force", min=0, max=INT64_MAX
        ),
    ] = 0,
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show the policy in force, or another version that is kept.

    The tables have the most asked for; with --json it is the whole document, to edit and propose.

    Example: tidegate policy show --json > policy.json
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli import output, policy_tables
    from tidegate_server.cli.calls import calling

    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(
            gate.policy.GetPolicy, policy_service_pb2.GetPolicyRequest(version=version)
        )
    if as_json:
        from google.protobuf import json_format

        text = json_format.MessageToJson(answer.policy, preserving_proto_field_name=True)
        output.console().out(text)
        return
    policy_tables.show_policy(answer.policy)


@app.command()
def propose(
    file: Annotated[
        Path, typer.Argument(help="The whole policy as JSON or TOML, as `policy show --json`.")
    ],
    *,
    base_version: Annotated[
        int | None,
        typer.Option(
            "--base",
            help="The version that it changes.",
            show_default="the file's",
            min=0,
            max=INT64_MAX,
        ),
    ] = None,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Propose a policy. A provable tightening is in force at once.

    Anything else waits until another person approves it.

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
    typer.echo(told(answer))


@app.command()
def restore(
    version: Annotated[
        int, typer.Argument(help="The version to propose a copy of.", min=1, max=INT64_MAX)
    ],
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Propose a copy of an older version, under a new number.

    Example: tidegate policy restore 3
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    get = policy_service_pb2.GetPolicyRequest
    with calling(configure_client(config, address, timeout)) as gate:
        base = gate.call(gate.policy.GetPolicy, get()).policy.version
        policy = gate.call(gate.policy.GetPolicy, get(version=version)).policy
        policy.version = 0  # given by the gate
        request = policy_service_pb2.ProposePolicyRequest(policy=policy, base_version=base)
        answer = gate.call(gate.policy.ProposePolicy, request)
    typer.echo(told(answer))


def told(answer: "policy_service_pb2.ProposePolicyResponse") -> str:
    """Say what became of a proposal."""
    if not answer.pending:
        return f"version {answer.version} is in force from sequence {answer.sequence} on"
    return (
        f"version {answer.version} is pending: it loosens {', '.join(answer.loosened_fields)}.\n"
        f"Another person must approve it: tidegate policy approve {answer.version}"
    )


@app.command()
def approve(
    version: Pending,
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Put a pending version in force, as somebody else than its proposer.

    Example: TIDEGATE_TOKEN=$(cat second.token) tidegate policy approve 4
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    request = policy_service_pb2.ApprovePolicyRequest(version=version)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.ApprovePolicy, request)
    typer.echo(f"version {version} is in force from sequence {answer.sequence} on")


@app.command()
def withdraw(
    version: Pending,
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Take a pending version back.

    Example: tidegate policy withdraw 4
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli.calls import calling

    request = policy_service_pb2.WithdrawPolicyRequest(version=version)
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.policy.WithdrawPolicy, request)
    typer.echo(f"version {version} is withdrawn at sequence {answer.sequence}")


@app.command("list")
def list_versions(
    *,
    limit: Annotated[
        int, typer.Option("--limit", help="How many at most.", min=1, max=LIST_BOUND)
    ] = 100,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List the versions that are kept, the newest first; --json names every loosened field.

    Example: tidegate policy list
    """
    from tidegate.v1 import policy_service_pb2
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling

    found: list[policy_service_pb2.PolicySummary] = []
    request = policy_service_pb2.ListPoliciesRequest(page_size=min(limit, 100))
    with calling(configure_client(config, address, timeout)) as gate:
        while len(found) < limit:
            page = gate.call(gate.policy.ListPolicies, request)
            found += page.policies
            request.page_token = page.next_page_token
            if not request.page_token:
                break
    console = output.console()
    if as_json:
        for version in found[:limit]:
            console.out(output.as_json(version))
        return
    table = output.make_table(">version", "state", "proposed by", "approved by", "since", "loosens")
    for version in found[:limit]:
        state = policy_service_pb2.PolicyState.Name(version.state)
        table.add_row(
            str(version.version),
            output.short(state, "POLICY_STATE_").lower(),
            version.proposer,
            version.approver or "-",
            output.clock(version.activated_time_ns) if version.activated_time_ns else "-",
            output.first_few(version.loosened_fields) or "-",
        )
    console.print(table)


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
    except OSError as error:
        fail(f"{file}: {error.strerror}", Exit.USAGE)
    except (ValueError, json_format.ParseError) as error:
        fail(f"{file} is no policy: {error}", Exit.USAGE)
