"""The tables of the margin add-ons between the contract and the engine (5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import policy_pb2
from tidegate_server.engine.add_on_tables import AddOns, ShareBand, WeightBand
from tidegate_server.engine.add_ons import points_now
from tidegate_server.engine.amounts import ONE, RATIO_BOUND

from .bands import BAND_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate.v1 import account_service_pb2
    from tidegate_server.engine.account import Account

    from .validation import Problems

WEIGHT_BOUND: Final = ONE - 1  # no position is more than all of the gross


def read_add_ons(message: policy_pb2.Policy, problems: Problems) -> AddOns | None:
    """Read the tables; None where the policy leaves them out."""
    if not message.HasField("add_ons"):
        return None
    tables = message.add_ons
    return AddOns(
        read_weights(tables.weight, problems),
        read_shares(tables.days, problems, "add_ons.days"),
        read_shares(tables.ownership, problems, "add_ons.ownership"),
    )


def write_points(
    views: Iterable[account_service_pb2.PositionView],
    account: Account,
    tables: AddOns,
    gross: int,
) -> None:
    """Say what each position of an account that was just valued needs besides."""
    for view in views:
        position = account.positions[view.instrument_id]
        longs, shorts = points_now(account, tables, position, gross)
        view.long_add_on_bps = longs
        view.short_add_on_bps = shorts


def read_weights(bands: Iterable[policy_pb2.WeightBand], problems: Problems) -> list[WeightBand]:
    """Read the bands by weight: edges rise, points never fall."""
    found: list[WeightBand] = []
    for index, band in enumerate(bands):
        field = f"add_ons.weight[{index}]."
        above, longs, shorts = found[-1] if found else (-1, 0, 0)
        problems.need_range(field + "above_bps", band.above_bps, above + 1, WEIGHT_BOUND)
        problems.need_range(field + "long_points_bps", band.long_points_bps, longs, RATIO_BOUND)
        problems.need_range(field + "short_points_bps", band.short_points_bps, shorts, RATIO_BOUND)
        found.append((band.above_bps, band.long_points_bps, band.short_points_bps))
    problems.need_count("add_ons.weight", len(found), 0, BAND_LIMIT)
    return found


def read_shares(
    bands: Iterable[policy_pb2.ShareBand], problems: Problems, name: str
) -> list[ShareBand]:
    """Read the bands of another axis likewise."""
    found: list[ShareBand] = []
    for index, band in enumerate(bands):
        field = f"{name}[{index}]."
        above, points = found[-1] if found else (-1, 0)
        problems.need_range(field + "above_bps", band.above_bps, above + 1, RATIO_BOUND)
        problems.need_range(field + "points_bps", band.points_bps, points, RATIO_BOUND)
        found.append((band.above_bps, band.points_bps))
    problems.need_count(name, len(found), 0, BAND_LIMIT)
    return found


def write_add_ons(tables: AddOns) -> policy_pb2.AddOns:
    """Return the tables as the contract has them."""
    return policy_pb2.AddOns(
        weight=[
            policy_pb2.WeightBand(above_bps=above, long_points_bps=longs, short_points_bps=shorts)
            for above, longs, shorts in tables.weight
        ],
        days=write_shares(tables.days),
        ownership=write_shares(tables.ownership),
    )


def write_shares(bands: list[ShareBand]) -> list[policy_pb2.ShareBand]:
    """Return the bands of an axis as the contract has them."""
    return [policy_pb2.ShareBand(above_bps=above, points_bps=points) for above, points in bands]
