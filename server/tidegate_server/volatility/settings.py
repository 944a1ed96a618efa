"""What the model is set to, and the version that follows from it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from tidegate_server.volatility.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ONE: Final = 10_000
GREATEST_FACTOR_BPS: Final = 1_000_000  # what the contract takes
REVISION: Final = 1
"""Counts changes of the arithmetic; part of the version, like every setting."""
LADDER_BPS: Final = (
    *range(10_000, 30_001, 2_500),
    35_000,
    40_000,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of the model; raises ModelError where they contradict each other.

    Volatilities are standard deviations of one day's log return, in bps (150 is 1.5 % a day).
    """

    #: Lambda: what a day keeps of the weight of the day after it.
    decay_bps: int = 9_400
    #: How many returns the long-run level looks back on: ten years of 252 days.
    floor_returns: int = 2_520
    #: With fewer returns there is no estimate.
    least_returns: int = 250
    #: The volatility that the policy's limits are meant for: there the factor is 1.
    reference_bps: int = 150
    #: The same for single instruments, by id.
    references_bps: Mapping[str, int] = field(default_factory=dict)
    #: The values that a factor may take, rising from 10 000. The last is the cap.
    ladder_bps: tuple[int, ...] = LADDER_BPS
    #: How far under the next lower step the ratio must be before the factor falls to it.
    hysteresis_bps: int = 500
    #: A log return beyond this is reported, and counts as this much in the long-run level.
    outlier_bps: int = 4_000

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        _need("decay_bps", self.decay_bps, 1, ONE - 1)
        _need("floor_returns", self.floor_returns, 1, 100_000)
        _need("least_returns", self.least_returns, 1, self.floor_returns)
        _need("reference_bps", self.reference_bps, 1, ONE)
        for instrument_id, reference in self.references_bps.items():
            _need(f"references_bps.{instrument_id}", reference, 1, ONE)
        _need("hysteresis_bps", self.hysteresis_bps, 0, ONE - 1)
        _need("outlier_bps", self.outlier_bps, 1, 100 * ONE)
        if not self.ladder_bps or self.ladder_bps[0] != ONE:
            raise ModelError("ladder_bps: must begin with 10000")
        for step in self.ladder_bps:
            _need("ladder_bps", step, ONE, GREATEST_FACTOR_BPS)
        if list(self.ladder_bps) != sorted(set(self.ladder_bps)):
            raise ModelError("ladder_bps: must rise from step to step")

    @property
    def cap_bps(self) -> int:
        """The greatest factor."""
        return self.ladder_bps[-1]

    @property
    def model_version(self) -> str:
        """A name that changes whenever any parameter or the arithmetic does."""
        digest = hashlib.sha256(self.canonical().encode()).hexdigest()
        return f"ewma-{self.decay_bps}-{digest[:16]}"

    def reference_of(self, instrument_id: str) -> int:
        """Return the reference volatility of an instrument, bps a day."""
        return self.references_bps.get(instrument_id, self.reference_bps)

    def tree(self) -> dict[str, object]:
        """Return all parameters as plain values, as a settings file would hold them."""
        references = dict(sorted(self.references_bps.items()))
        ladder = list(self.ladder_bps)
        plain = {
            known.name: getattr(self, known.name) for known in fields(self) if known.type == "int"
        }
        return {**plain, "references_bps": references, "ladder_bps": ladder}

    def canonical(self) -> str:
        """Return the text that the version is the hash of."""
        lines = [f"{name}={value}" for name, value in sorted(self.tree().items())]
        return "\n".join([f"revision={REVISION}", *lines])


def read_settings(path: Path) -> Settings:
    """Read a TOML file with any of the parameters; raises ModelError naming the file."""
    try:
        return settings_from(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error


def settings_from(tree: Mapping[str, object]) -> Settings:
    """Return settings from plain values; raises ModelError naming the parameter."""
    known = {known.name for known in fields(Settings)}
    given: dict[str, object] = {}
    for name, value in tree.items():
        if name not in known:
            raise ModelError(f"{name}: no such setting; there are {', '.join(sorted(known))}")
        if name == "ladder_bps":
            given[name] = tuple(_integers(name, value))
        elif name == "references_bps":
            given[name] = _references(value)
        else:
            given[name] = _integer(name, value)
    return Settings(**given)  # type: ignore[arg-type]  # each was checked above


def _integers(name: str, value: object) -> list[int]:
    if not isinstance(value, list):
        raise ModelError(f"{name}: must be a list of whole numbers")
    return [_integer(name, item) for item in value]


def _references(value: object) -> Mapping[str, int]:
    if not isinstance(value, dict):
        raise ModelError("references_bps: must be a table of instrument ids and bps")
    return {str(key): _integer(f"references_bps.{key}", item) for key, item in value.items()}


def _integer(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelError(f"{name}: must be a whole number, not {value!r}")
    return value


def _need(name: str, value: int, least: int, greatest: int) -> None:
    if not least <= value <= greatest:
        raise ModelError(f"{name}: must be {least} to {greatest}, not {value}")
