"""What staff does with one account's limits: overrides and tiers, decided and applied."""

from __future__ import annotations

from .commands import Command
from .outcomes import Outcome, Refusal
from .overriding import (
    apply_override,
    apply_override_approval,
    decide_override,
    decide_override_approval,
)
from .staff_commands import ApproveOverride, ProposeOverride, SetTier
from .staff_outcomes import OverrideOutcome, TierOutcome
from .state import Book
from .tiers import apply_tier, decide_tier


def decide_for_account(book: Book, command: Command, now_ns: int) -> Outcome | Refusal:
    """Return what becomes of such a command."""
    if isinstance(command, ProposeOverride):
        return decide_override(book, command, now_ns)
    if isinstance(command, ApproveOverride):
        return decide_override_approval(book, command, now_ns)
    if isinstance(command, SetTier):
        return decide_tier(book, command, now_ns)
    raise TypeError("not a command of the engine")


def apply_for_account(book: Book, command: Command, outcome: Outcome, time_ns: int) -> None:
    """Apply its outcome."""
    if isinstance(command, ProposeOverride) and isinstance(outcome, OverrideOutcome):
        apply_override(book, command, outcome, time_ns)
    elif isinstance(command, ApproveOverride):
        apply_override_approval(book, command, time_ns)
    elif isinstance(command, SetTier) and isinstance(outcome, TierOutcome):
        apply_tier(book, command, outcome, time_ns)
    else:
        raise TypeError("the outcome does not belong to the command")
