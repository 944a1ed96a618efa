"""What one round of each proof does; raising is failing, figures are returned."""

from __future__ import annotations

import atexit
import resource
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.support import SMALL_SEGMENTS, eventually, home_folder, order, trading
from tests.e2e.witness import Witnesses

from tidegate_client import ConnectionFailedError, DeadlineError
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import REFUSALS, RecoveryRefusedError, RecoveryRow, recover
from tidegate_server.runtime.recover import Recovered, recover_machine

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.e2e.support import Server

KILLS = 3
DAMAGES = 40
RESTARTS = 3
IDS = 1 << 20


def kill(chance: random.Random) -> dict[str, int]:
    """Kill a gate under load again and again; nothing acknowledged is lost or changed."""
    transport = chance.choice(("native", "native", "grpcio"))
    witnesses = Witnesses(chance.randrange(1 << 30))
    with trading(transport, {"log.level": "error", "durability": "write"}) as (server, _):
        for _ in range(KILLS):
            witnesses.start(server.address)
            time.sleep(chance.uniform(0.005, 0.5))
            server.kill()
            witnesses.join()
            server.start()
            witnesses.hold_to(server.address)
        assert server.stop() == 0
        prove(server.folder)
    return {"kills": KILLS, "acknowledged": witnesses.acknowledged}


def damage(chance: random.Random) -> dict[str, int]:
    """Change a real folder at random bytes: a named row, or an exact prefix that is long enough."""
    rows: dict[RecoveryRow, int] = {}
    kept = _damaged_folder(chance.randrange(3))
    hashes = _hashes(kept)
    with home_folder() as home:
        for _ in range(DAMAGES):
            folder = home / "d"
            shutil.copytree(kept, folder)
            _spoil(folder, chance)
            row = _judge(folder, hashes)
            rows[row] = rows.get(row, 0) + 1
            shutil.rmtree(folder)
    refused = sum(number for row, number in rows.items() if row in REFUSALS)
    return {"damages": DAMAGES, "damages_refused": refused}


def full(chance: random.Random) -> dict[str, int]:
    """Run out of room under load, then kill: what was acknowledged is there."""
    transport = chance.choice(("native", "grpcio"))
    witnesses = Witnesses(chance.randrange(1 << 30))
    short = int(SMALL_SEGMENTS["segment_bytes"]) - 1
    with trading(transport, {"log.level": "error"}) as (server, _):
        witnesses.start(server.address)
        time.sleep(chance.uniform(0.1, 0.3))
        server.kill()
        witnesses.join()
        server.start()
        witnesses.hold_to(server.address)
        limit = (short, resource.RLIM_INFINITY)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limit)
        batches = _fill(server)
        server.kill()
        server.start()
        witnesses.hold_to(server.address)
        assert server.stop() == 0
        prove(server.folder)
    return {"disks_filled": 1, "batches_before_full": batches}


def restart(chance: random.Random) -> dict[str, int]:
    """Kill and start with the follower on: its state hash is that of a full replay."""
    transport = chance.choice(("native", "grpcio"))
    witnesses = Witnesses(chance.randrange(1 << 30))
    settings = {
        "log.level": "error",
        "follower.enabled": True,
        "follower.snapshot_records": 1_000,
    }
    with trading(transport, settings) as (server, _):
        for _ in range(RESTARTS):
            witnesses.start(server.address)
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            witnesses.join()
            server.start()
            witnesses.hold_to(server.address)
            _compare_hashes(server)
        assert server.stop() == 0
        found = prove(server.folder)
        short = recover_machine(server.folder, shard=0, order_id_limit=IDS, repair=False)
        assert short.bad_snapshots == []
        assert short.machine.state_hash() == found.machine.state_hash()
    return {"restarts": RESTARTS, "snapshots_used": int(short.snapshot_sequence > 0)}


PROOFS: dict[str, Callable[[random.Random], dict[str, int]]] = {
    "damage": damage,
    "full": full,
    "kill": kill,
    "restart": restart,
}


def prove(folder: Path) -> Recovered:
    """Decide the whole journal again: every outcome is the one that was written."""
    decided = recover_machine(
        folder, shard=0, order_id_limit=IDS, repair=False, verify=True, from_start=True
    )
    assert decided.mismatches == [], decided.mismatches[:3]
    evolved = recover_machine(folder, shard=0, order_id_limit=IDS, repair=False, from_start=True)
    assert decided.machine.state_hash() == evolved.machine.state_hash()
    return decided


def _fill(server: Server) -> int:
    """Check batches until there is no room for the next."""
    with server.client(timeout=2.0, attempt_timeout=2.0) as client:
        for number in range(100):
            batch = [order("A0", 60_000, order_id=f"f{number}-{n:0>56}") for n in range(250)]
            error = client.check_many(batch)[0].error
            if isinstance(error, DeadlineError):
                continue  # the last attempt began too late for its answer; the next call gets it
            if error is not None:
                assert isinstance(error, ConnectionFailedError), error
                assert error.reason == "JOURNAL_STALLED", error
                return number
    raise AssertionError("the journal never ran out of room")


def _compare_hashes(server: Server) -> None:
    """Wait until the follower has hashed some state; replay up to there and compare."""
    with server.client() as client:
        eventually(lambda: client.status().proof.state_hash, 30.0)
        proof = client.status().proof
    assert proof.mismatch_count == 0
    replayed = recover_machine(
        server.folder,
        shard=0,
        order_id_limit=IDS,
        repair=False,
        from_start=True,
        until=proof.state_hash_sequence,
    )
    assert replayed.machine.state_hash() == proof.state_hash


@cache
def _damaged_folder(seed: int) -> Path:
    """Make a folder with some thousand bytes of real traffic, stopped or killed."""
    witnesses = Witnesses(seed)
    with trading("native", {"log.level": "error"}) as (server, _):
        witnesses.start(server.address)
        time.sleep(0.2)
        server.kill()
        witnesses.join()
        keep = _keep() / str(seed)
        shutil.copytree(server.folder, keep, ignore=shutil.ignore_patterns("run"))
    recover(keep, shard=0, rules_version=RULES_VERSION)  # what differs from here on is our doing
    return keep


@cache
def _keep() -> Path:
    """Make a folder that is removed at the end."""
    folder = tempfile.mkdtemp(prefix="tg-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _hashes(folder: Path) -> dict[int, str]:
    """Return the state hash at the end and that it is the end."""
    found = recover_machine(folder, shard=0, order_id_limit=IDS, repair=False)
    return {found.machine.sequence: found.machine.state_hash()}


def _spoil(folder: Path, chance: random.Random) -> None:
    """Flip, zero, cut or swap bytes somewhere in the journal, the watermark or the epoch."""
    (segment,) = (folder / "journal").glob("*.seg")
    target = chance.choice([segment] * 8 + [folder / "watermark", folder / "epoch"])
    content = bytearray(target.read_bytes())
    end = len(content.rstrip(b"\0")) or len(content)
    start, length = chance.randrange(end), chance.choice((1, 1, 8, 512, 4096))
    match chance.randrange(3):
        case 0:
            content[start] ^= 1 << chance.randrange(8)
        case 1:
            content[start : start + length] = bytes(len(content[start : start + length]))
        case _:
            content[start:] = b"" if target == segment else content[start:][::-1]
    target.write_bytes(content)


def _judge(folder: Path, hashes: dict[int, str]) -> RecoveryRow:
    """Recover what was spoiled: a row that refuses, or all that had been acknowledged."""
    try:
        found = recover_machine(folder, shard=0, order_id_limit=IDS, repair=True)
    except RecoveryRefusedError as error:
        return error.row
    assert hashes.get(found.machine.sequence) == found.machine.state_hash(), (
        f"{found.row.name} at {found.machine.sequence}, not {list(hashes)}"
    )
    return found.row
