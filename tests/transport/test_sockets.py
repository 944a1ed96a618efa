"""Addresses: who may bind what, and what is left behind."""

from __future__ import annotations

import os
import socket
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from tests.transport.harness import (
    DIRECTORY,
    LIMITS,
    PATHS,
    TRANSPORTS,
    call,
    dialled,
    served,
    socket_config,
)

from tidegate_server.transport import (
    STOP,
    AddressTakenError,
    Call,
    FrontConfig,
    FrontConfigError,
    open_front,
)

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run_once(config: FrontConfig) -> None:
    def stop(_calls: list[Call]) -> float:
        return STOP

    open_front(config, PATHS, DIRECTORY, LIMITS).run(stop)


def test_owner_and_group_alone_may_connect(tmp_path: Path, transport: str) -> None:
    with served(socket_config(tmp_path, transport)):
        assert mode_of(tmp_path / "run" / "gate.sock") == 0o660
        assert mode_of(tmp_path / "run") == 0o750


def test_the_umask_is_as_before(tmp_path: Path, transport: str) -> None:
    before = os.umask(0o022)
    try:
        run_once(socket_config(tmp_path, transport))
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


@pytest.mark.parametrize("second", TRANSPORTS)
def test_a_second_front_on_a_live_socket_is_refused(
    tmp_path: Path, transport: str, second: str
) -> None:
    with served(socket_config(tmp_path, transport)) as gate:
        with pytest.raises(AddressTakenError, match=r"gate\.sock"):
            run_once(socket_config(tmp_path, second))
        with dialled(gate.front.address) as channel:
            assert call(channel, b"x") == b"x"


def test_a_socket_of_another_program_is_left_alone(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "run" / "gate.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(AddressTakenError, match=r"gate\.sock"):
            run_once(socket_config(tmp_path, transport))
        assert path.exists()


def test_a_dead_socket_is_replaced(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "run" / "gate.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with (
        served(socket_config(tmp_path, transport)) as gate,
        dialled(gate.front.address) as channel,
    ):
        assert call(channel, b"x") == b"x"


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "run" / "gate.sock"
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(FrontConfigError, match="not a socket"):
        run_once(socket_config(tmp_path, transport))
    assert path.read_text() == "mine"


def test_a_folder_open_to_everybody_is_refused(tmp_path: Path, transport: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    with pytest.raises(FrontConfigError, match="folder of its own"):
        run_once(socket_config(tmp_path, transport))


def test_the_socket_goes_with_its_front(tmp_path: Path, transport: str) -> None:
    for _ in range(2):
        run_once(socket_config(tmp_path, transport))
        assert not (tmp_path / "run" / "gate.sock").exists()


def test_a_port_in_use_is_refused(transport: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = FrontConfig(f"127.0.0.1:{other.getsockname()[1]}", transport=transport)  # type: ignore[arg-type]
        with pytest.raises(AddressTakenError, match=r"127\.0\.0\.1"):
            run_once(config)


def test_two_fronts_cannot_share_a_port(transport: str) -> None:
    config = FrontConfig("127.0.0.1:0", transport=transport)  # type: ignore[arg-type]
    with served(config) as gate, pytest.raises(AddressTakenError):
        run_once(FrontConfig(gate.front.address, transport=transport))  # type: ignore[arg-type]


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:7443"])
def test_plaintext_for_other_machines_is_refused(transport: str, listen: str) -> None:
    with pytest.raises(FrontConfigError, match="allow_plaintext_from_other_machines"):
        open_front(FrontConfig(listen, transport=transport), PATHS, DIRECTORY, LIMITS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listen", "problem"),
    [
        ("7443", "host:port"),
        ("127.0.0.1:", "host:port"),
        ("127.0.0.1:70000", "host:port"),
        (":7443", "host:port"),
        ("unix:gate.sock", "relative"),
        ("unix:/" + "x" * 120, "shorter"),
        ("no-such-host.invalid:1", "resolve"),
    ],
)
def test_a_malformed_address_is_refused(transport: str, listen: str, problem: str) -> None:
    with pytest.raises(FrontConfigError, match=problem):
        open_front(FrontConfig(listen, transport=transport), PATHS, DIRECTORY, LIMITS)  # type: ignore[arg-type]


def test_an_unknown_transport_is_refused() -> None:
    config = FrontConfig("127.0.0.1:0", transport="carrier-pigeon")  # type: ignore[arg-type]
    with pytest.raises(FrontConfigError, match="native or grpcio"):
        open_front(config, PATHS, DIRECTORY, LIMITS)


def test_every_path_needs_a_limit() -> None:
    with pytest.raises(FrontConfigError, match="limit"):
        open_front(FrontConfig("127.0.0.1:0"), PATHS, DIRECTORY, LIMITS[:1])


def test_opening_binds_nothing(tmp_path: Path, transport: str) -> None:
    open_front(socket_config(tmp_path, transport), PATHS, DIRECTORY, LIMITS)
    assert not list(tmp_path.iterdir())


def test_only_one_of_many_that_start_together_serves(tmp_path: Path) -> None:
    results: list[str] = []
    go = threading.Barrier(4)

    def contend() -> None:
        front = open_front(socket_config(tmp_path, "native"), PATHS, DIRECTORY, LIMITS)
        go.wait()
        try:
            front.run(lambda _: STOP if len(results) == 3 else 0.01)
        except AddressTakenError:
            results.append("taken")

    threads = [threading.Thread(target=contend, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == ["taken"] * 3
