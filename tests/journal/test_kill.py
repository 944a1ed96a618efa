"""A process is killed while it commits and prints what was acknowledged to it."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import make_folder, records_of, recover, start_child

from tidegate_server.journal import Tail

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 6
COMMIT_FOR_EVER = """
import sys
from pathlib import Path
from tests.journal.journals import open_writer
from tidegate_server import journal
from tidegate_server.journal import Durability
folder = Path(sys.argv[1])
with journal.own(folder):
    writer = open_writer(folder, durability=Durability[sys.argv[2]], segment_bytes=8192)
    while True:
        first = writer.next_sequence
        records = [b"%d " % (first + i) * 20 for i in range(1 + first % 7)]
        print(writer.commit(records, first), flush=True)
"""


@pytest.mark.parametrize("durability", ["FLUSH", "WRITE"])
def test_no_acknowledged_record_is_lost_by_kill(tmp_path: Path, durability: str) -> None:
    folder = make_folder(tmp_path / "data")
    tail = Tail(folder)
    tailed: list[list[bytes]] = []
    randomness = random.Random(20)
    acknowledged = 0
    for _ in range(ROUNDS):
        child = start_child(COMMIT_FOR_EVER, folder, durability)
        assert child.stdout is not None
        assert child.stdout.readline()
        threading.Timer(randomness.uniform(0.0, 0.08), child.kill).start()
        output, errors = child.communicate(timeout=30)
        assert not errors
        whole_lines = output[: output.rfind("\n") + 1].split()
        acknowledged = int(whole_lines[-1]) if whole_lines else acknowledged
        tailed += records_of(tail.poll(1_000_000))
        recovery = recover(folder, repair=True)
        assert recovery.position.last_sequence >= acknowledged
        tailed += records_of(tail.poll(1_000_000))
        kept = records_of(list(recovery.frames))
        assert tailed == kept
        numbers = [int(record.split()[0]) for records in kept for record in records]
        assert numbers == list(range(1, recovery.position.first_sequence))
    tail.close()
    assert acknowledged > ROUNDS
