"""How much of each of its limits an account uses, and which of them binds next (8.5).

    usage = measured x 10 000 / effective limit, in bps, rounded down

so that a level is reached exactly when the exact ratio reaches it. Measured is the figure of the
check's row in section 4 as the account stands, without any order: projected figures (3.5), counts
and sums so far. A limit of 0 is used without bound by anything above 0.

A new limit of the account is one line in `usages`: `standing.limited` with what it measures; one
that lives elsewhere is `standing.at` with its scope.
"""

from __future__ import annotations

from .account import Account
from .amounts import unscale_down, upper_ratio_bps
from .checks.concentration import cap_at
from .cn.booking import drawn_of
from .commands import MODEL_CN_MARGIN
from .effective import Effective
from .far import is_far_from_limits
from .footing import Footing
from .judgement import Judgement
from .limit import NO_CHECK
from .policy import Policy
from .position import Position
from .reasons import RejectReason, ScopeKind
from .slack import NEAR_BPS
from .standing import EVERY_LIMIT, MISSING, NO_USAGE, SET, UNSET, Standing, Usage, used_bps
from .state import Book
from .usage_sums import add_scopes, add_sums
from .valuing import held_by


def usages(book: Book, account: Account, now_ns: int) -> list[Usage]:
    """Return every limit of an account as it stands, in order of precedence."""
    policy = book.policy
    if policy is None:
        return []
    return all_limits(Standing(book, policy, account, now_ns))


def used_limits(book: Book, account: Account, now_ns: int, least_bps: int) -> list[Usage]:
    """Return as `usages`, but only what is used so much; none is marked as binding.

    The order rate is never among them.
    """
    policy = book.policy
    if policy is None or (
        least_bps >= NEAR_BPS and is_far_from_limits(book, policy, account, now_ns)
    ):
        return []
    standing = Standing(book, policy, account, now_ns, least_bps)
    measure(standing)
    return standing.found


def shared_limits(book: Book, policy: Policy, account: Account, now_ns: int) -> list[Usage]:
    """Return those of `usages` that accounts share, of one that `is_far_from_limits`."""
    standing = Standing(book, policy, account, now_ns, 0)
    add_short_pool(standing)
    add_scopes(standing, shared_only=True)
    return standing.found


def usages_with(judged: Judgement) -> list[Usage]:
    """Return every limit of an account with an order in its book that was valued."""
    standing = Standing(judged.book, judged.policy, judged.account, judged.now_ns)
    standing.add_order(judged)
    return all_limits(standing)


def all_limits(standing: Standing) -> list[Usage]:
    """Return every limit in order of precedence; one at most is what binds next.

    That is the greatest usage of a limit that is on, ties in order of precedence.
    """
    measure(standing)
    binding = binding_of(standing.found)
    if binding is not None:
        binding.binds = True
    return standing.found


def measure(standing: Standing) -> None:
    """Find the limits, in order of precedence."""
    opened, decided = standing.open_order_count, standing.day_order_count
    figures = standing.figures
    drawn = None if figures is None else max(0, -figures.cash)
    shorted = None
    account = standing.account
    if figures is not None and account.margin_model == MODEL_CN_MARGIN:
        drawn = drawn_of(account) + standing.borrowed
        shorted = sum(position.line[6] for position in standing.positions)
    leverage = None if figures is None else upper_ratio_bps(figures.weighted, figures.equity)
    if standing.least_bps == EVERY_LIMIT:
        add_limits_of_orders(standing)
    standing.limited(RejectReason.OPEN_ORDER_COUNT, "open_order_count", opened)
    standing.limited(RejectReason.DAY_ORDER_COUNT, "day_order_count", decided)
    standing.limited(RejectReason.DAY_TURNOVER, "day_turnover_e4", standing.turnover_e4)
    add_position(standing)
    add_short_pool(standing)
    add_concentration(standing)
    standing.limited(RejectReason.LEVERAGE, "leverage_bps", leverage)
    add_initial_margin(standing)
    standing.limited(RejectReason.CREDIT_LINE, "credit_line_e4", drawn)
    standing.limited(RejectReason.CREDIT_LINE, "short_line_e4", shorted)
    add_losses(standing)
    add_sums(standing)
    standing.found.sort(key=precedence_of)


def precedence_of(usage: Usage) -> int:
    """Return the place of a limit's reason in the table of section 4."""
    return int(usage.reason)


def binding_of(found: list[Usage]) -> Usage | None:
    """Return what binds next; None where nothing is measured."""
    best: Usage | None = None
    for usage in found:
        if usage.warns or usage.usage_bps == NO_USAGE:
            continue
        if best is None or usage.usage_bps > best.usage_bps:
            best = usage
    return best


def add_limits_of_orders(standing: Standing) -> None:
    """Add the limits of single orders, which measure nothing without one, and the order rate."""
    standing.limited(RejectReason.PRICE_COLLAR, "price_collar_bps", None)
    standing.limited(RejectReason.PRICE_COLLAR, "price_collar_floor_bps", None)
    standing.limited(RejectReason.ORDER_QUANTITY, "order_quantity", None)
    standing.limited(RejectReason.ORDER_NOTIONAL, "order_notional_e4", None)
    standing.limited(RejectReason.ORDER_VOLUME_SHARE, "order_volume_share_bps", None)
    add_rate(standing)


def add_rate(standing: Standing) -> None:
    """Add the account's order rate: how many of a burst are taken (4.14)."""
    limits = standing.limits
    cost = limits.rate_cost_ns
    if not cost:
        setting = standing.setting_of("order_rate")
        standing.at_account(RejectReason.ORDER_RATE, "order_rate", setting, None, None)
        return
    wait = max(0, standing.next_order_ns - standing.now_ns)
    standing.at_account(
        RejectReason.ORDER_RATE,
        "order_rate",
        SET,
        -(-wait // cost),
        limits.rate_tolerance_ns // cost + 1,
        warns=limits.rate_warns,
    )


def add_position(standing: Standing) -> None:
    """Add the position limit: the account's and the instruments', the smaller of each (4.18)."""
    own, warns = standing.value_of("position")
    strict = NO_CHECK if warns else own
    worst: tuple[int, int, Position] | None = None
    for position in standing.positions:
        limit = position.instrument.terms.position_limit
        limit = strict if limit < 0 else min(limit, strict)
        if limit != NO_CHECK:
            used = used_bps(greatest(position), limit)
            if worst is None or used > worst[0]:
                worst = used, limit, position
    reason = RejectReason.POSITION_LIMIT
    if worst is not None:
        _, limit, position = worst
        name = position.instrument.instrument_id
        if limit < strict:
            kind = ScopeKind.INSTRUMENT
            standing.at(reason, "position", greatest(position), limit, kind, name, subject=name)
        else:
            most = greatest(position)
            standing.at_account(reason, "position", SET, most, limit, subject=name)
    elif own == NO_CHECK:
        standing.at_account(reason, "position", standing.setting_of("position"), None, None)
    elif not warns:
        standing.at_account(reason, "position", SET, 0, own)
    if warns:
        held = standing.positions
        first = max(held, key=greatest) if held else None
        most = 0 if first is None else greatest(first)
        name = "" if first is None else first.instrument.instrument_id
        standing.at_account(reason, "position", SET, most, own, warns=True, subject=name)


def add_short_pool(standing: Standing) -> None:
    """Add the pool of what the account is short of, the one most used (4.19)."""
    worst: tuple[int, Position] | None = None
    for position in standing.positions:
        pool = position.instrument.terms.dealing.short_pool
        if pool < 0 or not position.short():
            continue
        used = used_bps(short_use(standing, position), pool)
        if worst is None or used > worst[0]:
            worst = used, position
    if worst is not None:
        instrument = worst[1].instrument
        name = instrument.instrument_id
        standing.at(
            RejectReason.SHORT_UNLOCATED,
            "short_pool",
            short_use(standing, worst[1]),
            instrument.terms.dealing.short_pool,
            ScopeKind.INSTRUMENT,
            name,
            subject=name,
        )


def short_use(standing: Standing, position: Position) -> int:
    """Return what all accounts are short of an instrument, this one as it is looked at."""
    instrument = position.instrument
    known = standing.account.positions.get(instrument.instrument_id)
    return instrument.short_use + position.short() - (0 if known is None else known.short())


def add_concentration(standing: Standing) -> None:
    """Add the concentration of the instrument that uses most of its cap, by mode (4.20)."""
    limits = standing.limits
    if not limits.concentration_tables:
        setting = MISSING if limits.concentration_required else UNSET
        reason = RejectReason.CONCENTRATION_INSTRUMENT
        standing.at_account(reason, "concentration", setting, None, None)
        return
    if limits.concentration:
        add_worst_concentration(standing, limits, warns=False)
    if limits.warning is not None and limits.warning.concentration:
        add_worst_concentration(standing, limits.warning, warns=True)


def add_worst_concentration(standing: Standing, limits: Effective, *, warns: bool) -> None:
    """Add the instrument that uses most of the caps of one mode; none without positions."""
    figures = standing.figures
    worst: tuple[int, int, int, str] | None = None
    for position in standing.positions if figures is not None else []:
        instrument = position.instrument
        bands = limits.concentration.get(instrument.terms.rating_group)
        if bands is None or figures is None:
            continue
        cap = cap_at(bands, figures.assets, figures.debt)
        if cap == NO_CHECK:
            continue
        cap = unscale_down(cap, standing.factor_of(position))
        share = upper_ratio_bps(position.line[3], figures.assets)
        used = used_bps(share, cap)
        if worst is None or used > worst[0]:
            worst = used, share, cap, instrument.instrument_id
    reason = RejectReason.CONCENTRATION_INSTRUMENT
    if worst is None:
        standing.at_account(reason, "concentration", SET, None, None, warns=warns)
        return
    _, share, cap, name = worst
    standing.at_account(reason, "concentration", SET, share, cap, warns=warns, subject=name)


def add_initial_margin(standing: Standing) -> None:
    """Add the initial margin: the requirement against available and requirement (8.5)."""
    figures = standing.figures
    initial = None if figures is None else figures.initial
    limit = None if figures is None else max(0, figures.available + figures.initial)
    standing.at_account(RejectReason.INITIAL_MARGIN, "initial_margin", SET, initial, limit)


def add_losses(standing: Standing) -> None:
    """Add what was lost today and since the high-water mark, at the marks of now (4.25)."""
    account, limits = standing.account, standing.limits
    still = (limits.strict or limits).is_still
    if still and standing.least_bps != EVERY_LIMIT:
        return
    held = held_by(account, standing.policy, standing.regime_bps, standing.now_ns)
    footing = Footing(account, limits, held)
    lost = fallen = None
    if held is not None:
        if footing.start_of_day is not None:
            lost = max(0, footing.start_of_day - footing.equity)
        fallen = upper_ratio_bps(footing.high_water - footing.equity, footing.high_water)
    standing.limited(RejectReason.DAY_LOSS, "day_loss_e4", lost)
    standing.limited(RejectReason.DRAWDOWN, "drawdown_bps", fallen)


def greatest(position: Position) -> int:
    """Return the greatest position that open orders of one side can make of it (4.18)."""
    holding = position.holding
    if holding is not None:  # long and short never net (6.3)
        return max(position.quantity + holding.open_long, holding.owed + holding.open_short)
    return max(position.quantity + position.open_buy, position.open_sell - position.quantity)
