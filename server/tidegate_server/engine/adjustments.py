"""Ids of bookings: each books one thing once a day, and nothing else (8.7)."""

from __future__ import annotations

from .account import Account
from .account_outcomes import CashOutcome
from .outcomes import Refusal


def known_booking(
    account: Account, adjustment_id: str, content: str, now_ns: int
) -> CashOutcome | Refusal | None:
    """Answer an id that has booked: the same again, or a refusal; None for a new one.

    What a snapshot of an earlier version does not say is taken as the same.
    """
    known = account.adjustments.get(adjustment_id)
    if known is None:
        return None
    if known[1] and known[1] != content:
        return Refusal(
            "IMMUTABLE",
            f"adjustment {adjustment_id} booked something else: choose another id",
            {
                "field": "adjustment_id",
                "account_id": account.account_id,
                "adjustment_id": adjustment_id,
                "booked": known[1],
            },
        )
    repeat = CashOutcome(account.sequence, now_ns, account.cash)
    repeat.replayed = True
    return repeat


def adjustment_fields(account: Account) -> list[tuple[object, ...]]:
    """Return the ids that are kept, with what they booked."""
    return [
        (name, date, content) if content else (name, date)
        for name, (date, content) in sorted(account.adjustments.items())
    ]
