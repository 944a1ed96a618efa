"""4.20 CONCENTRATION_INSTRUMENT, with the caps of 5.3."""

from __future__ import annotations

from tidegate_server.engine.account import Account
from tidegate_server.engine.amounts import scale_down, scale_up, unscale_down, upper_ratio_bps
from tidegate_server.engine.effective import Effective
from tidegate_server.engine.limit import NO_CHECK, Band
from tidegate_server.engine.position import Position
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def concentration_instrument(
    account_id: str,
    limits: Effective,
    rating_group: str,
    factor: int,
    gross: int,
    assets: int,
    debt: int,
) -> Rejection | None:
    """Refuse too much of the assets in one instrument; every figure is with the order."""
    bands = limits.concentration.get(rating_group)
    if bands is None:
        return None
    reason = RejectReason.CONCENTRATION_INSTRUMENT
    return _over_cap(reason, account_id, bands, "", factor, gross, assets, debt)


def concentration_sum(
    reason: RejectReason,
    account_id: str,
    tables: dict[str, list[Band]],
    name: str,
    factor: int,
    gross: int,
    assets: int,
    debt: int,
) -> Rejection | None:
    """Refuse too much of the assets in one sector or on one board; `gross` is the sum over it.

    The cap is divided by the factor of the instrument that is ordered (5.3).
    """
    bands = tables.get(name)
    if bands is None:
        return None
    return _over_cap(reason, account_id, bands, name, factor, gross, assets, debt)


def _over_cap(
    reason: RejectReason,
    account_id: str,
    bands: list[Band],
    subject: str,
    factor: int,
    gross: int,
    assets: int,
    debt: int,
) -> Rejection | None:
    """Refuse a gross above the cap of the band that the account's ratio is in."""
    cap = cap_at(bands, assets, debt)
    if within_cap(cap, factor, assets, gross):
        return None
    share = upper_ratio_bps(gross, assets)
    limit = unscale_down(cap, factor)
    return Rejection(reason, share, limit, ScopeKind.ACCOUNT, account_id, subject)


def within_cap(cap: int, factor: int, assets: int, gross: int) -> bool:
    """Tell whether a gross is within a cap, which the factor divides (5.3)."""
    return cap == NO_CHECK or gross <= scale_down(assets, unscale_down(cap, factor))


def gross_in_sector(account: Account, sector: str, without: Position | None) -> int:
    """Return the sum of gross over the positions in a sector but one; their lines are up to date.

    One pass over the account's own positions, made only where the sector has a cap.
    """
    return sum(
        position.line[3]
        for position in account.active
        if position is not without and position.instrument.terms.sector == sector
    )


def gross_on_board(account: Account, board: str, without: Position | None) -> int:
    """Return the same of a board."""
    return sum(
        position.line[3]
        for position in account.active
        if position is not without and position.instrument.terms.board == board
    )


def cap_at(bands: list[Band], assets: int, debt: int) -> int:
    """Return the cap of the band that the maintenance ratio is in; no debt is the highest."""
    cap = NO_CHECK
    for band in bands:
        if debt > 0 and assets < scale_up(debt, band.ratio_from_bps):
            break
        cap = NO_CHECK if band.cap_bps is None else band.cap_bps
    return cap
