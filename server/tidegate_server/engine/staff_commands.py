"""What staff can ask of the engine beyond stops and proposals; see commands.py."""

from __future__ import annotations

from .commands import Command


class ApprovePolicy(Command):
    """A pending version to put in force."""

    __slots__ = ("version",)

    def __init__(self, principal: str, version: int) -> None:
        self.principal = principal
        self.version = version


class WithdrawPolicy(Command):
    """A pending version to take back."""

    __slots__ = ("version",)

    def __init__(self, principal: str, version: int) -> None:
        self.principal = principal
        self.version = version
