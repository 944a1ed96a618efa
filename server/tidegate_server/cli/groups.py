"""Groups: list, show, set."""
# ruff: noqa: PLC0415  - calls are imported when made; a command has an argument a flag

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import Address, AsJson, ConfigFile, Timeout, configure_client

if TYPE_CHECKING:
    from tidegate.v1 import account_service_pb2 as accounts_pb2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Groups of accounts, nested at most 4 deep: read them, place them.",
)
GroupId = Annotated[str, typer.Argument(help="Group id.", show_default=False)]


@app.command(name="list")
def list_(
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """List the groups, each below the one that it is nested in.

    Example: tidegate group list
    """
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.readings import list_groups

    with calling(configure_client(config, address, timeout)) as gate:
        found = list_groups(gate)
    console = output.console()
    if as_json:
        for view in found:
            console.out(output.as_json(view))
        return
    table = output.make_table("group", ">accounts", ">last record")
    for view in sorted(found, key=_path):
        table.add_row(
            "  " * len(view.above) + view.group.group_id,
            output.count(view.account_count),
            output.count(view.sequence or None),
        )
    console.print(table)


@app.command()
def show(
    group: GroupId,
    *,
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show one group: what it is nested in, and what is nested in it.

    Example: tidegate group show desk-1
    """
    from tidegate_server.cli import output
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.readings import list_groups

    with calling(configure_client(config, address, timeout)) as gate:
        found = [view for view in list_groups(gate) if view.group.group_id == group]
    if not found:
        fail(f"NOT_FOUND: no group {group}", Exit.REFUSED)
    view = found[0]
    if as_json:
        output.console().out(output.as_json(view))
        return
    rows = [
        ("group", view.group.group_id),
        ("nested in", " > ".join(view.above) or "-"),
        ("nested in it", ", ".join(view.nested) or "-"),
        ("accounts", output.count(view.account_count)),
        ("last record", output.count(view.sequence or None)),
    ]
    output.console().print(output.facts(rows))


@app.command(name="set")
def set_(
    group: GroupId,
    *,
    parent: Annotated[
        str, typer.Option("--parent", help="The group to nest it in.", show_default="the top")
    ] = "",
    config: ConfigFile = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Create a group or nest it elsewhere, with all that is in it.

    Example: tidegate group set desk-1 --parent europe
    """
    from tidegate.v1 import account_service_pb2
    from tidegate_server.cli.calls import calling

    wanted = account_service_pb2.Group(group_id=group, parent_id=parent)
    request = account_service_pb2.UpsertGroupsRequest(groups=[wanted])
    with calling(configure_client(config, address, timeout)) as gate:
        answer = gate.call(gate.accounts.UpsertGroups, request)
    where = f"nested in {parent}" if parent else "at the top"
    typer.echo(f"group {group} is {where} at sequence {answer.sequence}")


def _path(view: "accounts_pb2.GroupView") -> list[str]:
    return [*view.above, view.group.group_id]
