"""Data folders with a real journal, and the follower as a process on them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tidegate.v1 import account_service_pb2, order_pb2, risk_service_pb2
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import Writer, own
from tidegate_server.runtime.config import Config, render
from tidegate_server.runtime.config_schema import Follower
from tidegate_server.runtime.counters import PROOF_NAMES, join_hash, open_proof_page
from tidegate_server.runtime.initialise import initialise
from tidegate_server.runtime.recover import recover_machine
from tidegate_server.sample import market
from tidegate_server.sample.policy import build_policy
from tidegate_server.wire.methods import BY_NAME
from tidegate_server.wire.records import decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.protobuf.message import Message

ACCOUNTS = 12


def make_config(folder: Path, **follower: Any) -> Config:
    settings = {"metrics": "", "snapshot_records": 1_000_000, **follower}
    return Config(
        data=str(folder / "data"),
        durability="write",
        segment_bytes=1 << 20,
        follower=Follower(**settings),
    )


class Desk:
    """Writes a journal as a gate does, one frame a call, without a front."""

    def __init__(self, config: Config) -> None:
        found = recover_machine(
            config.folder, shard=config.shard, order_id_limit=config.order_id_table, repair=True
        )
        self.machine = found.machine
        self.writer = Writer(
            config.folder,
            found.position,
            shard=config.shard,
            epoch=found.position.epoch,
            rules_version=RULES_VERSION,
            segment_bytes=config.segment_bytes,
        )
        self.orders = self.machine.sequence

    def call(self, name: str, message: Message) -> bytes:
        answer = self.decide(name, message)
        self.commit(answer)
        return answer

    def decide(self, name: str, message: Message) -> bytes:
        """Decide one call and return its record, which is not written yet."""
        answer = self.machine.call(
            BY_NAME[name], message.SerializeToString(), "local", self.now_ns()
        )
        assert answer.error is None, answer.error.message
        assert answer.record is not None
        return answer.record

    def commit(self, *records: bytes) -> None:
        self.writer.commit(records, self.machine.book.time_ns)

    def now_ns(self) -> int:
        return max(time.time_ns(), self.machine.book.time_ns + 1)

    def order(self) -> risk_service_pb2.CheckOrderRequest:
        self.orders += 1
        return risk_service_pb2.CheckOrderRequest(
            account_id=f"A{self.orders % ACCOUNTS:04d}",
            order_id=f"o{self.orders}",
            instrument_id="SPY",
            side=order_pb2.SIDE_BUY,
            order_type=order_pb2.ORDER_TYPE_LIMIT,
            quantity=1 + self.orders % 7,
            price_e4=1_670_000,
            created_time_ns=time.time_ns(),
        )

    def trade(self, orders: int, *, in_frame: int = 1) -> None:
        for _ in range(0, orders, in_frame):
            now_ns = self.now_ns()
            records = []
            for _ in range(in_frame):
                request = self.order().SerializeToString()
                answer = self.machine.call(BY_NAME["CheckOrder"], request, "local", now_ns)
                assert answer.record is not None
                records.append(answer.record)
            self.commit(*records)

    def forge(self) -> int:
        """Write an order whose answer is not the one that was decided; return its sequence."""
        record = decode_record(self.decide("CheckOrder", self.order()))
        response = risk_service_pb2.CheckOrderResponse.FromString(record.response)
        response.policy_version += 1
        self.commit(
            encode_record(
                record.method,
                record.principal,
                record.request,
                response.SerializeToString(),
                record.effects,
            )
        )
        return self.machine.sequence

    def load_market(self) -> None:
        self.call("RollDay", market.trading_day())
        self.call("UpsertInstruments", market.instruments())
        self.call("SetSession", market.session())
        self.call("UpdateVolatility", market.volatility())
        self.call("UpdateMarks", market.first_marks())
        holders = market.holders(ACCOUNTS)
        self.call(
            "UpsertAccounts",
            account_service_pb2.UpsertAccountsRequest(
                accounts=[holder.account for holder in holders]
            ),
        )
        for holder in holders:
            sequence = self.machine.book.accounts[holder.account.account_id].sequence
            self.call(
                "SetPositions",
                account_service_pb2.SetPositionsRequest(
                    account_id=holder.account.account_id,
                    positions=[
                        account_service_pb2.PositionTarget(instrument_id=name, quantity=quantity)
                        for name, quantity in holder.positions.items()
                    ],
                    expected_sequence=sequence,
                ),
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def writing(config: Config) -> Iterator[Desk]:
    """Own the folder and continue its journal."""
    with own(config.folder):
        desk = Desk(config)
        try:
            yield desk
        finally:
            desk.writer.close()


def make_journal(config: Config, orders: int = 50) -> int:
    """Make a folder with the sample market and some orders; return the last sequence."""
    initialise(config, build_policy())
    with writing(config) as desk:
        desk.load_market()
        desk.trade(orders)
        return desk.machine.sequence


def state_hash_of(config: Config) -> str:
    return recover_machine(
        config.folder,
        shard=config.shard,
        order_id_limit=config.order_id_table,
        repair=False,
        from_start=True,
    ).machine.state_hash()


class Process:
    """One of our commands in a process of its own, with its log."""

    def __init__(self, config: Config, *command: str) -> None:
        file = config.folder.parent / f"{command[0]}.toml"
        file.write_text(render(config), encoding="utf-8")
        self.log_file = file.with_suffix(".log")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        arguments = [sys.executable, "-m", "tidegate_server.cli", *command, "--config", str(file)]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=clean
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def following(config: Config) -> Iterator[Process]:
    """Run the follower; whatever happens, it ends."""
    process = Process(config, "follow")
    try:
        yield process
    finally:
        process.kill()


def proof_of(config: Config) -> dict[str, int]:
    try:
        page = open_proof_page(config.folder)
    except (OSError, ValueError):
        return dict.fromkeys(PROOF_NAMES, 0)
    try:
        return dict(zip(PROOF_NAMES, page.read(), strict=True))
    finally:
        page.close()


def hash_of(proof: dict[str, int]) -> str:
    return join_hash(proof["state_hash_version"], proof["state_hash_high"], proof["state_hash_low"])


def wait_until(holds: Callable[[], object], process: Process, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert process.process.poll() is None, process.log
        assert time.monotonic() < limit, process.log
        time.sleep(0.01)


def wait_until_hashed(config: Config, process: Process, sequence: int) -> dict[str, int]:
    """Return the proof once that process has published the state hash after this record."""

    def is_there() -> bool:
        proof = proof_of(config)
        ours = proof["process_id"] == process.process.pid
        return ours and proof["state_hash_sequence"] == sequence

    wait_until(is_there, process)
    return proof_of(config)
