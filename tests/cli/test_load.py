from __future__ import annotations

from types import SimpleNamespace

import pytest

from tidegate_server.cli.load import load_holders
from tidegate_server.sample import market


class Book:
    """Notes the order of what is booked; answers each with a later sequence."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.accounts = SimpleNamespace(
            UpsertAccounts="UpsertAccounts", AdjustCash="AdjustCash", SetPositions="SetPositions"
        )

    def call(self, method: str, _request: object) -> SimpleNamespace:
        self.asked.append(method)
        return SimpleNamespace(sequence=len(self.asked))


@pytest.mark.parametrize(
    ("cash_e4", "writes"),
    [
        (5, ["AdjustCash", "SetPositions"]),
        (-5, ["SetPositions", "AdjustCash"]),
        (0, ["SetPositions"]),
    ],
)
def test_nobody_owes_before_having_anything(cash_e4: int, writes: list[str]) -> None:
    gate = Book()
    holder = market.holders(1)[0]._replace(cash_e4=cash_e4, positions={"SPY": 1})
    load_holders(gate, [holder])  # type: ignore[arg-type]
    assert gate.asked == ["UpsertAccounts", *writes]
