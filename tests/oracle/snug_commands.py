"""Orders that measure exactly what a limit is, or one more: an override says so first (8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle import scopes, validation
from tests.oracle.account_checks import day_turnover, figures_after, lines_after
from tests.oracle.case import Case, open_case
from tests.oracle.credit import is_credit
from tests.oracle.line_checks import standing
from tests.oracle.order_checks import notional_bound, reserved_price_of

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands


def order(source: Commands) -> Command:
    """An order, and before it an override of a limit that it just keeps or just breaks."""
    drawn = source.order()
    request, book = drawn.request, source.book
    known = request["account_id"] in book.accounts and request["instrument_id"] in book.instruments
    if not known or not validation.well_formed("CheckOrder", request):
        return drawn
    found = measured(open_case(book, request, drawn.principal, source.now), request["quantity"])
    if not found:
        return drawn
    name = source.rng.choice(sorted(found))
    source.pending.append(drawn)
    override = {
        "override_id": source.name("v"),
        "scope_kind": "ACCOUNT",
        "scope_id": request["account_id"],
        "limits": {name: {"value": found[name] - source.rng.choice((0, 0, 1))}},
        "reason": "to the edge",
        "expiry_time_ns": source.now + 1,
    }
    return source.command("ProposeOverride", override, "staff")


def measured(case: Case, quantity: int) -> dict[str, int]:
    """What an order would be measured at, by limit; nothing of what it does not touch."""
    price = reserved_price_of(case, is_exit=False)
    if case.is_exit(quantity) or notional_bound(case, quantity, price) or is_credit(case.account):
        return {}
    after = figures_after(case, quantity, price)
    if after is None or price is None:
        return {}
    now = standing(case)
    lost = 0
    if now.start is not None and now.figures is not None:
        lost = now.start - now.figures.equity
    figures = {
        "order_quantity": quantity,
        "position": scopes.total(case, [case.account], quantity),
        "credit_line_e4": -after.cash,
        "day_loss_e4": lost,
        "day_turnover_e4": day_turnover(
            case.book, case.account, lines_after(case, quantity, price)
        ),
    }
    return {name: figure for name, figure in figures.items() if figure > 1}
