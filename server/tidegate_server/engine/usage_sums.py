"""Usage of limits on sums: ownership, sectors and boards, and limits of other scopes (2.1, 8.5)."""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import scale_up, unscale_down, upper_ratio_bps
from .checks.concentration import cap_at
from .checks.sums import DRAWN, GROSS, GROUP_EXPOSURE, SHORTFALL, sum_with, unstressed
from .cn.booking import drawn_of
from .commands import MODEL_CN_MARGIN
from .effective import Effective
from .limit import NO_CHECK, Band
from .position import Position
from .reasons import RejectReason, ScopeKind
from .scope_limits import VALUED_SUMS, ScopeLimits
from .scopes import firm_exposure, open_orders, owned_after
from .sharing import stressed_sum
from .standing import EVERY_LIMIT, SET, Standing, used_bps

REASONS: Final[dict[str, RejectReason]] = {
    "order_quantity": RejectReason.ORDER_QUANTITY,
    "order_notional_e4": RejectReason.ORDER_NOTIONAL,
    "order_volume_share_bps": RejectReason.ORDER_VOLUME_SHARE,
    "open_order_count": RejectReason.OPEN_ORDER_COUNT,
    "position": RejectReason.POSITION_LIMIT,
    "ownership_bps": RejectReason.OWNERSHIP_LIMIT,
    "instrument_exposure_e4": RejectReason.FIRM_INSTRUMENT_EXPOSURE,
    "group_exposure_e4": RejectReason.GROUP_EXPOSURE,
    "financing_e4": RejectReason.FIRM_FINANCING,
}


def add_sums(standing: Standing) -> None:
    """Add ownership, sector and board, and every limit of the scopes that the account is within."""
    held = standing.positions
    limits = standing.limits
    if limits.has_sums or limits.warning is not None or standing.least_bps == EVERY_LIMIT:
        add_ownership(standing, held)
        add_tables(standing, held, limits, warns=False)
    if limits.warning is not None:
        add_tables(standing, held, limits.warning, warns=True)
    add_scopes(standing)
    add_reserve(standing)


def add_scopes(standing: Standing, *, shared_only: bool = False) -> None:
    """Add every limit of the scopes that the account is within, or only of firm and groups."""
    if not standing.policy.scopes:
        return
    for scope, within in scopes_met(standing):
        if not shared_only or scope.kind in (ScopeKind.FIRM, ScopeKind.GROUP):
            add_scope(standing, within, scope)


def add_ownership(standing: Standing, held: list[Position]) -> None:
    """Add the account's own limit on ownership, of the instrument that uses most of it (4.18)."""
    value, warns = standing.value_of("ownership_bps")
    name = "ownership_bps"
    if value == NO_CHECK:
        setting = standing.setting_of(name)
        standing.at_account(RejectReason.OWNERSHIP_LIMIT, name, setting, None, None)
        return
    share, subject = 0, ""
    for position in held:
        owned = owned_bps(standing.account, position)
        if owned is not None and owned > share:
            share, subject = owned, position.instrument.instrument_id
    reason = RejectReason.OWNERSHIP_LIMIT
    standing.at_account(reason, name, SET, share, value, warns=warns, subject=subject)


def owned_bps(account: Account, position: Position) -> int | None:
    """Return the topmost group's share of the shares outstanding; None where they are unknown."""
    shares = position.instrument.terms.shares_outstanding
    if shares < 0:
        return None
    before = kept_reach(account, position)
    owned = owned_after(account, position.instrument, before, position.reach())
    return upper_ratio_bps(owned, shares)


def kept_reach(account: Account, position: Position) -> int:
    """Return what the sums hold of a position, which may have an order more here."""
    kept = account.positions.get(position.instrument.instrument_id)
    return 0 if kept is None else kept.reach()


def add_tables(standing: Standing, held: list[Position], limits: Effective, *, warns: bool) -> None:
    """Add the sector and the board that use most of their caps, of one mode (4.20)."""
    worst: dict[RejectReason, tuple[int, int, int, str]] = {}
    if not (limits.sector_concentration or limits.board_concentration):
        return
    sums: dict[tuple[RejectReason, str], int] = {}
    for position in held:
        terms = position.instrument.terms
        for key in (
            (RejectReason.CONCENTRATION_SECTOR, terms.sector),
            (RejectReason.CONCENTRATION_BOARD, terms.board),
        ):
            sums[key] = sums.get(key, 0) + position.line[3]
    for position in held:
        terms = position.instrument.terms
        for reason, tables, name in (
            (RejectReason.CONCENTRATION_SECTOR, limits.sector_concentration, terms.sector),
            (RejectReason.CONCENTRATION_BOARD, limits.board_concentration, terms.board),
        ):
            cap = cap_of(standing, position, tables, name)
            if cap == NO_CHECK or standing.figures is None:
                continue
            share = upper_ratio_bps(sums[reason, name], standing.figures.assets)
            used = used_bps(share, cap)
            if reason not in worst or used > worst[reason][0]:
                worst[reason] = (used, share, cap, name)
    for reason, (_, share, cap, name) in worst.items():
        label = "sector_concentration"
        if reason == RejectReason.CONCENTRATION_BOARD:
            label = "board_concentration"
        standing.at_account(reason, label, SET, share, cap, warns=warns, subject=name)


def cap_of(standing: Standing, position: Position, tables: dict[str, list[Band]], name: str) -> int:
    """Return a sector's or board's cap for an order of a position's instrument (5.3)."""
    figures = standing.figures
    bands = tables.get(name)
    if bands is None or figures is None:
        return NO_CHECK
    cap = cap_at(bands, figures.assets, figures.debt)
    if cap == NO_CHECK:
        return cap
    return unscale_down(cap, standing.factor_of(position))


def scopes_met(standing: Standing) -> list[tuple[ScopeLimits, list[Position]]]:
    """Return the scopes with limits that an account is within, or whose instruments it holds.

    In the order of their kinds and ids, each with the positions that count for it.
    """
    held = standing.positions
    within: dict[tuple[int, str], list[Position]] = {(int(ScopeKind.FIRM), ""): held}
    for group_id in standing.account.groups:
        within[int(ScopeKind.GROUP), group_id] = held
    for position in held:
        terms = position.instrument.terms
        within.setdefault((int(ScopeKind.SECTOR), terms.sector), []).append(position)
        within.setdefault((int(ScopeKind.BOARD), terms.board), []).append(position)
        within[int(ScopeKind.INSTRUMENT), terms.instrument_id] = [position]
    scopes = standing.policy.scopes
    return [(scopes[key], within[key]) for key in sorted(within) if key in scopes]


def add_scope(standing: Standing, held: list[Position], scope: ScopeLimits) -> None:
    """Add the limits of one scope, each with the instrument that uses most of it; of those held."""
    for name, cap in sorted(scope.caps.items()):
        best: int | None = None
        subject = ""
        if name == "open_order_count":
            account = standing.account
            best = open_orders(standing.book, scope)
            best += standing.open_order_count - account.open_order_count
        elif name in VALUED_SUMS:
            best = valued_sum(standing, scope, name)
        elif not name.startswith("order_"):
            best = 0
            for position in held:
                found = measured_of(standing.account, position, scope, name)
                if found is not None and found > best:
                    best, subject = found, position.instrument.instrument_id
        standing.at(
            REASONS[name],
            name,
            best,
            cap,
            ScopeKind(scope.kind),
            scope.scope_id,
            warns=name in scope.warned,
            subject=subject,
        )


def valued_sum(standing: Standing, scope: ScopeLimits, name: str) -> int | None:
    """Return what a group or the firm was last valued at, this account as it is now (4.26)."""
    figures = standing.figures
    if figures is None:
        return None
    drawn = -figures.cash if figures.cash < 0 else 0
    if standing.account.margin_model == MODEL_CN_MARGIN:
        drawn += drawn_of(standing.account) + standing.borrowed
    share = standing.now_ns, figures.gross, drawn, 0
    figure = GROSS if name == GROUP_EXPOSURE else DRAWN
    return sum_with(standing.book, scope.scope_id, standing.account, share, figure)


def add_reserve(standing: Standing) -> None:
    """Add what the reserve should be against what it is (4.26)."""
    policy = standing.policy
    reserve = policy.reserve
    if reserve is None:
        return
    required: int | None = None
    account = standing.account
    figures = standing.figures
    if figures is not None and not unstressed(standing.book, account):
        lost = stressed_sum(
            account,
            None,
            reserve.stress_bps,
            policy,
            standing.regime_bps,
            standing.now_ns,
            standing.positions,
        )
        shortfall = max(0, lost - (figures.assets - figures.debt))
        share = standing.now_ns, 0, 0, shortfall
        total = sum_with(standing.book, "", account, share, SHORTFALL)
        required = scale_up(total, reserve.coverage_bps)
    standing.at(
        RejectReason.RESERVE_COVERAGE,
        "reserve_pool_e4",
        required,
        reserve.pool_e4,
        ScopeKind.FIRM,
        "",
        warns=reserve.warns,
        subject="",
    )


def measured_of(account: Account, position: Position, scope: ScopeLimits, name: str) -> int | None:
    """Return what a scope's limit measures of one instrument; None where it cannot be said."""
    instrument = position.instrument
    if name == "ownership_bps":
        return owned_bps(account, position)
    change = position.reach() - kept_reach(account, position)
    if name == "instrument_exposure_e4":
        return firm_exposure(instrument, change) if instrument.mark else None
    if scope.kind == ScopeKind.FIRM:
        return instrument.reach + change
    if scope.kind == ScopeKind.GROUP:
        return instrument.reach_of.get(scope.scope_id, 0) + change
    return position.reach()
