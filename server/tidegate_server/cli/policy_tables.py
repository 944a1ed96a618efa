"""A policy as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2
from tidegate_server.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table


def show_policy(policy: policy_pb2.Policy) -> None:
    """Print a policy: its figures, limits by tier, concentration tables."""
    rows = []
    for field in policy.DESCRIPTOR.fields:
        if field.message_type is not None:
            continue
        value = getattr(policy, field.name)
        if field.name.endswith("_bps"):
            rows.append((field.name, output.percent(value)))
        elif field.name.endswith("_ns"):
            rows.append((field.name, f"{value / 10**9:,g} s"))
        elif field.enum_type is not None:
            name = field.enum_type.values_by_number[value].name
            rows.append((field.name, name.rsplit("_", 1)[1].lower() if value else "-"))
        else:
            rows.append((field.name, str(value)))
    rows.append(("principal_order_rate", _rate(policy.principal_order_rate)))
    console = output.console()
    console.print(output.facts(rows))
    console.print(_limits(policy))
    if policy.scopes:
        console.print(_scopes(policy))
    if policy.HasField("add_ons"):
        console.print(_add_ons(policy.add_ons))
    _show_caps(policy)


def _show_caps(policy: policy_pb2.Policy) -> None:
    console = output.console()
    for tier in policy.tiers:
        for label, tables in (
            ("rating", [(one.rating_group, one.bands) for one in tier.concentration]),
            ("sector", [(one.scope_id, one.bands) for one in tier.sector_concentration]),
            ("board", [(one.scope_id, one.bands) for one in tier.board_concentration]),
        ):
            if tables:
                console.print(_concentration(tier.tier_id, label, tables))


def _scopes(policy: policy_pb2.Policy) -> Table:
    table = output.make_table("scope", "limit", ">value", "mode")
    for scope in policy.scopes:
        where = output.scope(scope.scope_kind, scope.scope_id)
        for field, limit in scope.ListFields():
            if field.message_type is not None:
                mode = "warns" if limit.mode == policy_pb2.LIMIT_MODE_WARN else ""
                table.add_row(where, field.name, output.in_unit(field.name, limit.value), mode)
                where = ""
    return table


def _add_ons(add_ons: policy_pb2.AddOns) -> Table:
    table = output.make_table("add-on by", ">above", ">long", ">short", title="margin add-ons")
    for weight in add_ons.weight:
        figures = (weight.above_bps, weight.long_points_bps, weight.short_points_bps)
        table.add_row("weight", *[output.percent(one) for one in figures])
    for axis, bands in (("days of volume", add_ons.days), ("ownership", add_ons.ownership)):
        for band in bands:
            points = output.percent(band.points_bps)
            share = output.times if bands is add_ons.days else output.percent
            table.add_row(axis, share(band.above_bps), points, points)
    return table


def _limits(policy: policy_pb2.Policy) -> Table:
    levels = [policy.default_limits, *(tier.limits for tier in policy.tiers)]
    names = (f">{tier.tier_id}" for tier in policy.tiers)
    table = output.make_table("limit", ">default", *names)
    for field in policy_pb2.Limits.DESCRIPTOR.fields:
        cells = []
        for limits in levels:
            limit = getattr(limits, field.name)
            write = _rate if field.name == "order_rate" else _limit
            cells.append(write(limit, field.name) if limits.HasField(field.name) else "")  # type: ignore[arg-type]
        table.add_row(field.name, *cells)
    return table


def _limit(limit: policy_pb2.Limit, name: str) -> str:
    if limit.unlimited:
        return "unlimited"
    if not limit.HasField("value"):
        return "must be set" if limit.required else ""
    return output.in_unit(name, limit.value)


def _rate(rate: policy_pb2.Rate, _name: str = "") -> str:
    return "unlimited" if rate.unlimited else f"{rate.per_second:,}/s, burst {rate.burst:,}"


def _concentration(
    tier_id: str, label: str, tables: Sequence[tuple[str, Iterable[policy_pb2.ConcentrationBand]]]
) -> Table:
    edges = sorted({band.ratio_from_bps for _, bands in tables for band in bands})
    columns = [f">from {output.percent(edge)}" for edge in edges]
    table = output.make_table(label, *columns, title=f"{tier_id}: greatest share by ratio")
    for name, bands in tables:
        known = {band.ratio_from_bps: band for band in bands}
        cells = []
        for edge in edges:
            band = known.get(edge)
            if band is None:
                cells.append("")
            else:
                cap = output.optional(band, "cap_bps")
                cells.append("no cap" if cap is None else output.percent(cap))
        table.add_row(name or "(none)", *cells)
    return table
