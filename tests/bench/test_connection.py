"""The generator's HTTP/2: what a peer may do, and that nothing wrong passes for right."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench.connection import Connection, LoadError
from bench.frames import (
    ACK,
    CONTINUATION,
    DATA,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    FRAME,
    GOAWAY,
    HEADERS,
    HELLO,
    MAX_CONCURRENT_STREAMS,
    MESSAGE,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTING,
    SETTINGS,
    WINDOW_UPDATE,
    Call,
    Track,
)
from bench.load import closed_loop, percentiles
from hpack import Decoder, Encoder

ANSWER = b"\x08\x01"
CALL = Call("/a.B/C", b"request", ANSWER)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return FRAME.pack(len(payload) << 8 | kind, flags, stream) + payload


def headers(*pairs: tuple[str, str]) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode(list(pairs))


LEADING = headers((":status", "200"), ("content-type", "application/grpc"))
TRAILING = headers(("grpc-status", "0"))
FAILED = headers(("grpc-status", "13"), ("grpc-message", "no"))


def message(body: bytes = ANSWER) -> bytes:
    return MESSAGE.pack(0, len(body)) + body


def answer(stream: int, body: bytes = ANSWER, trailing: bytes = TRAILING) -> bytes:
    return (
        frame(HEADERS, END_HEADERS, stream, LEADING)
        + frame(DATA, 0, stream, message(body))
        + frame(HEADERS, END_HEADERS | END_STREAM, stream, trailing)
    )


@contextmanager
def peer(
    folder: Path, script: Callable[[socket.socket], None], settings: bytes = b""
) -> Iterator[str]:
    """Run a peer that greets, then does as its script says, then waits for the end."""
    path = str(folder / "peer")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            # Whoever has a complaint hangs up, be it in the middle of what is said.
            with client, contextlib.suppress(ConnectionError):
                client.sendall(frame(SETTINGS, 0, 0, settings))
                script(client)
                while client.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"unix:{path}"
        finally:
            thread.join(10)


def say(*pieces: bytes) -> Callable[[socket.socket], None]:
    return lambda client: client.sendall(b"".join(pieces))


def run(folder: Path, said: bytes, calls: int = 1) -> str:
    """Return the first complaint about what a peer said."""
    with peer(folder, say(said)) as target:
        result = closed_loop(target, [Track([CALL] * calls)], calls)
    assert bool(result.complaints) == bool(result.first_complaint)
    assert result.calls == calls
    return result.first_complaint


def test_right_answers_pass(tmp_path: Path) -> None:
    assert run(tmp_path, answer(1) + answer(3) + answer(5), 3) == ""


def test_answers_may_come_in_any_order_and_interleaved(tmp_path: Path) -> None:
    first = frame(HEADERS, END_HEADERS, 1, LEADING)
    rest = answer(1)[len(first) :]
    assert run(tmp_path, first + answer(3) + rest, 2) == ""


def test_answers_may_come_byte_by_byte(tmp_path: Path) -> None:
    def dribble(client: socket.socket) -> None:
        for byte in answer(1) + answer(3):
            client.sendall(bytes([byte]))

    with peer(tmp_path, dribble) as target:
        assert closed_loop(target, [Track([CALL, CALL])], 2).complaints == 0


def test_header_blocks_may_be_continued_padded_and_prioritised(tmp_path: Path) -> None:
    padded = bytes([2]) + bytes(5) + LEADING + bytes(2)
    said = (
        frame(HEADERS, PADDED | PRIORITY | END_HEADERS, 1, padded)
        + frame(DATA, 0, 1, message())
        + frame(HEADERS, END_STREAM, 1, TRAILING[:1])
        + frame(CONTINUATION, END_HEADERS, 1, TRAILING[1:])
    )
    assert run(tmp_path, said) == ""


def test_a_message_may_come_in_padded_pieces(tmp_path: Path) -> None:
    body = message()
    said = (
        frame(HEADERS, END_HEADERS, 1, LEADING)
        + frame(DATA, 0, 1, body[:3])
        + frame(DATA, PADDED, 1, bytes([4]) + body[3:6] + bytes(4))
        + frame(DATA, 0, 1, body[6:])
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILING)
    )
    assert run(tmp_path, said) == ""


def test_a_wrong_answer_is_told(tmp_path: Path) -> None:
    assert "unexpected answer: 0802" in run(tmp_path, answer(1, b"\x08\x02"))


def test_a_failed_status_is_told(tmp_path: Path) -> None:
    assert "'grpc-message': 'no'" in run(tmp_path, answer(1, trailing=FAILED))


def test_a_failed_status_is_told_each_time(tmp_path: Path) -> None:
    said = answer(1, trailing=FAILED) + answer(3, trailing=FAILED)
    with peer(tmp_path, say(said)) as target:
        assert closed_loop(target, [Track([CALL, CALL])], 2).complaints == 2


def test_an_answer_without_a_message_is_told(tmp_path: Path) -> None:
    assert "0 messages" in run(tmp_path, frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILING))


def test_an_answer_with_two_messages_is_told(tmp_path: Path) -> None:
    said = frame(DATA, 0, 1, message()) + answer(1)
    assert "2 messages" in run(tmp_path, said)


def test_a_compressed_answer_is_told(tmp_path: Path) -> None:
    squeezed = frame(DATA, 0, 1, MESSAGE.pack(1, 2) + ANSWER)
    end = frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILING)
    assert "compressed" in run(tmp_path, squeezed + end)


def test_a_reset_is_told(tmp_path: Path) -> None:
    assert "reset with code 7" in run(tmp_path, frame(RST_STREAM, 0, 1, bytes([0, 0, 0, 7])))


def test_an_http_error_is_told(tmp_path: Path) -> None:
    gone = headers((":status", "503"))
    assert "503" in run(tmp_path, frame(HEADERS, END_HEADERS | END_STREAM, 1, gone))


def test_a_goodbye_ends_the_run(tmp_path: Path) -> None:
    said = frame(GOAWAY, 0, 0, bytes(4) + bytes([0, 0, 0, 11]) + b"calm")
    with pytest.raises(LoadError, match="code 11: b'calm'"):
        run(tmp_path, said)


def test_an_interrupted_header_block_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="interrupted"):
        run(tmp_path, frame(HEADERS, 0, 1, LEADING[:1]) + answer(1))


def test_a_closed_connection_ends_the_run(tmp_path: Path) -> None:
    def hang_up(client: socket.socket) -> None:
        client.shutdown(socket.SHUT_WR)

    with peer(tmp_path, hang_up) as target, pytest.raises(LoadError, match="closed"):
        closed_loop(target, [Track([CALL])], 1)


def test_a_ping_is_answered(tmp_path: Path) -> None:
    heard = bytearray()

    def ping(client: socket.socket) -> None:
        client.sendall(frame(PING, 0, 0, b"pingping"))
        while b"pingping" not in heard:
            heard.extend(client.recv(1 << 16))
        client.sendall(answer(1))

    with peer(tmp_path, ping) as target:
        assert closed_loop(target, [Track([CALL])], 1).complaints == 0
    assert frame(PING, ACK, 0, b"pingping") in heard


def test_a_full_window_is_waited_for(tmp_path: Path) -> None:
    big = Call("/a.B/C", bytes(16_000), ANSWER)
    heard = bytearray()

    def open_later(client: socket.socket) -> None:
        while len(heard) < 4 * 16_000:
            heard.extend(client.recv(1 << 16))
        client.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while True:
                heard.extend(client.recv(1 << 16))
        assert len(heard) < DEFAULT_WINDOW + 1000
        client.settimeout(None)
        client.sendall(frame(WINDOW_UPDATE, 0, 0, (100_000).to_bytes(4)) + answer(1))
        while len(heard) < 6 * 16_000:
            heard.extend(client.recv(1 << 16))
        client.sendall(b"".join(answer(stream) for stream in range(3, 13, 2)))

    with peer(tmp_path, open_later) as target:
        assert closed_loop(target, [Track([big] * 6)], 6).complaints == 0


def test_no_more_streams_are_opened_than_the_peer_takes(tmp_path: Path) -> None:
    limit = SETTING.pack(MAX_CONCURRENT_STREAMS, 2)
    with peer(tmp_path, say(), limit) as target:
        connection = Connection(target, Track([CALL] * 5))
        connection.advance(5)
        assert connection.issued == 2
        connection.close()


def test_headers_mean_the_same_however_often_they_are_sent() -> None:
    track = Track([CALL, Call("/a.B/D", b"", b""), CALL, Call("/a.B/D", b"", b""), CALL])
    decoder, at, paths, blocks = Decoder(), 0, [], []
    while at < len(track.frames):
        word, _, _ = FRAME.unpack_from(track.frames, at)
        if word & 255 == HEADERS:
            blocks.append(track.frames[at + 9 : at + 9 + (word >> 8)])
            decoded = {str(name): str(value) for name, value in decoder.decode(blocks[-1])}
            assert decoded["te"] == "trailers"
            paths.append(decoded[":path"])
        at += 9 + (word >> 8)
    assert paths == ["/a.B/C", "/a.B/D", "/a.B/C", "/a.B/D", "/a.B/C"]
    assert blocks[2] == blocks[4]
    assert len(blocks[2]) < 12


def test_the_greeting_is_what_the_specification_wants() -> None:
    assert HELLO.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x0c\x04\x00\x00\x00\x00\x00")


def test_percentiles_are_in_microseconds_to_three_digits() -> None:
    figures = percentiles([1000 * number for number in range(1, 1001)])
    assert figures["p50_us"] == pytest.approx(500, rel=0.001)
    assert figures["p99_us"] == pytest.approx(990, rel=0.001)
    assert figures["max_us"] == 1000
