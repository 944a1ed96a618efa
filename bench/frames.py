"""HTTP/2 and gRPC on the caller's side: constants, and calls encoded ahead of the run.

A `Track` is what one connection will ever send: all frames of all calls in one buffer, with the
stream ids already in them. To send the next n calls is then to send one slice.
"""

import copy
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from hpack import Encoder

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME: Final = struct.Struct(">IBI")  # length << 8 | kind, flags, stream: 9 bytes in one unpack
MESSAGE: Final = struct.Struct(">BI")  # gRPC: compressed, length
SETTING: Final = struct.Struct(">HI")

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

END_STREAM: Final = 1  # of DATA and HEADERS
ACK: Final = 1  # of SETTINGS and PING
END_HEADERS: Final = 4
PADDED: Final = 8
PRIORITY: Final = 32

HEADER_TABLE_SIZE: Final = 1
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4

DEFAULT_WINDOW: Final = 65_535
GREATEST_WINDOW: Final = 2**31 - 1
GREATEST_FRAME: Final = 16_384
GREATEST_MESSAGE: Final = GREATEST_FRAME - MESSAGE.size  # one DATA frame a request
GREATEST_CALLS: Final = 2**30 - 1  # of one connection: stream ids end at 2**31

HELLO: Final = (
    PREFACE
    + FRAME.pack(12 << 8 | SETTINGS, 0, 0)
    # No table for the answers' headers: equal headers are equal bytes and need no decoding.
    + SETTING.pack(HEADER_TABLE_SIZE, 0)
    + SETTING.pack(INITIAL_WINDOW_SIZE, GREATEST_WINDOW)
    + FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, 0)
    + struct.pack(">I", GREATEST_WINDOW - DEFAULT_WINDOW)
)
SETTINGS_ACK: Final = FRAME.pack(SETTINGS, ACK, 0)


class Call(NamedTuple):
    """One call and what its answer must be."""

    path: str
    message: bytes
    prefix: bytes
    """An answer that starts with this is right: the comparison that costs the run least."""
    check: Callable[[bytes], str] | None = None
    """Judges an answer that does not: the complaint, or nothing. Without it, it is wrong."""


class Track:
    """The calls of one connection as one buffer; call k has stream id 2k + 1."""

    __slots__ = ("calls", "costs", "frames", "offsets", "prefixes")

    def __init__(self, calls: Sequence[Call]) -> None:
        assert len(calls) <= GREATEST_CALLS
        pieces = list(_encode(calls))
        self.calls = calls
        self.prefixes = [call.prefix for call in calls]
        self.frames = b"".join(pieces)
        self.offsets = [0, *_running(len(piece) for piece in pieces)]
        self.costs = [0, *_running(len(call.message) + MESSAGE.size for call in calls)]
        """DATA bytes up to call k: what flow control counts."""

    def expecting(self, answer: bytes) -> "Track":
        """Return the same calls for a peer that gives all of them the same answer."""
        other = copy.copy(self)
        other.calls = [Call(call.path, call.message, answer) for call in self.calls]
        other.prefixes = [answer] * len(self.calls)
        return other


def tracks(calls: Sequence[Call], connections: int) -> list[Track]:
    """Deal calls out to connections in turn, and encode them."""
    return [Track(calls[first::connections]) for first in range(connections)]


def _encode(calls: Sequence[Call]) -> Iterator[bytes]:
    """Encode as gRPC clients do: the first call of a method names its headers, later ones index."""
    encoder = Encoder()
    named: set[str] = set()
    blocks: dict[str, bytes] = {}
    stream = 1
    for call in calls:
        path, message, size = call.path, call.message, len(call.message)
        assert size <= GREATEST_MESSAGE, f"{path}: a request of {size} bytes"
        block = blocks.get(path)
        if block is None:
            block = _header_block(encoder, path)
            if path in named:
                blocks[path] = block
            else:  # its entry moved all others: they need encoding again
                named.add(path)
                blocks.clear()
        yield b"%b%b%b%b%b" % (
            FRAME.pack(len(block) << 8 | HEADERS, END_HEADERS, stream),
            block,
            FRAME.pack((size + 5) << 8 | DATA, END_STREAM, stream),
            MESSAGE.pack(0, size),
            message,
        )
        stream += 2


def _header_block(encoder: Encoder, path: str) -> bytes:
    return encoder.encode(
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "tidegate-bench"),
        ]
    )


def _running(sizes: Iterator[int]) -> Iterator[int]:
    total = 0
    for size in sizes:
        total += size
        yield total
