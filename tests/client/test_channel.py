"""Where a token may go, and what secures a channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tidegate_client import Client, tls_credentials
from tidegate_client._channel import call_metadata, channel_options, is_local

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "target",
    [
        "unix:/run/gate.sock",
        "unix-abstract:gate",
        "localhost:7443",
        "dns:///localhost:7443",
        "127.0.0.1:7443",
        "127.8.8.8:1",
        "ipv4:127.0.0.1:7443",
        "[::1]:7443",
        "ipv6:[::1]:7443",
        "localhost",
    ],
)
def test_an_address_of_this_machine_is_local(target: str) -> None:
    assert is_local(target)


@pytest.mark.parametrize(
    "target",
    [
        "gate.example:7443",
        "10.0.0.1:7443",
        "localhost.example:7443",
        "127.0.0.1.example:7443",
        "ipv4:127.0.0.1:1,10.0.0.1:1",
        "[2001:db8::1]:7443",
        "dns://10.0.0.1/localhost:7443",
        "",
    ],
)
def test_any_other_address_is_not_local(target: str) -> None:
    assert not is_local(target)


def test_a_token_never_travels_in_the_clear() -> None:
    with pytest.raises(ValueError, match="in the clear: pass credentials="):
        Client("gate.example:7443", token="secret")  # noqa: S106 - of a test


def test_a_token_travels_over_tls() -> None:
    metadata = call_metadata("gate.example:7443", "secret", secure=True)
    assert metadata == (("authorization", "Bearer secret"),)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nx: y", "ä"])
def test_a_token_that_no_header_holds_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        call_metadata("localhost:1", token, secure=False)


def test_half_a_client_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both certificate and key"):
        tls_credentials(certificate=tmp_path / "client.pem")


def test_options_of_the_caller_win() -> None:
    options = dict(channel_options([("grpc.keepalive_time_ms", 1)]))
    assert options["grpc.keepalive_time_ms"] == 1
    assert options["grpc.enable_http_proxy"] == 0


def test_the_service_config_retries_unavailable_only() -> None:
    (method,) = json.loads(str(dict(channel_options([]))["grpc.service_config"]))["methodConfig"]
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert {"service": "tidegate.v1.RiskService", "method": "CheckOrder"} not in method["name"]
