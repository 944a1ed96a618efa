"""Which of the follower's parts answers a call, and whether its caller may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.wire.errors import PERMISSION_DENIED, CallError, malformed
from tidegate_server.wire.methods import FOLLOWER_METHODS
from tidegate_server.wire.validation import MalformedError

from .streams import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.transport import Call, Directory, Front

    from .streams import Messages, Streams

    #: Answers a request of a principal; a stream's method returns its messages.
    Handler = Callable[[bytes, str], "bytes | CallError | Messages"]


class FollowerCalls:
    """Answers the follower's methods by name."""

    def __init__(
        self,
        directory: Directory,
        front: Front,
        streams: Streams,
        handlers: Mapping[str, Handler],
        log: FilteringBoundLogger,
    ) -> None:
        self._directory = directory
        self._front = front
        self._streams = streams
        self._handlers = tuple(handlers[method.name] for method in FOLLOWER_METHODS)
        self._log = log

    def answer(self, call: Call) -> None:
        """Answer one call, or begin to; never raises."""
        call_id, index, request, principal = call
        answer = self._ask(index, request, principal)
        if isinstance(answer, CallError):
            self._front.fail(call_id, answer)
        elif isinstance(answer, bytes):
            self._front.reply(call_id, answer)
        else:
            self._streams.open(call_id, FOLLOWER_METHODS[index].name, principal, answer)

    def _ask(self, index: int, request: bytes, principal: str) -> bytes | CallError | Messages:
        method = FOLLOWER_METHODS[index]
        caller = self._directory.find(principal)
        if caller is None or not caller.roles & method.roles:
            roles = ", ".join(sorted(method.roles))
            return CallError(
                PERMISSION_DENIED,
                "PERMISSION_DENIED",
                f"{principal} may not call {method.name}: it takes one of {roles}",
                {"principal": principal, "method": method.path, "roles": roles.replace(" ", "")},
            )
        try:
            return self._handlers[index](request, principal)
        except MalformedError as error:
            return malformed(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets no text of it
            return fault(self._log, method.name, error)
