"""Options that several commands share, and how they become a configuration."""

import math
from pathlib import Path
from typing import Annotated

import typer

from tidegate_server.cli.bounds import TIMEOUT_BOUND_S
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.runtime.config import Config, ConfigError, load

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration file; else TIDEGATE_CONFIG, else ./tidegate.toml if it exists.",
        show_default=False,
    ),
]
Data = Annotated[
    str | None, typer.Option("--data", help="Data folder.", show_default="tidegate-data")
]
Listen = Annotated[
    str | None,
    typer.Option(
        "--listen", help="unix:PATH or HOST:PORT.", show_default="a socket in the data folder"
    ),
]
Transport = Annotated[
    str | None, typer.Option("--transport", help="native or grpcio.", show_default="native")
]
Durability = Annotated[
    str | None,
    typer.Option("--durability", help="flush, write or memory.", show_default="flush"),
]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", help="debug, info, warning or error.", show_default="info"),
]
LogFormat = Annotated[
    str | None, typer.Option("--log-format", help="console or json.", show_default="console")
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Where the gate is: unix:PATH or HOST:PORT.",
        show_default="where the configured gate listens",
    ),
]
FollowerAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Where the follower is: unix:PATH or HOST:PORT.",
        show_default="where the configured follower listens",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        help="Deadline of each call, in seconds.",
        show_default="5",
        min=0.001,
        max=TIMEOUT_BOUND_S,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON, 64-bit figures as text.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the journal.")]


def configure(file: Path | None, **flags: object) -> Config:
    """Load the configuration; `__` in a flag stands for the dot of its key."""
    named = {name.replace("__", "."): value for name, value in flags.items()}
    try:
        return load(file, flags=named)
    except ConfigError as error:
        fail(str(error), Exit.USAGE)


def configure_client(
    file: Path | None, address: str | None, timeout: float | None, data: str | None = None
) -> Config:
    """Load the configuration of a command that calls a gate."""
    if timeout is not None and math.isnan(timeout):  # which is in every range
        fail(f"--timeout {timeout}: not a number of seconds", Exit.USAGE)
    milliseconds = None if timeout is None else max(1, round(timeout * 1000))
    return configure(file, client__address=address, client__timeout_ms=milliseconds, data=data)
