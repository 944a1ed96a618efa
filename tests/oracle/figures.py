"""An account's figures: projected (3.5), actual (3.7), under its margin model (6)."""

from dataclasses import dataclass, field

from tests.oracle import credit
from tests.oracle.add_ons import Points, Weighed, points
from tests.oracle.book import (
    INT64_MAX,
    MONEY_MAX,
    ONE,
    RATIO_MAX,
    Account,
    Book,
    Instrument,
    Line,
    Message,
    down,
    scale_up,
    up,
    upper_ratio,
)
from tests.oracle.portfolio import requirement

# The least rates of 6.2.
REGULATION_T = {
    ("initial", "long"): 5_000,
    ("initial", "short"): 5_000,
    ("maintenance", "long"): 2_500,
    ("maintenance", "short"): 3_000,
}


@dataclass
class Figures:
    """What an account is worth and needs."""

    cash: int
    model: str = "LEVERAGED"
    assets: int = 0
    debt: int = 0
    gross: int = 0
    weighted: int = 0
    initial: int = 0
    maintenance: int = 0
    gross_of: dict[str, int] = field(default_factory=dict)
    points_of: dict[str, Points] = field(default_factory=dict)
    drawn: int = 0  # under cn_margin: what is financed, and what short debt is worth
    short_value: int = 0
    least: int = 0  # under cn_margin: what an order leaves of what it is measured by

    @property
    def equity(self) -> int:
        """Assets less debt."""
        return self.assets - self.debt

    @property
    def available(self) -> int:
        """Equity less initial margin."""
        return self.equity - self.initial

    @property
    def in_bounds(self) -> bool:
        """Whether the gross keeps the bound of 1.4."""
        return self.gross <= MONEY_MAX

    def amounts(self) -> Message:
        """Name the figures as the contract does, ratios left out."""
        return {
            "cash_e4": self.cash,
            "assets_e4": self.assets,
            "debt_e4": self.debt,
            "equity_e4": self.equity,
            "gross_e4": self.gross,
            "weighted_gross_e4": self.weighted,
            "initial_margin_e4": self.initial,
            "maintenance_margin_e4": self.maintenance,
            "available_e4": self.available,
        }

    def message(self) -> Message:
        """Name all figures as the contract does."""
        message = self.amounts()
        if self.debt > 0:
            message["ratio_bps"] = min(down(self.assets * ONE, self.debt), INT64_MAX)
        if self.equity > 0:
            message["leverage_bps"] = upper_ratio(self.weighted, self.equity)
        return message


def valuable(book: Book, lines: dict[str, Line]) -> bool:
    """Say whether everything that counts has a mark."""
    return all(book.instruments[instrument_id].mark is not None for instrument_id in lines)


def projected(
    book: Book, account: Account, lines: dict[str, Line], now: int, weighed: Weighed | None = None
) -> Figures:
    """Value an account with every opening part filled and no exit filled (3.5).

    Of an order that is among the lines `weighed` says what its add-ons are (5.4).
    """
    if credit.is_credit(account):
        return credit_figures(book, account, now)
    figures = Figures(account.cash, account.facts.get("margin_model", "LEVERAGED"))
    sides = {
        name: (max(line.held, 0) + line.opening_buys(), max(-line.held, 0) + line.opening_sells())
        for name, line in lines.items()
    }
    for instrument_id, line in lines.items():
        instrument = book.instruments[instrument_id]
        mark, unit = instrument.mark or 0, instrument.unit
        bought, sold = line.opening_buys(), line.opening_sells()
        loss_of_buys = max(0, line.buy_notional - line.open_buys * mark)
        loss_of_sells = max(0, line.open_sells * mark - line.sell_notional)
        figures.cash -= up(bought * mark, unit) + up(loss_of_buys, unit) + up(loss_of_sells, unit)
        figures.cash += down(sold * mark, unit)
    figures.gross_of = gross_by_name(book, sides)
    weights = weights_of(figures.gross_of, weighed)
    for name, line in lines.items():
        more = figures.points_of[name] = points(book, account, name, line, weights[name])
        instrument = book.instruments[name]
        factor = book.factor(instrument, now)
        _add(
            figures, instrument, sides[name], factor, more, prices=(instrument.low, instrument.high)
        )
    if figures.model == "PORTFOLIO":
        needed = requirement(book, lines, now)
        figures.initial += needed
        figures.maintenance += needed
    return _closed(figures)


def actual(book: Book, account: Account, lines: dict[str, Line], now: int) -> Figures:
    """Value what an account really holds (3.7)."""
    if credit.is_credit(account):
        return closed_credit(credit.worth(book, account, now, fills_only=True))
    figures = Figures(account.cash, account.facts.get("margin_model", "LEVERAGED"))
    sides = {name: (max(line.held, 0), max(-line.held, 0)) for name, line in lines.items()}
    figures.gross_of = gross_by_name(book, sides, slow=True)
    weights = weights_of(figures.gross_of, None)
    for name, line in lines.items():
        more = points(book, account, name, line, weights[name])
        instrument = book.instruments[name]
        factor = book.factor(instrument, now)
        _add(
            figures,
            instrument,
            sides[name],
            factor,
            more,
            prices=(instrument.slow, instrument.slow),
        )
    if figures.model == "PORTFOLIO":
        needed = requirement(book, lines, now, fills_only=True)
        figures.initial += needed
        figures.maintenance += needed
    return _closed(figures)


def gross_by_name(
    book: Book, sides: dict[str, tuple[int, int]], *, slow: bool = False
) -> dict[str, int]:
    """The gross of every position, of its long and short quantity."""
    found = {}
    for name, quantities in sides.items():
        instrument = book.instruments[name]
        price = instrument.slow if slow else instrument.high
        found[name] = max(up(one * price, instrument.unit) for one in quantities)
    return found


def weights_of(gross_of: dict[str, int], weighed: Weighed | None) -> dict[str, tuple[int, int]]:
    """What every position is of which gross (5.4)."""
    whole = sum(gross_of.values())
    return {
        name: (gross, whole if weighed is None or name in weighed.names else weighed.gross_before)
        for name, gross in gross_of.items()
    }


def held(lines: dict[str, Line]) -> dict[str, Line]:
    """Leave out what is only open."""
    return {instrument_id: line for instrument_id, line in lines.items() if line.held or line.owing}


def credit_figures(book: Book, account: Account, now: int) -> Figures:
    """Value an account under cn_margin as it stands (6.3)."""
    made = closed_credit(credit.worth(book, account, now))
    made.gross_of = {i: credit.gross_in(book, account, i, None) for i in credit.names_of(account)}
    made.drawn = credit.drawn(book, account)
    made.least = made.available
    return made


def closed_credit(found: credit.Worth) -> Figures:
    """Name the sums: equity less initial margin is what is available."""
    made = Figures(found.cash, "CN_MARGIN", found.assets, found.debt, found.gross, found.weighted)
    made.initial = made.equity - found.available
    made.maintenance = min(made.initial, scale_up(found.debt, 3_000))
    made.short_value = found.short_value
    return made


def own_rate(facts: Message, model: str, kind: str, side: str) -> int:
    """The rate of an instrument, or the regulation's if that is higher."""
    rate: int = ONE
    if facts.get("marginable", False):
        initial: int = facts.get(f"initial_margin_{side}_bps", ONE)
        rate = int(facts.get(f"{kind}_margin_{side}_bps", initial))
    return max(rate, REGULATION_T[kind, side]) if model == "REG_T" else rate


def margin_rate(own: int, side: str, factor: int, more: Points) -> int:
    """Effective rate (5.2): up with volatility, to no more than 100 % or the rate itself.

    So with the add-ons of a long; those of a short come on top.
    """
    most = max(ONE, own)
    rate = min(most, scale_up(own, factor))
    return min(most, rate + more.long) if side == "long" else min(RATIO_MAX, rate + more.short)


def _add(
    figures: Figures,
    instrument: Instrument,
    sides: tuple[int, int],
    factor: int,
    more: Points,
    *,
    prices: tuple[int, int],
) -> None:
    long, short = sides
    low, high = prices
    unit, facts, model = instrument.unit, instrument.facts, figures.model
    long_value = up(long * high, unit)
    short_value = up(short * high, unit)
    gross = max(long_value, short_value)
    figures.assets += down(long * low, unit)
    figures.debt += short_value
    figures.gross += gross
    figures.weighted += scale_up(gross, factor)
    if model == "PORTFOLIO":  # what it may lose stands elsewhere
        extra = max(scale_up(long_value, more.long), scale_up(short_value, more.short))
        figures.initial += extra
        figures.maintenance += extra
        return
    needs = [
        max(
            scale_up(value, margin_rate(own_rate(facts, model, kind, side), side, factor, more))
            for side, value in (("long", long_value), ("short", short_value))
        )
        for kind in ("initial", "maintenance")
    ]
    if model == "REG_T" and short:
        mark = instrument.mark or 0
        a_share = up(short * (50_000 if mark >= 50_000 else 25_000), unit)
        needs[1] = max(needs[1], a_share, 0 if mark >= 50_000 else short_value)
    if model == "REG_T":
        needs[0] = max(needs)
    figures.initial += needs[0]
    figures.maintenance += needs[1]


def _closed(figures: Figures) -> Figures:
    figures.assets += max(figures.cash, 0)
    figures.debt += max(-figures.cash, 0)
    if figures.model == "REG_T" and figures.debt > 0:
        figures.initial = max(figures.initial, 2_000 * ONE)
        figures.maintenance = max(figures.maintenance, 2_000 * ONE)
    return figures
