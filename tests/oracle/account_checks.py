"""Checks of the account with the order in it: its turnover and 4.18 to 4.22."""

from tests.oracle import credit_checks
from tests.oracle.book import (
    INT64_MAX,
    MONEY_MAX,
    ONE,
    Account,
    Book,
    Instrument,
    Line,
    Message,
    scale_down,
    up,
    upper_ratio,
)
from tests.oracle.case import Case, of_account, of_instrument
from tests.oracle.credit import is_credit
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.limits import concentration_bands, setting, table_in_mode
from tests.oracle.line_checks import losses, maintenance_ratio

RATES = frozenset(
    {
        "initial_margin_long_bps",
        "initial_margin_short_bps",
        "haircut_bps",
        "haircut_cap",
        "financing_ratios",
        "short_ratios",
        "private_fund_short_ratios",
    }
)


def turnover(case: Case, quantity: int, reserved_price: int | None) -> list[Message]:
    """4.16, the turnover; not judged without a mark or a price to reserve at."""
    limit = setting(case, "day_turnover_e4").value
    if limit is None or case.instrument.mark is None or reserved_price is None:
        return []
    total = day_turnover(case.book, case.account, lines_after(case, quantity, reserved_price))
    if total <= limit:
        return []
    return [of_account(case, "DAY_TURNOVER", min(total, INT64_MAX), limit)]


def day_turnover(book: Book, account: Account, lines: dict[str, Line]) -> int:
    """Today's fills and what is open, each instrument rounded up once."""
    raw = dict(book.today_traded(account))
    for name, line in lines.items():
        raw[name] = raw.get(name, 0) + line.buy_notional + line.sell_notional
    return sum(up(amount, book.instruments[name].unit) for name, amount in raw.items())


def position_limit(case: Case, quantity: int) -> list[Message]:
    """4.18."""
    if is_credit(case.account):
        return credit_checks.opening_checks(case, quantity)
    line = case.line.plus(case.side, quantity, 0)
    worst = max(abs(line.held + line.open_buys), abs(line.held - line.open_sells))
    own = setting(case, "position").value
    instruments = None if case.warning else case.instrument.facts.get("position_limit")
    if own is not None and worst > own and (instruments is None or own <= instruments):
        return [of_account(case, "POSITION_LIMIT", worst, own)]
    if instruments is not None and worst > instruments:
        return [of_instrument(case, "POSITION_LIMIT", worst, instruments)]
    return []


def solvency(
    case: Case, names: list[str], before: Figures, after: Figures, gaps: set[str]
) -> list[Message]:
    """4.20 to 4.25 of an account as it would be after opening in the named instruments."""
    over = leverage(case, after)
    if not after.in_bounds:
        return [] if case.warning else over
    if case.warning:
        over = [] if after.equity <= 0 else over
        return concentration(case, names, after) + over + _lines_and_losses(case, after)
    reasons = concentration(case, names, after) + over
    rates_known = not gaps & RATES
    hedge = after.model == "PORTFOLIO" and after.available >= before.available
    left = after.least if after.model == "CN_MARGIN" else after.available
    if rates_known and left < 0 and not hedge:
        reasons.append(of_account(case, "INITIAL_MARGIN", left, 0))
    return reasons + _lines_and_losses(case, after)


def _lines_and_losses(case: Case, after: Figures) -> list[Message]:
    return maintenance_ratio(case, after) + lines(case, after) + losses(case)


def lines(case: Case, after: Figures) -> list[Message]:
    """4.24 under the account's margin model."""
    if after.model == "CN_MARGIN":
        return credit_checks.lines(case, after)
    return credit_line(case, after)


def credit_line(case: Case, after: Figures) -> list[Message]:
    """4.24: what is financed against the account's line."""
    line = setting(case, "credit_line_e4").value
    drawn = max(0, -after.cash)
    if line is None or drawn <= line:
        return []
    return [of_account(case, "CREDIT_LINE", drawn, line)]


def concentration(case: Case, names: list[str], after: Figures) -> list[Message]:
    """4.20 for the instruments ordered; the greatest excess is named."""
    worst, named = 0, []
    for name in names:
        cap = concentration_cap(case, case.book.instruments[name], after)
        if cap is None:
            continue
        gross = after.gross_of[name]
        excess = gross - scale_down(after.assets, cap)
        if excess > worst:
            measured = upper_ratio(gross, after.assets)
            worst, named = excess, [of_account(case, "CONCENTRATION_INSTRUMENT", measured, cap)]
    return named


def concentration_cap(case: Case, instrument: Instrument, after: Figures) -> int | None:
    """The cap of the ratio's band, divided by the factor (5.3)."""
    cap = None
    if not table_in_mode(case, instrument):
        return None
    for band in concentration_bands(case, instrument) or []:
        edge = band.get("ratio_from_bps", 0)
        if after.debt == 0 or after.assets * ONE >= after.debt * edge:
            cap = band.get("cap_bps")
    return None if cap is None else cap * ONE // case.book.factor(instrument, case.now)


def leverage(case: Case, after: Figures) -> list[Message]:
    """4.21, with the bound of 1.4 and the rule of 3.6."""
    cap = setting(case, "leverage_bps").value
    if not after.in_bounds:
        gross = min(after.gross, INT64_MAX)
        return [of_account(case, "LEVERAGE", gross, MONEY_MAX)]
    measured = upper_ratio(after.weighted, after.equity)
    if after.equity <= 0:
        return [of_account(case, "LEVERAGE", measured, cap)]
    if cap is not None and after.weighted > scale_down(after.equity, cap):
        return [of_account(case, "LEVERAGE", measured, cap)]
    return []


def lines_after(case: Case, quantity: int, reserved_price: int) -> dict[str, Line]:
    """What the account would have with the order reserved."""
    line = case.line.plus(case.side, quantity, reserved_price)
    return {**case.lines, case.instrument_id: line}


def figures_after(case: Case, quantity: int, reserved_price: int | None) -> Figures | None:
    """Projected figures with the order, where they can be valued."""
    if reserved_price is None:
        return None
    if is_credit(case.account):
        names = {**case.lines, case.instrument_id: case.line}
        if not valuable(case.book, names):
            return None
        return credit_checks.figures_with(case, quantity, reserved_price)
    lines = lines_after(case, quantity, reserved_price)
    if not valuable(case.book, lines):
        return None
    return projected(case.book, case.account, lines, case.now)
