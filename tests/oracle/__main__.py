"""The agreement at length: `python -m tests.oracle [--commands N] [--seed N] [--each N]`.

Random runs, each of a seed of its own, one process a core. Every answer is compared, and after a
run every account as it is read. Every disagreement is printed with the line that repeats it. The
last line is JSON; the exit code is 1 on a mismatch.

A run needs nothing but its seed: the million can be split over machines by `--seed` and
`--commands`. Interrupted, it says at which seed to go on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from signal import SIG_IGN, SIGINT, signal
from typing import NamedTuple

from tests.oracle.adapter import Engine, agree, shown
from tests.oracle.commands import Command, Commands
from tests.oracle.oracle import Oracle

COMMANDS = 1_000_000
EACH = 2_500


class Found(NamedTuple):
    """What became of one run; `mismatch` is empty if all answers agreed."""

    seed: int
    commands: int
    mismatch: str


def main() -> int:
    chosen = _arguments()
    begin = time.monotonic()
    seeds = range(chosen.seed, chosen.seed + -(-chosen.commands // chosen.each))
    done, mismatches, following = 0, [], seeds[0]
    _say(f"seeds {seeds[0]} to {seeds[-1]}, {chosen.each} commands each")
    workers = ProcessPoolExecutor(_cores(), initializer=signal, initargs=(SIGINT, SIG_IGN))
    with suppress(KeyboardInterrupt):
        for found in workers.map(run, seeds, [chosen.each] * len(seeds)):
            done, following = done + found.commands, found.seed + 1
            if found.mismatch:
                repeat = f"python -m tests.oracle --seed {found.seed} --commands {chosen.each}"
                mismatches.append(found.seed)
                _say(f"{found.mismatch}\nrepeat: {repeat} --each {chosen.each}")
            elif not following % 20:
                _say(f"seed {found.seed}: {done} commands, {time.monotonic() - begin:.0f} s")
    workers.shutdown(cancel_futures=True)
    if following <= seeds[-1]:
        rest = (seeds[-1] + 1 - following) * chosen.each
        _say(f"interrupted; the rest: --seed {following} --commands {rest} --each {chosen.each}")
    result = {"commands": done, "mismatches": len(mismatches), "seeds": mismatches[:20]}
    _say(json.dumps({"first_seed": seeds[0], "last_seed": following - 1, **result}))
    return 1 if mismatches or following <= seeds[-1] else 0


def run(seed: int, count: int) -> Found:
    """Ask both the same commands until they disagree, and then for every account."""
    oracle, engine = Oracle(), Engine()
    commands = Commands(seed, oracle)
    for index in range(count):
        command = commands.next_command()
        said = _disagreement(oracle, engine, command)
        if said:
            return Found(seed, index + 1, f"seed {seed}, command {index}: {said}")
    for account_id in list(oracle.book.accounts):
        read = Command("GetAccount", {"account_id": account_id}, "staff", commands.now)
        said = _disagreement(oracle, engine, read)
        if said:
            return Found(seed, count, f"seed {seed}, after {count} commands: {said}")
    return Found(seed, count, "")


def _disagreement(oracle: Oracle, engine: Engine, command: Command) -> str:
    """What the two say differently of a command; empty if they agree."""
    expected, found = oracle.apply(*command), engine.apply(*command)
    if agree(command.method, expected, found):
        return ""
    said = f"{command!r}\noracle {shown(command.method, expected)}\n"
    return said + f"engine {shown(command.method, found)}"


def _cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--commands", type=int, default=COMMANDS, help="how many in all")
    parser.add_argument("--seed", type=int, default=1_000, help="of the first run")
    parser.add_argument("--each", type=int, default=EACH, help="commands of one run")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
