"""One connection of the load generator: a raw socket and just enough HTTP/2.

It keeps no object per frame or call. What it has to know about call k is in lists that existed
before the run: where its bytes end, how its answer starts, when it ended.
"""

import socket
from bisect import bisect_right
from time import perf_counter_ns
from typing import Final

from bench.frames import (
    ACK,
    CONTINUATION,
    DATA,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    FRAME,
    GOAWAY,
    GREATEST_WINDOW,
    HEADER_TABLE_SIZE,
    HEADERS,
    HELLO,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MESSAGE,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTING,
    SETTINGS,
    SETTINGS_ACK,
    WINDOW_UPDATE,
    Track,
)
from hpack import Decoder

RECEIVE_BYTES: Final = 1 << 16
WINDOW_STEP: Final = 1 << 28
"""How many received bytes are given back to the peer's connection window at once."""
HANDSHAKE_SECONDS: Final = 10.0
GREATEST_LIST: Final = 1 << 14
"""How many distinct header blocks are remembered: a peer whose headers never repeat costs CPU."""
HEADERS_ARE_FINE: Final = -1
NO_STATUS: Final = 2  # gRPC: UNKNOWN


class LoadError(Exception):
    """The run cannot go on: the peer is gone, silent or speaks no HTTP/2."""


def dial(target: str) -> socket.socket:
    """Connect to `unix:/path` or `host:port`."""
    if target.startswith("unix:"):
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(target.removeprefix("unix:"))
        return unix
    host, _, port = target.rpartition(":")
    plain = socket.create_connection((host, int(port)))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


class Connection:
    """Sends a track and judges the answers. Drivers call `advance` and `receive`."""

    __slots__ = (
        "_allowed",
        "_blocks",
        "_control",
        "_decoder",
        "_frames",
        "_gathered",
        "_goal",
        "_messages",
        "_partial",
        "_rest",
        "_returned",
        "_sent",
        "_settled",
        "_track",
        "_wanted",
        "answered",
        "answers",
        "complaints",
        "finished",
        "first_complaint",
        "issued",
        "socket",
        "stream_limit",
        "total",
    )

    def __init__(self, target: str, track: Track, total: int | None = None) -> None:
        self.socket = dial(target)
        self.stream_limit = GREATEST_WINDOW
        self.total = len(track.calls) if total is None else min(total, len(track.calls))
        self.issued = 0
        self.answered = 0
        self.finished = [0] * self.total  # when call k ended
        self.answers: list[bytes] | None = None  # kept where a caller asks for them
        self.complaints = 0
        self.first_complaint = ""
        self._track = track
        self._frames = memoryview(track.frames)
        self._sent = 0  # bytes of the track
        self._goal = 0
        self._control = bytearray()  # frames that are no calls, sent between calls
        self._allowed = DEFAULT_WINDOW  # DATA bytes that the peer takes in all
        self._wanted = 0  # calls that are due
        self._returned = 0  # received bytes not yet given back
        self._rest = b""
        self._messages = bytearray(self.total)  # how many messages call k got
        self._partial: dict[int, bytes] = {}
        self._gathered: tuple[int, int, bytes] | None = None  # flags, stream, block so far
        self._blocks: dict[bytes, int] = {}
        self._decoder = Decoder()
        self._settled = False
        try:
            self._shake_hands()
        except BaseException:
            self.socket.close()
            raise

    def advance(self, upto: int) -> None:
        """Send calls up to number `upto`, as far as flow control and the peer's limits allow."""
        self._wanted = upto
        if (self._control or self._sent < self._goal) and not self.flush():
            return
        upto = min(upto, self.total, self.answered + self.stream_limit)
        costs = self._track.costs
        if costs[upto] > self._allowed:
            upto = bisect_right(costs, self._allowed) - 1
        if upto > self.issued:
            self.issued = upto
            self._goal = self._track.offsets[upto]
            self.flush()

    def resume(self) -> None:
        """Send what `advance` was asked for and could not send."""
        if self.issued < self._wanted or self._sent < self._goal or self._control:
            self.advance(self._wanted)

    def flush(self) -> bool:
        """Send what is waiting; false if the socket is full."""
        send = self.socket.send
        try:
            while self._sent < self._goal:
                self._sent += send(self._frames[self._sent : self._goal])
            while self._control:
                del self._control[: send(self._control)]
        except BlockingIOError:
            return False
        return True

    def receive(self) -> None:  # noqa: C901 (one loop, inlined: a call a frame costs a third more)
        """Take what has arrived, judge the answers in it, note when their calls ended."""
        data = self.socket.recv(RECEIVE_BYTES)
        now = perf_counter_ns()
        if not data:
            raise LoadError("the peer closed the connection")
        if self._rest:
            data = self._rest + data
        unpack, unpack_message, startswith = FRAME.unpack_from, MESSAGE.unpack_from, data.startswith
        blocks, prefixes, messages = self._blocks, self._track.prefixes, self._messages
        finished, received = self.finished, 0
        at, end = 0, len(data)
        while end - at >= 9:
            word, flags, stream = unpack(data, at)
            start = at + 9
            at = start + (word >> 8)
            if at > end:
                at = start - 9
                break
            kind = word & 255
            if kind == HEADERS:
                # Equal headers are equal bytes (no dynamic table): 0.15 us instead of 15 to decode.
                meaning = blocks.get(data[start:at])
                if flags == END_HEADERS and meaning == HEADERS_ARE_FINE:
                    continue
                call = stream >> 1
                if flags == END_HEADERS | END_STREAM and meaning == 0 and messages[call] == 1:
                    finished[call] = now
                    self.answered += 1
                    continue
            elif kind == DATA:
                received += at - start
                if not flags and at - start >= 5:
                    compressed, size = unpack_message(data, start)
                    call = stream >> 1
                    if start + 5 + size == at and not compressed and call not in self._partial:
                        messages[call] += 1
                        if self.answers is not None or not startswith(prefixes[call], start + 5):
                            self._judge(call, data[start + 5 : at])
                        continue
            self._take(kind, flags, stream, data[start:at], now)
        self._rest = data[at:]
        self._returned += received
        if self._returned >= WINDOW_STEP:
            self._give_back()

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self.socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def waits_to_write(self) -> bool:
        """Whether the socket was full."""
        return bool(self._control) or self._sent < self._goal

    def _shake_hands(self) -> None:
        """Greet, and wait for the peer's settings: no call may pay for them."""
        self.socket.settimeout(HANDSHAKE_SECONDS)
        try:
            self.socket.sendall(HELLO)
            while not self._settled:
                self.receive()
        except TimeoutError:
            raise LoadError("no HTTP/2 settings came") from None
        self.socket.settimeout(0.0)
        self.flush()

    def _give_back(self) -> None:
        self._control += FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, 0) + self._returned.to_bytes(4)
        self._returned = 0
        self.flush()

    def _judge(self, call: int, message: bytes) -> None:
        if self.answers is not None:
            self.answers[call] = message
        wanted = self._track.calls[call]
        if message.startswith(wanted.prefix):
            return
        complaint = "unexpected answer" if wanted.check is None else wanted.check(message)
        if complaint:
            self._complain(call, f"{complaint}: {message.hex()}")

    def _complain(self, call: int, complaint: str) -> None:
        self.complaints += 1
        if not self.first_complaint:
            asked = self._track.calls[call]
            self.first_complaint = f"{asked.path}, call {call} ({asked.message!r}): {complaint}"

    def _take(self, kind: int, flags: int, stream: int, payload: bytes, now: int) -> None:
        """Take any frame that is not the usual one."""
        if self._gathered is not None and kind != CONTINUATION:
            raise LoadError("a header block was interrupted")
        if kind == DATA:
            self._take_data(flags, stream, _unpadded(flags, payload), now)
        elif kind == HEADERS:
            payload = _unpadded(flags, payload)
            self._gather(flags, stream, payload[5:] if flags & PRIORITY else payload, now)
        elif kind == CONTINUATION:
            if self._gathered is None:
                raise LoadError("a continuation of nothing")
            begun, of_stream, block = self._gathered
            self._gather(begun | flags & END_HEADERS, of_stream, block + payload, now)
        elif kind == RST_STREAM:
            self._end(stream >> 1, now, f"reset with code {int.from_bytes(payload)}")
        elif kind == GOAWAY:
            code = int.from_bytes(payload[4:8])
            raise LoadError(f"the peer says goodbye, code {code}: {payload[8:]!r}")
        else:
            self._take_control(kind, flags, stream, payload)

    def _take_control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            self._take_settings(payload)
        elif kind == PING and not flags & ACK:
            self._control += FRAME.pack(8 << 8 | PING, ACK, 0) + payload
        elif kind == WINDOW_UPDATE and not stream:
            self._allowed += int.from_bytes(payload) & GREATEST_WINDOW
        if self._settled:
            self.flush()

    def _take_settings(self, payload: bytes) -> None:
        for key, value in SETTING.iter_unpack(payload):
            if key == MAX_CONCURRENT_STREAMS:
                self.stream_limit = value
            elif key == HEADER_TABLE_SIZE and value < 4096:
                raise LoadError(f"the peer's header table of {value} bytes is below the default")
            elif key == INITIAL_WINDOW_SIZE and value < DEFAULT_WINDOW:
                raise LoadError(f"the peer's stream window of {value} bytes is below the default")
        self._control += SETTINGS_ACK
        self._settled = True

    def _take_data(self, flags: int, stream: int, payload: bytes, now: int) -> None:
        """Take a message that comes in pieces, or one with padding."""
        call = stream >> 1
        whole = self._partial.pop(call, b"") + payload
        if len(whole) >= 5:
            compressed, size = MESSAGE.unpack_from(whole)
            if compressed:
                self._complain(call, "a compressed message")
            if len(whole) == 5 + size:
                self._messages[call] += 1
                self._judge(call, whole[5:])
                whole = b""
        if whole:
            self._partial[call] = whole
        if flags & END_STREAM:
            self._end(call, now, "ended without trailers")

    def _gather(self, flags: int, stream: int, block: bytes, now: int) -> None:
        if not flags & END_HEADERS:
            self._gathered = flags, stream, block
            return
        self._gathered = None
        meaning, text = self._read_headers(block)
        if flags & END_STREAM:
            if meaning == 0 and self._messages[stream >> 1] != 1:
                text = f"{self._messages[stream >> 1]} messages instead of one"
            self._end(stream >> 1, now, text)
        elif meaning != HEADERS_ARE_FINE:
            self._complain(stream >> 1, text)

    def _read_headers(self, block: bytes) -> tuple[int, str]:
        """Decode a block: -1 for good leading headers, else the gRPC status; and its complaint."""
        headers = {str(name): str(value) for name, value in self._decoder.decode(block)}
        status = headers.get("grpc-status")
        if status is None:
            meaning = HEADERS_ARE_FINE if headers.get(":status") == "200" else NO_STATUS
        else:
            meaning = int(status)
        # A peer that indexes all the same would make equal bytes mean different things.
        table_is_empty = not self._decoder.header_table.dynamic_entries
        if meaning <= 0 and table_is_empty and len(self._blocks) < GREATEST_LIST:
            self._blocks[block] = meaning
        return meaning, f"{headers}" if meaning > 0 else ""

    def _end(self, call: int, now: int, complaint: str) -> None:
        self.finished[call] = now
        self.answered += 1
        if complaint:
            self._complain(call, complaint)


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
