"""The acts of the demonstration, in order."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tidegate_server.cli import tally
from tidegate_server.cli.calls import connected
from tidegate_server.cli.children import Child, wait_until_proved, wait_until_serving
from tidegate_server.cli.comparing import compare_accounts, repeat_decisions, reservations
from tidegate_server.cli.load import load_sample
from tidegate_server.cli.output import console, count, money
from tidegate_server.cli.persons import second_person
from tidegate_server.cli.readings import read_accounts
from tidegate_server.cli.walk import Walk
from tidegate_server.runtime.config import Config, render
from tidegate_server.runtime.config_schema import Client, Follower, Log
from tidegate_server.sample.flow import Flow
from tidegate_server.sample.market import holders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tidegate.v1 import account_service_pb2 as accounts_pb2
    from tidegate_server.cli.calls import Gate

_CALL_LIMIT_MS = 10_000
_MOST_SHOWN = 10


class Moment(NamedTuple):
    """What is known of the gate when it is about to be killed."""

    sequence: int
    epoch: int
    state_hash: str
    views: dict[str, accounts_pb2.AccountView]


class Rehearsal:
    """One demonstration: its processes, its walk and what came to light."""

    def __init__(  # noqa: PLR0913  (the flags of the command)
        self,
        folder: Path,
        *,
        transport: str,
        durability: str,
        accounts: int,
        trades: int | None,
        seed: int,
    ) -> None:
        second, token = second_person()
        self._config = Config(
            data=str(folder / "data"),
            principals=(second,),
            transport="grpcio" if transport == "grpcio" else "native",
            durability="write" if durability == "write" else "flush",
            follower=Follower(metrics=""),
            log=Log(level="warning"),
            client=Client(timeout_ms=_CALL_LIMIT_MS),
        )
        file = folder / "tidegate.toml"
        file.write_text(render(self._config), encoding="utf-8")
        chosen = ("--config", str(file))
        self._init = Child("init", ("init", *chosen), folder)
        self._gate = Child("gate", ("serve", "--no-follower", *chosen), folder)
        self._follower = Child("follower", ("follow", *chosen), folder)
        self._accounts = accounts
        self._seed = seed
        self._flow = Flow(holders(accounts, seed), trades=trades, seed=seed)
        self._walk = Walk(self._flow, token)
        self._console = console()
        self._differences: list[str] = []

    def run(self) -> list[str]:
        """Play all acts; return a line for each thing that is not as it must be.

        Raises DemoError and grpc.RpcError when it cannot go on.
        """
        begin = time.monotonic()
        half = len(self._flow) // 2
        self._start()
        with connected(self._config) as gate:
            wait_until_serving(gate, self._gate)
            self._say(load_sample(gate, self._accounts, self._seed))
            self._walk_on(gate, half, "first half")
            moment = self._remember(gate)
        self._crash(moment)
        with connected(self._config) as gate:
            self._compare(gate, moment)
            self._walk_on(gate, len(self._flow) - half, "second half")
            self._finish(gate)
        self._say(f"{self._walk.calls:,} calls, {time.monotonic() - begin:.1f} s in all")
        decided = count(len(self._walk.decisions))
        self._say(f"{decided} decisions, the same on every run: sha256 {self._walk.digest}")
        return self._differences[:_MOST_SHOWN]

    def close(self) -> None:
        """Stop what still runs."""
        self._follower.stop()
        self._gate.stop()

    def _start(self) -> None:
        self._init.run()
        self._gate.start()
        self._follower.start()

    def _walk_on(self, gate: Gate, steps: int, name: str) -> None:
        with _progress(self._console.is_terminal, steps, name, self._say) as advance:
            self._walk.run(gate, steps, advance)

    def _remember(self, gate: Gate) -> Moment:
        """Wait for the follower's proof, then read everything."""
        status = wait_until_proved(gate, self._follower)
        return Moment(
            status.proof.state_hash_sequence,
            status.epoch,
            status.proof.state_hash,
            read_accounts(gate),
        )

    def _crash(self, moment: Moment) -> None:
        """Kill both, and rebuild the state from the files alone before starting them again."""
        pids = self._gate.kill(), self._follower.kill()
        self._say(f"SIGKILL to gate {pids[0]} and follower {pids[1]}")
        found = self._hash_on_disk(moment.sequence)
        self._check(
            found == moment.state_hash,
            f"state hash after record {moment.sequence:,}: {moment.state_hash}",
            f"the files give {found}",
        )
        self._gate.start()
        self._follower.start()

    def _hash_on_disk(self, sequence: int) -> str:
        from tidegate_server.runtime.verify import verify  # noqa: PLC0415  (only here)

        return verify(self._config, until=sequence).state_hash

    def _compare(self, gate: Gate, moment: Moment) -> None:
        """Show that the gate which came back is the one that was killed."""
        status = wait_until_serving(gate, self._gate)
        self._check(
            status.epoch == moment.epoch + 1 and status.sequence > moment.sequence,
            f"started again: epoch {status.epoch}, sequence {status.sequence:,}",
            f"it was epoch {moment.epoch}, sequence {moment.sequence:,}",
        )
        views = read_accounts(gate)
        found = compare_accounts(moment.views, views)
        self._check(not found, f"{len(views)} accounts are as they were", *found)
        before, after = reservations(moment.views.values()), reservations(views.values())
        self._check(
            before == after,
            f"{after.orders} open orders are still reserved: {money(after.value_e4)}",
            f"it was {before.orders} orders: {money(before.value_e4)}",
        )
        asked, found = repeat_decisions(gate, self._walk.decisions, self._walk.reported)
        self._check(not found, f"{asked:,} decisions asked again got the same answer", *found)

    def _finish(self, gate: Gate) -> None:
        status = wait_until_proved(gate, self._follower)
        self._check(
            not status.proof.mismatch_count,
            f"the follower decided all {status.proof.proved_sequence:,} records again",
        )
        views = read_accounts(gate)
        walk = self._walk
        for table in (
            tally.by_reason(walk.decisions),
            tally.by_event(walk),
            tally.busiest(walk.decisions, views),
            tally.latency(walk.latencies_ns),
        ):
            self._console.print(table)

    def _check(self, holds: bool, claim: str, *otherwise: str) -> None:  # noqa: FBT001  (a claim)
        self._say(f"{'✓' if holds else '✗'} {claim}")
        if not holds:
            self._differences += [f"{claim}: not so", *otherwise]

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


@contextmanager
def _progress(
    is_terminal: bool,  # noqa: FBT001  (what kind of output)
    steps: int,
    name: str,
    say: Callable[[str], None],
) -> Iterator[Callable[[], None]]:
    """Draw a bar on a terminal, else print a line for every tenth."""
    if is_terminal:
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=console()) as bar:
            task = bar.add_task(name, total=steps)
            yield lambda: bar.advance(task)
        return
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * 10 // steps > (done - 1) * 10 // steps:
            say(f"{name}: {done:,} of {steps:,} trades")

    yield advance
