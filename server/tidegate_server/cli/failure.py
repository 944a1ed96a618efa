"""How a command fails: one line on standard error and a number.

0 done · 1 a demonstration differed · 2 wrong usage or configuration · 3 the order was rejected
(check, preview) · 65 the gate refused the request as it is · 69 no answer: not running, draining,
overloaded, too slow · 70 a fault · 77 who calls may not · 78 refused to start: the data folder or
the address
"""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """The numbers, after sysexits.h where it has one."""

    USAGE = 2
    REJECTED = 3
    REFUSED = 65
    UNAVAILABLE = 69
    FAULT = 70
    FORBIDDEN = 77
    NOT_STARTED = 78


CODES = (
    "Exit codes: 0 done, 1 a demo differed, 2 usage or configuration, 3 order rejected,"
    " 65 request refused, 69 no answer, 70 fault, 77 not allowed, 78 refused to start."
)


def fail(message: str, code: Exit) -> NoReturn:
    """Say why in one line and end."""
    typer.echo(f"tidegate: {' '.join(message.split())}", err=True)
    raise typer.Exit(int(code))
