"""What a scorecard can be set to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tidegate_server.scorecard.errors import ScorecardError
from tidegate_server.scorecard.settings import INPUTS, Settings, read_settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[inputs.credit_score]
weight_bps = 7_500
points = [[500, 100], [700, 1_000]]

[inputs.breaches]
weight_bps = 2_500
points = [[0, 1_000], [1, 0]]

[tiers]
low = 0
high = 700
"""


def one(weight: Any = 10_000, points: Any = ((0, 1),)) -> dict[str, Any]:
    rows = [list(row) if isinstance(row, tuple) else row for row in points]
    return {"inputs": {"breaches": {"weight_bps": weight, "points": rows}}}


def test_a_file_sets_inputs_and_tiers(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(TEXT, encoding="utf-8")
    read = read_settings(path)
    assert read.weights_bps == {"credit_score": 7_500, "breaches": 2_500}
    assert read.tables["credit_score"] == ((500, 100), (700, 1_000))
    assert read.tiers == {"low": 0, "high": 700}


def test_what_is_left_out_is_the_default() -> None:
    assert settings_from({}) == Settings()
    assert settings_from({"tiers": {"only": 0}}).tables == Settings().tables


def test_by_default_all_seven_inputs_count() -> None:
    assert set(Settings().weights_bps) == set(INPUTS)
    assert all(Settings().weights_bps.values())


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (one(weight=9_999), "the weights are 9999 together, not 10000"),
        (one(weight=10_001), "weight_bps: must be 0 to 10000"),
        (one(weight=1.0), "weight_bps: must be a whole number"),
        (one(points=()), "must have one row at least"),
        (one(points=((0, 1_001),)), "must be 0 to 1000, not 1001"),
        (one(points=((0, -1),)), "must be 0 to 1000, not -1"),
        (one(points=((5, 1), (5, 2))), "5 must be above 5"),
        (one(points=([1],)), "is no row"),
        ({"inputs": {"breaches": {"weight_bps": 10_000}}}, "must have weight_bps and points"),
        ({"inputs": {"shoe": one()["inputs"]["breaches"]}}, "inputs.shoe: no such input"),
        ({"inputs": 3}, "inputs: must be a table"),
        ({"tiers": {}}, "must name one at least"),
        ({"tiers": {"a": 1, "b": 1}}, "two begin at the same score"),
        ({"tiers": {"a": 1_001}}, "tiers.a: must be 0 to 1000"),
        ({"tiers": {"": 1}}, "is no id of a tier"),
        ({"colour": 1}, "colour: no such setting"),
    ],
)
def test_what_makes_no_scorecard_is_refused(tree: dict[str, Any], said: str) -> None:
    with pytest.raises(ScorecardError, match=said):
        settings_from(tree)


def test_a_weight_without_a_table_is_refused() -> None:
    with pytest.raises(ScorecardError, match="needs a weight and a table"):
        Settings(weights_bps={"breaches": 10_000}, tables={})


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    with pytest.raises(ScorecardError, match=r"card\.toml"):
        read_settings(path)
    path.write_text("[", encoding="utf-8")
    with pytest.raises(ScorecardError, match=r"card\.toml"):
        read_settings(path)


@pytest.mark.parametrize(
    "other",
    [one(), one(points=((0, 2),)), one(points=((1, 1),)), {"tiers": {"retail": 301}}],
)
def test_every_setting_is_in_the_version(other: dict[str, Any]) -> None:
    versions = {Settings().version, settings_from(other).version}
    assert len(versions) == 2
    assert all(len(version) <= 64 for version in versions)


def test_the_order_of_inputs_is_not_in_the_version() -> None:
    tree = Settings().tree()["inputs"]
    assert isinstance(tree, dict)
    turned = dict(reversed(list(tree.items())))
    assert settings_from({"inputs": turned}).version == Settings().version
