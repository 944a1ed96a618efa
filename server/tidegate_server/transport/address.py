"""Addresses: what may be bound in plaintext, and Unix sockets that belong to one process.

Both transports replace whatever lies at a socket's path, a live socket included, and remove it
when they close. So a socket is bound only under a `flock` on the file beside it, and only when
nobody answers at its path. The lock file stays: removing it would let two processes hold two locks.
"""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tidegate_server.transport.front import AddressTakenError, FrontConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_server.transport.front import FrontConfig, FrontError

UNIX: Final = "unix:"
#: Owner and group may connect, nobody else.
SOCKET_UMASK: Final = 0o117
FOLDER_MODE: Final = 0o750
LOCK_SUFFIX: Final = ".lock"
#: What `sockaddr_un` holds, in bytes.
PATH_LENGTH: Final = 107

_PORT_LIMIT: Final = 65_536
_LOCK_MODE: Final = 0o640


def check_listen(config: FrontConfig) -> bool:
    """Tell whether only people on this machine can reach the address.

    Raises FrontConfigError if it is malformed, or plaintext where other machines could listen in.
    """
    if config.listen.startswith(UNIX):
        _check_path(Path(config.listen.removeprefix(UNIX)))
        return True
    host, _ = split_host(config.listen)
    if _is_loopback(host):
        return True
    if config.tls_certificate is None and not config.allow_plaintext_from_other_machines:
        raise FrontConfigError(
            f"{config.listen} would be served in plaintext to other machines: listen on loopback"
            " or a Unix socket, configure TLS (grpcio),"
            " or set allow_plaintext_from_other_machines"
        )
    return False


def split_host(listen: str) -> tuple[str, int]:
    """Split host:port; the host comes without brackets."""
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) >= _PORT_LIMIT:
        raise FrontConfigError(
            f"listen address {listen!r} is neither unix:/absolute/path nor host:port"
        )
    return host, int(port)


def with_port(listen: str, port: int) -> str:
    """Put the port that was bound into host:port."""
    return f"{listen.rpartition(':')[0]}:{port}"


def bind_error(listen: str) -> FrontError:
    """Find out why an address could not be bound, where the transport does not say."""
    if not listen.startswith(UNIX):
        try:
            _bind_briefly(*split_host(listen))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return AddressTakenError(
                    f"another program serves {listen}: stop it, or listen elsewhere"
                )
            return FrontConfigError(f"{listen} cannot be bound: {error.strerror}: listen elsewhere")
    return FrontConfigError(
        f"{listen} is free, but the transport would not serve it: look at the TLS files,"
        " at the socket's folder, and at what GRPC_VERBOSITY=debug says"
    )


def _bind_briefly(host: str, port: int) -> None:
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()


@contextmanager
def claim_socket(listen: str) -> Iterator[None]:
    """Own a Unix socket's path while inside; the caller binds in `narrow_umask`.

    Raises AddressTakenError if another process owns the path, FrontConfigError if something else
    lies there. Does nothing for a TCP address.
    """
    if not listen.startswith(UNIX):
        yield
        return
    path = Path(listen.removeprefix(UNIX))
    _prepare_folder(path.parent)
    descriptor = _lock(path)
    try:
        _remove_dead(path)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def narrow_umask() -> Iterator[None]:
    """Create sockets as 0660 while inside; the umask belongs to the process, so be brief."""
    before = os.umask(SOCKET_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FrontConfigError(f"listen host {host!r} does not resolve: {error}") from error
    return all(ipaddress.ip_address(str(entry[4][0])).is_loopback for entry in found)


def _check_path(path: Path) -> None:
    if not path.is_absolute():
        raise FrontConfigError(f"socket path {path} is relative: write unix:/absolute/path")
    if len(os.fsencode(path)) > PATH_LENGTH:
        raise FrontConfigError(
            f"socket path {path} is longer than {PATH_LENGTH} bytes: choose a shorter one"
        )


def _prepare_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)  # others may start at the same moment
        folder.chmod(FOLDER_MODE)
    if not folder.is_dir():
        raise FrontConfigError(f"{folder} is not a folder: the socket needs one of its own")
    if folder.stat().st_mode & stat.S_IWOTH:
        raise FrontConfigError(
            f"everybody may write in {folder} and could replace the socket:"
            " give it a folder of its own, mode 0750"
        )


def _lock(path: Path) -> int:
    lock = path.with_name(path.name + LOCK_SUFFIX)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _LOCK_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AddressTakenError(
            f"another gate serves {path} (it holds {lock}): stop it, or listen elsewhere"
        ) from None
    return descriptor


def _remove_dead(path: Path) -> None:
    """Remove the socket that a killed owner left; refuse to touch anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FrontConfigError(f"{path} exists and is not a socket: move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise AddressTakenError(f"another program answers at {path}: stop it, or listen elsewhere")
