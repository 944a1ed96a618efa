"""What a scorecard is set to: weights, tables of points, tiers, and the version that follows."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tidegate_server.scorecard.errors import ScorecardError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ONE: Final = 10_000
GREATEST_POINTS: Final = 1_000
ID_LENGTH: Final = 64
REVISION: Final = 1
"""Counts changes of the arithmetic; part of the version, like every setting."""

# Left-closed: (edge, points) from that edge on, until the next one; nothing below the first.
Table = tuple[tuple[int, int], ...]

INPUTS: Final = (
    "credit_score",
    "equity_volatility_bps",
    "trades_per_month",
    "utilisation_bps",
    "cash_flow_stability_bps",
    "renewals",
    "breaches",
)
"""What can be scored: the credit bureau's score; the standard deviation of the account's monthly
return on equity; trades a month; the share of its credit line that it uses; the share of months
with a net inflow or none; renewals of its contract kept in time; breaches of limits in a year."""

DEFAULT_WEIGHTS: Final[dict[str, int]] = {
    "credit_score": 3_000,
    "equity_volatility_bps": 1_500,
    "trades_per_month": 500,
    "utilisation_bps": 1_500,
    "cash_flow_stability_bps": 1_000,
    "renewals": 500,
    "breaches": 2_000,
}
DEFAULT_TABLES: Final[dict[str, Table]] = {
    "credit_score": ((0, 0), (580, 300), (670, 600), (740, 850), (800, 1_000)),
    "equity_volatility_bps": ((0, 1_000), (300, 800), (600, 500), (1_000, 200), (2_000, 0)),
    "trades_per_month": ((0, 200), (1, 600), (5, 1_000), (200, 600), (1_000, 200)),
    "utilisation_bps": ((0, 1_000), (3_000, 800), (5_000, 500), (7_000, 200), (9_000, 0)),
    "cash_flow_stability_bps": ((0, 0), (5_000, 400), (7_500, 700), (9_000, 1_000)),
    "renewals": ((0, 0), (1, 500), (3, 1_000)),
    "breaches": ((0, 1_000), (1, 500), (3, 0)),
}
DEFAULT_TIERS: Final[dict[str, int]] = {"retail": 300, "standard": 600, "professional": 800}


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of a scorecard; raises ScorecardError where they contradict each other."""

    #: The share of each input in the score, in bps; together 10 000.
    weights_bps: Mapping[str, int] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    #: The points of each input, 0 to 1 000, by its value.
    tables: Mapping[str, Table] = field(default_factory=lambda: DEFAULT_TABLES)
    #: The least score of each tier. Below all of them an account gets none.
    tiers: Mapping[str, int] = field(default_factory=lambda: DEFAULT_TIERS)

    def __post_init__(self) -> None:
        """Refuse what makes no scorecard."""
        if self.weights_bps.keys() != self.tables.keys():
            odd = sorted(self.weights_bps.keys() ^ self.tables.keys())
            raise ScorecardError(f"inputs.{odd[0]}: needs a weight and a table")
        for name, weight in self.weights_bps.items():
            if name not in INPUTS:
                raise ScorecardError(f"inputs.{name}: no such input; there are {', '.join(INPUTS)}")
            _need(f"inputs.{name}.weight_bps", weight, 0, ONE)
            _check_table(f"inputs.{name}.points", self.tables[name])
        total = sum(self.weights_bps.values())
        if total != ONE:
            raise ScorecardError(f"inputs: the weights are {total} together, not {ONE}")
        if not self.tiers:
            raise ScorecardError("tiers: must name one at least")
        for name, score in self.tiers.items():
            _need(f"tiers.{name}", score, 0, GREATEST_POINTS)
            if not 0 < len(name) <= ID_LENGTH or not name.isascii() or not name.isprintable():
                raise ScorecardError(f"tiers.{name}: is no id of a tier")
        if len(set(self.tiers.values())) != len(self.tiers):
            raise ScorecardError("tiers: two begin at the same score")

    @property
    def version(self) -> str:
        """A name that changes whenever any parameter or the arithmetic does."""
        return f"scorecard-{hashlib.sha256(self.canonical().encode()).hexdigest()[:16]}"

    def tree(self) -> dict[str, object]:
        """Return all parameters as plain values, as a settings file would hold them."""
        inputs = {
            name: {"weight_bps": weight, "points": [list(row) for row in self.tables[name]]}
            for name, weight in sorted(self.weights_bps.items())
        }
        return {"inputs": inputs, "tiers": dict(sorted(self.tiers.items()))}

    def canonical(self) -> str:
        """Return the text that the version is the hash of."""
        return f"revision={REVISION}\n{self.tree()}"


def read_settings(path: Path) -> Settings:
    """Read a TOML file; raises ScorecardError naming the file."""
    try:
        return settings_from(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ScorecardError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ScorecardError(f"{path}: {error}") from error


def settings_from(tree: Mapping[str, object]) -> Settings:
    """Return settings from plain values: `inputs`, `tiers` or both; raises ScorecardError."""
    for name in tree:
        if name not in {"inputs", "tiers"}:
            raise ScorecardError(f"{name}: no such setting; there are inputs, tiers")
    weights, tables = DEFAULT_WEIGHTS, DEFAULT_TABLES
    if "inputs" in tree:
        weights, tables = {}, {}
        for name, given in _table(tree["inputs"], "inputs").items():
            one = _table(given, f"inputs.{name}")
            if one.keys() != {"weight_bps", "points"}:
                raise ScorecardError(f"inputs.{name}: must have weight_bps and points")
            weights[name] = _integer(f"inputs.{name}.weight_bps", one["weight_bps"])
            tables[name] = _points(f"inputs.{name}.points", one["points"])
    tiers = DEFAULT_TIERS
    if "tiers" in tree:
        given_tiers = _table(tree["tiers"], "tiers")
        tiers = {name: _integer(f"tiers.{name}", value) for name, value in given_tiers.items()}
    return Settings(weights, tables, tiers)


def _check_table(name: str, table: Table) -> None:
    if not table:
        raise ScorecardError(f"{name}: must have one row at least")
    for (edge, _), (after, _) in pairwise(table):
        if after <= edge:
            raise ScorecardError(f"{name}: {after} must be above {edge}")
    for _, points in table:
        _need(name, points, 0, GREATEST_POINTS)


def _points(name: str, value: object) -> Table:
    if not isinstance(value, list):
        raise ScorecardError(f"{name}: must be a list of rows [edge, points]")
    rows: list[tuple[int, int]] = []
    for row in value:
        if not isinstance(row, list) or len(row) != len(("edge", "points")):
            raise ScorecardError(f"{name}: {row!r} is no row [edge, points]")
        rows.append((_integer(name, row[0]), _integer(name, row[1])))
    return tuple(rows)


def _table(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ScorecardError(f"{name}: must be a table")
    return {str(key): item for key, item in value.items()}


def _integer(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ScorecardError(f"{name}: must be a whole number, not {value!r}")
    return value


def _need(name: str, value: int, least: int, greatest: int) -> None:
    if not least <= value <= greatest:
        raise ScorecardError(f"{name}: must be {least} to {greatest}, not {value}")
