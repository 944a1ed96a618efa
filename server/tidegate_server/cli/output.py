"""What people type and read: exact amounts, tables, JSON."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from google.protobuf import json_format
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tidegate.v1 import order_pb2
from tidegate.v1.account_service_pb2 import LineState
from tidegate_server.cli.bounds import AMOUNT_BOUND, PRICE_BOUND
from tidegate_server.cli.failure import Exit, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

UNBOUNDED = 2**63 - 1  # a ratio over nothing
_WIDTH = 160
_E4 = Decimal(10_000)
#: Columns of times, which nobody can read in three lines.
_TIMES = frozenset({"time", "until", "since"})
#: The unit of measured and limit, where it is not bps.
_UNITS = {
    "ORDER_NOTIONAL": "money",
    "DAY_TURNOVER": "money",
    "INITIAL_MARGIN": "money",
    "CREDIT_LINE": "money",
    "DAY_LOSS": "money",
    "TICK_SIZE": "money",
    "PRICE_LIMIT": "money",
    "SELF_TRADE": "money",
    "LOT_SIZE": "count",
    "ORDER_QUANTITY": "count",
    "ORDER_REPEATED": "count",
    "OPEN_ORDER_COUNT": "count",
    "DAY_ORDER_COUNT": "count",
    "POSITION_LIMIT": "count",
    "GROUP_EXPOSURE": "money",
    "FIRM_INSTRUMENT_EXPOSURE": "money",
    "FIRM_FINANCING": "money",
    "ORDER_STALE": "time",
    "PRICE_STALE": "time",
    "ORDER_RATE": "time",
}


def console(*, stderr: bool = False) -> Console:
    """Return standard output or error; where it is no terminal, wide enough for tables.

    Reasons, names and ids are what people typed: brackets and colons in them are no markup.
    """
    stream = sys.stderr if stderr else sys.stdout
    narrow = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if narrow else _WIDTH,
    )


def parse_price(text: str, label: str = "--price") -> int:
    """Return a price in 1/10 000, exactly; end the command, naming `label`, if it is none."""
    return _parse_e4(text, label, "a price", PRICE_BOUND)


def parse_amount(text: str, label: str) -> int:
    """Return an amount of money in 1/10 000, exactly; end the command if it is none."""
    return _parse_e4(text, label, "an amount", AMOUNT_BOUND)


def _parse_e4(text: str, label: str, kind: str, bound: int) -> int:
    try:
        scaled = Decimal(text.replace(",", "").replace("_", "")) * _E4
    except ArithmeticError:  # no number, or one whose exponent is out of all bounds
        fail(f"{label} {text}: not a number", Exit.USAGE)
    if not scaled.is_finite() or not 1 <= scaled <= bound:
        fail(f"{label} {text}: {kind} is 0.0001 to {bound // 10_000}", Exit.USAGE)
    if scaled != scaled.to_integral_value():
        fail(f"{label} {text}: {kind} has at most four decimals", Exit.USAGE)
    return int(scaled)


def money(amount_e4: int | None) -> str:
    """Write an amount with separators, with as many of its four decimals as it needs."""
    if amount_e4 is None:
        return "-"
    whole, part = divmod(abs(amount_e4), 10_000)
    decimals = f"{part:04d}"
    decimals = decimals[:2] if decimals.endswith("00") else decimals
    return f"{'-' if amount_e4 < 0 else ''}{whole:,}.{decimals}"


def percent(bps: int | None) -> str:
    """Write basis points as percent, exactly."""
    if bps is None or bps == UNBOUNDED:
        return "-" if bps is None else "unbounded"
    whole, part = divmod(abs(bps), 100)
    return f"{'-' if bps < 0 else ''}{whole:,}.{part:02d} %"


def times(bps: int | None) -> str:
    """Write a leverage in basis points as so many times equity, exactly."""
    if bps is None or bps == UNBOUNDED:
        return "-" if bps is None else "unbounded"
    whole, part = divmod(abs(bps), 10_000)
    decimals = f"{part:04d}"
    decimals = decimals[:2] if decimals.endswith("00") else decimals
    return f"{'-' if bps < 0 else ''}{whole:,}.{decimals} x"


def count(number: int | None) -> str:
    """Write a number with separators."""
    return "-" if number is None else f"{number:,}"


def in_unit(name: str, value: int | None) -> str:
    """Write a figure in the unit that its field's suffix names."""
    if name.endswith("_bps"):
        return percent(value)
    return money(value) if name.endswith("_e4") else count(value)


def first_few(names: Sequence[str]) -> str:
    """Name three and count the rest."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004


def clock(time_ns: int) -> str:
    """Write a time, UTC, to the microsecond; a dash for none."""
    if not time_ns:
        return "-"
    seconds, rest = divmod(time_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 1000:06d}Z"


def optional(message: Message, field: str) -> int | None:
    """Return an optional figure, None where it is absent."""
    return int(getattr(message, field)) if message.HasField(field) else None


def short(enum_name: str, prefix: str) -> str:
    """Write an enum value for people: without its prefix."""
    return enum_name.removeprefix(prefix)


def scope(kind: order_pb2.ScopeKind.ValueType, scope_id: str) -> str:
    """Write a scope as commands take it."""
    if kind == order_pb2.SCOPE_KIND_UNSPECIFIED:
        return "-"
    name = short(order_pb2.ScopeKind.Name(kind), "SCOPE_KIND_").lower()
    return f"{name}:{scope_id}" if scope_id else name


def line_state(state: LineState.ValueType) -> str:
    """Write the line that an account stands at."""
    return short(LineState.Name(state), "LINE_STATE_").lower().replace("_", " ")


def figure(reason: str, value: int | None) -> str:
    """Write what a reason measured in the unit of that reason."""
    if value is None:
        return "-"
    match _UNITS.get(reason):
        case "money":
            return money(value)
        case "count":
            return count(value)
        case "time":
            return f"{Decimal(value) / 10**9:,.6f} s"
        case _:
            return percent(value)


def rejections(found: Iterable[order_pb2.Rejection], heading: str = "reason") -> Table:
    """Lay out the reasons of a reject, the headline first; or warnings."""
    table = make_table(heading, ">measured", ">limit", "scope", "subject")
    for rejection in found:
        reason = short(order_pb2.RejectReason.Name(rejection.reason), "REJECT_REASON_")
        table.add_row(
            reason,
            figure(reason, optional(rejection, "measured")),
            figure(reason, optional(rejection, "limit")),
            scope(rejection.scope_kind, rejection.scope_id),
            " ".join(part for part in (rejection.subject, rejection.note) if part) or "-",
        )
    return table


def make_table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; a column whose name begins with > is aligned right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        right = column.startswith(">")
        first = not table.columns
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold",  # nothing is ever left out
            no_wrap=first or column in _TIMES,
        )
    return table


def facts(rows: Iterable[tuple[str, str]], title: str | None = None) -> Table:
    """Return a table of names and values."""
    table = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def as_json(message: Message, indent: int | None = 2) -> str:
    """Return a message as JSON with the contract's field names, defaults included."""
    return json_format.MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=indent,
    )
