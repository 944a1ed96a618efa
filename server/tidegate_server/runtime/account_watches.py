"""WatchAccounts: accounts as they stand, and again after whatever changed them.

A watch holds no queue: it notes which record its reader has seen of each account, and makes the
next message from the book when the last one was taken. So whoever is behind gets the latest only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tidegate.v1 import watch_service_pb2
from tidegate_server.engine.touching import touched_accounts
from tidegate_server.wire import views
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import not_found
from tidegate_server.wire.validation import Problems

from .proving import Folded, Observer

if TYPE_CHECKING:
    from tidegate_server.wire.errors import CallError
    from tidegate_server.wire.machine import Machine

    from .streams import Messages

ACCOUNT_LIMIT: Final = 100


class AccountWatches(Observer):
    """Answers WatchAccounts; notes what was changed, of accounts that somebody watches."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._watched: Counter[str] = Counter()
        self._touched: dict[str, int] = {}
        self._everyone = 0

    def saw(self, folded: Folded) -> None:
        """Note which watched accounts a record changes."""
        if not self._watched:
            return
        names = touched_accounts(folded.command, folded.outcome)
        if names is None:
            self._everyone = folded.sequence
            return
        for name in names:
            if name in self._watched:
                self._touched[name] = folded.sequence

    def frame_ended(self) -> None:
        """Do nothing: readers are served between frames."""

    def watch_accounts(self, request: bytes, _principal: str) -> CallError | Messages:
        """Begin a watch; every account must be known."""
        asked = parse(watch_service_pb2.WatchAccountsRequest, request)
        names = list(asked.account_ids)
        problems = Problems()
        problems.need_count("account_ids", len(names), 1, ACCOUNT_LIMIT)
        for index, name in enumerate(names[:ACCOUNT_LIMIT]):
            problems.need_id(f"account_ids[{index}]", name)
        if len(set(names)) != len(names):
            problems.add("account_ids", "must name each account once")
        problems.refuse()
        for name in names:
            if name not in self._machine.book.accounts:
                return not_found("account", name)
        return self._messages(names)

    def _messages(self, names: list[str]) -> Messages:
        told = dict.fromkeys(names, -1)
        self._watched.update(names)
        try:
            while True:
                for name in names:
                    newest = max(self._touched.get(name, 0), self._everyone)
                    if newest > told[name]:
                        told[name] = newest
                        yield self._message(name)
                yield None
        finally:
            self._watched.subtract(names)
            for name in names:
                if not self._watched[name]:
                    del self._watched[name]
                    self._touched.pop(name, None)

    def _message(self, name: str) -> bytes:
        book = self._machine.book
        return watch_service_pb2.WatchAccountsResponse(
            account=views.account_view(book, book.accounts[name], book.time_ns),
            as_of_sequence=book.sequence,
            state_time_ns=book.time_ns,
        ).SerializeToString()
