"""The tables at the end of a walk."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb2
from tidegate_server.cli.output import count, make_table, optional, percent, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from tidegate.v1 import account_service_pb2 as accounts_pb2
    from tidegate_server.cli.walk import Decision, Walk

_BUSIEST = 10


def by_reason(decisions: Sequence[Decision]) -> Table:
    """Count the decisions by headline, and each reason wherever it stands."""
    headlines: Counter[str] = Counter()
    anywhere: Counter[str] = Counter()
    for decision in decisions:
        names = [_name(rejection) for rejection in decision.response.rejections]
        headlines[names[0] if names else "ALLOW"] += 1
        anywhere.update(names or ["ALLOW"])
    table = make_table(
        "decision", ">as headline", ">anywhere", ">share", title="Decisions by reason"
    )
    for name, number in sorted(anywhere.items(), key=lambda pair: (-headlines[pair[0]], pair)):
        share = percent(headlines[name] * 10_000 // len(decisions))
        table.add_row(name, count(headlines[name]), count(number), share)
    return table


def by_event(walk: Walk) -> Table:
    """Count what the venue reported."""
    table = make_table("report", ">number", title="Reports of the venue")
    for kind, number in sorted(walk.event_kinds.items()):
        name = risk_pb2.OrderEventKind.Name(kind)  # type: ignore[arg-type]
        table.add_row(short(name, "ORDER_EVENT_KIND_").lower(), count(number))
    return table


def busiest(decisions: Sequence[Decision], views: Mapping[str, accounts_pb2.AccountView]) -> Table:
    """Show exposure and margin of the accounts with most orders."""
    orders = Counter(decision.request.account_id for decision in decisions)
    table = make_table(
        *("account", "tier", ">orders", ">open", ">equity", ">exposure", ">initial"),
        *(">available", ">leverage"),
        title="The busiest accounts, in whole units of the currency",
    )
    known = [(name, number) for name, number in orders.most_common() if name in views]
    for account_id, number in sorted(known, key=lambda pair: (-pair[1], pair[0]))[:_BUSIEST]:
        view = views[account_id]
        figures = view.projected
        amounts_e4 = (
            figures.equity_e4,
            figures.gross_e4,
            figures.initial_margin_e4,
            figures.available_e4,
        )
        table.add_row(
            account_id,
            view.account.tier_id or "-",
            count(number),
            count(len(view.open_orders)),
            *(count(amount_e4 // 10_000) for amount_e4 in amounts_e4),
            percent(optional(figures, "leverage_bps")),
        )
    return table


def latency(latencies_ns: Sequence[int]) -> Table:
    """Show exact percentiles of what the caller waited for a decision."""
    ordered = sorted(latencies_ns)
    table = make_table(
        *(">orders", ">p50", ">p99", ">p99.9", ">worst"),
        title="CheckOrder as its caller saw it, one at a time, flush to disk included",
    )
    points = [percentile(ordered, per_mille) for per_mille in (500, 990, 999, 1000)]
    table.add_row(count(len(ordered)), *(f"{point / 1000:,.0f} us" for point in points))
    return table


def percentile(ordered: Sequence[int], per_mille: int) -> int:
    """Return the least value that so many thousandths do not exceed; 0 of nothing."""
    if not ordered:
        return 0
    return ordered[max(0, -(-len(ordered) * per_mille // 1000) - 1)]


def _name(rejection: order_pb2.Rejection) -> str:
    return short(order_pb2.RejectReason.Name(rejection.reason), "REJECT_REASON_")
