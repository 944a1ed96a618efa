"""The load generator's own ceiling: its rate against a peer that does next to nothing."""

import multiprocessing
import select
import socket
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.connection import LoadError
from bench.frames import (
    DATA,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    FRAME,
    GREATEST_WINDOW,
    HEADERS,
    HELLO,
    MESSAGE,
    SETTINGS,
    SETTINGS_ACK,
    WINDOW_UPDATE,
    Call,
    tracks,
)
from bench.load import CONNECTIONS, IN_FLIGHT, closed_loop
from hpack import Encoder

NOT_CALLS: Final = len(HELLO) + len(SETTINGS_ACK)
"""What a connection sends besides its calls."""
GREETING: Final = (
    FRAME.pack(SETTINGS, 0, 0)
    + FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, 0)
    + (GREATEST_WINDOW - DEFAULT_WINDOW).to_bytes(4)
)


def ceiling(calls: int = 100_000, message_bytes: int = 90, answer_bytes: int = 36) -> float:
    """Measure calls a second of this generator against a sink that only counts bytes.

    The sink, a process of its own, reads no frames: it knows how long each call is, and answers
    with slices of a buffer that holds all answers. What remains is the generator and two sockets.
    """
    answer = bytes(answer_bytes)
    lanes = tracks([Call("/bench.Sink/Take", bytes(message_bytes), answer)] * calls, CONNECTIONS)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "sink")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            sink = multiprocessing.get_context("fork").Process(
                target=_serve, args=(listener, lanes[0].offsets, answer), daemon=True
            )
            sink.start()
        run = closed_loop(f"unix:{path}", lanes, IN_FLIGHT)
        sink.join()
    if run.complaints:
        raise LoadError(run.first_complaint)
    return run.rate


def _serve(listener: socket.socket, offsets: Sequence[int], answer: bytes) -> None:
    """Answer every call on every connection, whatever it says."""
    answers, size = _answers(len(offsets), answer)
    peers: dict[socket.socket, int] = {}
    for _ in range(CONNECTIONS):
        peer, _ = listener.accept()
        peer.sendall(GREETING)
        peers[peer] = -NOT_CALLS
    while peers:
        for peer in select.select(peers, (), ())[0]:
            data = peer.recv(1 << 16)
            if not data:
                del peers[peer]
                continue
            had = peers[peer]
            has = peers[peer] = had + len(data)
            first, last = (max(0, bisect_right(offsets, count) - 1) for count in (had, has))
            peer.sendall(answers[first * size : last * size])


def _answers(count: int, answer: bytes) -> tuple[memoryview, int]:
    """Encode answers to all calls of a connection; their bytes, and the size of one."""
    encoder = Encoder()
    encoder.header_table_size = 0
    leading = encoder.encode([(":status", "200"), ("content-type", "application/grpc")])
    trailing = encoder.encode([("grpc-status", "0")])
    whole = [
        b"".join(
            (
                FRAME.pack(len(leading) << 8 | HEADERS, END_HEADERS, stream),
                leading,
                FRAME.pack((len(answer) + MESSAGE.size) << 8 | DATA, 0, stream),
                MESSAGE.pack(0, len(answer)),
                answer,
                FRAME.pack(len(trailing) << 8 | HEADERS, END_HEADERS | END_STREAM, stream),
                trailing,
            )
        )
        for stream in range(1, 2 * count, 2)
    ]
    return memoryview(b"".join(whole)), len(whole[0])
