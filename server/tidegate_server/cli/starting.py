"""The processes: init, serve, follow, and the sample market."""
# ruff: noqa: PLC0415, PLR0913  - a start imports what it needs; a command has an argument a flag

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate_server.cli.bounds import SHARD_BOUND
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import (
    Address,
    ConfigFile,
    Data,
    Durability,
    Listen,
    LogFormat,
    LogLevel,
    Timeout,
    Transport,
    configure,
    configure_client,
)
from tidegate_server.runtime.config import render

if TYPE_CHECKING:
    from tidegate_server.runtime.config import Config

Accounts = Annotated[
    int, typer.Option("--accounts", help="How many accounts the sample has.", min=10, max=1000)
]
_LOADER_TIMEOUT_S = "30"


def init(
    *,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="JSON or TOML.", show_default="the sample policy"),
    ] = None,
    write_config: Annotated[
        Path | None, typer.Option("--write-config", help="Also write a commented configuration.")
    ] = None,
    config: ConfigFile = None,
    data: Data = None,
    shard: Annotated[
        int | None,
        typer.Option("--shard", help="Which part of the accounts.", min=0, max=SHARD_BOUND),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Of every amount.", show_default="USD")
    ] = None,
) -> None:
    """Make a data folder whose first record is the policy.

    Example: tidegate init --data /var/lib/tidegate --policy policy.json
    """
    settings = configure(config, data=data, shard=shard, currency=currency)
    if write_config is not None and write_config.exists():
        fail(f"{write_config} exists: name a new file", Exit.USAGE)
    _initialise(settings, policy)
    if write_config is not None:
        write_config.write_text(render(settings), encoding="utf-8")
        typer.echo(f"wrote {write_config}")
    typer.echo(f"{settings.data} is ready: tidegate serve --data {settings.data}")


def serve(
    *,
    sample: Annotated[
        bool, typer.Option("--sample", help="Make the folder if need be, load the sample market.")
    ] = False,
    accounts: Accounts = 300,
    no_follower: Annotated[
        bool, typer.Option("--no-follower", help="Do not start the follower.")
    ] = False,
    config: ConfigFile = None,
    data: Data = None,
    listen: Listen = None,
    transport: Transport = None,
    durability: Durability = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Run the gate until SIGTERM or SIGINT; with it the follower.

    Example: tidegate serve --sample
    """
    settings = configure(
        config,
        data=data,
        listen=listen,
        transport=transport,
        durability=durability,
        log__level=log_level,
        log__format=log_format,
        follower__enabled=False if no_follower else None,
    )
    if sample:
        _prepare(settings)
    if sample and not settings.principals:
        settings = _with_second_person(settings)
    from tidegate_server.runtime.serve import serve as run

    loader = _start_loader(settings, accounts) if sample else None
    try:
        with refusing():
            code = run(settings)
    finally:
        if loader is not None:
            loader.terminate()
            loader.wait()
    raise typer.Exit(code)


def follow(
    *,
    config: ConfigFile = None,
    data: Data = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", help="unix:PATH or HOST:PORT.", show_default="a socket in the data folder"
        ),
    ] = None,
    gate: Annotated[
        str | None,
        typer.Option("--gate", help="Where the gate is.", show_default="where it is configured"),
    ] = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Run the follower: proofs, snapshots, metrics, audit. It may be killed at any time.

    Example: tidegate follow --data /var/lib/tidegate
    """
    settings = configure(
        config,
        data=data,
        listen=gate,
        follower__listen=listen,
        log__level=log_level,
        log__format=log_format,
    )
    from tidegate_server.runtime.follower import follow as run

    with refusing():
        code = run(settings)
    raise typer.Exit(code)


def sample(
    *,
    accounts: Accounts = 300,
    wait: Annotated[
        bool, typer.Option("--wait", help="Let the deadline run while the gate starts.")
    ] = False,
    config: ConfigFile = None,
    data: Data = None,
    address: Address = None,
    timeout: Timeout = None,
) -> None:
    """Load the sample market into a running gate that has no accounts yet.

    Example: tidegate sample --accounts 50
    """
    from tidegate_server.cli.calls import calling
    from tidegate_server.cli.load import load_sample

    with calling(configure_client(config, address, timeout, data)) as gate:
        loaded = load_sample(gate, accounts, wait=wait)
    typer.echo(loaded)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what keeps a process from starting into one line and exit code 78."""
    from tidegate_server.journal import JournalError
    from tidegate_server.transport.front import FrontError
    from tidegate_server.transport.identity import IdentityError

    try:
        yield
    except (JournalError, FrontError, IdentityError, OSError) as error:
        fail(_problem(error), Exit.NOT_STARTED)


def _problem(error: Exception) -> str:
    """Say what is wrong: of a file, its name and the system's words, without a number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}"
    return str(error)


def _prepare(config: "Config") -> None:
    """Make the folder if there is nothing; a folder that is not ours is refused as it is."""
    from tidegate_server.journal import read_identity

    with refusing():
        new = not config.folder.exists() or (
            config.folder.is_dir() and not any(config.folder.iterdir())
        )
        if not new:
            read_identity(config.folder)
    if new:
        _initialise(config, None)


def _initialise(config: "Config", policy_file: Path | None) -> None:
    from tidegate_server.cli.policies import read_policy
    from tidegate_server.runtime.initialise import PolicyRefusedError, initialise
    from tidegate_server.sample.policy import build_policy

    policy = build_policy() if policy_file is None else read_policy(policy_file)
    try:
        with refusing():
            initialise(config, policy)
    except PolicyRefusedError as error:
        fail(str(error), Exit.USAGE)


def _with_second_person(config: "Config") -> "Config":
    """Let somebody agree to what takes two persons, and say how."""
    from tidegate_server.cli.persons import TOKEN_FILE, with_second_person

    with refusing():
        settings = with_second_person(config)
    file = config.folder / TOKEN_FILE
    typer.echo(f"a second person, for releases and approvals: TIDEGATE_TOKEN=$(cat {file})")
    return settings


def _start_loader(config: "Config", accounts: int) -> "subprocess.Popen[bytes]":
    """Load the sample from a process of its own: the gate's has one thread and one front."""
    arguments = [sys.executable, "-m", "tidegate_server.cli", "sample"]
    arguments += ["--address", config.gate_address, "--accounts", str(accounts)]
    return subprocess.Popen([*arguments, "--wait", "--timeout", _LOADER_TIMEOUT_S])  # noqa: S603  (ourselves)
