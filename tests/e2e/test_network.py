"""The gate over loopback TCP, and over mutual TLS on the grpcio front."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.e2e.support import Server, free_port, home_folder, order, serving

from tidegate_client import (
    AuthenticationError,
    Client,
    ConnectionFailedError,
    PermissionDeniedError,
    tls_credentials,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DESK = "spiffe://bank/desk"
PRINCIPALS = f"""
[[principals]]
name = "desk"
roles = ["router"]
spiffe_ids = ["{DESK}"]
"""


def test_checks_pass_over_loopback(transport: str) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with serving(transport, {"listen": listen}) as server, server.client() as client:
        assert client.check(order("NOBODY")).reason == "ACCOUNT_UNKNOWN"
        assert client.status().transport == transport


def test_plaintext_for_other_machines_is_refused(transport: str) -> None:
    with home_folder() as home:
        ended = Server(home, transport, {"listen": "0.0.0.0:7443"}).run("serve")
    assert ended.returncode == 2
    assert "plaintext" in ended.stderr


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._sign(self._name, self._key, None)))

    def issue(self, name: str, alternative: x509.GeneralName | None = None) -> tuple[Path, Path]:
        """Write a certificate and its key; return both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        shown = alternative or x509.DNSName(name)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(_pem(self._sign(_named(name), key, shown)))
        files[1].touch(mode=0o600)
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, shown: x509.GeneralName | None
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        basic = x509.BasicConstraints(ca=shown is None, path_length=None)
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(basic, critical=True)
        )
        if shown is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            names = x509.SubjectAlternativeName([shown])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class Secured:
    """A gate that demands certificates, and who issues them."""

    def __init__(self, server: Server, house: Authority, folder: Path) -> None:
        self._server = server
        self.house = house
        self.folder = folder

    def client(self, pair: tuple[Path, Path] | None) -> Client:
        certificate, key = pair or (None, None)
        credentials = tls_credentials(ca=self.house.file, certificate=certificate, key=key)
        return self._server.client(credentials=credentials, timeout=2.0)


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with home_folder() as home:
        house = Authority(home, "house")
        certificate, key = house.issue("localhost")
        settings = {
            "listen": f"localhost:{free_port()}",
            "tls.certificate": str(certificate),
            "tls.key": str(key),
            "tls.client_ca": str(house.file),
        }
        server = Server(home, "grpcio", settings, tail=PRINCIPALS).init().start()
        try:
            yield Secured(server, house, home)
        finally:
            server.end()


def test_a_certificate_is_its_principal(secured: Secured) -> None:
    pair = secured.house.issue("desk", x509.UniformResourceIdentifier(DESK))
    with secured.client(pair) as client:
        assert client.check(order("NOBODY")).reason == "ACCOUNT_UNKNOWN"


def test_a_certificate_gives_no_more_than_its_roles(secured: Secured) -> None:
    pair = secured.house.issue("desk-2", x509.UniformResourceIdentifier(DESK))
    with secured.client(pair) as client, pytest.raises(PermissionDeniedError) as caught:
        client.roll_day(20_300_101)
    assert caught.value.metadata["principal"] == "desk"


def test_a_certificate_of_nobody_is_nobody(secured: Secured) -> None:
    pair = secured.house.issue("guest", x509.UniformResourceIdentifier("spiffe://bank/guest"))
    with secured.client(pair) as client, pytest.raises(AuthenticationError):
        client.status()


def test_without_a_certificate_nobody_connects(secured: Secured) -> None:
    with secured.client(None) as client, pytest.raises(ConnectionFailedError):
        client.status()


def test_a_certificate_of_another_house_cannot_connect(secured: Secured) -> None:
    other = Authority(secured.folder, "stranger")
    pair = other.issue("forged", x509.UniformResourceIdentifier(DESK))
    with secured.client(pair) as client, pytest.raises(ConnectionFailedError):
        client.status()
