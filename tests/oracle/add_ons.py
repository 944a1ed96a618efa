"""Add-ons by weight, days of volume and ownership (5.4), by fractions."""

from typing import NamedTuple

from tests.oracle.book import ONE, RATIO_MAX, Account, Book, Line, Message, lines_of
from tests.oracle.groups import above, members

AXES = (("days", "average_volume"), ("ownership", "shares_outstanding"))


class Weighed(NamedTuple):
    """The positions whose weight an order changes; that of others is against the gross before."""

    names: list[str]
    gross_before: int


class Points(NamedTuple):
    """What is added to the rates, in bps."""

    long: int = 0
    short: int = 0


def points(book: Book, account: Account, name: str, line: Line, weight: tuple[int, int]) -> Points:
    """The points of one position, all axes together; the weight is its gross and the account's."""
    tables = book.policy.get("add_ons", {})
    facts = book.instruments[name].facts
    owned = topmost_reach(book, account, name, line)
    by_weight = band(tables.get("weight", []), *weight)
    either = sum(
        band(tables.get(axis, []), owned, facts.get(whole)).get("points_bps", 0)
        for axis, whole in AXES
    )
    return Points(
        min(RATIO_MAX, by_weight.get("long_points_bps", 0) + either),
        min(RATIO_MAX, by_weight.get("short_points_bps", 0) + either),
    )


def band(bands: list[Message], part: int, whole: int | None) -> Message:
    """The last band whose edge a share is strictly above; of an unknown whole the top one."""
    found: Message = {}
    for one in bands:
        if whole is None or part * ONE > one.get("above_bps", 0) * whole:
            found = one
    return found


def weight_band(book: Book, gross: int, whole: int) -> int:
    """How many edges of the axis of weight a position is above."""
    bands = book.policy.get("add_ons", {}).get("weight", [])
    return sum(1 for one in bands if gross * ONE > one.get("above_bps", 0) * whole)


def topmost_reach(book: Book, account: Account, name: str, line: Line) -> int:
    """How far all accounts of the topmost group go in an instrument, this one by the line given."""
    groups = above(book, account)
    if not groups:
        return line.reach()
    others = [one for one in members(book, groups[0]) if one.account_id != account.account_id]
    return line.reach() + sum(lines_of(one).get(name, Line()).reach() for one in others)


def tighter(old: Message | None, new: Message | None) -> bool:
    """No share may need fewer points than before; looked at just above every edge."""
    if old is None:
        return True
    new = new or {}
    for axis in ("weight", "days", "ownership"):
        tables = [policy.get(axis, []) for policy in (old, new)]
        for edge in sorted({one.get("above_bps", 0) for table in tables for one in table}):
            before, after = (band(table, edge * ONE + 1, ONE * ONE) for table in tables)
            for side in ("long_points_bps", "short_points_bps", "points_bps"):
                if after.get(side, 0) < before.get(side, 0):
                    return False
    return True
