"""Sums of an atomic batch judged as a whole: over sector and board (4.20), over the firm (4.26)."""

from __future__ import annotations

from .account import Account
from .amounts import scale_down
from .checks.concentration import concentration_sum, gross_in_sector, gross_on_board
from .checks.firm import firm_instrument_exposure
from .effective import Effective
from .instrument import Instrument
from .outcomes import Figures
from .policy import Policy
from .rates import rates_at, regime_multiplier
from .reasons import Rejection, RejectReason
from .scopes import scopes_over
from .state import Book


class Worst:
    """The failure with the greatest excess so far, the first of equal ones; None if none fails."""

    __slots__ = ("excess", "found")

    def __init__(self) -> None:
        self.excess = 0
        self.found: Rejection | None = None

    def take(self, found: Rejection | None, excess: int) -> None:
        """Keep a failure that is worse than the one before."""
        if found is not None and excess > self.excess:
            self.excess = excess
            self.found = found


def worst_sums(
    book: Book,
    policy: Policy,
    limits: Effective,
    account: Account,
    names: list[str],
    figures: Figures,
    now_ns: int,
    *,
    warning: bool,
) -> list[Rejection]:
    """Return what fails of an account whose lines are up to date, for the instruments it opened."""
    sector = Worst()
    board = Worst()
    firm = Worst()
    regime_bps = regime_multiplier(book, policy)
    for name in names:
        instrument = book.instruments[name]
        terms = instrument.terms
        rates = rates_at(instrument, policy, regime_bps, account.margin_model, now_ns)
        factor = rates[0]
        if terms.sector in limits.sector_concentration:
            gross = gross_in_sector(account, terms.sector, None)
            found = concentration_sum(
                RejectReason.CONCENTRATION_SECTOR,
                account.account_id,
                limits.sector_concentration,
                terms.sector,
                factor,
                gross,
                figures.assets,
                figures.debt,
            )
            sector.take(found, over(found, gross, figures.assets))
        if terms.board in limits.board_concentration:
            gross = gross_on_board(account, terms.board, None)
            found = concentration_sum(
                RejectReason.CONCENTRATION_BOARD,
                account.account_id,
                limits.board_concentration,
                terms.board,
                factor,
                gross,
                figures.assets,
                figures.debt,
            )
            board.take(found, over(found, gross, figures.assets))
        if policy.scopes:
            take_firm(firm, policy, account, instrument, warning=warning)
    failures = (sector.found, board.found, firm.found)
    return [failure for failure in failures if failure is not None]


def over(found: Rejection | None, gross: int, assets: int) -> int:
    """Return by how much a sum passes its cap, in e4."""
    if found is None or found.limit is None:
        return 0
    return gross - scale_down(assets, found.limit)


def take_firm(
    firm: Worst, policy: Policy, account: Account, instrument: Instrument, *, warning: bool
) -> None:
    """Look at what the firm has of one instrument, the batch included."""
    scopes = scopes_over(policy, account, instrument)
    found = firm_instrument_exposure(scopes, instrument, 0, warning=warning)
    if found is not None and found.measured is not None and found.limit is not None:
        firm.take(found, found.measured - found.limit)
