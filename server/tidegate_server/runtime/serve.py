"""Start the gate: own the folder, recover, bind, begin an epoch, serve, drain."""

from __future__ import annotations

import gc
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tidegate_server.engine.decide as decide_module
from tidegate_server import __version__
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import (
    Durability,
    NotADataFolderError,
    Writer,
    own,
    persist_epoch,
    read_epoch,
    read_identity,
)
from tidegate_server.transport import FrontConfig, FrontError, open_front
from tidegate_server.wire.methods import METHODS

from .clock import Clock
from .config_schema import Tls
from .counters import (
    PROOF_NAMES,
    create_gate_page,
    join_hash,
    open_proof_page,
)
from .gate import Gate
from .logs import configure
from .principals import directory_of
from .recover import Recovered, recover_machine
from .supervise import FollowerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tidegate.v1 import control_service_pb2
    from tidegate_server.journal import Page

    from .config import Config

EXIT_OK = 0
EXIT_FAULT = 70


def build() -> str:
    """Return the program's version, and whether its engine is machine code."""
    compiled = not (decide_module.__file__ or "").endswith(".py")
    return f"{__version__} {'compiled' if compiled else 'interpreted'}"


def serve(config: Config) -> int:
    """Run the gate until SIGTERM or SIGINT; return the exit code.

    Raises JournalError, FrontError, IdentityError or OSError for what keeps it from starting.
    """
    log = configure(config.log, "gate")
    directory = directory_of(config)
    front = open_front(
        front_config(config, config.gate_address),
        [method.path for method in METHODS],
        directory,
        [method.request_limit for method in METHODS],
    )
    if not config.folder.exists():
        raise NotADataFolderError(
            f"{config.folder} does not exist: make it with `tidegate init --data {config.folder}`"
        )
    with own(config.folder):
        _check_identity(config)
        recovered = _recover(config, log)
        machine = recovered.machine
        clock = Clock(machine.book.time_ns)
        epoch = max(read_epoch(config.folder), recovered.position.epoch) + 1
        writer = Writer(
            config.folder,
            recovered.position,
            shard=config.shard,
            epoch=epoch,
            rules_version=RULES_VERSION,
            durability=Durability[config.durability.upper()],
            segment_bytes=config.segment_bytes,
        )
        page = create_gate_page(config.folder)

        def begin() -> None:
            """Begin the epoch: once bound, so that starts that come to nothing leave no record."""
            persist_epoch(config.folder, epoch)
            now_ns = clock.now_ns()
            writer.commit([machine.start_epoch(epoch, build(), now_ns)], now_ns)
            log.info("serving", address=front.address, transport=config.transport, build=build())

        try:
            status = _StatusWriter(config, time.time_ns())
            gate = Gate(
                config, machine, writer, clock, front, directory, page, log, status.describe
            )
            return _run(config, gate, begin, log)
        finally:
            writer.close()
            page.close()


def front_config(config: Config, listen: str) -> FrontConfig:
    """Return what a front needs of the configuration; a Unix socket needs no TLS."""
    tls = config.tls if not listen.startswith("unix:") else Tls()
    return FrontConfig(
        listen=listen,
        transport=config.transport,
        tls_certificate=Path(tls.certificate) if tls.certificate else None,
        tls_key=Path(tls.key) if tls.key else None,
        tls_client_ca=Path(tls.client_ca) if tls.client_ca else None,
        allow_plaintext_from_other_machines=config.insecure_plaintext_anywhere,
        reflection=config.reflection,
    )


def _check_identity(config: Config) -> None:
    """Refuse a folder of another shard or currency: every amount in it would be misread."""
    identity = read_identity(config.folder)
    if identity.currency != config.currency:
        raise NotADataFolderError(
            f"{config.folder} holds amounts in {identity.currency}, but the configuration says "
            f"{config.currency}: set `currency`, or use another folder"
        )


def _recover(config: Config, log: FilteringBoundLogger) -> Recovered:
    begin = time.monotonic()
    recovered = recover_machine(
        config.folder,
        shard=config.shard,
        order_id_limit=config.order_id_table,
        repair=True,
    )
    for problem in recovered.bad_snapshots:
        log.error("snapshot passed over", problem=problem)
    log.info(
        "recovered",
        row=recovered.row.name,
        message=recovered.message,
        sequence=recovered.machine.sequence,
        snapshot=recovered.snapshot_sequence,
        replayed=recovered.replayed,
        seconds=round(time.monotonic() - begin, 3),
    )
    return recovered


def _run(config: Config, gate: Gate, begin: Callable[[], None], log: FilteringBoundLogger) -> int:
    """Serve until a signal; what the garbage collector must look at is frozen before."""

    def stop(_number: int, _frame: object) -> None:
        gate.stopping = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    follower = FollowerProcess(config, log) if config.follower.enabled else None
    # The engine makes no cycles, so nothing needs collecting; a pause would be seen by orders.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        gate.run(begin)
    except (FrontError, OSError) as error:
        if not gate.begun:
            raise  # the address could not be bound: nothing was served
        log.critical("the gate ends: its listener has ended", error=str(error))
        return EXIT_FAULT
    except Exception:
        if not gate.begun:
            raise  # the epoch could not begin: nothing was served, either
        log.critical("the gate ends: nothing of the last commit was answered", exc_info=True)
        return EXIT_FAULT
    finally:
        gc.enable()
        gate.close()
        if follower is not None:
            follower.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)
    log.info("drained")
    return EXIT_OK


class _StatusWriter:
    """Adds to the gate's status what neither the book nor the journal knows."""

    def __init__(self, config: Config, started_ns: int) -> None:
        self._config = config
        self._started_ns = started_ns
        self._proof: Page | None = None

    def describe(self, status: control_service_pb2.GetStatusResponse) -> None:
        """Fill in the rest."""
        config = self._config
        status.durability = config.durability
        status.shard = config.shard
        status.rules_version = RULES_VERSION
        status.currency = config.currency
        status.transport = config.transport
        status.build = build()
        status.started_time_ns = self._started_ns
        self._add_proof(status)

    def _add_proof(self, status: control_service_pb2.GetStatusResponse) -> None:
        try:
            if self._proof is None:
                self._proof = open_proof_page(self._config.folder)
            found = dict(zip(PROOF_NAMES, self._proof.read(), strict=True))
        except (OSError, ValueError):
            return  # no follower has proved anything yet
        proof = status.proof
        proof.proved_sequence = found["proved_sequence"]
        proof.mismatch_count = found["mismatch_count"]
        if found["state_hash_version"]:
            proof.state_hash_sequence = found["state_hash_sequence"]
            proof.state_hash = join_hash(
                found["state_hash_version"], found["state_hash_high"], found["state_hash_low"]
            )
