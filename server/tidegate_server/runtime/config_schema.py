"""What can be set, with ranges, defaults and one line about each key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Role = Literal[
    "router", "viewer", "feed", "drop_copy", "risk", "approver", "killer", "operator", "auditor"
]
LOCAL_ROLES: tuple[Role, ...] = (
    *("router", "viewer", "feed", "drop_copy", "risk", "killer", "operator", "auditor"),
)
#: What a key takes that has a pattern: nobody should have to read one.
IN_WORDS = {"currency": "three capital letters, for example USD"}
_Name = Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Principal(Section, frozen=True):
    """One caller."""

    name: _Name
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    token_sha256: tuple[Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")], ...] = ()
    spiffe_ids: tuple[Annotated[str, Meta(pattern=r"\Aspiffe://[!-~]+\Z")], ...] = ()


class Admission(Section, frozen=True):
    """When new risk is refused since too much waits."""

    waiting_calls: Annotated[int, Meta(ge=1, le=1_000_000, description="most calls that wait")] = (
        4096
    )
    oldest_ms: Annotated[int, Meta(ge=1, le=60_000, description="longest wait of a call")] = 1000


class Commit(Section, frozen=True):
    """What one flush makes durable."""

    orders: Annotated[int, Meta(ge=1, le=65_536, description="most orders of one commit")] = 512
    work_us: Annotated[int, Meta(ge=1, le=1_000_000, description="most work of one commit")] = 5000


class Follower(Section, frozen=True):
    """The second process: proofs, snapshots, metrics, audit."""

    enabled: Annotated[bool, Meta(description="whether serve starts it")] = True
    listen: Annotated[str, Meta(description="empty: a socket in the data folder")] = ""
    metrics: Annotated[str, Meta(description="Prometheus, on loopback; empty: off")] = (
        "127.0.0.1:9464"
    )
    snapshot_records: Annotated[
        int, Meta(ge=1000, le=1_000_000, description="records between two snapshots")
    ] = 1_000_000


class Tls(Section, frozen=True):
    """Files for TLS on the grpcio transport; the native one has Envoy in front of its socket."""

    certificate: Annotated[str, Meta(description="PEM file")] = ""
    key: Annotated[str, Meta(description="PEM file that only its owner can read")] = ""
    client_ca: Annotated[str, Meta(description="PEM file; clients must have a certificate")] = ""


class Log(Section, frozen=True):
    """Structured lines on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="from")] = (
        "info"
    )
    format: Annotated[Literal["console", "json"], Meta(description="for people or machines")] = (
        "console"
    )


class Client(Section, frozen=True):
    """How the commands that call a gate reach it."""

    address: Annotated[str, Meta(description="empty: where the gate of this file listens")] = ""
    timeout_ms: Annotated[int, Meta(ge=1, le=600_000, description="deadline of a call")] = 5000
    token_file: Annotated[str, Meta(description="bearer token; else TIDEGATE_TOKEN")] = ""
    ca: Annotated[str, Meta(description="PEM file that the gate's certificate must chain to")] = ""
    certificate: Annotated[str, Meta(description="PEM file of ours")] = ""
    key: Annotated[str, Meta(description="PEM file that only its owner can read")] = ""


class Config(Section, frozen=True):
    """Everything that can be set."""

    data: Annotated[str, Meta(min_length=1, description="the data folder")] = "tidegate-data"
    shard: Annotated[
        int, Meta(ge=0, le=65_535, description="which part of the accounts; fixed by init")
    ] = 0
    currency: Annotated[
        str, Meta(pattern=r"\A[A-Z]{3}\Z", description="of every amount; fixed by init")
    ] = "USD"
    listen: Annotated[
        str, Meta(description="unix:PATH or HOST:PORT; empty: a socket in the data folder")
    ] = ""
    transport: Annotated[Literal["native", "grpcio"], Meta(description="the front")] = "native"
    reflection: Annotated[bool, Meta(description="offer gRPC reflection")] = False
    insecure_plaintext_anywhere: Annotated[
        bool, Meta(description="plaintext beyond loopback: everyone on the way reads and writes")
    ] = False
    durability: Annotated[
        Literal["flush", "write", "memory"],
        Meta(description="survive power loss, the process, or nothing"),
    ] = "flush"
    segment_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 30, description="journal file size")] = (
        64 << 20
    )
    order_id_table: Annotated[
        int, Meta(ge=1000, le=1 << 26, description="most order ids that are kept")
    ] = 1_048_576
    awake_ms: Annotated[
        int,
        Meta(
            ge=0, le=3_600_000, description="how long after a call no processor sleeps; 0: all may"
        ),
    ] = 100
    local_roles: Annotated[
        tuple[Role, ...], Meta(description="of callers without token or certificate")
    ] = LOCAL_ROLES
    admission: Admission = Admission()
    commit: Commit = Commit()
    follower: Follower = Follower()
    tls: Tls = Tls()
    log: Log = Log()
    client: Client = Client()
    principals: tuple[Principal, ...] = ()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def gate_address(self) -> str:
        """Where the gate listens."""
        return self.listen or f"unix:{self.folder.absolute() / 'run' / 'gate.sock'}"

    @property
    def follower_address(self) -> str:
        """Where the follower listens."""
        return self.follower.listen or f"unix:{self.folder.absolute() / 'run' / 'follower.sock'}"


def choices_of(kind: object) -> list[str]:
    """Return the words of a literal type, however deep it lies."""
    parts = get_args(kind)
    return [w for part in parts for w in ([part] if isinstance(part, str) else choices_of(part))]
