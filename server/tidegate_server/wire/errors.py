"""What a call gets that could not be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate_server.engine.outcomes import Refusal

    from .validation import MalformedError

INVALID_ARGUMENT = 3
NOT_FOUND = 5
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
INTERNAL = 13
UNAVAILABLE = 14

# The canonical code of each reason that the engine refuses with.
REFUSAL_CODES = {
    "STALE_SEQUENCE": FAILED_PRECONDITION,
    "NOT_PENDING": FAILED_PRECONDITION,
    "NOT_IN_LIQUIDATION": FAILED_PRECONDITION,
    "STALE_LIST": FAILED_PRECONDITION,
    "PAGE_MISSING": FAILED_PRECONDITION,
    "STALE_POLICY": FAILED_PRECONDITION,
    "IMMUTABLE": FAILED_PRECONDITION,
    "LOOSENING": FAILED_PRECONDITION,
    "MORE_THAN_FREE": FAILED_PRECONDITION,
    "MARGIN_MODEL": FAILED_PRECONDITION,
    "OVERRIDE_LENGTH": FAILED_PRECONDITION,
    "STALE_SCORECARD": FAILED_PRECONDITION,
    "OVERLOADED": RESOURCE_EXHAUSTED,
    "GROUP_NESTING": INVALID_ARGUMENT,
    "DATE_NOT_FORWARD": FAILED_PRECONDITION,
    "SECOND_PERSON": PERMISSION_DENIED,
    "NOT_FOUND": NOT_FOUND,
    "ORDER_TABLE_FULL": RESOURCE_EXHAUSTED,
    "DRAINING": UNAVAILABLE,
    "JOURNAL_STALLED": UNAVAILABLE,
    "INTERNAL": INTERNAL,
}


class CallError:
    """A canonical gRPC code with its reason, figures and malformed fields."""

    __slots__ = ("code", "message", "metadata", "reason", "violations")

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        metadata: dict[str, str] | None = None,
        violations: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = metadata if metadata is not None else {}
        self.violations = violations


def malformed(error: MalformedError) -> CallError:
    """Return the error of a request that cannot be read."""
    if error.unknown_in:
        return CallError(
            INVALID_ARGUMENT,
            "UNKNOWN_FIELD",
            f"{error.unknown_in} has a field that this version does not know",
            {"message": error.unknown_in},
        )
    field, problem = error.violations[0]
    return CallError(
        INVALID_ARGUMENT,
        "MALFORMED",
        str(error),
        {"field": field, "problem": problem},
        tuple(error.violations),
    )


def refused(refusal: Refusal) -> CallError:
    """Return the error of a command that could not be decided."""
    return CallError(
        REFUSAL_CODES[refusal.reason], refusal.reason, refusal.message, refusal.figures
    )


def not_found(kind: str, name: str) -> CallError:
    """Return the error of a thing that does not exist."""
    return CallError(NOT_FOUND, "NOT_FOUND", f"no {kind} {name}", {"kind": kind, "id": name})
