"""Checks of the account with the order in it: its turnover and 4.18 to 4.22."""

from dataclasses import replace

from tests.oracle import credit_checks, scopes, valued_sums
from tests.oracle.add_ons import Weighed
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
from tests.oracle.case import Case, entry, of_account, once
from tests.oracle.credit import is_credit, is_opening
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.limits import concentration_bands, in_mode, setting, table_in_mode, tier_of
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


def position_limits(case: Case, quantity: int) -> list[Message]:
    """4.18."""
    own_model = is_credit(case.account)
    if own_model and not is_opening(case.request):
        return []
    worst = scopes.worst(scopes.position_bounds(case, quantity))
    found = [bound_entry("POSITION_LIMIT", worst)] if worst is not None else []
    owned = scopes.ownership(case, quantity)
    found += [bound_entry("OWNERSHIP_LIMIT", owned)] if owned is not None else []
    return found + (credit_checks.opening_checks(case, quantity) if own_model else [])


def bound_entry(reason: str, bound: scopes.Bound) -> Message:
    """Write down the limit that decides."""
    return entry(reason, bound.scope, (min(bound.measured, INT64_MAX), bound.limit))


def solvency(
    case: Case,
    names: list[str],
    before: Figures,
    after: Figures,
    gaps: set[str],
    *,
    quantity: int = 0,
) -> list[Message]:
    """4.20 to 4.26 of an account as it would be after opening in the named instruments.

    The quantity is that of an order that is not in the book yet.
    """
    over = leverage(case, after)
    if not after.in_bounds:
        return [] if case.warning else over
    if case.warning:
        over = [] if after.equity <= 0 else over
        found = concentration(case, names, after) + over + _lines_and_losses(case, after)
        return found + above(case, names, quantity, after)
    reasons = concentration(case, names, after) + over
    rates_known = not gaps & RATES
    hedge = after.model == "PORTFOLIO" and after.available >= before.available
    left = after.least if after.model == "CN_MARGIN" else after.available
    if rates_known and left < 0 and not hedge:
        reasons.append(of_account(case, "INITIAL_MARGIN", left, 0))
    return reasons + _lines_and_losses(case, after) + above(case, names, quantity, after)


def above(case: Case, names: list[str], quantity: int, after: Figures) -> list[Message]:
    """4.26."""
    found = valued_sums.group_exposure(case, after) + firm(case, names, quantity)
    return found + valued_sums.firm_sums(case, after)


def _lines_and_losses(case: Case, after: Figures) -> list[Message]:
    return maintenance_ratio(case, after) + lines(case, after) + losses(case)


def lines(case: Case, after: Figures) -> list[Message]:
    """4.24 under the account's margin model."""
    if after.model == "CN_MARGIN":
        return credit_checks.lines(case, after)
    return credit_line(case, after)


def firm(case: Case, names: list[str], quantity: int) -> list[Message]:
    """4.26: the greatest excess of the firm in one of the instruments."""
    bounds = []
    for name in names:
        one = case
        if name != case.instrument_id:
            request = {**case.request, "instrument_id": name}
            one = replace(case, instrument=case.book.instruments[name], request=request)
        found = scopes.firm_exposure(one, quantity)
        bounds += [found] if found is not None else []
    worst = scopes.worst(bounds)
    return [] if worst is None else [bound_entry("FIRM_INSTRUMENT_EXPOSURE", worst)]


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
    for kind in ("sector", "board"):
        named = named + concentration_sum(case, kind, names, after)
    return named


def concentration_sum(case: Case, kind: str, names: list[str], after: Figures) -> list[Message]:
    """4.20 over the sectors or boards of the instruments ordered; the greatest excess is named."""
    worst, named = 0, []
    instruments = case.book.instruments
    for name in names:
        factor = case.book.factor(instruments[name], case.now)
        here = instruments[name].facts.get(kind, "")
        for table in (tier_of(case) or {}).get(f"{kind}_concentration", []):
            if table.get("scope_id", "") != here or not in_mode(case, table):
                continue
            cap = cap_in(table["bands"], after)
            if cap is None:
                continue
            cap = cap * ONE // factor
            gross = sum(
                amount
                for other, amount in after.gross_of.items()
                if instruments[other].facts.get(kind, "") == here
            )
            excess = gross - scale_down(after.assets, cap)
            if excess > worst:
                measured = upper_ratio(gross, after.assets)
                scope = ("ACCOUNT", case.account.account_id)
                reason = f"CONCENTRATION_{kind.upper()}"
                worst, named = excess, [entry(reason, scope, (measured, cap), subject=here)]
    return named


def concentration_cap(case: Case, instrument: Instrument, after: Figures) -> int | None:
    """The cap of the ratio's band, divided by the factor (5.3)."""
    if not table_in_mode(case, instrument):
        return None
    cap = cap_in(concentration_bands(case, instrument) or [], after)
    return None if cap is None else cap * ONE // case.book.factor(instrument, case.now)


def cap_in(bands: list[Message], after: Figures) -> int | None:
    """The cap of the band that the ratio is in."""
    cap = None
    for band in bands:
        edge = band.get("ratio_from_bps", 0)
        if after.debt == 0 or after.assets * ONE >= after.debt * edge:
            cap = band.get("cap_bps")
    return cap


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


@once
def figures_before(case: Case) -> Figures:
    """Projected figures without the order."""
    return projected(case.book, case.account, case.lines, case.now)


@once
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
    weighed = Weighed([case.instrument_id], figures_before(case).gross)
    return projected(case.book, case.account, lines, case.now, weighed)
