"""One instrument: its terms, its mark and factor, and what is kept of it over all accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .instrument_terms import InstrumentTerms

if TYPE_CHECKING:
    from .state import Book

# v_eff, then initial long and short, maintenance long and short, in bps.
Rates = tuple[int, int, int, int, int]


class Instrument:
    """One instrument. A mark of 0 is none yet; a factor of 0 was never given.

    Memos: `rates` and `stressed_rates` (v_eff and effective margin rates with the own and with the
    stressed factor), `rates_by_model` (those of the less common margin models), `open_from_ns` and
    `open_until_ns` (a span in which it may be traded, 4.6), `plain_until_ns` (until when the fast
    path knows that nothing about it is special, accept.py), `short_use` (what all accounts are
    short of it, open sales filled, 4.19), `reach` and `reach_of` (how far the positions of all
    accounts go, and by group: reach.py). `revision` is even and grows by two with whatever a
    position's value depends on, so that one comparison finds a stale memo.
    """

    __slots__ = (
        "closing_mark",
        "factor_bps",
        "factor_time_ns",
        "high",
        "instrument_id",
        "low",
        "mark",
        "mark_time_ns",
        "model_version",
        "open_from_ns",
        "open_until_ns",
        "plain_until_ns",
        "rates",
        "rates_by_model",
        "reach",
        "reach_of",
        "revision",
        "short_use",
        "slow_mark",
        "slow_time_ns",
        "stressed_rates",
        "terms",
        "touched",
    )

    def __init__(self, terms: InstrumentTerms) -> None:
        self.instrument_id = terms.instrument_id
        self.terms = terms
        self.mark = 0
        self.mark_time_ns = 0
        self.slow_mark = 0
        self.slow_time_ns = 0
        self.low = 0
        self.high = 0
        self.factor_bps = 0
        self.factor_time_ns = 0
        self.model_version = ""
        self.closing_mark = 0
        self.touched = False
        self.revision = 2
        self.open_from_ns = 0
        self.open_until_ns = 0
        self.plain_until_ns = 0
        self.short_use = 0
        self.reach = 0
        self.reach_of: dict[str, int] = {}
        self.rates: Rates | None = None
        self.stressed_rates: Rates | None = None
        self.rates_by_model: dict[tuple[int, bool], Rates] = {}

    def changed(self, book: Book) -> None:
        """Make every memo of its value stale."""
        book.revision += 1
        self.revision += 2
        self.rates = None
        self.stressed_rates = None
        self.rates_by_model.clear()
        self.open_until_ns = 0
        self.plain_until_ns = 0
