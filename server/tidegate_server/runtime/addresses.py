"""Addresses as the configuration has them: `unix:PATH` or `HOST:PORT`."""

from __future__ import annotations

import os

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAXIMUM_SOCKET_PATH_BYTES = 107  # what the kernel takes


def address_problem(address: str) -> str | None:
    """Say what is wrong with an address, if anything."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if not path.startswith("/"):
            return f"must have an absolute path, as in unix:/run/tidegate/gate.sock: {address!r}"
        size = len(os.fsencode(path))
        if size > MAXIMUM_SOCKET_PATH_BYTES:
            return f"names a path of {size} bytes, the system takes {MAXIMUM_SOCKET_PATH_BYTES}"
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 1 << 16:
        return f"must be unix:PATH or HOST:PORT, not {address!r}"
    if not int(port):
        return f"needs a port that clients can know; port 0 is another each time: {address!r}"
    return None


def is_local(address: str) -> bool:
    """Whether only this machine can reach the address."""
    return address.startswith("unix:") or address.rpartition(":")[0].strip("[]") in LOOPBACK
