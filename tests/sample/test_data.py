from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from tidegate_server.sample import data

REAL_TAPE = Path(__file__).parents[3] / "shared" / "data" / "tape-20131007.csv.gz"
OPEN_MS, CLOSE_MS = 34_200_000, 57_600_000


def _read(name: str) -> bytes:
    return resources.files("tidegate_server.sample").joinpath(name).read_bytes()


def test_the_tape_holds_four_thousand_trades() -> None:
    assert len(data.read_tape()) == 4_000


def test_each_symbol_of_the_tape_has_a_thousand_trades() -> None:
    found = Counter(trade.symbol for trade in data.read_tape())
    assert found == dict.fromkeys(data.TAPE_SYMBOLS, 1_000)


def test_the_tape_is_in_the_order_of_time_within_the_session() -> None:
    times = [trade.time_ms for trade in data.read_tape()]
    assert times == sorted(times)
    assert times[0] >= OPEN_MS
    assert times[-1] < CLOSE_MS


@pytest.mark.parametrize(
    ("symbol", "lowest", "highest"),
    [
        ("AIG", 487_500, 491_200),
        ("BAC", 138_000, 139_500),
        ("IBM", 1_819_000, 1_832_700),
        ("SPY", 1_672_600, 1_684_200),
    ],
)
def test_prices_span_what_the_sources_say(symbol: str, lowest: int, highest: int) -> None:
    prices = [trade.price_e4 for trade in data.read_tape() if trade.symbol == symbol]
    assert (min(prices), max(prices)) == (lowest, highest)


def test_the_digest_of_the_tape_is_the_one_in_the_sources() -> None:
    digest = hashlib.sha256(gzip.decompress(_read("tape.csv.gz"))).hexdigest()
    assert digest in _read("SOURCES.md").decode()


@pytest.mark.skipif(not REAL_TAPE.exists(), reason="the whole tape is not here")
def test_every_trade_of_the_tape_is_a_real_one() -> None:
    real = set(gzip.decompress(REAL_TAPE.read_bytes()).splitlines())
    assert set(gzip.decompress(_read("tape.csv.gz")).splitlines()) <= real


def test_twenty_large_caps_have_a_close() -> None:
    assert len({close.symbol for close in data.read_closes()}) == 20


def test_closes_and_factors_are_within_the_bounds_of_the_contract() -> None:
    for close in data.read_closes():
        assert 10_000 <= close.price_e4 <= 10_000_000
        assert 10_000 <= close.factor_bps <= 40_000


def test_the_first_price_of_a_symbol_on_both_is_the_tapes() -> None:
    first = next(trade for trade in data.read_tape() if trade.symbol == "BAC")
    assert data.first_prices()["BAC"] == first.price_e4
