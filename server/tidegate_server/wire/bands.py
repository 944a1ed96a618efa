"""Modes of limits and bands of concentration tables, between the contract and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import policy_pb2
from tidegate_server.engine.amounts import RATIO_BOUND
from tidegate_server.engine.limit import Band

from .modes import write_mode

if TYPE_CHECKING:
    from .validation import Problems

BAND_LIMIT: Final = 32


def read_bands(
    table: policy_pb2.ConcentrationTable | policy_pb2.ScopeTable, problems: Problems, prefix: str
) -> list[Band]:
    """Read the bands of a table: the first from 0, edges rising."""
    problems.need_count(prefix + "bands", len(table.bands), 1, BAND_LIMIT)
    bands: list[Band] = []
    for index, band in enumerate(table.bands):
        field = f"{prefix}bands[{index}]."
        if not bands and band.ratio_from_bps:
            problems.add(field + "ratio_from_bps", "of the first band must be 0")
        if bands:
            low = bands[-1].ratio_from_bps + 1
            problems.need_range(field + "ratio_from_bps", band.ratio_from_bps, low, RATIO_BOUND)
        cap = None
        if band.HasField("cap_bps"):
            cap = band.cap_bps
            problems.need_range(field + "cap_bps", cap, 0, RATIO_BOUND)
        bands.append(Band(band.ratio_from_bps, cap))
    return bands


def write_bands(group: str, bands: list[Band], *, warns: bool) -> policy_pb2.ConcentrationTable:
    """Return a concentration table as the contract has it."""
    return policy_pb2.ConcentrationTable(
        rating_group=group,
        mode=write_mode(warns=warns),
        bands=write_band_list(bands),
    )


def write_band_list(bands: list[Band]) -> list[policy_pb2.ConcentrationBand]:
    """Return a table's bands as the contract has them."""
    return [
        policy_pb2.ConcentrationBand(ratio_from_bps=band.ratio_from_bps, cap_bps=band.cap_bps)
        for band in bands
    ]
