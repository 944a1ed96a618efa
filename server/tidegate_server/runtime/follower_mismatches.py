"""The list of outcomes that differed when they were decided again, kept in a file.

A follower starts from a snapshot and does not decide again what lies before it, so what it found
must outlive it. One line a finding: sequence, a tab, what was found.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "mismatches"
#: How the line of a sum begins: the record beside it is the last one, and was decided alike.
SUM: Final = "sum: "
#: More are counted while the process lives, but not listed.
LISTED: Final = 10_000


class Mismatches:
    """What differed, up to now. `count` includes what is listed no more."""

    def __init__(self, folder: Path, start: int) -> None:
        """Take over the findings up to record `start`; later ones will be found again."""
        self._path = folder / NAME
        found = _read(self._path)
        self._listed = {sequence: text for sequence, text in found.items() if sequence <= start}
        self.count = len(self._listed)
        if len(self._listed) != len(found):
            self._write("w", self._listed)

    def add(self, sequence: int, text: str) -> None:
        """Keep one finding, durably."""
        self.count += 1
        if len(self._listed) < LISTED:
            self._listed[sequence] = text
            self._write("a", {sequence: text})

    def add_sum(self, sequence: int, text: str) -> None:
        """Keep, durably, what a sum that the book keeps lacks after a record."""
        known = self._listed.get(sequence)
        self.add(sequence, SUM + text if known is None else f"{known}; {text}")

    def __contains__(self, sequence: int) -> bool:
        """Tell whether the record of this sequence was decided otherwise."""
        return not self._listed.get(sequence, SUM).startswith(SUM)

    def _write(self, mode: str, lines: dict[int, str]) -> None:
        with self._path.open(mode, encoding="utf-8") as file:
            file.writelines(f"{sequence}\t{_line(text)}\n" for sequence, text in lines.items())
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path) -> dict[int, str]:
    """Read the lines that are whole."""
    found: dict[int, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            sequence, tab, text = line.partition("\t")
            if tab and sequence.isdecimal():
                found[int(sequence)] = text
    return found


def _line(text: str) -> str:
    return " ".join(text.split())
