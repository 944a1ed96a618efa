"""The sample market as requests: instruments, first marks, volatility factors, accounts.

Everything is a pure function of the shipped files and a seed.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate.v1 import market_service_pb2 as market_pb2
from tidegate.v1 import order_pb2, policy_pb2
from tidegate_server.sample.data import TRADE_DATE, first_prices, read_closes

MODEL_VERSION = "sample-ewma-94"
UNPRICED = "NEW1"  # a listing of today: it has no mark yet
ACCOUNT_COUNT = 300
SEED = 20131007
BOARD = "us"
PRODUCT_TYPE = "CS"
#: What every account may do: the sample is about figures, not about paper.
PERMISSIONS = accounts_pb2.Permissions(
    short=True,
    margin=True,
    product_types=[PRODUCT_TYPE],
    order_types=[order_pb2.ORDER_TYPE_LIMIT, order_pb2.ORDER_TYPE_MARKET],
)
ALWAYS = market_pb2.Session(open_time_ns=0, close_time_ns=4 * 10**18)
WITHOUT_TIER = 5  # the account that nobody has put into a tier
_DAYS_OF_TURNOVER = 200  # how many days' volume the shares outstanding are, about a year's


class Listing(NamedTuple):
    """What is known of an instrument beside its price."""

    symbol: str
    sector: str
    rating_group: str
    average_volume: int
    initial_long_bps: int
    tick_e4: int = 100
    lot: int = 1
    day_limit_bps: int | None = None


class Holder(NamedTuple):
    """One account before its first order."""

    account: accounts_pb2.Account
    equity_e4: int
    cash_e4: int
    positions: dict[str, int]


LISTINGS = (
    Listing("AAPL", "technology", "A", 90_000_000, 2_500),
    Listing("AIG", "financials", "B", 4_980_000, 3_000, lot=10),
    Listing("AMD", "technology", "C", 60_000_000, 4_000),
    Listing("BAC", "financials", "B", 60_290_000, 3_000),
    Listing("BBY", "retail", "C", 2_500_000, 4_000),
    Listing("CVX", "energy", "A", 8_000_000, 2_500),
    Listing("GE", "industrials", "B", 6_000_000, 3_000),
    Listing("HD", "retail", "A", 3_500_000, 2_500),
    Listing("IBM", "technology", "A", 3_750_000, 2_500, day_limit_bps=150),
    Listing("JNJ", "health", "A", 6_500_000, 2_000),
    Listing("JPM", "financials", "A", 10_000_000, 2_500),
    Listing("KO", "staples", "A", 13_000_000, 2_000),
    Listing("LLY", "health", "B", 2_800_000, 3_000),
    Listing("MRK", "health", "A", 8_000_000, 2_000),
    Listing("MSFT", "technology", "A", 25_000_000, 2_500),
    Listing(UNPRICED, "technology", "C", 1_000_000, 10_000),
    Listing("PEP", "staples", "A", 5_000_000, 2_000),
    Listing("PFE", "health", "B", 20_000_000, 2_500),
    Listing("PG", "staples", "A", 6_000_000, 2_000),
    Listing("RRC", "energy", "C", 3_000_000, 5_000),
    Listing("SPY", "funds", "A", 81_980_000, 1_500),
    Listing("UNH", "health", "B", 2_500_000, 3_000),
    Listing("WMT", "retail", "A", 5_500_000, 2_000),
    Listing("XOM", "energy", "A", 15_000_000, 2_500),
)
#: Tier, share of the accounts in percent, least and greatest equity in currency units, and the
#: greatest gross in percent of the equity.
_TIERS = (
    ("retail", 60, 8_000, 120_000, 140),
    ("standard", 25, 60_000, 600_000, 180),
    ("professional", 12, 500_000, 5_000_000, 220),
    ("house", 3, 5_000_000, 20_000_000, 250),
)


def instruments() -> market_pb2.UpsertInstrumentsRequest:
    """Return every instrument of the sample."""
    prices = first_prices()
    listed = [_instrument(listing, prices.get(listing.symbol)) for listing in LISTINGS]
    return market_pb2.UpsertInstrumentsRequest(instruments=listed)


def first_marks() -> market_pb2.UpdateMarksRequest:
    """Return the marks that the day starts from."""
    marks = [market_pb2.Mark(instrument_id=i, price_e4=p) for i, p in first_prices().items()]
    return market_pb2.UpdateMarksRequest(marks=marks)


def volatility() -> market_pb2.UpdateVolatilityRequest:
    """Return the volatility factors: computed for the closes, calm for the tape's own symbols."""
    factors = dict.fromkeys((listing.symbol for listing in LISTINGS), 10_000)
    factors |= {close.symbol: close.factor_bps for close in read_closes()}
    factors[UNPRICED] = 20_000
    return market_pb2.UpdateVolatilityRequest(
        factors=[
            market_pb2.VolatilityFactor(instrument_id=symbol, factor_bps=factor)
            for symbol, factor in sorted(factors.items())
        ],
        model_version=MODEL_VERSION,
    )


def trading_day() -> market_pb2.RollDayRequest:
    """Return the trading date of the tape."""
    return market_pb2.RollDayRequest(trading_date=TRADE_DATE)


def session() -> market_pb2.SetSessionRequest:
    """Return a session without an end: no verdict of the sample depends on the wall clock."""
    return market_pb2.SetSessionRequest(board=BOARD, sessions=[ALWAYS])


def holders(count: int = ACCOUNT_COUNT, seed: int = SEED) -> tuple[Holder, ...]:
    """Return the accounts with their cash and positions, in order; one has no tier."""
    prices = first_prices()
    made = []
    for index in range(count):
        chance = random.Random(f"{seed}/{index}")  # noqa: S311  (a sample, no secret)
        made.append(_holder(index, chance, prices))
    made[min(WITHOUT_TIER, count - 1)].account.ClearField("tier_id")
    return tuple(made)


def _instrument(listing: Listing, price_e4: int | None) -> market_pb2.Instrument:
    maintenance = listing.initial_long_bps * 3 // 4
    made = market_pb2.Instrument(
        instrument_id=listing.symbol,
        sector=listing.sector,
        board=BOARD,
        rating_group=listing.rating_group,
        least_quantity=listing.lot,
        quantity_step=listing.lot,
        tick_e4=listing.tick_e4,
        average_volume=listing.average_volume,
        shares_outstanding=_DAYS_OF_TURNOVER * listing.average_volume,
        initial_margin_long_bps=listing.initial_long_bps,
        initial_margin_short_bps=listing.initial_long_bps + 500,
        maintenance_margin_long_bps=maintenance,
        maintenance_margin_short_bps=maintenance + 500,
        product_type=PRODUCT_TYPE,
        shortable=True,
        short_pool=listing.average_volume,
        marginable=listing.symbol != UNPRICED,
    )
    if listing.day_limit_bps is not None and price_e4 is not None:
        span = price_e4 * listing.day_limit_bps // 10_000 // listing.tick_e4 * listing.tick_e4
        made.lower_price_limit_e4, made.upper_price_limit_e4 = price_e4 - span, price_e4 + span
        made.price_limit_bps = listing.day_limit_bps
    return made


def _holder(index: int, chance: random.Random, prices: dict[str, int]) -> Holder:
    """Make one account: equity first, then positions, then the cash that is left or owed."""
    tier_id, low, high, gross_percent = _tier_of(index)
    equity_e4 = chance.randint(low, high) * 10_000
    gross_e4 = equity_e4 * chance.randint(20, gross_percent) // 100
    symbols = chance.sample(sorted(prices), chance.randint(2, 6))
    positions, value_e4 = {}, 0
    for symbol in sorted(symbols):
        lot = 10  # a multiple of every lot
        quantity = gross_e4 // len(symbols) // prices[symbol] // lot * lot
        if tier_id in {"professional", "house"} and chance.random() < 0.2:  # noqa: PLR2004
            quantity = -quantity
        if quantity:
            positions[symbol] = quantity
            value_e4 += quantity * prices[symbol]
    account = accounts_pb2.Account(
        account_id=f"A{index:04d}",
        group_id=f"desk-{index % 8}",
        tier_id=tier_id,
        margin_model=accounts_pb2.MARGIN_MODEL_LEVERAGED,
        limits=_own_limits(index),
        permissions=PERMISSIONS,
    )
    return Holder(account, equity_e4, equity_e4 - value_e4, positions)


def _tier_of(index: int) -> tuple[str, int, int, int]:
    """Spread the tiers evenly over any number of accounts, wherever a prefix is cut."""
    place, edge = (index * 37 + 11) % 100, 0
    for tier_id, share, low, high, gross_percent in _TIERS:
        edge += share
        if place < edge:
            return tier_id, low, high, gross_percent
    raise AssertionError("the shares of the tiers are 100 percent")


def _own_limits(index: int) -> policy_pb2.Limits | None:
    """Give a few accounts a limit of their own that an active day reaches."""
    match index % 25:
        case 3:
            return policy_pb2.Limits(open_order_count=policy_pb2.Limit(value=2))
        case 9:
            return policy_pb2.Limits(day_order_count=policy_pb2.Limit(value=15))
        case 14:
            return policy_pb2.Limits(day_turnover_e4=policy_pb2.Limit(value=200_000_000))
        case 21:
            return policy_pb2.Limits(position=policy_pb2.Limit(value=400))
        case _:
            return None
