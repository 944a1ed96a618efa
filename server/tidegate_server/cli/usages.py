"""What an account uses of its limits, as a person reads it: what binds next first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2, usage_pb2
from tidegate_server.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

#: Limits that are in no `Limits`, and so have no unit in their name.
_MONEY = frozenset({"initial_margin"})
_PERCENT = frozenset({"concentration"})


def usages(limits: Sequence[usage_pb2.LimitView]) -> Table:
    """Lay out what is used, in the order of the answer; what cannot be said is left out."""
    table = output.make_table("limit", ">used", ">of", ">usage", "")
    for limit in limits:
        if limit.HasField("usage_bps"):
            table.add_row(
                label(limit),
                amount(limit.name, output.optional(limit, "used")),
                amount(limit.name, output.optional(limit, "value")),
                output.percent(limit.usage_bps),
                _remark(limit),
            )
    return table


def others(limits: Sequence[usage_pb2.LimitView]) -> list[tuple[str, str]]:
    """Return the limits of a single order, those without a mark, and those that are not set."""
    single: list[str] = []
    unmeasured: list[str] = []
    for limit in limits:
        if limit.setting != usage_pb2.LIMIT_SETTING_SET or limit.HasField("usage_bps"):
            continue
        value = amount(limit.name, limit.value) if limit.HasField("value") else ""
        warns = "(warns)" if limit.mode == policy_pb2.LIMIT_MODE_WARN else ""
        text = " ".join(part for part in (label(limit), value, warns) if part)
        (single if limit.name.startswith(("order_", "price_")) else unmeasured).append(text)
    found = [("on one order", single), ("not measured: no mark or no position", unmeasured)]
    for setting, title in (
        (usage_pb2.LIMIT_SETTING_MISSING, "must be set: new risk is refused"),
        (usage_pb2.LIMIT_SETTING_UNLIMITED, "unlimited"),
        (usage_pb2.LIMIT_SETTING_UNSET, "not set"),
    ):
        found.append((title, [label(limit) for limit in limits if limit.setting == setting]))
    return [(title, ", ".join(texts)) for title, texts in found if texts]


def label(limit: usage_pb2.LimitView) -> str:
    """Name a limit and the instrument that it is measured in."""
    name = plain(limit.name)
    return f"{name} {limit.subject}" if limit.subject else name


def plain(name: str) -> str:
    """Write the name of a limit without its unit."""
    return name.removesuffix("_e4").removesuffix("_bps").replace("_", " ")


def amount(name: str, value: int | None) -> str:
    """Write a figure of a limit in its unit; leverage as so many times equity."""
    if name == "leverage_bps":
        return output.times(value)
    if name in _MONEY:
        return output.money(value)
    return output.percent(value) if name in _PERCENT else output.in_unit(name, value)


def _remark(limit: usage_pb2.LimitView) -> str:
    remarks = ["binds next"] if limit.binds_next else []
    if limit.mode == policy_pb2.LIMIT_MODE_WARN:
        remarks.append("warns only")
    scope = output.scope(limit.scope_kind, limit.scope_id)
    if not scope.startswith("account:"):
        remarks.append(scope)
    return ", ".join(remarks)
