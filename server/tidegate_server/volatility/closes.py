"""Daily closes from a CSV file: a column of dates, then one an instrument.

Prices must be adjusted for splits (and, as the user likes, for dividends): the model cannot tell a
split from a fall. An empty cell is a day without a close. Anything else that is no positive price
is an error that names its row; nothing is guessed.
"""

from __future__ import annotations

import csv
import gzip
import math
import re
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from tidegate_server.volatility.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GREATEST_PRICE: Final = 1e12
LEAST_PRICE: Final = 1e-12  # their quotient is finite
_GZIP: Final = b"\x1f\x8b"
_IS_ID: Final = re.compile(r"[!-~]{1,64}", re.ASCII).fullmatch
_IS_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?", re.ASCII).fullmatch


class Closes(NamedTuple):
    """The closes of some instruments on rising dates; None where there is none."""

    dates: tuple[date, ...]
    columns: dict[str, tuple[float | None, ...]]


def read_closes(path: Path) -> Closes:
    """Read a CSV file, plain or gzip; raises ModelError naming the file and row."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig")
        return parse_closes(text.splitlines())
    except (gzip.BadGzipFile, EOFError, ValueError) as error:
        raise ModelError(f"{path}: {error}") from error
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def parse_closes(lines: Iterable[str]) -> Closes:
    """Parse the lines of a CSV file; raises ModelError naming the row, the header being row 1."""
    rows = csv.reader(lines)
    symbols = _symbols(next(rows, []))
    dates: list[date] = []
    columns: list[list[float | None]] = [[] for _ in symbols]
    for cells in rows:
        row = rows.line_num
        if not cells:
            continue
        if len(cells) != len(symbols) + 1:
            _fail(row, f"{len(cells)} cells, the header has {len(symbols) + 1}")
        day = _day(row, cells[0])
        if dates and day <= dates[-1]:
            _fail(row, f"{day} does not come after {dates[-1]}")
        dates.append(day)
        for symbol, column, cell in zip(symbols, columns, cells[1:], strict=True):
            column.append(_price(row, day, symbol, cell.strip()))
    if not dates:
        raise ModelError("there is no row of closes")
    return Closes(tuple(dates), dict(zip(symbols, map(tuple, columns), strict=True)))


def _symbols(header: list[str]) -> list[str]:
    symbols = [cell.strip() for cell in header[1:]]
    if not symbols:
        _fail(1, "the header must be a column of dates, then one an instrument")
    for symbol in symbols:
        if not _IS_ID(symbol):
            _fail(1, f"{symbol!r} is no instrument id: 1 to 64 printable characters, no spaces")
        if symbols.count(symbol) > 1:
            _fail(1, f"{symbol} stands twice")
    return symbols


def _day(row: int, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        _fail(row, f"{text!r} is no date: YYYY-MM-DD")


def _price(row: int, day: date, symbol: str, text: str) -> float | None:
    if not text:
        return None
    price = float(text) if _IS_NUMBER(text) else math.nan
    if not LEAST_PRICE <= price <= GREATEST_PRICE:
        _fail(row, f"{symbol} on {day}: {text!r} is no price (leave a day without one empty)")
    return price


def _fail(row: int, problem: str) -> NoReturn:
    raise ModelError(f"row {row}: {problem}")
