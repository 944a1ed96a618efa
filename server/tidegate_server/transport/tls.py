"""TLS: credentials from files, and the one identity of a client certificate."""

from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING, Final

import grpc

from tidegate_server.transport.front import FrontConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tidegate_server.transport.front import FrontConfig

#: gRPC's name for the URIs among a certificate's alternative names.
_URI_PROPERTY: Final = "peer_uri"
#: OpenSSL's words for a key of another certificate: of the same kind, of another (old, new).
_MISMATCHES: Final = frozenset(
    {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
)


def check_tls(config: FrontConfig) -> None:
    """Load the files as a server would; raise FrontConfigError with the file that is at fault."""
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise FrontConfigError("TLS needs both tls_certificate and tls_key: set both or neither")
    if config.tls_client_ca is not None and config.tls_key is None:
        raise FrontConfigError("tls_client_ca needs tls_certificate and tls_key, too")
    if config.tls_key is not None and _mode(config.tls_key) & stat.S_IRWXO:
        raise FrontConfigError(
            f"other users may use the key {config.tls_key}: chmod 0600, and replace the key"
        )
    if config.tls_certificate is not None and config.tls_key is not None:
        _check_pair(config.tls_certificate, config.tls_key)
    if config.tls_client_ca is not None:
        _check_certificates(config.tls_client_ca)


def server_credentials(config: FrontConfig) -> grpc.ServerCredentials | None:
    """Return the credentials to bind with, None for plaintext. gRPC refuses TLS below 1.2."""
    if config.tls_certificate is None or config.tls_key is None:
        return None
    check_tls(config)
    pair = (_read(config.tls_key), _read(config.tls_certificate))
    authority = None if config.tls_client_ca is None else _read(config.tls_client_ca)
    return grpc.ssl_server_credentials([pair], authority, authority is not None)


def spiffe_id_of(properties: Mapping[str, Iterable[bytes]]) -> str | None:
    """Return the URI of a client certificate; None unless it has exactly one. Never the CN."""
    uris = tuple(properties.get(_URI_PROPERTY, ()))
    if len(uris) != 1:
        return None
    return uris[0].decode("ascii", "replace")


def _check_pair(certificate: Path, key: Path) -> None:
    _check_certificates(certificate)
    _read(key)
    try:
        _context().load_cert_chain(certificate, key, _refuse_password)
    except _EncryptedKeyError:
        raise FrontConfigError(
            f"the key {key} is encrypted: nobody is there to type its password, store it without"
        ) from None
    except ssl.SSLError as error:
        if error.reason in _MISMATCHES:
            raise FrontConfigError(
                f"the key {key} is not that of the certificate {certificate}: give the pair"
            ) from error
        raise FrontConfigError(
            f"the key {key} cannot be used with the certificate {certificate}: it must hold a"
            f" private key as PEM ({error.reason or error})"
        ) from error


def _check_certificates(path: Path) -> None:
    _read(path)
    try:
        _context().load_verify_locations(path)
    except ssl.SSLError as error:
        raise FrontConfigError(
            f"TLS file {path} must hold certificates as PEM ({error.reason or error})"
        ) from error


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class _EncryptedKeyError(Exception):
    """The key wants a password."""


def _refuse_password() -> str:
    raise _EncryptedKeyError


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError as error:
        raise FrontConfigError(f"TLS file {path} cannot be read: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FrontConfigError(f"TLS file {path} cannot be read: {error.strerror}") from error
