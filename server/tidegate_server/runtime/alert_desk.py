"""Looks at every record that the follower folds, and at the accounts that it touches, for alerts.

The theory. Alerts follow from the journal alone. An account is looked at after each frame that
touches it, at the frame's time, and frames lie on disk; so a follower that folds them again finds
the same alerts with the same ids. What is no part of the book, which levels have fired, is kept
beside each snapshot.

A record that may change every account (a policy, a regime, a factor) looks at none: the sweep has
the gate value those who hold anything, and each is looked at with that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import json_format

from tidegate.v1 import watch_service_pb2
from tidegate_server.engine.alerting import Arming, limit_alerts, line_alerts
from tidegate_server.engine.flagging import flagged, outcome_differs, stopped, time_gap
from tidegate_server.engine.own_commands import StartEpoch
from tidegate_server.engine.touching import touched_accounts
from tidegate_server.journal import disk, list_snapshots
from tidegate_server.wire.alerts import alert_message, read_state, state_message

from .proving import Folded, Observer, Place
from .snapshotting import Beside

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.engine.alert import Alert
    from tidegate_server.wire.machine import Machine

    from .alert_store import AlertStore

STATES: Final = "alert-states"
SUFFIX: Final = ".json"
#: An epoch that begins later after the last record is told of.
GAP_NS: Final = 10**9


class AlertDesk(Observer, Beside):
    """Finds alerts. Made when the machine is where a snapshot left it, or at its very beginning."""

    def __init__(
        self, folder: Path, machine: Machine, store: AlertStore, log: FilteringBoundLogger
    ) -> None:
        self._folder = folder
        self._machine = machine
        self._store = store
        self._log = log
        self._time_ns = machine.book.time_ns
        self._before = machine.sequence
        self._touched: dict[str, int] = {}
        self._found: list[Alert] = []
        self._failed: set[str] = set()
        accounts = machine.book.accounts.values()
        self._lines = {account.account_id: account.lines for account in accounts if account.lines}
        self._arming = self._load()

    def saw(self, folded: Folded) -> None:
        """Look at one record."""
        command, sequence = folded.command, folded.sequence
        gap_ns = folded.time_ns - self._time_ns
        if isinstance(command, StartEpoch) and self._time_ns and gap_ns > GAP_NS:
            self._found.append(time_gap(sequence, folded.time_ns, gap_ns))
        self._time_ns = folded.time_ns
        self._found += flagged(command, folded.outcome, sequence, folded.time_ns)
        if folded.problem:
            self._found.append(outcome_differs(sequence, folded.time_ns))
        for name in touched_accounts(command, folded.outcome) or ():
            self._touched[name] = sequence

    def frame_ended(self) -> None:
        """Look at the accounts that a frame has touched, and hand over what was found."""
        book = self._machine.book
        self._found += stopped(book, self._before)
        self._before = book.sequence
        for name, sequence in self._touched.items():
            self._look(name, sequence)
        self._touched.clear()
        if self._found:
            self._hand_over()

    def prepare(self, place: Place) -> None:
        """Write aside what a follower that begins at this place must know. Raises OSError.

        It takes some 20 us a limit in use, and is right only while the book stands at that place.
        """
        (self._folder / STATES).mkdir(exist_ok=True)
        state = state_message(self._arming, place.sequence, self._time_ns)
        text = json_format.MessageToJson(state)
        disk.write_aside(self._path(place.sequence), (text.encode(),))

    def publish(self, place: Place) -> None:
        """Let what was prepared count, and remove what belongs to no snapshot. Raises OSError."""
        disk.publish(self._path(place.sequence))
        folder = self._folder / STATES
        kept = {int(path.stem) for path in list_snapshots(self._folder)} | {place.sequence}
        for path in folder.glob("*" + SUFFIX):
            if path.stem.isdecimal() and int(path.stem) not in kept:
                path.unlink(missing_ok=True)
        for path in folder.glob("*" + disk.ASIDE):  # of attempts that failed
            path.unlink(missing_ok=True)

    def _look(self, name: str, sequence: int) -> None:
        """Look at one account. A fault is logged once an account, and never stops the proof."""
        book = self._machine.book
        account = book.accounts.get(name)
        if account is None:
            return
        before = self._lines.get(name, 0)
        if account.lines:
            self._lines[name] = account.lines
        else:
            self._lines.pop(name, None)
        try:
            if account.lines != before:
                self._found += line_alerts(book, account, before, sequence, self._time_ns)
            self._found += limit_alerts(book, account, self._arming, sequence, self._time_ns)
        except Exception as error:  # noqa: BLE001 - the proof goes on whatever it is
            if name not in self._failed:
                self._failed.add(name)
                self._log.error("no alerts", account=name, sequence=sequence, exc_info=error)

    def _hand_over(self) -> None:
        """Give each alert its number within its record, and pass them on in order."""
        found, self._found = self._found, []
        found.sort(key=_sequence_of)
        index = 0
        for number, alert in enumerate(found):
            same = number and found[number - 1].sequence == alert.sequence
            index = index + 1 if same else 0
            alert.index = index
            self._store.add((alert.sequence, index), alert_message(alert))

    def _load(self) -> Arming:
        """Return which levels had fired at the snapshot; without its file all are armed."""
        if not self._before:
            return Arming()
        path = self._path(self._before)
        try:
            text = path.read_bytes()
            return read_state(json_format.Parse(text, watch_service_pb2.AlertState()))
        except (OSError, json_format.ParseError, UnicodeDecodeError) as error:
            self._log.warning(
                "which levels had fired is not known: limits in use alert again", problem=str(error)
            )
            return Arming()

    def _path(self, sequence: int) -> Path:
        return self._folder / STATES / f"{sequence:020}{SUFFIX}"


def _sequence_of(alert: Alert) -> int:
    return alert.sequence
