"""What of the sums that a book keeps differs from its parts, each told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.conserving import differing_sums

if TYPE_CHECKING:
    from tidegate_server.engine.state import Book


class SumsProof:
    """Adds up, and remembers which sums it has named: one that is wrong stays so."""

    __slots__ = ("_named",)

    def __init__(self) -> None:
        self._named: set[str] = set()

    def look(self, book: Book) -> list[str]:
        """Return the sums that differ and were not named before, with their figures."""
        found: list[str] = []
        for problem in differing_sums(book):
            name = problem.partition(":")[0]
            if name not in self._named:
                self._named.add(name)
                found.append(f"after record {book.sequence} {problem}")
        return found
