"""The metrics page over HTTP."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from tests.runtime.folders import free_port

from tidegate_server.engine.reasons import RejectReason
from tidegate_server.runtime.counters import (
    INDEX,
    NAMES,
    REASON_INDEX,
    bucket_index,
    create_gate_page,
)
from tidegate_server.runtime.metrics import (
    FOLLOWER_HELP,
    FollowerCollector,
    FollowerFigures,
    serve_metrics,
)

if TYPE_CHECKING:
    from pathlib import Path


def scrape(folder: Path, figures: FollowerFigures) -> dict[str, float]:
    address = f"127.0.0.1:{free_port()}"
    serve_metrics(address, folder, figures, structlog.get_logger())
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_the_gates_page_is_told_in_metrics(tmp_path: Path) -> None:
    values = [0] * len(NAMES)
    values[INDEX["sequence"]] = 4711
    values[INDEX["orders_allowed"]] = 7
    values[INDEX["calls.CheckOrder"]] = 9
    values[REASON_INDEX[int(RejectReason.LEVERAGE)]] = 2
    for microseconds in (10, 100, 100, 10**9):
        values[bucket_index(microseconds)] += 1
    values[INDEX["commit_us.sum"]] = 10**9 + 210
    page = create_gate_page(tmp_path)
    page.write(values)
    page.close()
    found = scrape(tmp_path, FollowerFigures())
    assert found["tidegate_up"] == 0  # it was published in 1970
    assert found["tidegate_sequence"] == 4711
    assert found["tidegate_orders_allowed_total"] == 7
    assert found['tidegate_calls_total{method="CheckOrder"}'] == 9
    assert found['tidegate_orders_rejected_total{reason="LEVERAGE"}'] == 2
    assert found['tidegate_commit_seconds_bucket{le="1.6e-05"}'] == 1
    assert found['tidegate_commit_seconds_bucket{le="0.000128"}'] == 3
    assert found['tidegate_commit_seconds_bucket{le="+Inf"}'] == 4
    assert found["tidegate_commit_seconds_count"] == 4
    assert found["tidegate_commit_seconds_sum"] == 1000.00021


def test_without_a_gate_only_up_is_told_of_it(tmp_path: Path) -> None:
    found = scrape(tmp_path, FollowerFigures())
    assert found["tidegate_up"] == 0
    assert "tidegate_sequence" not in found


def test_every_figure_of_the_follower_is_told(tmp_path: Path) -> None:
    figures = FollowerFigures()
    figures.proved_sequence, figures.mismatches, figures.lag_seconds = 12, 1, 0.5
    found = scrape(tmp_path, figures)
    assert found["tidegate_follower_proved_sequence"] == 12
    assert found["tidegate_follower_mismatches"] == 1
    assert found["tidegate_follower_lag_seconds"] == 0.5
    assert all(f"tidegate_follower_{name}" in found for name in FOLLOWER_HELP)
    tables = {"alerts", "unacknowledged_alerts"}
    assert set(FOLLOWER_HELP) | tables == set(FollowerFigures.__slots__)


def test_alerts_are_counted_by_kind_and_severity() -> None:
    figures = FollowerFigures()
    figures.alerts = {(1, 3): 5}
    figures.unacknowledged_alerts = {(1, 3): 2}
    registry = CollectorRegistry()
    registry.register(FollowerCollector(figures))
    labels = {"kind": "limit", "severity": "critical"}
    assert registry.get_sample_value("tidegate_alerts_total", labels) == 5
    assert registry.get_sample_value("tidegate_alerts_unacknowledged", labels) == 2
    labels["kind"] = "overfill"
    assert registry.get_sample_value("tidegate_alerts_total", labels) == 0


def test_a_taken_port_is_a_warning(tmp_path: Path) -> None:
    with socket.socket() as taken, capture_logs() as lines:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        serve_metrics(address, tmp_path, FollowerFigures(), structlog.get_logger())
    (line,) = lines
    assert line["log_level"] == "warning"
    assert "follower.metrics" in line["event"]
    assert line["address"] == address


def test_nothing_is_served_without_an_address(tmp_path: Path) -> None:
    serve_metrics("", tmp_path, FollowerFigures(), structlog.get_logger())
