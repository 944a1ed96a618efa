"""The long proofs: `python -m tests.torture [--seed N] [--rounds N] [--seconds N]`.

Four proofs take turns until the time or the rounds are used up. Every round has a seed of its own,
and a failure prints the line that repeats it. The last line is JSON; the exit code is 1 on failure.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from itertools import count

from tests.torture import proofs

DEFAULT_SECONDS = 600.0
#: The proofs in turn; kills are most of the work, as they find the most.
TURNS = ("damage", "kill", "full", "kill", "restart", "kill", "damage", "kill")


def main() -> int:
    chosen = _arguments()
    begin = time.monotonic()
    done: dict[str, int] = dict.fromkeys(sorted(set(TURNS)), 0)
    facts: dict[str, int] = {}
    failed = ""
    _say(f"seed {chosen.seed}")
    for number in count():
        spent = time.monotonic() - begin
        if number >= chosen.rounds or (number and spent >= chosen.seconds):
            break
        name = chosen.only or TURNS[number % len(TURNS)]
        seed = chosen.seed + number
        try:
            found = proofs.PROOFS[name](random.Random(seed))
        except Exception:  # noqa: BLE001 - whatever it is, it is what the torture looks for
            traceback.print_exc()
            failed = f"python -m tests.torture --seed {seed} --rounds 1 --only {name}"
            _say(f"FAILED: {failed}")
            break
        done[name] += 1
        for fact, figure in found.items():
            facts[fact] = facts.get(fact, 0) + figure
        _say(f"{number} {name} seed {seed} {found} {time.monotonic() - begin:.0f} s")
    result = {"seed": chosen.seed, "ok": not failed, "rounds": done, **facts, "repeat": failed}
    _say(json.dumps(result))
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    fresh = random.SystemRandom().randrange(1, 10**9)
    parser.add_argument("--seed", type=int, default=fresh, help="of the first round")
    parser.add_argument("--rounds", type=int, default=1 << 30, help="how many at most")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="when to stop")
    parser.add_argument("--only", choices=sorted(proofs.PROOFS), help="one proof only")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
