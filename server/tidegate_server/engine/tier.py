"""A class of accounts, with the limits of its own."""

from __future__ import annotations

from .limit import Band, Limit
from .margin_lines import LineSet


class Tier:
    """A class of accounts: its limits by name, its concentration tables by rating group.

    `concentration_warned` are the groups whose table only warns; so with sectors and boards.
    Without `lines` of its own it has the policy's.
    """

    __slots__ = (
        "board_tables",
        "board_warned",
        "concentration",
        "concentration_required",
        "concentration_warned",
        "limits",
        "lines",
        "rank",
        "sector_tables",
        "sector_warned",
        "tier_id",
    )

    def __init__(
        self,
        tier_id: str,
        limits: dict[str, Limit],
        concentration: dict[str, list[Band]],
        *,
        concentration_required: bool,
        concentration_warned: list[str],
        lines: LineSet | None = None,
        sector_tables: dict[str, list[Band]] | None = None,
        sector_warned: list[str] | None = None,
        board_tables: dict[str, list[Band]] | None = None,
        board_warned: list[str] | None = None,
        rank: int = 0,
    ) -> None:
        self.rank = rank
        self.sector_tables = sector_tables or {}
        self.sector_warned = sector_warned or []
        self.board_tables = board_tables or {}
        self.board_warned = board_warned or []
        self.tier_id = tier_id
        self.limits = limits
        self.concentration = concentration
        self.concentration_required = concentration_required
        self.concentration_warned = concentration_warned
        self.lines = lines
