"""The demonstration: a real trading day through a real gate that is killed half way."""
# ruff: noqa: PLC0415, PLR0913  - calls are imported when made; a command has an argument a flag

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tidegate_server.cli.bounds import INT64_MAX, LIST_BOUND
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.cli.options import configure

_SOCKET_ROOM = 70  # bytes that a temporary folder's name may have


def demo(
    *,
    trades: Annotated[
        int | None,
        typer.Option(
            "--trades",
            help="How many trades to walk.",
            show_default="all 4 000",
            min=40,
            max=LIST_BOUND,
        ),
    ] = None,
    accounts: Annotated[
        int, typer.Option("--accounts", help="How many accounts.", min=10, max=1000)
    ] = 300,
    seed: Annotated[
        int, typer.Option("--seed", help="Of accounts and orders.", min=0, max=INT64_MAX)
    ] = 20131007,
    transport: Annotated[str, typer.Option("--transport", help="native or grpcio.")] = "native",
    durability: Annotated[str, typer.Option("--durability", help="flush or write.")] = "flush",
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the data folder and say where.")
    ] = False,
) -> None:
    """Walk a real trading day through a gate, kill it half way, and show that nothing is lost.

    Starts gate and follower as processes on a new data folder, loads instruments and accounts, and
    lets each of 4 000 real trades of 2013-10-07 move a mark and trigger orders through gRPC, with
    acknowledgements, fills, partial fills and cancels. Half way both processes get SIGKILL, are
    started again, and the state hash, every answer and every reservation are compared. Makes the
    same decisions on every run. Exit code 0 if nothing differed, else 1.

    Example: tidegate demo --trades 400
    """
    if durability == "memory":
        fail("--durability memory keeps nothing, so there is nothing to show", Exit.USAGE)
    configure(None, transport=transport, durability=durability)  # names a wrong value early
    import grpc

    from tidegate_server.cli.children import DemoError
    from tidegate_server.cli.rehearsal import Rehearsal

    folder = _make_folder()
    rehearsal = Rehearsal(
        folder,
        transport=transport,
        durability=durability,
        accounts=accounts,
        trades=trades,
        seed=seed,
    )
    try:
        differences = rehearsal.run()
    except DemoError as error:
        differences = [str(error)]
    except grpc.RpcError as error:
        differences = [f"a call failed: {error.code().name}: {error.details()}"]
    finally:
        rehearsal.close()
        if keep:
            typer.echo(f"the data folder is kept: {folder / 'data'}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for line in differences:
        typer.echo(f"tidegate: {line}", err=True)
    raise typer.Exit(1 if differences else 0)


def _make_folder() -> Path:
    """Return a new folder with a name short enough for sockets below it."""
    usual = Path(tempfile.gettempdir())
    parent = usual if len(str(usual)) < _SOCKET_ROOM else Path("/tmp")  # noqa: S108  (mkdtemp)
    return Path(tempfile.mkdtemp(prefix="tidegate-demo-", dir=parent))
