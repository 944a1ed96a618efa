"""The walk over an account's positions: sums of their lines, brought up to date on the way."""

from __future__ import annotations

from .account import Account, GrossBy
from .add_ons import charged, charged_fills
from .amounts import INT64_MAX
from .commands import MODEL_CN_MARGIN, MODEL_LEVERAGED
from .exposure import actual_line_of, credit_line_of, figures_of, line_of_position
from .hedges import account_offset
from .instrument import Instrument, Rates
from .lines import NO_LINE, Line, minus, plus
from .outcomes import Figures
from .policy import Policy
from .position import Position
from .rates import rates_at, rates_of, regime_multiplier
from .state import Book


class Walk:
    """The sum of an account's lines but one, and what its marks lack.

    `missing_id` names the smallest instrument id without a mark, `stale_id` the smallest whose mark
    is too old; both empty if there is none.
    """

    __slots__ = ("line", "missing_id", "stale_id")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.missing_id = ""
        self.stale_id = ""


def walk(
    account: Account,
    without: Position | None,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
) -> Walk:
    """Sum the lines of all positions but one, at the current marks.

    The account keeps the sum of its positions' lines as they were last worked out. So the walk only
    asks each position whether its line still holds, puts right the few that do not, and takes the
    one to be left out off the sum: 9 byte codes a position where adding up afresh took 75 (bench:
    engine_ns_per_check).
    """
    if account.totals is None:
        account.totals = sum_of_lines(account.active)
        account.fresh_until_ns = 0
    found = Walk(account.totals)
    if now_ns > account.fresh_until_ns:
        look_at_all(account, without, found, policy, regime_bps, now_ns)
    else:
        for position in account.active:
            if position.line_revision == position.instrument.revision:
                continue
            if position is without:  # its line comes from the order: nobody else looks at its mark
                shorten(account, position.instrument, policy)
            else:
                refresh(account, position, policy, regime_bps, now_ns)
        if now_ns > account.fresh_until_ns:  # a policy allows less age than the one before
            look_at_all(account, without, found, policy, regime_bps, now_ns)
    found.line = account.totals
    if without is not None and without.line != NO_LINE:
        found.line = minus(account.totals, without.line)
    return found


def lines_hold(book: Book, account: Account, policy: Policy, now_ns: int) -> bool:
    """Bring the account's sum of lines up to date; false where a mark is amiss.

    Nothing has changed any value since the last order of the account: then one comparison does for
    the whole walk, 2.5 of 46 us an order at 10 positions (in process, alternating runs).
    """
    if account.lines_hold_at == book.revision and now_ns <= account.fresh_until_ns:
        return True
    account.gross_by = None  # an instrument may be of another sector now
    account.stressed = -1  # or have another factor
    found = walk(account, None, policy, regime_multiplier(book, policy), now_ns)
    if found.missing_id or found.stale_id:
        return False
    account.lines_hold_at = book.revision
    return True


def look_at_all(
    account: Account,
    without: Position | None,
    found: Walk,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
) -> None:
    """Look at every position, since some mark or factor may be stale; note what is missing."""
    fresh_until_ns = INT64_MAX
    for position in account.active:
        instrument = position.instrument
        mark_until_ns = instrument.mark_time_ns + policy.max_mark_age_ns
        factor_until_ns = instrument.factor_time_ns + policy.max_volatility_age_ns
        fresh_until_ns = min(fresh_until_ns, mark_until_ns, factor_until_ns)
        if position is without:
            continue
        if now_ns > mark_until_ns:
            note_mark(found, instrument)
        if position.line_revision != instrument.revision + (now_ns > factor_until_ns):
            refresh(account, position, policy, regime_bps, now_ns)
    account.fresh_until_ns = fresh_until_ns


def refresh(
    account: Account, position: Position, policy: Policy, regime_bps: int, now_ns: int
) -> None:
    """Work a position's line out anew; the account's sum follows it."""
    instrument = position.instrument
    factor_until_ns = instrument.factor_time_ns + policy.max_volatility_age_ns
    stressed = now_ns > factor_until_ns
    rates = instrument.rates
    model = account.margin_model
    if stressed or rates is None or model != MODEL_LEVERAGED:
        rates = rates_of(instrument, policy, regime_bps, model, stressed=stressed)
    line = line_of_position(position, rates, model) if instrument.mark else NO_LINE
    account.replace_line(position, line)
    position.line_revision = instrument.revision + 1 if stressed else instrument.revision
    shorten(account, instrument, policy)


def shorten(account: Account, instrument: Instrument, policy: Policy) -> None:
    """Let an account's figures be fresh no longer than an instrument's mark and factor are."""
    fresh_until_ns = fresh_until(instrument, policy)
    if fresh_until_ns < account.fresh_until_ns:
        account.fresh_until_ns = fresh_until_ns


def fresh_until(instrument: Instrument, policy: Policy) -> int:
    """Return until when, inclusive, neither the instrument's mark nor its factor is too old."""
    mark_until_ns = instrument.mark_time_ns + policy.max_mark_age_ns
    factor_until_ns = instrument.factor_time_ns + policy.max_volatility_age_ns
    return mark_until_ns if mark_until_ns < factor_until_ns else factor_until_ns


def gross_by(account: Account) -> GrossBy:
    """Return the gross by sector and by board (a memo); the account's lines hold."""
    if account.gross_by is None:
        account.gross_by = {}, {}
        for position in account.active:
            add_gross(account, position.instrument, position.line[3])
    return account.gross_by


def add_gross(account: Account, instrument: Instrument, change: int) -> None:
    """Let the sums by sector and board follow a line, if they are kept."""
    if account.gross_by is not None:
        by_sector, by_board = account.gross_by
        terms = instrument.terms
        by_sector[terms.sector] = by_sector.get(terms.sector, 0) + change
        by_board[terms.board] = by_board.get(terms.board, 0) + change


def line_now(
    account: Account, position: Position, policy: Policy, regime_bps: int, now_ns: int
) -> Line:
    """Return a position's line, worked out anew where it no longer holds."""
    instrument = position.instrument
    stressed = now_ns > instrument.factor_time_ns + policy.max_volatility_age_ns
    if position.line_revision != instrument.revision + stressed:
        refresh(account, position, policy, regime_bps, now_ns)
    return position.line


def sum_of_lines(positions: list[Position]) -> Line:
    """Return the sum of positions' lines as they were last worked out."""
    total = NO_LINE
    for position in positions:
        total = plus(total, position.line)
    return total


def note_mark(found: Walk, instrument: Instrument) -> None:
    """Note an instrument whose mark is missing or too old; the smallest id of each is kept."""
    name = instrument.instrument_id
    if not instrument.mark:
        if not found.missing_id or name < found.missing_id:
            found.missing_id = name
    elif not found.stale_id or name < found.stale_id:
        found.stale_id = name


def projected_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return the account's projected figures; None where something has no mark."""
    policy = book.policy
    if policy is None:
        return None
    regime_bps = regime_multiplier(book, policy)
    total = walk(account, None, policy, regime_bps, now_ns)
    if total.missing_id:
        return None
    offset = account_offset(account, policy, regime_bps, now_ns)
    line = charged(account, total.line, policy, regime_bps, now_ns)
    return figures_of(account, line, offset)


def actual_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return figures of fills only, at the slow mark (3.7); None where a mark is missing."""
    policy = book.policy
    if policy is None:
        return None
    regime_bps = regime_multiplier(book, policy)
    parts: list[tuple[Position, Line, Rates]] = []
    total = NO_LINE
    for position in account.active:
        if not position.holds():
            continue
        instrument = position.instrument
        if not instrument.mark:
            return None
        model = account.margin_model
        rates = rates_at(instrument, policy, regime_bps, model, now_ns)
        if model == MODEL_CN_MARGIN:
            total = plus(total, credit_line_of(position, rates, fills_only=True))
            continue
        line = actual_line_of(position.quantity, instrument, rates, model)
        parts.append((position, line, rates))
        total = plus(total, line)
    if policy.add_ons is not None:
        total = charged_fills(account, total, policy.add_ons, parts)
    offset = account_offset(account, policy, regime_bps, now_ns, fills_only=True)
    return figures_of(account, total, offset)
