"""CheckOrders that wait in a row: read together, decided one after the other, written together.

Each gets what it would have got alone. The processor keeps to one piece of program at a time, which
spares 4.5 of 38 us an order in runs of 100, 3.5 in runs of 32 (in process, the bench book).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decoding import decode_check
from .errors import malformed
from .machine import Answer, decide_and_apply
from .methods import CHECK_ORDER
from .validation import MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidegate_server.engine.commands import CheckOrder

    from .machine import Machine


def check_all(machine: Machine, asked: Sequence[tuple[bytes, str]], now_ns: int) -> list[Answer]:
    """Answer requests of principals as `Machine.call` would, one after the other."""
    orders = [_read(request, principal) for request, principal in asked]
    outcomes = [
        None if isinstance(order, MalformedError) else decide_and_apply(machine.book, order, now_ns)
        for order in orders
    ]
    answers = []
    for (request, principal), order, outcome in zip(asked, orders, outcomes, strict=True):
        if isinstance(order, MalformedError):
            answers.append(Answer(None, malformed(order)))
        elif outcome is not None:
            answers.append(machine.told(CHECK_ORDER, order, outcome, request, principal))
    return answers


def _read(request: bytes, principal: str) -> CheckOrder | MalformedError:
    """Read an order, or return why it cannot be read."""
    try:
        return decode_check(request, principal)
    except MalformedError as error:
        return error
