"""Line charts as SVG: small, and the same bytes from the same figures."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

WIDTH: Final = 860
PANEL: Final = 170
LEFT, RIGHT, TOP, GAP, BOTTOM = 58, 14, 30, 34, 26
COLOURS: Final = ("#0b5cad", "#c2410c", "#15803d", "#7e22ce", "#6b7280")
_TICKS: Final = 4


class Line(NamedTuple):
    """One line: a name and a value a day."""

    name: str
    values: Sequence[float]


class Panel(NamedTuple):
    """One set of axes. All panels of a chart share the days."""

    title: str
    lines: Sequence[Line]
    least: float
    greatest: float
    unit: str = ""


def draw(days: Sequence[date], panels: Sequence[Panel], shaded: tuple[date, date] | None) -> str:
    """Return an SVG of panels one under the other, with a shaded stretch of days."""
    height = TOP + len(panels) * (PANEL + GAP) - GAP + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
        '<g font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for place, panel in enumerate(panels):
        top = TOP + place * (PANEL + GAP)
        parts += _panel(days, panel, top, shaded)
    parts += _days(days, height - BOTTOM)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _panel(
    days: Sequence[date], panel: Panel, top: int, shaded: tuple[date, date] | None
) -> list[str]:
    parts = []
    if shaded is not None:
        left, right = (_x(days, day) for day in shaded)
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 1.5):.1f}"'
            f' height="{PANEL}" fill="#fde68a"/>'
        )
    for tick in range(_TICKS + 1):
        value = panel.least + (panel.greatest - panel.least) * tick / _TICKS
        y = _y(panel, top, value)
        parts.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#374151">'
            f"{value:g}{escape(panel.unit)}</text>"
        )
    legend = [f'<tspan font-weight="bold">{escape(panel.title)}</tspan>']
    for line, colour in zip(panel.lines, COLOURS, strict=False):
        path = _path(days, panel, top, line)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
        legend.append(f'<tspan dx="14" fill="{colour}">\u2014 {escape(line.name)}</tspan>')
    parts.append(f'<text x="{LEFT}" y="{top - 9}" fill="#111827">{"".join(legend)}</text>')
    return parts


def _path(days: Sequence[date], panel: Panel, top: int, line: Line) -> str:
    """Return steps: a value holds from its day to the next."""
    found: list[str] = []
    last = ""
    for day, value in zip(days, line.values, strict=True):
        y = f"{_y(panel, top, value):.1f}".removesuffix(".0")
        x = f"{_x(days, day):.1f}".removesuffix(".0")
        if not found:
            found.append(f"M{x} {y}")
        elif y != last:
            found.append(f"H{x}V{y}")
        last = y
    return "".join([*found, f"H{WIDTH - RIGHT}"])


def _days(days: Sequence[date], y: int) -> list[str]:
    """Name years, or quarters where there are few years."""
    first, last = days[0], days[-1]
    span = last.year - first.year + 1
    months = (1,) if span > 5 else (1, 4, 7, 10)
    step = 1 if span <= 15 else 4
    parts = []
    for year in range(first.year, last.year + 1, step):
        for month in months:
            day = date(year, month, 1)
            if not first <= day <= last or _x(days, day) > WIDTH - RIGHT - 20:
                continue
            name = f"{year}" if len(months) == 1 else f"{year}-{month:02d}"
            x = _x(days, day)
            parts.append(
                f'<text x="{x:.1f}" y="{y + 17}" text-anchor="middle" fill="#374151">{name}</text>'
                f'<path d="M{x:.1f} {y}v5" stroke="#374151"/>'
            )
    return parts


def _x(days: Sequence[date], day: date) -> float:
    share = (day - days[0]).days / max(1, (days[-1] - days[0]).days)
    return LEFT + share * (WIDTH - RIGHT - LEFT)


def _y(panel: Panel, top: int, value: float) -> float:
    share = (value - panel.least) / (panel.greatest - panel.least)
    return top + PANEL * (1 - min(1.0, max(0.0, share)))
