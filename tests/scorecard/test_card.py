"""Scores and tiers, worked out by hand, and what a file of inputs may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_server.scorecard.card import points_of, read_inputs, score_account, tier_of
from tidegate_server.scorecard.errors import ScorecardError
from tidegate_server.scorecard.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

CARD = Settings(
    weights_bps={"credit_score": 3_333, "breaches": 6_667},
    tables={"credit_score": ((500, 100), (700, 999)), "breaches": ((0, 1_000), (2, 0))},
    tiers={"low": 300, "high": 900},
)


@pytest.mark.parametrize(
    ("value", "points"), [(None, 0), (499, 0), (500, 100), (699, 100), (700, 999), (9_999, 999)]
)
def test_a_table_is_closed_on_the_left(value: int | None, points: int) -> None:
    assert points_of(CARD.tables["credit_score"], value) == points


def test_a_score_is_rounded_down_once() -> None:
    # 3 333 x 999 + 6 667 x 1 000 = 9 996 667, of 10 000
    card = score_account("A", {"credit_score": 700, "breaches": 0}, CARD)
    assert (card.score, card.tier) == (999, "high")
    assert [(one.name, one.value, one.points) for one in card.inputs] == [
        ("credit_score", 700, 999),
        ("breaches", 0, 1_000),
    ]


def test_a_missing_input_has_no_points_and_its_weight_stays() -> None:
    card = score_account("A", {"credit_score": 700}, CARD)
    assert (card.score, card.tier) == (332, "low")
    assert card.inputs[1].value is None


def test_without_any_input_there_is_no_tier() -> None:
    card = score_account("A", {}, CARD)
    assert (card.score, card.tier) == (0, "")


@pytest.mark.parametrize(
    ("score", "tier"), [(299, ""), (300, "low"), (899, "low"), (900, "high"), (1_000, "high")]
)
def test_a_tier_begins_at_its_least_score(score: int, tier: str) -> None:
    assert tier_of(CARD.tiers, score) == tier


@given(
    st.dictionaries(
        st.sampled_from(sorted(Settings().weights_bps)), st.integers(-10, 20_000), max_size=7
    ),
    st.sampled_from(sorted(Settings().weights_bps)),
)
def test_knowing_less_never_raises_a_score(values: dict[str, int], lost: str) -> None:
    whole = score_account("A", values, Settings())
    less = {name: value for name, value in values.items() if name != lost}
    assert 0 <= score_account("A", less, Settings()).score <= whole.score <= 1_000


def write(folder: Path, text: str) -> Path:
    path = folder / "inputs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_cell_is_a_missing_input(tmp_path: Path) -> None:
    path = write(tmp_path, "account_id,breaches,credit_score\nA,0,\nB, 1 ,700\n")
    assert read_inputs(path, CARD) == {
        "A": {"breaches": 0},
        "B": {"breaches": 1, "credit_score": 700},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1: must name the column account_id"),
        ("account_id,shoe\n", "shoe is no input"),
        ("account_id,breaches,breaches\n", "stands twice"),
        ("account_id,breaches\nA,1\nA,2\n", "row 3: needs an account_id of its own"),
        ("account_id,breaches\n,1\n", "row 2: needs an account_id"),
        ("account_id,breaches\nA,1.5\n", "row 2: breaches '1.5' is no whole number"),
        ("account_id,breaches\nA\n", "row 2: must have 2 cells"),
        ("account_id,breaches\nA,1,2\n", "row 2: must have 2 cells"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_row(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScorecardError, match=said):
        read_inputs(write(tmp_path, text), CARD)


def test_no_file_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match=r"none\.csv"):
        read_inputs(tmp_path / "none.csv", CARD)
