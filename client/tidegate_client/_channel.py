"""One channel: where it leads, what secures it, what it sends along."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from tidegate_client._methods import RETRIED_PATHS
from tidegate_client._retry import service_config

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

_LARGEST_REQUEST_BYTES = 4 * 1024 * 1024  # 1 000 orders or events are below 1 MiB
_LARGEST_ANSWER_BYTES = 16 * 1024 * 1024  # 1 000 answers with every reason and its note
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.max_send_message_length", _LARGEST_REQUEST_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
    ("grpc.enable_http_proxy", 0),  # an order's way is never chosen by an environment variable
    ("grpc.enable_retries", 1),
    ("grpc.service_config", service_config(RETRIED_PATHS)),
    ("grpc.service_config_disable_resolution", 1),  # nor by a DNS record
    ("grpc.use_local_subchannel_pool", 1),  # a client's connection is its own
    ("grpc.keepalive_time_ms", 10_000),  # only while calls wait: a silent peer is dropped in 12 s
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # gRPC's name for the time to connect
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def channel_options(extra: Iterable[tuple[str, str | int]]) -> list[tuple[str, str | int]]:
    """Lay the caller's channel options over ours."""
    return list({**dict(_OPTIONS), **dict(extra)}.items())


def call_metadata(target: str, token: str | None, *, secure: bool) -> tuple[tuple[str, str], ...]:
    """Make the metadata of every call.

    Raise ValueError for a token that would travel in the clear, or that no header can hold.
    """
    if token is None:
        return ()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token is not printable ASCII without spaces")
    if not secure and not is_local(target):
        raise ValueError(
            f"a token to {target} would travel in the clear: pass credentials=tls_credentials(...),"
            " or use a Unix socket or the loopback address"
        )
    return (("authorization", f"Bearer {token}"),)


def is_local(target: str) -> bool:
    """Whether the address cannot leave this machine."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = _host_of(target)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(target: str) -> str:
    for scheme in ("dns:///", "dns:", "ipv4:", "ipv6:"):
        target = target.removeprefix(scheme)
    if "," in target:
        return ""  # a list of addresses may lead anywhere
    if target.startswith("["):
        return target[1:].partition("]")[0]
    return target.rpartition(":")[0] if target.count(":") == 1 else target


def tls_credentials(
    *,
    ca: str | PathLike[str] | None = None,
    certificate: str | PathLike[str] | None = None,
    key: str | PathLike[str] | None = None,
) -> grpc.ChannelCredentials:
    """Read PEM files into channel credentials, for `Client(credentials=...)`.

    `ca` verifies the gate; without it the system's authorities do. `certificate` and `key`
    together identify this client (mutual TLS). Raise ValueError for one of the two alone, OSError
    for a file that cannot be read.
    """
    if (certificate is None) != (key is None):
        raise ValueError("mutual TLS needs both certificate and key")
    return grpc.ssl_channel_credentials(_pem(ca), _pem(key), _pem(certificate))


def _pem(path: str | PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
