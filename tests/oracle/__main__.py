"""The agreement at length: `python -m tests.oracle [--commands N] [--seed N] [--each N]`.

Random runs, each of a seed of its own, on as many processes as there are cores. Every disagreement
is printed with the line that repeats it. The last line is JSON; the exit code is 1 on a mismatch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.oracle.adapter import Engine, agree, shown
from tests.oracle.commands import Commands
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
    done, mismatches = 0, []
    _say(f"seeds {seeds[0]} to {seeds[-1]}, {chosen.each} commands each")
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for found in workers.map(run, seeds, [chosen.each] * len(seeds)):
            done += found.commands
            if found.mismatch:
                repeat = f"python -m tests.oracle --seed {found.seed} --commands {chosen.each}"
                mismatches.append(found.seed)
                _say(f"{found.mismatch}\nrepeat: {repeat} --each {chosen.each}")
            elif not found.seed % 20:
                _say(f"seed {found.seed}: {done} commands, {time.monotonic() - begin:.0f} s")
    result = {"commands": done, "mismatches": len(mismatches), "seeds": mismatches[:20]}
    _say(json.dumps({"first_seed": seeds[0], "last_seed": seeds[-1], **result}))
    return 1 if mismatches else 0


def run(seed: int, count: int) -> Found:
    """Ask both the same commands until they disagree."""
    oracle, engine = Oracle(), Engine()
    commands = Commands(seed, oracle)
    for index in range(count):
        command = commands.next_command()
        expected = oracle.apply(*command)
        found = engine.apply(*command)
        if not agree(command.method, expected, found):
            said = f"oracle {shown(command.method, expected)}\n"
            said += f"engine {shown(command.method, found)}"
            return Found(seed, index + 1, f"seed {seed}, command {index}: {command!r}\n{said}")
    return Found(seed, count, "")


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
