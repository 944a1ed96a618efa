"""Principals and the directory."""

from __future__ import annotations

import hashlib

import pytest

from tidegate_server.transport import ROLES, Directory, IdentityError, Principal

ROUTER = frozenset({"router"})


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("name", ["", "a b", "café", "x" * 65, "a\n", "\x7f"])
def test_a_name_that_a_record_cannot_show_is_refused(name: str) -> None:
    with pytest.raises(IdentityError, match="rename it"):
        Principal(name, ROUTER)


@pytest.mark.parametrize("name", ["a", "x" * 64, "desk-1@bank.example/eu"])
def test_printable_names_are_taken(name: str) -> None:
    assert Principal(name, ROUTER).name == name


def test_a_principal_without_a_role_is_refused() -> None:
    with pytest.raises(IdentityError, match="no role"):
        Principal("a", frozenset())


def test_a_role_that_does_not_exist_is_named() -> None:
    with pytest.raises(IdentityError, match="unknown roles admin, root: use approver"):
        Principal("a", frozenset({"root", "admin", "router"}))


def test_all_roles_are_taken() -> None:
    assert Principal("a", ROLES).roles == ROLES


@pytest.mark.parametrize("stored", ["secret", digest("x").upper(), digest("x")[:-1]])
def test_a_token_that_is_no_digest_is_refused_without_showing_it(stored: str) -> None:
    with pytest.raises(IdentityError, match="SHA-256") as caught:
        Principal("a", ROUTER, (stored,))
    assert stored not in str(caught.value)


@pytest.mark.parametrize("spiffe_id", ["desk", "spiffe://bank", "https://bank/x", "spiffe://b/ "])
def test_a_malformed_spiffe_id_is_refused(spiffe_id: str) -> None:
    with pytest.raises(IdentityError, match="trust-domain"):
        Principal("a", ROUTER, (), (spiffe_id,))


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (Principal("a", ROUTER), "name"),
        (Principal("b", ROUTER, (digest("t"),)), "token"),
        (Principal("b", ROUTER, (), ("spiffe://bank/a",)), "SPIFFE id"),
    ],
)
def test_what_proves_two_principals_proves_none(other: Principal, kind: str) -> None:
    first = Principal("a", ROUTER, (digest("t"),), ("spiffe://bank/a",))
    with pytest.raises(IdentityError, match=f"share a {kind}"):
        Directory([first, other])


def test_each_of_several_tokens_proves_its_principal() -> None:
    who = Principal("a", ROUTER, (digest("old"), digest("new")))
    directory = Directory([who])
    assert directory.by_authorization(b"Bearer old") is who
    assert directory.by_authorization(b"BEARER new ") is who


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Bearer ", b"Basic t", b"t", b"Bearer T"])
def test_anything_else_proves_nobody(header: bytes) -> None:
    assert Directory([Principal("a", ROUTER, (digest("t"),))]).by_authorization(header) is None


def test_a_directory_finds_by_name_certificate_and_local() -> None:
    local = Principal("local", ROUTER)
    desk = Principal("desk", ROUTER, (), ("spiffe://bank/desk",))
    directory = Directory([local, desk])
    assert directory.local is local
    assert directory.find("desk") is desk
    assert directory.find("nobody") is None
    assert directory.by_spiffe_id("spiffe://bank/desk") is desk
    assert directory.by_spiffe_id("spiffe://bank/other") is None
    assert set(directory.principals) == {"local", "desk"}


def test_without_local_there_is_none() -> None:
    assert Directory([Principal("a", ROUTER)]).local is None
