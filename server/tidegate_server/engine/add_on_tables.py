"""The tables of the margin add-ons, as the policy has them (5.4).

Each axis is a list of bands with rising edges; a share is in the band of the last edge that it is
strictly above, and in none up to the first. What is not known is in the top band. Edges and points
are in bps: 10 000 of days is one day's volume, 500 points are 5 % of the value.
"""

from __future__ import annotations

from typing import Final

from .amounts import RATIO_BOUND, scale_down

# Of each band its edge, the points of longs and those of shorts.
WeightBand = tuple[int, int, int]
# Of each band its edge and the points of either side.
ShareBand = tuple[int, int]
# Of longs and of shorts.
Points = tuple[int, int]

NO_POINTS: Points = (0, 0)


class AddOns:
    """Bands by weight in the account, days of volume and ownership; an empty axis adds nothing.

    Neither edges nor points fall from one band to the next. A long has `most_long` points at most,
    a short `most_short`.
    """

    __slots__ = ("days", "most_long", "most_short", "ownership", "weight")

    def __init__(
        self, weight: list[WeightBand], days: list[ShareBand], ownership: list[ShareBand]
    ) -> None:
        self.weight = weight
        self.days = days
        self.ownership = ownership
        either = points_of(days, 0, -1) + points_of(ownership, 0, -1)
        _, longs, shorts = weight[-1] if weight else (0, 0, 0)
        self.most_long, self.most_short = together(longs, shorts, either)

    def fields(self) -> list[object]:
        """Return what a hash is made of."""
        return [self.weight, self.days, self.ownership]

    def weight_band(self, gross: int, of_account: int) -> int:
        """Return the band that a position's share of its account's gross is in, 0 for none."""
        band = 0
        for above_bps, _, _ in self.weight:
            if gross <= scale_down(of_account, above_bps):
                break
            band += 1
        return band

    def points(self, gross: int, of_account: int, reach: int, volume: int, shares: int) -> Points:
        """Return the points of all axes together, of longs and of shorts.

        `reach` is how far all positions of the topmost group go; volume and shares are below 0
        where they are not known.
        """
        either = points_of(self.days, reach, volume) + points_of(self.ownership, reach, shares)
        band = self.weight_band(gross, of_account)
        if not band:
            return together(0, 0, either)
        _, longs, shorts = self.weight[band - 1]
        return together(longs, shorts, either)


def together(longs: int, shorts: int, either: int) -> Points:
    """Return the points of longs and of shorts with those that either side has.

    No more than any ratio may be (1.4): money times it must stay within 64 bits.
    """
    return min(longs + either, RATIO_BOUND), min(shorts + either, RATIO_BOUND)


def points_of(bands: list[ShareBand], part: int, whole: int) -> int:
    """Return the points of the band that a part of a whole is in; of an unknown whole the top's."""
    if whole < 0:
        return bands[-1][1] if bands else 0
    points = 0
    for above_bps, of_band in bands:
        if part <= scale_down(whole, above_bps):
            break
        points = of_band
    return points


NO_ADD_ONS: Final = AddOns([], [], [])


def add_ons_loosened(before: AddOns | None, after: AddOns | None) -> list[str]:
    """Return the axes that ask for fewer points of some share than before (8.2)."""
    if before is None:
        return []
    after = after or NO_ADD_ONS
    found: list[str] = []
    longs = [[(above, points) for above, points, _ in one.weight] for one in (before, after)]
    shorts = [[(above, points) for above, _, points in one.weight] for one in (before, after)]
    if fewer(longs[0], longs[1]) or fewer(shorts[0], shorts[1]):
        found.append("add_ons.weight")
    if fewer(before.days, after.days):
        found.append("add_ons.days")
    if fewer(before.ownership, after.ownership):
        found.append("add_ons.ownership")
    return found


def fewer(before: list[ShareBand], after: list[ShareBand]) -> bool:
    """Tell whether any share gets fewer points; between two edges all get the same."""
    return any(just_above(after, above) < points for above, points in before)


def just_above(bands: list[ShareBand], edge: int) -> int:
    """Return the points of what is just above an edge, and so the least of what is further up."""
    points = 0
    for above_bps, of_band in bands:
        if above_bps > edge:
            break
        points = of_band
    return points
