"""Processors kept from sleeping while calls come in.

A processor without work sleeps, and wakes tens of microseconds after the disk or the next call has
asked for it: on a virtual machine a flush alone took 165 us, and 78 with every processor awake. So
the gate asks the kernel for no latency of processors (PM QoS, /dev/cpu_dma_latency) from a call on,
and takes that back once none has come for a while. It holds for the whole machine and costs power.

Who may not open the device is no worse off than before. The kernel forgets the request of a process
that ends, however it ends.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

DEVICE: Final = "/dev/cpu_dma_latency"
_LATENCY_US: Final = Struct("=i")
NO_LATENCY: Final = _LATENCY_US.pack(0)
ANY_LATENCY: Final = _LATENCY_US.pack(2_000_000_000)  # what the kernel takes for no request
_MILLISECOND_NS: Final = 1_000_000


class Awake:
    """The request for as long as calls come in, and `quiet_ms` longer; never one for 0."""

    __slots__ = ("_descriptor", "_device", "_held", "_last_ns", "_log", "_quiet_ns")

    def __init__(self, quiet_ms: int, log: FilteringBoundLogger, device: str = DEVICE) -> None:
        self._log = log
        self._device = device
        self._quiet_ns = quiet_ms * _MILLISECOND_NS
        self._last_ns = 0
        self._held = False
        self._descriptor = -1
        if not quiet_ms:
            return
        try:
            self._descriptor = os.open(device, os.O_WRONLY)
        except OSError as error:
            self._tell(error)

    def hold(self, now_ns: int) -> None:
        """Note that calls came in, and see to it that no processor sleeps."""
        self._last_ns = now_ns
        if not self._held and self._descriptor >= 0:
            self._held = True
            self._ask(NO_LATENCY)

    def rest(self, now_ns: int, longest_ns: int) -> int:
        """Take the request back when it is time; return when to ask again, at most `longest_ns`."""
        if not self._held:
            return longest_ns
        left_ns = self._last_ns + self._quiet_ns - now_ns
        if left_ns > 0:
            return min(left_ns, longest_ns)
        self._held = False
        self._ask(ANY_LATENCY)
        return longest_ns

    def close(self) -> None:
        """Take the request back for good."""
        self._held = False
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _ask(self, latency: bytes) -> None:
        try:
            os.write(self._descriptor, latency)
        except OSError as error:  # it is left alone from now on
            self.close()
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        self._log.info(
            "processors may sleep between calls: a flush takes longer",
            device=self._device,
            error=error.strerror,
        )
