from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tidegate_server.volatility.closes import parse_closes, read_closes
from tidegate_server.volatility.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "Date,A,B\n2020-01-02,1.5,\n\n2020-01-03,2e1,3\n"


def test_an_empty_cell_is_a_day_without_a_close() -> None:
    found = parse_closes(GOOD.splitlines())
    assert found.dates == (date(2020, 1, 2), date(2020, 1, 3))
    assert found.columns == {"A": (1.5, 20.0), "B": (None, 3.0)}


def test_gzip_and_plain_read_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "b.csv"
    plain.write_text("\ufeff" + GOOD, encoding="utf-8")
    packed.write_bytes(gzip.compress(GOOD.encode()))
    assert read_closes(plain) == read_closes(packed) == parse_closes(GOOD.splitlines())


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "0", "0.00", "-1", "1_000", "x", "1e13"])
def test_what_is_no_price_names_its_row_day_and_instrument(cell: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_closes(["Date,A,B", "2020-01-02,1,1", f"2020-01-03,1,{cell}"])
    assert str(caught.value) == (
        f"row 3: B on 2020-01-03: {cell!r} is no price (leave a day without one empty)"
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "row 1: the header must be a column of dates, then one an instrument"),
        (["Date"], "row 1: the header must be a column of dates, then one an instrument"),
        (["Date,A,A"], "row 1: A stands twice"),
        (["Date,A B"], "row 1: 'A B' is no instrument id: 1 to 64 printable characters, no spaces"),
        (["Date,A"], "there is no row of closes"),
        (["Date,A", "2020-01-02"], "row 2: 1 cells, the header has 2"),
        (["Date,A", "02/01/2020,1"], "row 2: '02/01/2020' is no date: YYYY-MM-DD"),
        (
            ["Date,A", "2020-01-02,1", "2020-01-02,1"],
            "row 3: 2020-01-02 does not come after 2020-01-02",
        ),
    ],
)
def test_a_file_that_is_none_says_where(lines: list[str], problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_closes(lines)
    assert str(caught.value) == problem


@pytest.mark.parametrize("data", [b"\x1f\x8bbroken", b"\xff\xfe\x00", b""])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "closes.csv"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"closes\.csv: "):
        read_closes(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.csv"):
        read_closes(tmp_path / "none.csv")
