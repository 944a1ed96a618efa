"""The follower as a process, on real folders."""

from __future__ import annotations

import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import msgspec
import pytest
import structlog
from tests.runtime.folders import (
    ACCOUNTS,
    Process,
    following,
    free_port,
    hash_of,
    make_config,
    make_journal,
    proof_of,
    state_hash_of,
    wait_until,
    wait_until_hashed,
    writing,
)

from tidegate.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    journal_service_pb2,
    journal_service_pb2_grpc,
    market_service_pb2,
    market_service_pb2_grpc,
)
from tidegate_server.journal import JournalOwnedError, list_snapshots
from tidegate_server.runtime import follower as follower_module
from tidegate_server.runtime.config import Config
from tidegate_server.runtime.config_schema import Follower
from tidegate_server.runtime.follower import follow
from tidegate_server.runtime.verify import verify
from tidegate_server.sample import market as market_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a short path: a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="tg-") as name:
        yield Path(name)


class Auditor:
    """A client of JournalService."""

    def __init__(self, config: Config) -> None:
        options = [("grpc.default_authority", "localhost")]
        self.channel = grpc.insecure_channel(config.follower_address, options)
        self.stub = journal_service_pb2_grpc.JournalServiceStub(self.channel)

    def read(self, first: int, size: int = 0) -> journal_service_pb2.ReadRecordsResponse:
        request = journal_service_pb2.ReadRecordsRequest(from_sequence=first, page_size=size)
        return self.stub.ReadRecords(request, timeout=30, wait_for_ready=True)

    def explain(self, sequence: int) -> journal_service_pb2.ExplainRecordResponse:
        request = journal_service_pb2.ExplainRecordRequest(sequence=sequence)
        return self.stub.ExplainRecord(request, timeout=30, wait_for_ready=True)


def refusal(ask: Callable[..., object], *arguments: int) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        ask(*arguments)
    assert isinstance(caught.value, grpc.Call)
    return caught.value.code()


def test_it_proves_every_record_goes_on_and_reads_them_out(folder: Path) -> None:
    config = make_config(folder, metrics=f"127.0.0.1:{free_port()}")
    last = make_journal(config, 150)
    with following(config) as process:
        proof = wait_until_hashed(config, process, last)
        assert (proof["proved_sequence"], proof["mismatch_count"]) == (last, 0)
        assert hash_of(proof) == state_hash_of(config)

        with writing(config) as desk:
            desk.trade(40, in_frame=8)
            last = desk.machine.sequence
            wait_until_hashed(config, process, last)
            assert hash_of(proof_of(config)) == desk.machine.state_hash()

        auditor = Auditor(config)
        seen: list[journal_service_pb2.JournalEntry] = []
        page = auditor.read(1)
        while page.entries:
            assert len(page.entries) <= 100
            seen += page.entries
            page = auditor.read(page.next_sequence)
        assert [entry.sequence for entry in seen] == list(range(1, last + 1))
        assert page.last_sequence == last
        assert page.next_sequence == last + 1
        part = auditor.read(last - 2, 2)
        assert [entry.sequence for entry in part.entries] == [last - 2, last - 1]
        assert part.entries[0] == seen[last - 3]

        explained = auditor.explain(last)
        assert explained.entry == seen[-1]
        assert explained.proved
        assert '"instrument_id": "SPY"' in explained.request_json
        assert '"verdict": "VERDICT_' in explained.response_json
        assert "keep_until_time_ns" in explained.effects_json
        assert '"tiers"' in auditor.explain(1).request_json

        assert refusal(auditor.explain, last + 1) is grpc.StatusCode.NOT_FOUND
        assert refusal(auditor.explain, 0) is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal(auditor.read, 0) is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal(auditor.read, 1, 101) is grpc.StatusCode.INVALID_ARGUMENT
        with urllib.request.urlopen(f"http://{config.follower.metrics}/metrics", timeout=5) as told:
            assert f"tidegate_follower_proved_sequence {last}.0".encode() in told.read()
        auditor.channel.close()
        assert process.stop() == 0


def test_a_changed_outcome_is_counted_even_after_a_kill(folder: Path) -> None:
    config = make_config(folder, snapshot_records=1000)
    make_journal(config, 5)
    with writing(config) as desk:
        forged = desk.forge()
    with writing(config) as desk:
        desk.trade(20)
        last, expected = desk.machine.sequence, desk.machine.state_hash()
    with following(config) as process:
        proof = wait_until_hashed(config, process, last)
        assert proof["mismatch_count"] == 1
        assert hash_of(proof) == expected
        assert f"sequence={forged}" in process.log
        auditor = Auditor(config)
        assert not auditor.explain(forged).proved
        assert auditor.explain(forged).HasField("proved")
        assert auditor.explain(forged + 1).proved
        auditor.channel.close()

        process.kill()
        with writing(config) as desk:
            desk.trade(1200, in_frame=100)
            last, expected = desk.machine.sequence, desk.machine.state_hash()
        again = Process(config, "follow")
        proof = wait_until_hashed(config, again, last)
        assert (proof["mismatch_count"], hash_of(proof)) == (1, expected)
        wait_until(lambda: bool(list_snapshots(config.folder)), again)  # a child writes it
        assert again.stop() == 0

        third = Process(config, "follow")  # begins at the snapshot, behind the finding
        assert wait_until_hashed(config, third, last)["mismatch_count"] == 1
        third.kill()


def test_it_proves_more_order_ids_than_the_table_may_keep_now(folder: Path) -> None:
    config = make_config(folder)
    make_journal(config, 1)
    with writing(config) as desk:
        desk.trade(1200, in_frame=100)
        last, expected = desk.machine.sequence, desk.machine.state_hash()
    with following(msgspec.structs.replace(config, order_id_table=1000)) as process:
        proof = wait_until_hashed(config, process, last)
        assert (proof["mismatch_count"], hash_of(proof)) == (0, expected)


def test_two_snapshots_are_kept_and_rebuild_the_state(folder: Path) -> None:
    config = make_config(folder, snapshot_records=1000)
    make_journal(config, 10)
    with following(config) as process:
        made: list[int] = []
        last, expected = 0, ""
        for _ in range(3):
            with writing(config) as desk:
                desk.trade(1000, in_frame=50)
                last, expected = desk.machine.sequence, desk.machine.state_hash()
            wait_until(lambda: proof_of(config)["snapshot_sequence"] not in {0, *made}, process)
            made.append(proof_of(config)["snapshot_sequence"])
        wait_until_hashed(config, process, last)
        kept = sorted(path.name for path in (config.folder / "snapshots").iterdir())
        assert [int(name.removesuffix(".snap")) for name in kept] == made[1:]
        report = verify(config)
        assert (report.snapshots_checked, report.mismatches) == (2, 0)
        assert report.state_hash == expected

        process.kill()
        again = Process(config, "follow")
        assert hash_of(wait_until_hashed(config, again, last)) == expected
        assert again.stop() == 0
        assert f"sequence={made[-1]}" in again.log


def test_a_second_follower_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(folder)
    make_journal(config, 1)
    monkeypatch.setattr(follower_module, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(follower_module, "configure", lambda *_: structlog.get_logger())
    monkeypatch.setattr("os.nice", lambda _: 0)
    with following(config) as process:
        wait_until(lambda: proof_of(config)["process_id"], process)
        with pytest.raises(JournalOwnedError, match="another follower"):
            follow(config)


def test_roles_decide_who_reads(folder: Path) -> None:
    config = make_config(folder)
    last = make_journal(config, 1)
    config = Config(
        data=config.data, local_roles=("router",), transport="grpcio", follower=config.follower
    )
    with following(config) as process:
        wait_until_hashed(config, process, last)
        auditor = Auditor(config)
        assert refusal(auditor.read, 1) is grpc.StatusCode.PERMISSION_DENIED
        auditor.channel.close()
        assert process.stop() == 0


def test_beside_a_gate_it_has_moved_accounts_valued_and_ends_with_it(folder: Path) -> None:
    config = make_config(folder)
    make_journal(config, 5)
    config = Config(data=config.data, durability="write", follower=Follower(metrics=""))
    gate = Process(config, "serve")
    options = [("grpc.default_authority", "localhost")]
    channel = grpc.insecure_channel(config.gate_address, options)
    market = market_service_pb2_grpc.MarketServiceStub(channel)
    accounts = account_service_pb2_grpc.AccountServiceStub(channel)

    def valued() -> dict[str, int]:
        times = {}
        for holder in market_data.holders(ACCOUNTS):
            if holder.positions:
                name = holder.account.account_id
                request = account_service_pb2.GetAccountRequest(account_id=name)
                answer = accounts.GetAccount(request, timeout=30, wait_for_ready=True)
                times[name] = answer.account.valued_time_ns
        return times

    try:
        wait_until(lambda: all(valued().values()), gate)
        before = valued()
        mark = market_service_pb2.Mark(instrument_id="SPY", price_e4=1_671_000)
        request = market_service_pb2.UpdateMarksRequest(marks=[mark])
        market.UpdateMarks(request, timeout=5)
        wait_until(lambda: valued() != before, gate)

        # The same price again moves nothing: the sweep comes to rest behind it.
        resting = market.UpdateMarks(request, timeout=5).sequence
        wait_until(lambda: proof_of(config)["state_hash_sequence"] >= resting, gate)
        time.sleep(2.5)
        assert proof_of(config)["proved_sequence"] <= resting + 1
        follower_id = proof_of(config)["process_id"]
        assert is_alive(follower_id)
    finally:
        channel.close()
        gate.kill()
    limit = time.monotonic() + 60
    while is_alive(follower_id):
        assert time.monotonic() < limit
        time.sleep(0.02)


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/stat")
    return status.exists() and not status.read_text().rpartition(") ")[2].startswith("Z")
