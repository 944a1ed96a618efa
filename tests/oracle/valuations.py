"""Valuations (2.7): lines (2.6), the high-water mark, the equity that a day begins with (4.25)."""

from dataclasses import dataclass

from tests.oracle import valued_sums
from tests.oracle.book import INT64_MAX, Account, Book, Message, lines_of, scale_up
from tests.oracle.figures import Figures, actual, held, valuable

DEFAULTS = {
    "withdraw": (30_000, 30_000),
    "warning": (15_000, 16_000),
    "margin_call": (14_000, 15_000),
    "top_up": (13_000, 14_000),
    "liquidation": (11_000, 13_000),
    "freeze": (10_000, 11_000),
}
NAMES = tuple(DEFAULTS)


@dataclass
class Standing:
    """Where an account stands once it is valued; without figures where it cannot be."""

    entered: frozenset[str]
    high: int | None
    start: int | None
    figures: Figures | None = None

    @property
    def state(self) -> str:
        """The deepest line."""
        names = [name for name in NAMES if name in self.entered]
        return names[-1] if names else "none"


def lines_in_force(book: Book, account: Account) -> Message:
    """What the tier, or else the policy, says of lines."""
    for tier in book.policy.get("tiers", []):
        if tier["tier_id"] == account.facts.get("tier_id", "") and "lines" in tier:
            found: Message = tier["lines"]
            return found
    whole: Message = book.policy.get("lines", {})
    return whole


def figures_of_lines(lines: Message) -> dict[str, tuple[int, int]]:
    """Line and release of each; empty for none."""
    if lines.get("off", False):
        return {}
    found = dict(DEFAULTS)
    for name in NAMES:
        if name in lines:
            found[name] = (lines[name].get("line_bps", 0), lines[name].get("release_bps", 0))
    return found


def start_of(book: Book, account: Account) -> int | None:
    """The equity that the book's trading day began with, whether or not the account has rolled."""
    return account.start if account.trading_date == book.trading_date else book.at_close(account)


def stand(book: Book, account: Account, now: int, moved: int = 0) -> Standing:
    """Value an account; `moved` is what a booking changed its equity by."""
    before = Standing(account.entered, account.high, start_of(book, account))
    if not book.policy:
        return before
    lines = held(lines_of(account))
    if not valuable(book, lines):
        return Standing(account.entered, _plus(before.high, moved), _plus(before.start, moved))
    figures = actual(book, account, lines, now)
    if max(figures.assets, figures.debt) > INT64_MAX or abs(figures.equity) > INT64_MAX:
        return Standing(before.entered, before.high, before.start, figures)
    high = _plus(before.high, moved)
    start = _plus(before.start, moved)
    return Standing(
        _entered(book, account, figures),
        figures.equity if high is None else max(high, figures.equity),
        figures.equity if start is None else start,
        figures,
    )


def _plus(amount: int | None, moved: int) -> int | None:
    return None if amount is None else max(-INT64_MAX, min(INT64_MAX, amount + moved))


def _entered(book: Book, account: Account, figures: Figures) -> frozenset[str]:
    """2.6."""
    if figures.debt == 0:
        return frozenset()
    found = set()
    for name, (line, release) in figures_of_lines(lines_in_force(book, account)).items():
        stays = name in account.entered and figures.assets < scale_up(figures.debt, release)
        if stays or figures.assets < scale_up(figures.debt, line):
            found.add(name)
    return frozenset(found)


def value(book: Book, account: Account, now: int, moved: int = 0) -> None:
    """Keep what a valuation changes; the account has been touched."""
    found = stand(book, account, now, moved)
    account.entered, account.high, account.start = found.entered, found.high, found.start
    valued_sums.keep(book, account, now)


def equity(book: Book, account: Account, now: int) -> int | None:
    """Actual equity, where it can be told."""
    lines = held(lines_of(account))
    return actual(book, account, lines, now).equity if valuable(book, lines) else None
