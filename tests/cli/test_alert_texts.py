from __future__ import annotations

import pytest

from tidegate.v1 import watch_service_pb2 as watch_pb2
from tidegate_server.cli.alert_texts import words_of


@pytest.mark.parametrize(
    ("name", "measured", "limit", "words"),
    [
        ("leverage_bps", 19_923, 20_000, "leverage in SPY has reached 95.00 %: 99.61 %, 1.9923 x"),
        ("concentration", 5_178, 2_400, "concentration in SPY has reached 95.00 %: 99.61 %, 51.78"),
        ("initial_margin", 10_000, 20_000, "initial margin in SPY has reached 95.00 %: 99.61 %, 1"),
        ("day_turnover_e4", 10_000, 20_000, "day turnover in SPY has reached 95.00 %: 99.61 %, 1."),
        ("position", 960, 1_000, "position in SPY has reached 95.00 %: 99.61 %, 960 of 1,000"),
    ],
)
def test_a_limit_is_named_and_measured_as_accounts_show_it(
    name: str, measured: int, limit: int, words: str
) -> None:
    alert = watch_pb2.Alert(
        kind=watch_pb2.ALERT_KIND_LIMIT,
        name=name,
        instrument_id="SPY",
        measured=measured,
        limit=limit,
        level_bps=9_500,
        usage_bps=9_961,
    )
    assert words_of(alert).startswith(words)
