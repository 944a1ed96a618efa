"""Callers that misbehave on the wire, and a good one beside them."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.exceptions
import pytest
from tests.transport.harness import ECHO, Gate, call

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    Attack = Callable[[h2.connection.H2Connection], bytes]

SECONDS = 0.7
HEADERS = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", ECHO),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]
#: An empty message in gRPC's frame.
MESSAGE = bytes(5)


def rapid_reset(connection: h2.connection.H2Connection) -> bytes:
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, HEADERS)
    connection.send_data(stream, MESSAGE, end_stream=True)
    connection.reset_stream(stream)
    return connection.data_to_send()


def half_open(connection: h2.connection.H2Connection) -> bytes:
    if connection.open_outbound_streams < 90:
        connection.send_headers(connection.get_next_available_stream_id(), HEADERS)
    else:
        time.sleep(0.01)
    return connection.data_to_send()


def ping_flood(connection: h2.connection.H2Connection) -> bytes:
    connection.ping(b"12345678")
    return connection.data_to_send()


def garbage(_connection: h2.connection.H2Connection) -> bytes:
    return b"\x00\x00\x08\x09\x04\x00\x00\x00\x01" + b"\xff" * 8  # CONTINUATION of nothing


def abuse(address: str, attack: Attack, until: float) -> int:
    """Attack on fresh connections until the time comes; return how often."""
    count = 0
    while time.monotonic() < until:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        with socket.socket(socket.AF_UNIX) as wire, suppress(OSError, h2.exceptions.H2Error):
            wire.settimeout(0.2)
            wire.connect(address.removeprefix("unix:"))
            connection.initiate_connection()
            wire.sendall(connection.data_to_send())
            while time.monotonic() < until:
                wire.sendall(attack(connection))
                count += 1
    return count


@pytest.mark.parametrize("attack", [rapid_reset, half_open, ping_flood, garbage])
def test_an_attacker_does_not_starve_a_good_caller(
    gate: Gate, channel: grpc.Channel, attack: Attack
) -> None:
    until = time.monotonic() + SECONDS
    counts: list[int] = []
    attacker = threading.Thread(
        target=lambda: counts.append(abuse(gate.front.address, attack, until))
    )
    attacker.start()
    answered = 0
    while time.monotonic() < until:
        assert call(channel, b"x") == b"x"  # within its deadline, however busy the machine is
        answered += 1
    attacker.join(5)
    assert counts[0] > 0
    assert answered > 2
