"""Numbers past all bounds: what is wrong is said, and nothing is sent."""

from __future__ import annotations

import inspect
from enum import EnumType
from typing import TYPE_CHECKING, NamedTuple, get_args, get_type_hints

import pytest
import typer
from tests.cli.machine_gate import serving
from typer.testing import CliRunner

from tidegate_server.cli import bounds
from tidegate_server.cli.app import app
from tidegate_server.engine import amounts
from tidegate_server.wire import decoding, validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
ORDER = ("A0001", "buy", "10", "SPY")
FAR = str(10**23)


class Case(NamedTuple):
    """A command with one number too large, and what the answer must name."""

    arguments: list[str]
    named: str


class Parameter(NamedTuple):
    """One argument or option of a command."""

    flag: str  # empty of an argument
    kinds: tuple[object, ...]
    required: bool
    name: str


def cases(of: typer.Typer = app, path: tuple[str, ...] = ()) -> Iterator[Case]:
    """Yield one case for every integer of every command."""
    for command in of.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        known = list(parameters(command.callback))
        for far in known:
            if int in far.kinds:
                arguments = [*path, name, *words(known, far)]
                yield Case(arguments, far.flag or far.name.upper())
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from cases(group.typer_instance, (*path, str(group.name)))


def parameters(command: Callable[..., object]) -> Iterator[Parameter]:
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = get_args(hints[name])
        flag = ""
        if isinstance(info, typer.models.OptionInfo):
            given = (info.default, *(info.param_decls or ()))  # typer has the first as a default
            flag = next(one for one in given if isinstance(one, str) and one.startswith("-"))
        yield Parameter(flag, (kind, *get_args(kind)), parameter.default is parameter.empty, name)


def words(known: list[Parameter], far: Parameter) -> Iterator[str]:
    """Yield what the command needs, with one number that is too large."""
    for parameter in known:
        if parameter is not far and not parameter.required:
            continue
        if parameter.flag:
            yield parameter.flag
        yield FAR if parameter is far else filler(parameter.kinds[0])


def filler(kind: object) -> str:
    return str(next(iter(kind)).value) if isinstance(kind, EnumType) else "1"


CASES = list(cases())


def test_there_are_integers_to_try() -> None:
    tried = {case.named for case in CASES}
    assert {"--created-time-ns", "--trade-date", "--minutes", "--from", "QUANTITY"} <= tried


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.arguments)[:60])
def test_a_number_past_its_bound_is_named(case: Case, tmp_path: Path) -> None:
    found = RUN.invoke(app, case.arguments, env={"TIDEGATE_DATA": str(tmp_path / "none")})
    assert found.exit_code == 2
    assert isinstance(found.exception, SystemExit)
    assert "Invalid value for" in found.stderr
    assert case.named.lower() in found.stderr.lower()


@pytest.mark.parametrize("price", ["1e999999999", "1e-999999999", "inf"])
def test_a_price_past_what_decimals_hold_is_none(price: str) -> None:
    found = RUN.invoke(app, ["check", *ORDER, "--price", price])
    assert found.exit_code == 2
    assert found.stderr.startswith(f"tidegate: --price {price}: ")


def test_bounds_are_those_of_the_contract() -> None:
    assert bounds.QUANTITY_BOUND == amounts.QUANTITY_BOUND
    assert bounds.PRICE_BOUND == amounts.PRICE_BOUND
    assert bounds.AMOUNT_BOUND == amounts.AMOUNT_BOUND
    assert bounds.TIME_BOUND == validation.TIME_BOUND
    assert bounds.LAST_DATE == decoding.LAST_DATE


@pytest.mark.parametrize("timeout", ["1000", "nan"])
def test_a_deadline_past_its_bound_is_named_as_it_is_given(timeout: str) -> None:
    found = RUN.invoke(app, ["status", "--timeout", timeout])
    assert found.exit_code == 2
    assert "--timeout" in found.stderr
    assert "timeout_ms" not in found.stderr.replace("-", "_")


@pytest.mark.parametrize(
    "command",
    [
        ("account", "withdraw", "A1"),
        ("contract", "repay", "A1"),
        ("contract", "fee", "A1"),
        ("contract", "interest", "A1", "c1"),
    ],
    ids=lambda command: command[1],
)
def test_an_amount_has_a_bound_of_its_own(command: tuple[str, ...]) -> None:
    found = RUN.invoke(app, [*command, "9000000000000.0001"])
    assert found.exit_code == 2
    problem = "an amount is 0.0001 to 9000000000000"
    assert found.stderr == f"tidegate: amount 9000000000000.0001: {problem}\n"


def test_an_amount_may_be_more_than_any_price(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        found = RUN.invoke(app, ["account", "withdraw", "A1", "200000000", "--address", address])
    assert found.exit_code == 65  # asked, of an account that is not there
    assert "NOT_FOUND" in found.stderr


@pytest.mark.parametrize(("price", "quantity"), [("cheap", "10"), ("167.00", FAR)])
def test_a_wrong_row_of_a_list_is_named(tmp_path: Path, price: str, quantity: str) -> None:
    listed = tmp_path / "open.csv"
    head = "order_id,instrument_id,side,quantity,price,filled"
    right = "one,SPY,buy,10,167.00,0"
    listed.write_text(f"{head}\n{right}\ntwo,SPY,buy,{quantity},{price},0\n", encoding="utf-8")
    found = RUN.invoke(app, ["reconcile", "A1", str(listed)])
    assert found.exit_code == 2
    assert found.stderr.startswith(f"tidegate: {listed}, line 3: ")
