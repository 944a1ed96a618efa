"""`tidegate journal tail` against a follower whose older segments have been archived."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest
from typer.testing import CliRunner

from tidegate.v1 import journal_pb2, journal_service_pb2
from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner()
OLDEST, LAST = 41, 60


def read_records(
    asked: journal_service_pb2.ReadRecordsRequest, context: grpc.ServicerContext
) -> journal_service_pb2.ReadRecordsResponse:
    """Answer like a follower that keeps records 41 to 60."""
    if asked.from_sequence < OLDEST:
        context.abort(grpc.StatusCode.NOT_FOUND, f"no record {asked.from_sequence}")
    until = min(LAST, asked.from_sequence + (asked.page_size or 100) - 1)
    record = journal_pb2.Record(method=journal_pb2.METHOD_TICK)
    entries = [
        journal_service_pb2.JournalEntry(sequence=sequence, record=record)
        for sequence in range(asked.from_sequence, until + 1)
    ]
    return journal_service_pb2.ReadRecordsResponse(
        entries=entries, next_sequence=asked.from_sequence + len(entries), last_sequence=LAST
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Result]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    method = grpc.unary_unary_rpc_method_handler(
        read_records,
        request_deserializer=journal_service_pb2.ReadRecordsRequest.FromString,
        response_serializer=journal_service_pb2.ReadRecordsResponse.SerializeToString,
    )
    handlers = {"ReadRecords": method}
    with tempfile.TemporaryDirectory() as folder:
        server = grpc.server(ThreadPoolExecutor(1))
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("tidegate.v1.JournalService", handlers)]
        )
        address = f"unix:{folder}/f.sock"
        server.add_insecure_port(address)
        server.start()
        yield lambda *words: RUN.invoke(app, ["journal", "tail", *words, "--address", address])
        server.stop(None).wait()


def sequences(result: Result) -> list[int]:
    assert result.exit_code == 0, result.output
    return [int(line.split()[0]) for line in result.output.splitlines()]


def test_the_newest_records_are_read_without_asking_for_the_first(
    run: Callable[..., Result],
) -> None:
    assert sequences(run("-n", "5")) == [56, 57, 58, 59, 60]


@pytest.mark.parametrize("count", [20, 21, 22, 40, 1_000])
def test_where_fewer_are_kept_it_begins_at_the_oldest(
    run: Callable[..., Result], count: int
) -> None:
    assert sequences(run("-n", str(count))) == list(range(OLDEST, LAST + 1))


def test_it_begins_where_it_is_told(run: Callable[..., Result]) -> None:
    assert sequences(run("--from", "58")) == [58, 59, 60]


def test_what_is_archived_is_not_found(run: Callable[..., Result]) -> None:
    result = run("--from", "40")
    assert result.exit_code == 65
    assert "no record 40" in result.stderr
