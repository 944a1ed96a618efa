"""The commands by name."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from importlib.util import find_spec
from typing import Annotated

import typer

from tidegate_server.cli import (
    accounts,
    alerts,
    contracts,
    control,
    demonstration,
    factors,
    groups,
    journals,
    liquidations,
    open_orders,
    orders,
    overrides,
    policies,
    scorecards,
    starting,
    watching,
    withdrawals,
)
from tidegate_server.cli.failure import CODES
from tidegate_server.cli.options import AsJson, ConfigFile, configure
from tidegate_server.runtime.config import describe, get, keys, render

app = typer.Typer(
    name="tidegate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tidegate, a pre-trade risk gate: an order goes in, allow or reject comes out.",
    epilog=CODES,
)
settings = typer.Typer(no_args_is_help=True, help="What is configured, and what can be.")

_RUN, _ORDERS, _STAFF, _FACTS = "Run", "Orders", "Watch and hold", "Facts"


def _print_version(wanted: bool = True) -> None:  # noqa: FBT001, FBT002  (typer calls it)
    if not wanted:
        return
    found = find_spec("tidegate_server.engine.decide")
    interpreted = found is None or (found.origin or "").endswith(".py")
    engine = "interpreted" if interpreted else "compiled"
    try:
        typer.echo(f"tidegate {version_of('tidegate')}, engine {engine}")
    except PackageNotFoundError:
        typer.echo(f"tidegate, not installed, engine {engine}")
    raise typer.Exit


@app.callback()
def _all(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=_RUN)
def version() -> None:
    """Print the version, and whether the engine is compiled or interpreted.

    Example: tidegate version
    """
    _print_version()


@settings.command()
def show(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the configuration in force: defaults, file and environment, validated.

    Example: TIDEGATE_DURABILITY=write tidegate config show
    """
    loaded = configure(config)
    if as_json:
        import msgspec  # noqa: PLC0415  (only here)

        typer.echo(msgspec.json.encode(loaded).decode())
        return
    typer.echo(render(loaded), nl=False)


@settings.command()
def explain(
    key: Annotated[str | None, typer.Argument(help="One key.", show_default="all")] = None,
) -> None:
    """Name every key with its environment variable and what it is for.

    Example: tidegate config explain admission.oldest_ms
    """
    from tidegate_server.cli import output  # noqa: PLC0415  (only here)
    from tidegate_server.cli.failure import Exit, fail  # noqa: PLC0415  (only here)

    known = [name for name in keys() if name != "principals"]
    if key is not None and key not in known:
        fail(f"{key} is no key of the configuration", Exit.USAGE)
    defaults = configure(None)
    table = output.make_table("key", "environment", "now", "what it is")
    for name in [key] if key else known:
        variable = "TIDEGATE_" + name.upper().replace(".", "_")
        table.add_row(name, variable, str(get(defaults, name)), describe(name))
    output.console().print(table)


for _panel, _name, _command in (
    (_RUN, "init", starting.init),
    (_RUN, "serve", starting.serve),
    (_RUN, "follow", starting.follow),
    (_RUN, "sample", starting.sample),
    (_RUN, "demo", demonstration.demo),
    (_ORDERS, "check", orders.check),
    (_ORDERS, "preview", orders.preview),
    (_ORDERS, "replace", open_orders.replace),
    (_ORDERS, "record", orders.record),
    (_ORDERS, "reconcile", open_orders.reconcile),
    (_STAFF, "status", control.status),
    (_STAFF, "halt", control.halt),
    (_STAFF, "reduce-only", control.reduce_only),
    (_STAFF, "release", control.release),
    (_STAFF, "plan-liquidation", liquidations.plan_liquidation),
    (_STAFF, "cancel-orders", open_orders.cancel_orders),
    (_FACTS, "volatility", factors.volatility),
    (_FACTS, "scorecard", scorecards.scorecard),
):
    app.command(_name, rich_help_panel=_panel)(_command)
accounts.app.command("withdraw")(withdrawals.withdraw)
app.add_typer(accounts.app, name="account", rich_help_panel=_STAFF)
app.add_typer(contracts.app, name="contract", rich_help_panel=_FACTS)
app.add_typer(groups.app, name="group", rich_help_panel=_STAFF)
app.add_typer(policies.app, name="policy", rich_help_panel=_STAFF)
app.add_typer(overrides.app, name="override", rich_help_panel=_STAFF)
app.add_typer(journals.app, name="journal", rich_help_panel=_STAFF)
app.add_typer(alerts.app, name="alerts", rich_help_panel=_STAFF)
app.add_typer(watching.app, name="watch", rich_help_panel=_STAFF)
app.add_typer(settings, name="config", rich_help_panel=_RUN)
