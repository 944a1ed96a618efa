"""The score of an account and the tier that it stands for (5.6).

    score = down(sum of weight x points / 10 000)

with the points of each input from its left-closed table. An input that is missing, or below its
table's first edge, has no points: nobody gains by what is not known.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidegate_server.scorecard.errors import ScorecardError
from tidegate_server.scorecard.settings import ONE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tidegate_server.scorecard.settings import Settings, Table

ACCOUNT_COLUMN = "account_id"


@dataclass(frozen=True, slots=True)
class Scored:
    """One input of one account; `value` is None where it is missing."""

    name: str
    value: int | None
    points: int
    weight_bps: int


@dataclass(frozen=True, slots=True)
class Card:
    """One account's scorecard; `tier` is empty below the least score of every tier."""

    account_id: str
    score: int
    tier: str
    inputs: tuple[Scored, ...]


def score_account(account_id: str, values: Mapping[str, int], settings: Settings) -> Card:
    """Score one account by its inputs."""
    inputs = tuple(
        Scored(name, values.get(name), points_of(settings.tables[name], values.get(name)), weight)
        for name, weight in settings.weights_bps.items()
    )
    score = sum(one.weight_bps * one.points for one in inputs) // ONE
    return Card(account_id, score, tier_of(settings.tiers, score), inputs)


def points_of(table: Table, value: int | None) -> int:
    """Return the points of a value: those of the last row whose edge is at most it."""
    points = 0
    if value is None:
        return points
    for edge, given in table:
        if edge > value:
            break
        points = given
    return points


def tier_of(tiers: Mapping[str, int], score: int) -> str:
    """Return the tier with the greatest least score that a score reaches; empty for none."""
    reached = [(least, name) for name, least in tiers.items() if least <= score]
    return max(reached)[1] if reached else ""


def read_inputs(path: Path, settings: Settings) -> dict[str, dict[str, int]]:
    """Read a CSV file: `account_id`, then a column an input; an empty cell is a missing input.

    Raises ScorecardError naming file and row.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            columns = list(rows.fieldnames or ())
            _check_columns(columns, settings)
            found: dict[str, dict[str, int]] = {}
            for number, row in enumerate(rows, 2):
                name = (row[ACCOUNT_COLUMN] or "").strip()
                if not name or name in found:
                    raise ScorecardError(f"row {number}: needs an account_id of its own")
                if None in row or None in row.values():
                    raise ScorecardError(f"row {number}: must have {len(columns)} cells")
                found[name] = _values(number, row, columns)
            return found
    except OSError as error:
        raise ScorecardError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ScorecardError(f"{path}: {error}") from error


def _check_columns(columns: list[str], settings: Settings) -> None:
    if ACCOUNT_COLUMN not in columns:
        raise ScorecardError(f"row 1: must name the column {ACCOUNT_COLUMN}")
    for name in columns:
        if columns.count(name) > 1:
            raise ScorecardError(f"row 1: {name} stands twice")
        if name != ACCOUNT_COLUMN and name not in settings.weights_bps:
            known = ", ".join(settings.weights_bps)
            raise ScorecardError(f"row 1: {name} is no input of the scorecard: {known}")


def _values(number: int, row: Mapping[str, str], columns: list[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    for name in columns:
        text = row[name].strip()
        if name == ACCOUNT_COLUMN or not text:
            continue
        try:
            values[name] = int(text)
        except ValueError:
            raise ScorecardError(f"row {number}: {name} {text!r} is no whole number") from None
    return values
