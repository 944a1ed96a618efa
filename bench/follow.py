"""`python -m bench.follow`: whether the follower keeps up with a gate under load.

A flushing gate and its follower share the machine with the load generator. At each rate it is sent
orders, reports of the venue and marks when they are due, for some seconds. Then the follower is
asked how many durable records it has not yet decided again, and the clock runs until it has. With
`--everything` the policy is that of the rung of that name. The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.book import Book, policy, with_everything
from bench.facts import facts
from bench.frames import Track
from bench.load import CONNECTIONS, exchange, open_loop, percentiles
from bench.servers import Server, gate
from bench.workload import Workload
from google.protobuf.json_format import MessageToJson
from rich.console import Console
from rich.table import Table

from tidegate_server.journal import read_watermark
from tidegate_server.runtime.counters import PROOF_NAMES, open_proof_page

ACCOUNTS: Final = 200
RATES: Final = (500, 1_000, 2_000, 4_000)
SECONDS: Final = 10.0
GIVE_UP_SECONDS: Final = 300.0
POLL_SECONDS: Final = 0.02
#: A report comes so many calls of its connection after what it is about.
MIX_LAG: Final = 512

Row = dict[str, float]


class Proof:
    """How far a follower is behind its gate."""

    def __init__(self, folder: Path) -> None:
        """Wait for the follower to come up."""
        self._folder = folder
        began = time.perf_counter()
        while True:
            try:
                self._page = open_proof_page(folder)
            except (FileNotFoundError, ValueError):
                if time.perf_counter() - began > GIVE_UP_SECONDS:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def behind(self) -> int:
        """Return how many durable records are not proved yet."""
        proved = self._page.get(PROOF_NAMES.index("proved_sequence"))
        return read_watermark(self._folder).record_sequence - proved

    def mismatches(self) -> int:
        """Return how many outcomes were another the second time."""
        return self._page.get(PROOF_NAMES.index("mismatch_count"))

    def catch_up(self) -> float:
        """Wait until nothing is left to prove; return the seconds that it took."""
        began = time.perf_counter()
        while self.behind() and time.perf_counter() - began < GIVE_UP_SECONDS:
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - began


def main() -> None:
    """Measure, print, and exit with 1 if an answer or a proof was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.follow", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="calls a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each rate")
    parser.add_argument("--everything", action="store_true", help="under the fullest policy")
    parser.add_argument("--folder", type=Path, help="where the journal goes; a real disk")
    arguments = parser.parse_args()
    book = Book(accounts=ACCOUNTS)
    document = with_everything(policy(), book) if arguments.everything else policy()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.folder) as name:
        folder = Path(name)
        (folder / "policy.json").write_text(MessageToJson(document))
        with gate("flush", folder / "gate", folder / "policy.json", follower=True) as server:
            book.set_up(lambda calls: exchange(server.target, calls))
            proof = Proof(folder / "gate" / "data")
            proof.catch_up()
            workload = Workload(book)
            rows = [
                measure(server, proof, workload, rate, arguments.seconds)
                for rate in arguments.rates
            ]
            wrong = sum(row.pop("wrong") for row in rows)
            mismatches = proof.mismatches()
        machine = facts(folder)
    show(rows)
    report = {"machine": machine, "rates": rows, "wrong": wrong, "mismatches": mismatches}
    print(json.dumps(report | {"everything": arguments.everything}))
    if wrong or mismatches:
        sys.exit("an answer or a proof was wrong")


def measure(server: Server, proof: Proof, workload: Workload, rate: int, seconds: float) -> Row:
    """Offer calls at a rate; return what came of it."""
    lanes = workload.mix(int(rate * seconds), CONNECTIONS, MIX_LAG)
    began = time.perf_counter()
    run = open_loop(server.target, [Track(lane) for lane in lanes], rate, seed=rate)
    elapsed = time.perf_counter() - began
    behind = proof.behind()
    caught_up = proof.catch_up()
    calls = workload.settle()
    if calls:
        exchange(server.target, calls, in_flight=8)
    proof.catch_up()
    latencies = percentiles(run.latencies_ns)
    return {
        "offered_per_s": rate,
        "answered_per_s": round(run.calls / elapsed),
        "records_behind": behind,
        "seconds_to_catch_up": round(caught_up, 2),
        "p50_us": round(latencies["p50_us"]),
        "p99_us": round(latencies["p99_us"]),
        "wrong": run.complaints,
    }


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table(
        *(name.replace("_", " ") for name in rows[0]),
        title="orders, reports and marks, open loop; the follower beside it",
    )
    for row in rows:
        table.add_row(*(f"{value:,.2f}".rstrip("0").rstrip(".") for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
