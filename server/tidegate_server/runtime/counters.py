"""Plain counters of the gate and of the follower, on pages that other processes map.

Counting is adding to a list of integers (0.07 us); a metrics library call costs ten times as much
or more. The gate publishes its list a few times a second; whoever scrapes reads the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate_server.engine.reasons import RejectReason
from tidegate_server.journal import Page
from tidegate_server.wire.methods import METHODS

if TYPE_CHECKING:
    from pathlib import Path

GATE_PAGE: Final = "gate"
PROOF_PAGE: Final = "proof"

GAUGES: Final = (
    "sequence",
    "durable_sequence",
    "epoch",
    "policy_version",
    "open_orders",
    "unconfirmed_orders",
    "order_ids",
    "accounts",
    "stops",
    "waiting_calls",
    "clock_behind_ns",
    "published_time_ns",
    "process_id",
)
TOTALS: Final = (
    "commits",
    "records",
    "journal_bytes",
    "flushes",
    "orders_allowed",
    "calls_abandoned",
    "calls_overloaded",
    "calls_denied",
    "calls_malformed",
    "faults",
)
# Commits by the time from taking their calls to having answered them: up to 2**n us, n = 4 ... 23.
COMMIT_BUCKETS_US: Final = tuple(1 << power for power in range(4, 24))
REASONS: Final = tuple(RejectReason)

NAMES: Final = (
    *GAUGES,
    *TOTALS,
    *(f"rejected.{reason.name}" for reason in REASONS),
    *(f"calls.{method.name}" for method in METHODS),
    *(f"commit_us.{bound}" for bound in COMMIT_BUCKETS_US),
    "commit_us.more",
    "commit_us.sum",
)
INDEX: Final = {name: index for index, name in enumerate(NAMES)}

FIRST_REASON: Final = INDEX[f"rejected.{REASONS[0].name}"]
REASON_INDEX: Final = {int(reason): FIRST_REASON + n for n, reason in enumerate(REASONS)}
FIRST_CALL: Final = INDEX[f"calls.{METHODS[0].name}"]
FIRST_BUCKET: Final = INDEX[f"commit_us.{COMMIT_BUCKETS_US[0]}"]

# What the follower has proved. A state hash is its version and 128 bits, as three integers.
PROOF_NAMES: Final = (
    "proved_sequence",
    "state_hash_sequence",
    "state_hash_version",
    "state_hash_high",
    "state_hash_low",
    "mismatch_count",
    "snapshot_sequence",
    "published_time_ns",
    "process_id",
)


def create_gate_page(folder: Path) -> Page:
    """Make the page that the gate publishes on."""
    return Page.create(folder, GATE_PAGE, len(NAMES))


def open_gate_page(folder: Path) -> Page:
    """Map the gate's page for reading; raises FileNotFoundError or ValueError."""
    return Page.open(folder, GATE_PAGE, len(NAMES))


def create_proof_page(folder: Path) -> Page:
    """Make the page that the follower publishes on."""
    return Page.create(folder, PROOF_PAGE, len(PROOF_NAMES))


def open_proof_page(folder: Path) -> Page:
    """Map the follower's page for reading; raises FileNotFoundError or ValueError."""
    return Page.open(folder, PROOF_PAGE, len(PROOF_NAMES))


def split_hash(state_hash: str) -> tuple[int, int, int]:
    """Return a state hash as three signed 64-bit integers."""
    version, _, digits = state_hash.partition("-")
    number = bytes.fromhex(digits)
    high = int.from_bytes(number[:8], "big", signed=True)
    low = int.from_bytes(number[8:], "big", signed=True)
    return int(version), high, low


def join_hash(version: int, high: int, low: int) -> str:
    """Return the state hash that `split_hash` took apart."""
    digits = high.to_bytes(8, "big", signed=True) + low.to_bytes(8, "big", signed=True)
    return f"{version}-{digits.hex()}"


def bucket_index(microseconds: int) -> int:
    """Return the index of the commit bucket that a duration belongs to."""
    place = max(microseconds - 1, 0).bit_length() - 4
    return FIRST_BUCKET + min(max(place, 0), len(COMMIT_BUCKETS_US))
