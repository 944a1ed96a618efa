"""The alerts that are kept, and who has taken note of them: one file of JSON lines.

Alerts follow from the journal, so losing the file costs the acknowledgements and what is older than
the snapshot that the follower begins with. An alert is told to nobody before it is in the file, and
an acknowledgement is not answered before: a line is written whole and flushed. A line that was cut
short, at the end, was promised to nobody and is dropped.

The alerts of records that are folded again after a restart are known already and are passed over.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format

from tidegate.v1 import watch_service_pb2
from tidegate_server.journal import disk
from tidegate_server.wire.alerts import AlertId, read_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

NAME: Final = "alerts"
#: The newest so many are kept; the file is written anew when it has so many times more lines.
KEPT: Final = 10_000
SLACK: Final = 4
#: After a failure to write.
RETRY_SECONDS: Final = 5.0

Message = watch_service_pb2.Alert
Entry = watch_service_pb2.AlertLogEntry
Tally = Counter[tuple[int, int]]


class AlertStore:
    """Alerts in order of their ids.

    `counted` is how many came since the start, `unacknowledged` how many of those that are kept
    nobody has taken note of; both by kind and severity.
    """

    def __init__(self, folder: Path, log: FilteringBoundLogger, *, kept: int = KEPT) -> None:
        self._path = folder / NAME
        self._log = log
        self._kept = kept
        self._ids: list[AlertId] = []
        self._alerts: dict[AlertId, Message] = {}
        self._last: AlertId = (0, -1)
        self._waiting: list[Message] = []
        self._lines = 0
        self._is_broken = False  # the file may end in half a line
        self._not_before_s = 0.0
        self.counted: Tally = Counter()
        self.unacknowledged: Tally = Counter()
        self._load()

    @property
    def last_id(self) -> AlertId:
        """The newest alert that was told."""
        return self._ids[-1] if self._ids else (0, -1)

    @property
    def waits(self) -> bool:
        """Whether some alerts are not on disk yet."""
        return bool(self._waiting)

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._ids)

    def add(self, alert_id: AlertId, alert: Message) -> None:
        """Take a new alert, the newest one; `flush` makes it known. Known ones are passed over."""
        if alert_id > self._last:
            self._last = alert_id
            self._waiting.append(alert)

    def flush(self) -> None:
        """Write down what is new, durably; then it counts. A full disk is tried again."""
        if not self._waiting or time.monotonic() < self._not_before_s:
            return
        try:
            self._write([Entry(alert=alert) for alert in self._waiting])
        except OSError as error:
            self._not_before_s = time.monotonic() + RETRY_SECONDS
            self._log.error("alerts cannot be written", problem=str(error))
            return
        fresh, self._waiting = self._waiting, []
        for alert in fresh:
            self._take(alert)
            self.counted[alert.kind, alert.severity] += 1
        self._forget()
        if self._lines > self._kept * SLACK:
            self._rewrite([])

    def acknowledge(
        self, alert_id: AlertId, principal: str, time_ns: int, note: str
    ) -> Message | None:
        """Keep who took note of an alert, unless somebody did before; None for an unknown one.

        Raises OSError when that cannot be made durable.
        """
        alert = self._alerts.get(alert_id)
        if alert is None or alert.HasField("acknowledgement"):
            return alert
        given = watch_service_pb2.AlertAcknowledgement(
            principal=principal, time_ns=time_ns, note=note
        )
        said = watch_service_pb2.AlertAcknowledged(alert_id=alert.alert_id, acknowledgement=given)
        self._write([Entry(acknowledged=said)])
        self._note(alert, given)
        return alert

    def after(self, alert_id: AlertId, most: int) -> list[Message]:
        """Return the alerts after one, in order."""
        begin = bisect_right(self._ids, alert_id)
        return [self._alerts[found] for found in self._ids[begin : begin + most]]

    def newest_first(self, before: AlertId | None) -> Iterator[Message]:
        """Yield alerts before one, or all, the newest first."""
        end = len(self._ids) if before is None else bisect_right(self._ids, before)
        if before is not None and end and self._ids[end - 1] == before:
            end -= 1
        for index in range(end - 1, -1, -1):
            yield self._alerts[self._ids[index]]

    def _take(self, alert: Message) -> None:
        alert_id = read_id(alert.alert_id)
        if alert_id is not None and alert_id > self.last_id:
            self._ids.append(alert_id)
            self._alerts[alert_id] = alert
            self.unacknowledged[alert.kind, alert.severity] += not alert.HasField("acknowledgement")

    def _note(self, alert: Message, given: watch_service_pb2.AlertAcknowledgement) -> None:
        if not alert.HasField("acknowledgement"):
            self.unacknowledged[alert.kind, alert.severity] -= 1
            alert.acknowledgement.CopyFrom(given)

    def _forget(self) -> None:
        """Drop the oldest beyond what is kept."""
        over = len(self._ids) - self._kept
        if over > 0:
            for alert_id in self._ids[:over]:
                alert = self._alerts.pop(alert_id)
                if not alert.HasField("acknowledgement"):
                    self.unacknowledged[alert.kind, alert.severity] -= 1
            del self._ids[:over]

    def _load(self) -> None:
        """Read the file; write it anew if a line was cut short or too many lie in it."""
        if not self._path.exists():
            return
        text = self._path.read_bytes()
        lines = text.split(b"\n")
        torn = lines.pop() != b""
        for line in lines:
            self._lines += 1
            try:
                self._read(json_format.Parse(line, Entry()))
            except (json_format.ParseError, UnicodeDecodeError) as error:
                self._log.error("a line of the alerts is damaged", problem=str(error))
                torn = True
        self._forget()
        self._last = self.last_id
        if torn or self._lines > self._kept * SLACK:
            self._rewrite([])

    def _read(self, entry: Entry) -> None:
        if entry.HasField("alert"):
            self._take(entry.alert)
            return
        alert_id = read_id(entry.acknowledged.alert_id)
        alert = None if alert_id is None else self._alerts.get(alert_id)
        if alert is not None:
            self._note(alert, entry.acknowledged.acknowledgement)

    def _write(self, entries: list[Entry]) -> None:
        """Add lines, durably. After a failure the file is written anew: a flush is not repeated."""
        if self._is_broken:
            self._rewrite(entries)
            return
        try:
            with self._path.open("ab") as file:
                file.writelines(_line(entry) for entry in entries)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._is_broken = True
            raise
        self._lines += len(entries)

    def _rewrite(self, entries: list[Entry]) -> None:
        """Write the file anew, with what is kept and some more."""
        kept = [Entry(alert=self._alerts[found]) for found in self._ids]
        disk.replace_file(self._path, b"".join(_line(entry) for entry in kept + entries))
        self._lines = len(kept) + len(entries)
        self._is_broken = False


def _line(entry: Entry) -> bytes:
    text = json_format.MessageToJson(entry, preserving_proto_field_name=True, indent=None)
    return text.encode() + b"\n"
