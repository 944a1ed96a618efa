"""What every request is checked for at the edge; past it, values are trusted.

A malformed request is answered with INVALID_ARGUMENT and changes nothing. All that is wrong with it
is collected, not just the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from google.protobuf.unknown_fields import UnknownFieldSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

REASON_LENGTH: Final = 256
PROBLEM_LIMIT: Final = 16
BATCH_LENGTH: Final = 1_000
PAGE_LIMIT: Final = 100
TIME_BOUND: Final = 4 * 10**18


class MalformedError(Exception):
    """A request that cannot be read; `violations` holds (field, problem) pairs."""

    def __init__(self, violations: list[tuple[str, str]], unknown_in: str = "") -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in violations))
        self.violations = violations
        self.unknown_in = unknown_in


# A compiled pattern's method instead of a function of ours saves 0.4 us an id.
is_id = re.compile(r"[!-~]{1,64}", re.ASCII).fullmatch
# Three of them with spaces between, which no id has: one match an order instead of three.
are_ids = re.compile(r"[!-~]{1,64} [!-~]{1,64} [!-~]{1,64}", re.ASCII).fullmatch
# A stop of the gate's own carries the id of what it stands on, behind a prefix.
is_stop_id = re.compile(r"[!-~]{1,96}", re.ASCII).fullmatch


class Problems:
    """Collects what is wrong with one request."""

    __slots__ = ("found", "prefix")

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.prefix = ""

    def add(self, field: str, problem: str) -> None:
        """Note a problem; after the first few they only cost time."""
        if len(self.found) < PROBLEM_LIMIT:
            self.found.append((self.prefix + field, problem))

    def need_id(self, field: str, text: str) -> None:
        """Note a text that is no id."""
        if not is_id(text):
            self.add(field, "must be 1 to 64 characters of printable ASCII without spaces")

    def need_stop_id(self, field: str, text: str) -> None:
        """Note a text that is no id of a stop, the gate's own included."""
        if not is_stop_id(text):
            self.add(field, "must be 1 to 96 characters of printable ASCII without spaces")

    def may_id(self, field: str, text: str) -> None:
        """Note a text that is neither empty nor an id."""
        if text:
            self.need_id(field, text)

    def need_range(self, field: str, value: int, low: int, high: int) -> None:
        """Note a number outside a range, both ends included."""
        if not low <= value <= high:
            self.add(field, f"must be {low} to {high}")

    def need_one_of(self, field: str, value: int, known: Iterable[int]) -> None:
        """Note an enum number that is unspecified or not known."""
        if value not in known:
            self.add(field, "must be one of the contract's values, not unspecified")

    def need_count(self, field: str, count: int, low: int = 1, high: int = BATCH_LENGTH) -> None:
        """Note a list that is too short or too long."""
        if not low <= count <= high:
            self.add(field, f"must hold {low} to {high} entries")

    def need_reason(self, field: str, text: str) -> None:
        """Note a reason that is missing, too long, or would break a log line."""
        if not 0 < len(text) <= REASON_LENGTH or not text.isprintable():
            self.add(field, "must be 1 to 256 printable characters")

    def refuse(self) -> None:
        """Raise if anything was found."""
        if self.found:
            raise MalformedError(self.found)


def page_size(asked: int) -> int:
    """Return how many are wanted on a page; 0 is as many as there may be."""
    if not 0 <= asked <= PAGE_LIMIT:
        raise MalformedError([("page_size", f"must be 0 to {PAGE_LIMIT}")])
    return asked or PAGE_LIMIT


def refuse_unknown(message: Message) -> None:
    """Raise if a message, or one nested in it, has a field of a later contract (contract 11)."""
    if len(UnknownFieldSet(message)):
        raise MalformedError([], message.DESCRIPTOR.full_name)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for nested in value if field.is_repeated else (value,):
            refuse_unknown(nested)
