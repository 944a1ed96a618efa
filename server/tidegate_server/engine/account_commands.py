"""What is said of accounts: who they are, their cash and positions, and when to value them."""

from __future__ import annotations

from .account_terms import AccountTerms
from .commands import Command


class UpsertAccounts(Command):
    """Accounts to create or replace."""

    __slots__ = ("accounts",)

    def __init__(self, principal: str, accounts: list[AccountTerms]) -> None:
        self.principal = principal
        self.accounts = accounts


class AdjustCash(Command):
    """One booking of cash."""

    __slots__ = ("account_id", "adjustment_id", "amount_e4", "expected_sequence", "kind")

    def __init__(
        self,
        principal: str,
        account_id: str,
        adjustment_id: str,
        kind: int,
        amount_e4: int,
        expected_sequence: int,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.adjustment_id = adjustment_id
        self.kind = kind
        self.amount_e4 = amount_e4
        self.expected_sequence = expected_sequence

    def content(self) -> str:
        """Return what it books, by which a repeat of its id is known."""
        return f"cash {self.kind} {self.amount_e4}"


class SetPositions(Command):
    """Positions as the back office has them: (instrument id, signed quantity)."""

    __slots__ = ("account_id", "expected_sequence", "targets")

    def __init__(
        self,
        principal: str,
        account_id: str,
        targets: list[tuple[str, int]],
        expected_sequence: int,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.targets = targets
        self.expected_sequence = expected_sequence


class RevalueAccounts(Command):
    """Accounts to value."""

    __slots__ = ("account_ids",)

    def __init__(self, principal: str, account_ids: list[str]) -> None:
        self.principal = principal
        self.account_ids = account_ids
