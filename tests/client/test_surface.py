"""What the package shows."""

from __future__ import annotations

import inspect

import pytest

import tidegate_client
from tidegate_client import AsyncClient, Client, testing

PUBLIC = [
    *(getattr(tidegate_client, name) for name in tidegate_client.__all__),
    *(getattr(testing, name) for name in testing.__all__),
]
METHODS = [
    member
    for kind in (Client, AsyncClient, testing.FakeGate)
    for name, member in vars(kind).items()
    if not name.startswith("_") and callable(member)
]


def test_all_is_sorted() -> None:
    assert tidegate_client.__all__ == sorted(tidegate_client.__all__)


def test_all_leaves_nothing_public_out() -> None:
    modules = {"testing"}
    shown = {name for name in vars(tidegate_client) if not name.startswith("_")} - modules
    assert shown == set(tidegate_client.__all__)


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__name__)
def test_everything_public_has_a_docstring(thing: object) -> None:
    assert inspect.getdoc(thing)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__qualname__)
def test_every_method_has_a_docstring_and_a_signature(method: object) -> None:
    assert inspect.getdoc(method)
    assert next(iter(inspect.signature(method).parameters)) == "self"  # type: ignore[arg-type]


def test_both_clients_have_the_same_methods() -> None:
    names = [{name for name in vars(kind) if name[0] != "_"} for kind in (Client, AsyncClient)]
    assert names[0] == names[1]


def test_both_clients_take_the_same_arguments() -> None:
    for name in (name for name in vars(Client) if name[0] != "_"):
        plain = inspect.signature(getattr(Client, name)).parameters
        awaited = inspect.signature(getattr(AsyncClient, name)).parameters
        assert list(plain) == list(awaited), name


def test_the_exception_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = inspect.getdoc(inspect.getmodule(tidegate_client.TidegateError)) or ""
    for name in tidegate_client.__all__:
        if name.endswith("Error"):
            assert name in drawn
            assert issubclass(getattr(tidegate_client, name), tidegate_client.TidegateError)
