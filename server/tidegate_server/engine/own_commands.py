"""What the gate asks of itself; see commands.py."""

from __future__ import annotations

from .commands import Command


class StartEpoch(Command):
    """The gate's own first command of an epoch."""

    __slots__ = ("build", "epoch")

    def __init__(self, epoch: int, build: str) -> None:
        self.principal = ""
        self.epoch = epoch
        self.build = build


class Tick(Command):
    """The gate's own command when something falls due."""

    __slots__ = ()

    def __init__(self) -> None:
        self.principal = ""
