"""Reads the tables of tests/tables: a world, then cases, one fact each.

    # a comment
    <steps of the world>          run before every case
    ---
    : the fact, in a sentence     a case; its `policy`, `limit`, `lines` ... come first of all
    step                          whatever the answer
    step -> answer                the answer, word for word

Numbers with a point are money in e4 (`10.5` is 105 000), `10s` and `5ms` are nanoseconds. What
steps there are and how answers are written stands in `script.py`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

TABLES = Path(__file__).resolve().parents[1] / "tables"
MONEY = re.compile(r"(?<![\w.])(-?)(\d+)\.(\d{1,4})(?![\w.])")
SPAN = re.compile(r"(?<![\w.])(-?\d+)(ns|ms|s)(?!\w)")
UNITS = {"ns": 1, "ms": 10**6, "s": 10**9}
POLICY_WORDS = frozenset(
    (
        "policy",
        "limit",
        "band",
        "tier",
        "window",
        "lines",
        "ratio",
        "cap",
        "scope",
        "sector",
        "board",
        "reserve",
        "addon",
    )
)


@dataclass
class Case:
    """One fact: the lines that set it up, each with its number and the answer that it wants."""

    name: str
    lines: list[tuple[int, str, str | None]] = field(default_factory=list)


def plain(text: str) -> str:
    """Write money and spans as integers, blanks as one."""
    text = MONEY.sub(lambda m: f"{m[1]}{int(m[2] + m[3].ljust(4, '0'))}", text)
    text = SPAN.sub(lambda m: str(int(m[1]) * UNITS[m[2]]), text)
    return " ".join(text.split())


def read_table(path: Path) -> list[Case]:
    """Return the cases of a table, the world's lines before each one's own."""
    world = Case(path.stem)
    cases: list[Case] = []
    current = world
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.split("# ")[0].strip() if not raw.startswith("#") else ""
        if not line or line == "---":
            continue
        if line.startswith(":"):
            current = Case(line[1:].strip())
            cases.append(current)
            continue
        step, arrow, answer = line.partition("->")
        current.lines.append((number, plain(step), plain(answer) if arrow else None))
    for case in cases:
        lines = world.lines + case.lines
        first = [line for line in lines if line[1].split()[0] in POLICY_WORDS]
        case.lines = first + [line for line in lines if line not in first]
    return cases


def tables() -> list[tuple[str, Case]]:
    """Return every case with the name of its table."""
    return [(path.stem, case) for path in sorted(TABLES.glob("*.txt")) for case in read_table(path)]
