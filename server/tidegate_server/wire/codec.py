"""What reads and writes the records of one method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import encoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.engine.commands import Command
    from tidegate_server.engine.outcomes import Outcome


class Codec:
    """How a record of one method is read and written; `number` is the journal's.

    `vet` raises MalformedError for what a call must not ask though an older record may have it:
    a call alone is vetted, so that no journal is refused for what was once let in.
    """

    __slots__ = ("effects", "number", "read_outcome", "read_request", "vet", "write_response")

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of
        self,
        number: int,
        read_request: Callable[[bytes, str], Command],
        write_response: Callable[[Any, Command], bytes],
        read_outcome: Callable[[bytes, bytes, Command], Outcome],
        effects: Callable[[Any, Command], bytes] | None = None,
        vet: Callable[[Any], None] | None = None,
    ) -> None:
        self.number = number
        self.read_request = read_request
        self.write_response = write_response
        self.read_outcome = read_outcome
        self.effects = effects
        self.vet = vet


def plain(number: int, read: Callable[[bytes, str], Command], response: type[Any]) -> Codec:
    """Return the codec of a response that says sequence and time only."""
    return Codec(number, read, encoding.plain(response), encoding.read_plain(response))
