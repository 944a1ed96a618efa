"""What the gate tells other processes: its counters on a page, and its health to whoever asks."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from .counters import INDEX, NAMES, REASON_INDEX

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from tidegate_server.journal import Page, Writer
    from tidegate_server.transport import Front
    from tidegate_server.wire.machine import Machine

    from .clock import Clock

RISK_SERVICE: Final = "tidegate.v1.RiskService"


class Publisher:
    """Holds the counters of one gate, `counts`, and puts them on its page."""

    def __init__(
        self, machine: Machine, writer: Writer, clock: Clock, page: Page, log: FilteringBoundLogger
    ) -> None:
        self._machine = machine
        self._writer = writer
        self._clock = clock
        self._page = page
        self._log = log
        self._serving: bool | None = None
        self.counts = [0] * len(NAMES)

    def publish(self, waiting: int) -> None:
        """Put the counters on the page; so many calls wait."""
        counts = self.counts
        writer = self._writer
        gauges = self._gauges(waiting)
        counts[: len(gauges)] = gauges
        counts[INDEX["records"]] = writer.next_sequence - 1
        counts[INDEX["journal_bytes"]] = writer.bytes_written
        counts[INDEX["flushes"]] = writer.flushes
        counts[INDEX["orders_allowed"]] = self._machine.allowed
        for reason, number in self._machine.rejected.items():
            counts[REASON_INDEX[reason]] = number
        self._page.write(counts)
        if self._clock.is_off:
            epoch = self._machine.book.epoch
            self._log.warning("clock", behind_ns=self._clock.behind_ns, epoch=epoch)

    def tell_health(self, front: Front, *, draining: bool) -> None:
        """Say whether new risk can pass: not while draining, stalled or halted as a firm."""
        book = self._machine.book
        halted = any(stop.kind == 1 for stop in book.stops_at.get((1, ""), ()))
        serving = not (draining or self._writer.space_is_short or halted)
        if serving != self._serving:
            self._serving = serving
            front.set_serving(RISK_SERVICE, serving=serving)
            self._log.info("health", new_risk_served=serving)

    def _gauges(self, waiting: int) -> list[int]:
        """Return the gauges in the order of their names."""
        book = self._machine.book
        return [
            book.sequence,
            self._writer.durable_sequence,
            book.epoch,
            book.policy.version if book.policy is not None else 0,
            book.open_order_count,
            book.unconfirmed_count,
            book.order_id_count,
            len(book.accounts),
            len(book.stops),
            waiting,
            self._clock.behind_ns,
            time.time_ns(),
            os.getpid(),
        ]
