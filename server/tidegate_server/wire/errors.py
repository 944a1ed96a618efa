"""What a call gets that could not be decided."""

from __future__ import annotations


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
