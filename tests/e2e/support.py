"""Real processes of the gate on folders of their own, and a small market to trade in."""

from __future__ import annotations

import atexit
import hashlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client import Client, Order, Side, new_order_id
from tidegate_server.sample import market
from tidegate_server.sample.data import first_prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRANSPORTS = ("native", "grpcio")
SPY_E4 = first_prices()["SPY"]
CASH_E4 = 10_000_000 * 10_000
ACCOUNTS = 4
START_SECONDS = 30.0
RISK_SERVICE = "tidegate.v1.RiskService"
CONTROL_SERVICE = "tidegate.v1.ControlService"
SMALL_SEGMENTS: Mapping[str, Any] = {"segment_bytes": 1 << 20}
# A second person, for what takes two; the first one is whoever calls without a token.
SECOND = "b" * 40
SECOND_PERSON = f"""
[[principals]]
name = "second"
roles = ["risk", "killer", "approver"]
token_sha256 = ["{hashlib.sha256(SECOND.encode()).hexdigest()}"]
"""
_CLI = (sys.executable, "-m", "tidegate_server.cli")


class Server:
    """`tidegate init` and `tidegate serve` on one folder, started as often as one likes.

    `settings` are keys of the configuration file, with a dot for a table; `listen` is the address,
    by default a socket in the folder.
    """

    def __init__(
        self,
        home: Path,
        transport: str,
        settings: Mapping[str, Any] | None = None,
        *,
        tail: str = "",
        data: Path | None = None,
    ) -> None:
        self.home = home
        self.folder = data or home / "d"
        self.transport = transport
        self.config = home / "tidegate.toml"
        self.log = home / "log"
        self.process: subprocess.Popen[bytes] | Child | None = None
        chosen = {
            "data": str(self.folder),
            "transport": transport,
            "follower.enabled": False,
            "follower.metrics": "",
            "log.format": "json",
            **SMALL_SEGMENTS,
            **(settings or {}),
        }
        self.address = str(chosen.get("listen") or f"unix:{self.folder}/run/gate.sock")
        self.config.write_text(_toml(chosen) + (tail or SECOND_PERSON), encoding="utf-8")

    def init(self) -> Self:
        ended = self.run("init")
        assert ended.returncode == 0, ended.stderr
        return self

    def initialising(self) -> subprocess.Popen[bytes]:
        """Begin `tidegate init`, as operators do."""
        return subprocess.Popen(
            [*_CLI, "init", "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            cwd=self.home,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command with the same configuration, to its end."""
        return the_nursery().run(self.home, [*arguments, "--config", str(self.config)])

    def start(self) -> Self:
        """Start as a child of a process that has loaded the program already."""
        self.process = the_nursery().start(self)
        self._await()
        return self

    def load_and_start(self) -> Self:
        """Start as operators do, by an interpreter of its own."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*_CLI, "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=clean_environment(),
                cwd=self.home,
            )
        self._await()
        return self

    def _await(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while not listens(self.address):
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < limit, self.said()
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 20.0) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> int:
        self.terminate()
        return self.wait()

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def client(self, **settings: Any) -> Client:
        return Client(self.address, **{"timeout": 5.0, "attempt_timeout": 5.0, **settings})

    def release(self, stop_id: str) -> None:
        """Take a stop back, as two persons."""
        with self.client() as first, self.client(token=SECOND) as second:
            assert first.release(stop_id, "over").pending_until_time_ns
            assert not second.release(stop_id, "over").pending_until_time_ns


class Nursery:
    """The process of `tests.e2e.nursery`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            cwd=Path(__file__).parents[2],
        )

    def start(self, server: Server) -> Child:
        return Child(self, self.ask(f"start {server.config}"))

    def run(self, home: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        files = home / "run.out", home / "run.err"
        for file in files:
            file.unlink(missing_ok=True)
        code = self.ask(f"run {shlex.join([str(home), *arguments])}")
        out, err = (file.read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(arguments, code, out, err)

    def ask(self, line: str) -> int:
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        pipes[0].write(line + "\n")
        pipes[0].flush()
        return int(pipes[1].readline())

    def close(self) -> None:
        self._process.communicate(timeout=20)


@cache
def the_nursery() -> Nursery:
    """Return the one of this session."""
    made = Nursery()
    atexit.register(made.close)
    return made


class Child:
    """A gate that a nursery has forked, with what is needed of `Popen`."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode  # one that died at once is told by the time that the start takes

    def wait(self, _timeout: float = 0.0) -> int:
        if self.returncode is None:
            self.returncode = self._nursery.ask(f"wait {self.pid}")
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@contextmanager
def home_folder() -> Iterator[Path]:
    """Make a folder whose path is short enough for a socket."""
    home = Path(tempfile.mkdtemp(prefix="tg-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def serving(
    transport: str, settings: Mapping[str, Any] | None = None, *, tail: str = ""
) -> Iterator[Server]:
    """Serve a new folder."""
    with home_folder() as home:
        server = Server(home, transport, settings, tail=tail).init()
        try:
            yield server.start()
        finally:
            server.end()


@contextmanager
def trading(
    transport: str, settings: Mapping[str, Any] | None = None
) -> Iterator[tuple[Server, Client]]:
    """Serve a folder with a market and the rich accounts A0 to A3."""
    with home_folder() as home:
        shutil.copytree(_market_folder(), home / "d")
        server = Server(home, transport, settings).start()
        try:
            with server.client() as client:
                yield server, client
        finally:
            server.end()


@cache
def _market_folder() -> Path:
    """Make the folder that `trading` copies, once a session."""
    home = Path(tempfile.mkdtemp(prefix="tg-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    server = Server(home, "native").init().load_and_start()
    with server.client() as client:
        load_market(client)
        for index in range(ACCOUNTS):
            open_account(client, f"A{index}")
    assert server.stop() == 0
    return server.folder


def load_market(client: Client) -> None:
    client.roll_day(market.trading_day().trading_date)
    client.upsert_instruments(market.instruments().instruments)
    client.set_session(market.BOARD, [market.ALWAYS])
    factors = market.volatility()
    client.update_volatility(factors.factors, factors.model_version)
    client.update_marks(market.first_marks().marks)


def open_account(client: Client, account_id: str, tier: str = "professional") -> int:
    """Create a rich account; return its sequence."""
    account = accounts_pb.Account(
        account_id=account_id,
        group_id="desk",
        tier_id=tier,
        margin_model=accounts_pb.MARGIN_MODEL_LEVERAGED,
        permissions=market.PERMISSIONS,
    )
    created = client.upsert_accounts([account]).sequence
    deposit = accounts_pb.CASH_KIND_DEPOSIT
    booked = client.adjust_cash(account_id, "opening", deposit, CASH_E4, expected_sequence=created)
    return booked.sequence


_numbers = count(1)


def order(account_id: str, quantity: int = 10, **changes: Any) -> Order:
    """Make an order that passes."""
    chosen: dict[str, Any] = {
        "account_id": account_id,
        "order_id": new_order_id(),
        "instrument_id": "SPY",
        "side": Side.BUY,
        "quantity": quantity,
        "price_e4": SPY_E4 // 100 * 100,
    }
    return Order(**{**chosen, **changes})


def request_of(asked: Order) -> risk_pb.CheckOrderRequest:
    return risk_pb.CheckOrderRequest(
        account_id=asked.account_id,
        order_id=asked.order_id,
        instrument_id=asked.instrument_id,
        side=order_pb2.Side.ValueType(asked.side),
        order_type=order_pb2.ORDER_TYPE_LIMIT,
        quantity=asked.quantity,
        price_e4=asked.price_e4,
        created_time_ns=asked.created_time_ns,
    )


def event(
    kind: risk_pb.OrderEventKind.ValueType, about: Order, quantity: int = 0, **changes: Any
) -> risk_pb.OrderEvent:
    """Make a report about an order, with an id of its own."""
    made = risk_pb.OrderEvent(
        event_id=f"e{next(_numbers)}-{new_order_id()[:8]}",
        account_id=about.account_id,
        order_id=about.order_id,
        kind=kind,
    )
    if kind == risk_pb.ORDER_EVENT_KIND_FILLED:
        made.instrument_id = about.instrument_id
        made.side = order_pb2.Side.ValueType(about.side)
        made.quantity = quantity
        made.price_e4 = about.price_e4 or SPY_E4
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@contextmanager
def dialled(address: str, **options: Any) -> Iterator[grpc.Channel]:
    settings = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.default_authority", "localhost"),
        *options.items(),
    ]
    with grpc.insecure_channel(address, settings) as channel:
        yield channel


def health(address: str, service: str) -> str:
    """Ask the health service as a load balancer would."""
    with dialled(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def listens(address: str) -> bool:
    """Tell whether something accepts connections there."""
    if address.startswith("unix:"):
        kind, where = socket.AF_UNIX, address.removeprefix("unix:")
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(where) == 0
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((host.replace("localhost", "127.0.0.1"), int(port))) == 0


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}


def eventually(holds: Any, seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "did not become true in time"
        time.sleep(0.01)


def _toml(settings: Mapping[str, Any]) -> str:
    """Write plain keys first, then those of tables."""
    plain = [f"{key} = {_value(value)}" for key, value in settings.items() if "." not in key]
    dotted = [f"{key} = {_value(value)}" for key, value in settings.items() if "." in key]
    return "\n".join([*plain, *dotted]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'
