"""What is measured, each in a process of its own: two empty handlers, and Tidegate.

`python -m bench.servers aio|native unix:/path` runs an empty handler: bytes in, the same few bytes
out, whatever was asked. `empty` and `gate` start servers for a run and end them after it.
"""

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
import uvloop
from bench.connection import Connection, LoadError
from bench.contract import ANSWER, CHECK_ORDER
from bench.frames import Call, Track
from pygrpc_native import EVENT_CALL, NativeGrpcFront

START_SECONDS: Final = 300.0  # recovery included
PATIENCE_MS: Final = 60_000
BATCH: Final = 512

TIDEGATE: Final = (str(Path(sys.executable).with_name("tidegate")),)


def serve_aio(address: str) -> None:
    """Serve an empty handler on grpc.aio and uvloop, without any (de)serializer."""
    uvloop.run(_serve_aio(address))


def serve_native(address: str) -> None:
    """Serve an empty handler on the native front: one Python thread, calls in batches."""
    front = NativeGrpcFront(address, [(CHECK_ORDER, False)])
    front.start()
    respond = front.respond
    while (events := front.recv_batch(BATCH, 1000)) is not None:
        for kind, call_id, _, _, _ in events:
            if kind == EVENT_CALL:
                respond(call_id, ANSWER)


class Server:
    """A running server: where it listens, and its process."""

    def __init__(self, name: str, target: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.target = target
        self.process = process

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used; Linux only, else 0."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / 100
        return 0.0

    def stop(self) -> None:
        """End it as an operator would, and by force after ten seconds."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def empty(kind: str, folder: Path) -> Iterator[Server]:
    """Run an empty handler, `aio` or `native`, on a Unix socket in a folder."""
    target = f"unix:{folder / kind}.sock"
    command = [sys.executable, "-m", "bench.servers", kind, target]
    with _started(f"{kind} empty", target, command, folder / f"{kind}.log") as server:
        yield server


def gate_is_there() -> bool:
    """Whether this installation has a gate to run; one that is there and fails is a failure."""
    try:
        return all(find_spec(f"tidegate_server.runtime.{name}") for name in ("initialise", "serve"))
    except ModuleNotFoundError:
        return False


@contextlib.contextmanager
def gate(
    durability: str, folder: Path, policy: Path, *, follower: bool = False
) -> Iterator[Server]:
    """Run Tidegate over a data folder, which is made on first use."""
    folder.mkdir(exist_ok=True)
    target = f"unix:{folder / 'gate.sock'}"
    config, data = folder / "tidegate.toml", folder / "data"
    # By default the gate sheds what has waited for a second: on a machine busy with other work a
    # stalled disk or a core taken away makes that answers nobody expects, not slow ones.
    admission = f"[admission]\noldest_ms = {PATIENCE_MS}\n"
    config.write_text(f'listen = "{target}"\n{admission}[log]\nlevel = "warning"\n')
    common = ("--config", str(config), "--data", str(data))
    if not data.exists():
        _init([*TIDEGATE, "init", *common, "--policy", str(policy)])
    command = [*TIDEGATE, "serve", *common, "--durability", durability]
    if not follower:
        command.append("--no-follower")
    with _started(f"tidegate {durability}", target, command, folder / "gate.log") as server:
        yield server


def main() -> None:
    """Run one empty handler until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.servers", description=__doc__)
    parser.add_argument("kind", choices=("aio", "native"))
    parser.add_argument("address", help="unix:/path or host:port")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    (serve_aio if arguments.kind == "aio" else serve_native)(arguments.address)


def _init(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise LoadError(f"tidegate init failed: {done.stderr.decode()[-2000:]}")


async def _serve_aio(address: str) -> None:
    async def answer(_request: bytes, _context: object) -> bytes:
        return ANSWER

    service, _, name = CHECK_ORDER.removeprefix("/").rpartition("/")
    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server = grpc.aio.server()
    handlers = grpc.method_handlers_generic_handler(service, {name: method})
    server.add_generic_rpc_handlers((handlers,))
    server.add_insecure_port(address)
    await server.start()
    await asyncio.get_running_loop().create_future()


@contextlib.contextmanager
def _started(name: str, target: str, command: Sequence[str], log: Path) -> Iterator[Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    server = Server(name, target, process)
    try:
        _await_settings(server, log)
        yield server
    finally:
        server.stop()


def _await_settings(server: Server, log: Path) -> None:
    """Wait until the server speaks HTTP/2."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            Connection(server.target, Track([Call(CHECK_ORDER, b"", b"")])).close()
        except (OSError, LoadError):
            time.sleep(0.005)
        else:
            return
    raise LoadError(f"{server.name} did not start: {log.read_text()[-2000:]}")


if __name__ == "__main__":
    main()
