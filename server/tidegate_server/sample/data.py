"""The shipped files, read and typed."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from importlib import resources
from typing import NamedTuple

TRADE_DATE = 20131007
TAPE_SYMBOLS = ("AIG", "BAC", "IBM", "SPY")


class Trade(NamedTuple):
    """One real trade."""

    time_ms: int  # since midnight in New York
    symbol: str
    price_e4: int
    size: int


class Close(NamedTuple):
    """One real reference price, and the volatility factor of its series."""

    symbol: str
    price_e4: int
    factor_bps: int


@cache
def read_tape() -> tuple[Trade, ...]:
    """Return the trades in the order of the tape."""
    text = gzip.decompress(_read("tape.csv.gz")).decode()
    rows = csv.reader(text.splitlines()[1:])
    return tuple(
        Trade(int(time), symbol, int(price), int(size)) for time, symbol, price, size in rows
    )


@cache
def read_closes() -> tuple[Close, ...]:
    """Return the reference prices by symbol."""
    rows = csv.DictReader(_read("closes.csv").decode().splitlines())
    return tuple(Close(row["symbol"], int(row["close_e4"]), int(row["factor_bps"])) for row in rows)


def first_prices() -> dict[str, int]:
    """Return the first price of every symbol: the tape's where it has one, else the close."""
    prices = {close.symbol: close.price_e4 for close in read_closes()}
    for trade in reversed(read_tape()):
        prices[trade.symbol] = trade.price_e4
    return dict(sorted(prices.items()))


def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
