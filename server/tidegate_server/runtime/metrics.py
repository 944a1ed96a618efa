"""Prometheus metrics: the gate's page and the follower's own figures, read when somebody asks.

The gate adds to a list of integers and publishes it; everything that a metrics library costs is
paid here, in the follower, a few times a minute.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from tidegate.v1 import watch_service_pb2
from tidegate_server.wire.methods import METHODS

from .counters import COMMIT_BUCKETS_US, GAUGES, NAMES, REASONS, TOTALS, open_gate_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client.metrics_core import Metric
    from structlog.typing import FilteringBoundLogger

MICROSECONDS: Final = 1_000_000
NANOSECONDS: Final = 10**9
#: The gate publishes several times a second; one that has not for so long is not up.
STALE_NS: Final = 3 * NANOSECONDS


#: Alerts by kind and severity, numbers of the contract.
Alerts = dict[tuple[int, int], int]


class FollowerFigures:
    """What the follower tells of itself; written by its loop, read by whoever scrapes.

    Tables are exchanged whole, never changed: the reader is another thread.
    """

    __slots__ = (
        "alerts",
        "lag_records",
        "lag_seconds",
        "mismatches",
        "open_streams",
        "proved_sequence",
        "records_total",
        "revaluation_failures_total",
        "revalued_accounts_total",
        "snapshot_seconds",
        "snapshot_sequence",
        "state_hash_seconds",
        "state_hash_sequence",
        "unacknowledged_alerts",
    )

    def __init__(self) -> None:
        self.alerts: Alerts = {}
        self.unacknowledged_alerts: Alerts = {}
        self.proved_sequence = 0
        self.lag_records = 0
        self.lag_seconds = 0.0
        self.mismatches = 0
        self.open_streams = 0
        self.records_total = 0
        self.snapshot_sequence = 0
        self.snapshot_seconds = 0.0
        self.state_hash_sequence = 0
        self.state_hash_seconds = 0.0
        self.revalued_accounts_total = 0
        self.revaluation_failures_total = 0


FOLLOWER_HELP: Final = {
    "proved_sequence": "Last record that was decided again.",
    "lag_records": "Durable records that are not proved yet.",
    "lag_seconds": "Since when the proof has not been level with the journal.",
    "mismatches": "Outcomes and sums that differed; anything but 0 is an incident.",
    "open_streams": "Streams that are open, of all callers.",
    "records_total": "Records that were folded since the start.",
    "snapshot_sequence": "Last record that the newest snapshot holds.",
    "snapshot_seconds": "What the last snapshot took.",
    "state_hash_sequence": "Record after which the state hash was computed.",
    "state_hash_seconds": "What the last state hash took.",
    "revalued_accounts_total": "Accounts that the gate was asked to value, and did.",
    "revaluation_failures_total": "Calls to value accounts that failed.",
}
GATE_HELP: Final = {
    "sequence": "Last record.",
    "durable_sequence": "Last record that is on disk.",
    "epoch": "Epoch that is served.",
    "policy_version": "Policy in force.",
    "open_orders": "Orders that reserve.",
    "unconfirmed_orders": "Orders past their acknowledgement limit.",
    "order_ids": "Order ids that are kept.",
    "accounts": "Accounts.",
    "stops": "Halts and reduce-only that stand.",
    "waiting_calls": "Calls that wait in a lane.",
    "clock_behind_ns": "Wall clock less the gate's clock.",
    "commits": "Commits.",
    "records": "Records.",
    "journal_bytes": "Bytes written to the journal.",
    "flushes": "Flushes of the journal.",
    "orders_allowed": "Orders that were allowed.",
    "calls_abandoned": "Calls whose callers had gone.",
    "calls_overloaded": "Calls refused since too much waited.",
    "calls_denied": "Calls that their principals may not make.",
    "calls_malformed": "Calls that could not be read or decided.",
    "faults": "Faults.",
}
ALERT_LABELS: Final = tuple(
    (kind, severity)
    for kind in watch_service_pb2.AlertKind.values()
    for severity in watch_service_pb2.AlertSeverity.values()
    if kind and severity
)
HIDDEN: Final = frozenset({"published_time_ns", "process_id"})


class GateCollector(Collector):
    """The gate's page as metrics."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield what the page holds; only `tidegate_up` when there is none."""
        values = self._read()
        age_ns = time.time_ns() - values.get("published_time_ns", 0)
        up = GaugeMetricFamily("tidegate_up", "Whether a gate publishes.")
        up.add_metric([], float(age_ns < STALE_NS))
        yield up
        if not values:
            return
        for name in GAUGES:
            if name not in HIDDEN:
                yield GaugeMetricFamily(f"tidegate_{name}", _help(name), values[name])
        for name in TOTALS:
            yield CounterMetricFamily(f"tidegate_{name}", _help(name), values[name])
        yield _labelled(
            "orders_rejected",
            "Orders refused, by headline reason.",
            "reason",
            {reason.name: values[f"rejected.{reason.name}"] for reason in REASONS},
        )
        yield _labelled(
            "calls",
            "Calls that reached the gate.",
            "method",
            {method.name: values[f"calls.{method.name}"] for method in METHODS},
        )
        yield _commit_seconds(values)

    def _read(self) -> dict[str, int]:
        try:
            page = open_gate_page(self._folder)
        except (OSError, ValueError):
            return {}
        try:
            return dict(zip(NAMES, page.read(), strict=True))
        except ValueError:
            return {}
        finally:
            page.close()


class FollowerCollector(Collector):
    """The follower's figures as metrics."""

    def __init__(self, figures: FollowerFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield one metric a figure."""
        for name, text in FOLLOWER_HELP.items():
            value = float(getattr(self._figures, name))
            if name.endswith("_total"):
                yield CounterMetricFamily(f"tidegate_follower_{name}", text, value)
            else:
                yield GaugeMetricFamily(f"tidegate_follower_{name}", text, value)
        labels = ["kind", "severity"]
        raised = CounterMetricFamily(
            "tidegate_alerts", "Alerts that came since the start.", labels=labels
        )
        waiting = GaugeMetricFamily(
            "tidegate_alerts_unacknowledged", "Alerts that nobody has noted.", labels=labels
        )
        for kind, severity in ALERT_LABELS:
            words = _words(kind, severity)
            raised.add_metric(words, self._figures.alerts.get((kind, severity), 0))
            waiting.add_metric(words, self._figures.unacknowledged_alerts.get((kind, severity), 0))
        yield raised
        yield waiting


def serve_metrics(
    address: str, folder: Path, figures: FollowerFigures, log: FilteringBoundLogger
) -> None:
    """Serve the metrics over HTTP from a thread; an address that is taken is only a warning."""
    if not address:
        return
    registry = CollectorRegistry()
    registry.register(GateCollector(folder))
    registry.register(FollowerCollector(figures))
    ProcessCollector(namespace="tidegate_follower", registry=registry)
    host, _, port = address.rpartition(":")
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        log.warning("no metrics: set follower.metrics", address=address, problem=str(error))
        return
    log.info("metrics", address=f"http://{host}:{server.server_port}/metrics")


def _words(kind: int, severity: int) -> list[str]:
    """Return an alert's kind and severity as labels."""
    names = (
        watch_service_pb2.AlertKind.Name(kind).removeprefix("ALERT_KIND_"),  # type: ignore[arg-type] # of the contract
        watch_service_pb2.AlertSeverity.Name(severity).removeprefix("ALERT_SEVERITY_"),  # type: ignore[arg-type] # the same
    )
    return [name.lower() for name in names]


def _help(name: str) -> str:
    return GATE_HELP.get(name, name.replace("_", " ").capitalize() + ".")


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"tidegate_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _commit_seconds(values: dict[str, int]) -> Metric:
    """Return the commit times; Prometheus counts in each bucket what was faster, too."""
    family = HistogramMetricFamily(
        "tidegate_commit_seconds", "From taking the calls of a commit to having answered them."
    )
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound in COMMIT_BUCKETS_US:
        total += values[f"commit_us.{bound}"]
        buckets.append((str(bound / MICROSECONDS), total))
    buckets.append(("+Inf", total + values["commit_us.more"]))
    family.add_metric([], buckets, values["commit_us.sum"] / MICROSECONDS)
    return family
