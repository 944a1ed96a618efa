"""TLS, client certificates and reflection: the grpcio front only."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)
from tests.transport.harness import (
    DIRECTORY,
    LIMITS,
    PATHS,
    TOKEN,
    call,
    dialled,
    refusal,
    served,
    socket_config,
)

from tidegate_server.transport import STOP, FrontConfig, FrontConfigError, open_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DESK = "spiffe://bank/desk-2"


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.pem = _pem(self._sign(self._name, self._key, (), authority=True))

    def issue(self, name: str, *alternatives: x509.GeneralName) -> tuple[bytes, bytes]:
        """Return the PEM of a key and its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _key_pem(key), _pem(self._sign(_name(name), key, alternatives, authority=False))

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        alternatives: tuple[x509.GeneralName, ...],
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if alternatives:
            names = x509.SubjectAlternativeName(alternatives)
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("house")


@pytest.fixture
def config(tmp_path: Path, authority: Authority) -> FrontConfig:
    key, certificate = authority.issue("gate", x509.DNSName("localhost"))
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "key.pem").chmod(0o600)
    (tmp_path / "gate.pem").write_bytes(certificate)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    return FrontConfig(
        "localhost:0",
        transport="grpcio",
        tls_certificate=tmp_path / "gate.pem",
        tls_key=tmp_path / "key.pem",
        tls_client_ca=tmp_path / "ca.pem",
    )


@pytest.fixture
def gate_address(config: FrontConfig) -> Iterator[str]:
    with served(config) as gate:
        yield gate.front.address


def credentials(
    authority: Authority, pair: tuple[bytes, bytes] | tuple[None, None]
) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(authority.pem, *pair)


def test_the_uri_of_a_certificate_is_the_principal(authority: Authority, gate_address: str) -> None:
    pair = authority.issue("anything", uri(DESK))
    with dialled(gate_address, credentials(authority, pair)) as channel:
        assert call(channel, b"who") == b"desk-2"


def test_other_kinds_of_names_beside_the_uri_do_not_matter(
    authority: Authority, gate_address: str
) -> None:
    pair = authority.issue("anything", x509.DNSName("desk.bank"), uri(DESK))
    with dialled(gate_address, credentials(authority, pair)) as channel:
        assert call(channel, b"who") == b"desk-2"


@pytest.mark.parametrize(
    "names",
    [
        (),
        (uri(DESK), uri("spiffe://bank/desk-3")),
        (uri(DESK), uri(DESK)),
        (uri("spiffe://bank/nobody"),),
        (x509.DNSName("desk-2"),),
        (x509.RFC822Name("desk-2@bank.example"),),
    ],
    ids=["none", "two", "twice", "unknown", "dns", "mail"],
)
@pytest.mark.parametrize("common_name", ["desk-2", DESK, "local"])
def test_without_exactly_one_known_uri_nobody_calls(
    authority: Authority, gate_address: str, names: tuple[x509.GeneralName, ...], common_name: str
) -> None:
    pair = authority.issue(common_name, *names)
    with dialled(gate_address, credentials(authority, pair)) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_does_not_stand_in_for_a_certificate_without_uri(
    authority: Authority, gate_address: str
) -> None:
    pair = authority.issue("desk-1")
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    with dialled(gate_address, credentials(authority, pair)) as channel:
        error = refusal(channel, b"x", metadata=metadata)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_certificate_of_another_authority_cannot_connect(
    authority: Authority, gate_address: str
) -> None:
    pair = Authority("house").issue("anything", uri(DESK))
    with dialled(gate_address, credentials(authority, pair)) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAVAILABLE


def test_without_a_certificate_nobody_connects(authority: Authority, gate_address: str) -> None:
    with dialled(gate_address, credentials(authority, (None, None))) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAVAILABLE


def test_plaintext_is_not_spoken_to_a_tls_front(gate_address: str) -> None:
    with dialled(gate_address) as channel:
        assert refusal(channel, b"x").code() is grpc.StatusCode.UNAVAILABLE


def test_tokens_work_where_no_certificates_are_demanded(
    authority: Authority, config: FrontConfig
) -> None:
    changed = FrontConfig(
        config.listen,
        transport="grpcio",
        tls_certificate=config.tls_certificate,
        tls_key=config.tls_key,
    )
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    with (
        served(changed) as gate,
        dialled(gate.front.address, credentials(authority, (None, None))) as channel,
    ):
        assert call(channel, b"who", metadata=metadata) == b"desk-1"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_key_that_others_can_use_is_refused(config: FrontConfig, mode: int) -> None:
    assert config.tls_key is not None
    config.tls_key.chmod(mode)
    with pytest.raises(FrontConfigError, match="chmod"):
        open_front(config, PATHS, DIRECTORY, LIMITS)


def test_a_certificate_without_its_key_is_refused(config: FrontConfig) -> None:
    half = FrontConfig("localhost:0", transport="grpcio", tls_certificate=config.tls_certificate)
    with pytest.raises(FrontConfigError, match="both"):
        open_front(half, PATHS, DIRECTORY, LIMITS)


def test_a_client_authority_without_a_key_is_refused(config: FrontConfig) -> None:
    half = FrontConfig("localhost:0", transport="grpcio", tls_client_ca=config.tls_client_ca)
    with pytest.raises(FrontConfigError, match="tls_client_ca needs"):
        open_front(half, PATHS, DIRECTORY, LIMITS)


def test_a_missing_key_is_named(config: FrontConfig) -> None:
    assert config.tls_key is not None
    config.tls_key.unlink()
    with pytest.raises(FrontConfigError, match=r"key\.pem"):
        open_front(config, PATHS, DIRECTORY, LIMITS)


@pytest.mark.parametrize("field", ["tls_certificate", "tls_key", "tls_client_ca"])
@pytest.mark.parametrize("content", [None, b"", b"garbage"], ids=["missing", "empty", "garbage"])
def test_a_file_that_is_none_is_named_before_anything_is_bound(
    config: FrontConfig, field: str, content: bytes | None
) -> None:
    path: Path = getattr(config, field)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(FrontConfigError, match=path.name):
        open_front(config, PATHS, DIRECTORY, LIMITS)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_the_key_of_another_certificate_is_refused(config: FrontConfig, kind: str) -> None:
    assert config.tls_key is not None
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa_key()
    config.tls_key.write_bytes(_key_pem(key))
    with pytest.raises(FrontConfigError, match=r"key\.pem is not that of .*gate\.pem"):
        open_front(config, PATHS, DIRECTORY, LIMITS)


def test_an_encrypted_key_is_refused(config: FrontConfig) -> None:
    assert config.tls_key is not None
    key = serialization.load_pem_private_key(config.tls_key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    config.tls_key.write_bytes(locked)
    with pytest.raises(FrontConfigError, match="encrypted"):
        open_front(config, PATHS, DIRECTORY, LIMITS)


def test_only_an_address_that_is_taken_is_called_so(config: FrontConfig) -> None:
    listen = "192.0.2.1:7443"  # of no machine
    away = replace(config, listen=listen)
    with pytest.raises(FrontConfigError, match=r"192\.0\.2\.1:7443 cannot be bound"):
        open_front(away, PATHS, DIRECTORY, LIMITS).run(lambda _: STOP)


def test_the_native_front_refuses_tls(config: FrontConfig) -> None:
    native = FrontConfig("localhost:0", tls_certificate=config.tls_certificate)
    with pytest.raises(FrontConfigError, match="no TLS"):
        open_front(native, PATHS, DIRECTORY, LIMITS)


def reflect(channel: grpc.Channel, version: str) -> set[str]:
    method = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )
    question = ServerReflectionRequest(list_services="")
    (response,) = method(iter([question]), timeout=5)
    return {service.name for service in response.list_services_response.service}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_services_when_asked_for(tmp_path: Path, version: str) -> None:
    config = socket_config(tmp_path, "grpcio", reflection=True)
    with served(config) as gate, dialled(gate.front.address) as channel:
        assert {"tidegate.v1.RiskService", "grpc.health.v1.Health"} <= reflect(channel, version)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_there_is_no_reflection_unless_asked_for(tmp_path: Path, version: str) -> None:
    config = socket_config(tmp_path, "grpcio")
    with served(config) as gate, dialled(gate.front.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            reflect(channel, version)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_native_front_refuses_reflection(tmp_path: Path) -> None:
    config = socket_config(tmp_path, "native", reflection=True)
    with pytest.raises(FrontConfigError, match="no reflection"):
        open_front(config, PATHS, DIRECTORY, LIMITS)
