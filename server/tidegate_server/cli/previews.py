"""A preview as a person reads it: the verdict, why, what the order would do, what limits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2, policy_pb2
from tidegate_server.cli import output, usages, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from tidegate.v1.order_pb2 import Rejection
    from tidegate.v1.risk_service_pb2 import Figures, PreviewOrderResponse

_UNKNOWN = frozenset(
    {order_pb2.REJECT_REASON_ACCOUNT_UNKNOWN, order_pb2.REJECT_REASON_INSTRUMENT_UNKNOWN}
)
#: What is shown of an account's figures, and under which name.
_FIGURES = (
    ("equity_e4", "equity"),
    ("gross_e4", "exposure"),
    ("weighted_gross_e4", "exposure by volatility"),
    ("leverage_bps", "leverage"),
    ("initial_margin_e4", "initial margin"),
    ("maintenance_margin_e4", "maintenance margin"),
    ("available_e4", "available"),
    ("cash_e4", "cash"),
    ("debt_e4", "debt"),
    ("ratio_bps", "assets over debt"),
)


def show(console: Console, answer: PreviewOrderResponse) -> None:
    """Print a preview."""
    allowed = answer.verdict == order_pb2.VERDICT_ALLOW
    console.print(output.facts(_verdict(answer, allowed=allowed)))
    _show_reasons(console, answer.rejections, answer.largest_quantity, "reason")
    _show_reasons(console, answer.warnings, None, "warning")
    if answer.HasField("before"):
        console.print(effect(answer))
    elif not any(rejection.reason in _UNKNOWN for rejection in answer.rejections):
        console.print(" The account cannot be valued: something that it holds has no mark.")
    console.print(output.facts(_limits(answer)))


def _verdict(answer: PreviewOrderResponse, *, allowed: bool) -> list[tuple[str, str]]:
    rows = [("verdict", "ALLOW: it would pass" if allowed else "REJECT: it would not pass")]
    if answer.verified_exit:
        text = "yes: it only closes what is held, and does not count as filled below"
        rows.append(("verified exit", text))
    if answer.HasField("reserved_price_e4"):
        rows.append(("reserved at", output.money(answer.reserved_price_e4)))
    return rows


def _show_reasons(
    console: Console, found: Iterable[Rejection], largest: int | None, heading: str
) -> None:
    """Print reasons in order of precedence, each with its words and its cure."""
    table = output.make_table(heading, "what was found", "what would cure it")
    for rejection in found:
        said, cure = words.explain(rejection, largest)
        table.add_row(words.name_of(rejection), said, cure)
    if table.row_count:
        console.print(table)


def effect(answer: PreviewOrderResponse) -> Table:
    """Lay out the account's figures without the order, the change, and with it."""
    table = output.make_table("projected", ">before", ">change", ">after", ">limit")
    before = answer.before
    after = answer.after if answer.HasField("after") else None
    limits = {limit.name: limit for limit in answer.limits if limit.HasField("value")}
    for field, name in _FIGURES:
        old, new = _value(before, field), _value(after, field)
        limit = limits.get(field)
        cap = usages.amount(field, limit.value) if limit is not None else ""
        table.add_row(name, *_row(field, old, new), cap)
    for share in answer.concentrations:
        cap = output.percent(share.cap_bps) if share.HasField("cap_bps") else "none"
        if share.mode == policy_pb2.LIMIT_MODE_WARN:
            cap += " (warns)"
        cells = _row("share_bps", share.before_bps, share.after_bps)
        table.add_row(f"concentration {share.scope_id}", *cells, cap)
    return table


def _row(field: str, old: int | None, new: int | None) -> tuple[str, str, str]:
    """Write a figure before, its change with a sign, and after."""
    change = None if old is None or new is None else new - old
    if output.UNBOUNDED in (old, new):
        change = None
    sign = "+" if change is not None and change > 0 else ""
    cells = [usages.amount(field, value) for value in (old, change, new)]
    return cells[0], sign + cells[1], cells[2]


def _limits(answer: PreviewOrderResponse) -> list[tuple[str, str]]:
    """Say how much would pass, what stops more, and what binds next once the order is open."""
    rows = [("largest that would pass", output.count(answer.largest_quantity))]
    if answer.HasField("limiting"):
        said, _ = words.explain(answer.limiting)
        rows.append(("limited by", f"{words.name_of(answer.limiting)}: {said}"))
    binding = [limit for limit in answer.limits if limit.binds_next]
    if binding:
        (limit,) = binding
        used = usages.amount(limit.name, limit.used)
        value = usages.amount(limit.name, limit.value)
        text = f"{usages.label(limit)} {used} of {value}, {output.percent(limit.usage_bps)}"
        rows.append(("with it binds next", text))
    rows.append(("judged at record", output.count(answer.as_of_sequence)))
    rows.append(("policy version", output.count(answer.policy_version)))
    return rows


def _value(figures: Figures | None, field: str) -> int | None:
    if figures is None:
        return None
    descriptor = figures.DESCRIPTOR.fields_by_name[field]
    if descriptor.has_presence and not figures.HasField(field):  # type: ignore[arg-type]
        return None
    return int(getattr(figures, field))
