from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tidegate_server.volatility.errors import ModelError
from tidegate_server.volatility.settings import Settings, read_settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

OTHERS: list[dict[str, object]] = [
    {"decay_bps": 9_700},
    {"floor_returns": 1_000},
    {"least_returns": 100},
    {"reference_bps": 151},
    {"references_bps": {"A": 150}},
    {"ladder_bps": [10_000, 20_000]},
    {"hysteresis_bps": 0},
    {"outlier_bps": 3_000},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: next(iter(other)))
def test_every_parameter_is_in_the_version(other: dict[str, object]) -> None:
    assert settings_from(other).model_version != Settings().model_version


def test_the_list_above_has_every_parameter() -> None:
    assert {name for other in OTHERS for name in other} == Settings().tree().keys()


def test_the_order_of_references_is_not_in_the_version() -> None:
    one = replace(Settings(), references_bps={"A": 100, "B": 200})
    other = replace(Settings(), references_bps={"B": 200, "A": 100})
    assert one.model_version == other.model_version


def test_a_version_is_an_id_that_the_gate_takes() -> None:
    assert re.fullmatch(r"[!-~]{1,64}", Settings().model_version)


def test_a_tree_makes_the_settings_that_it_was_made_of() -> None:
    settings = settings_from({"reference_bps": 200, "references_bps": {"A": 300}})
    assert settings_from(settings.tree()) == settings


def test_settings_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("least_returns = 60\n[references_bps]\nAMD = 300\n", encoding="utf-8")
    assert read_settings(path) == Settings(least_returns=60, references_bps={"AMD": 300})


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"lambda": 1}, "lambda: no such setting"),
        ({"decay_bps": 10_000}, "decay_bps: must be 1 to 9999, not 10000"),
        ({"decay_bps": 0.94}, "decay_bps: must be a whole number, not 0.94"),
        ({"decay_bps": True}, "decay_bps: must be a whole number"),
        ({"least_returns": 2_521}, "least_returns: must be 1 to 2520"),
        ({"ladder_bps": []}, "ladder_bps: must begin with 10000"),
        ({"ladder_bps": [12_500]}, "ladder_bps: must begin with 10000"),
        ({"ladder_bps": [10_000, 10_000]}, "ladder_bps: must rise"),
        ({"ladder_bps": [10_000, 1_000_001]}, "ladder_bps: must be 10000 to 1000000"),
        ({"ladder_bps": 10_000}, "ladder_bps: must be a list"),
        ({"references_bps": 3}, "references_bps: must be a table"),
        ({"references_bps": {"A": 0}}, "references_bps.A: must be 1 to 10000"),
    ],
)
def test_settings_that_make_no_model_name_the_parameter(
    tree: dict[str, object], problem: str
) -> None:
    with pytest.raises(ModelError) as caught:
        settings_from(tree)
    assert str(caught.value).startswith(problem)


def test_a_settings_file_with_an_error_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("decay_bps = = 1", encoding="utf-8")
    with pytest.raises(ModelError, match=r"model\.toml: "):
        read_settings(path)
