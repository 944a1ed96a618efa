"""The revaluation sweep: ask the gate to value the accounts whose marks have moved.

The follower only says where to look; the gate decides what is true, at its own marks. A mark's
update touches no account, so the sweep keeps, of each instrument, when its mark was last seen to
move, and walks all accounts in pieces for holders whose last valuation is not later. It comes to
rest by itself: once a walk finds nobody, the next one waits for a mark to move.

Moves before the start are dated by the mark's own time. A mark that its feed stamped before an
account's valuation and delivered after it, just before a restart, is noticed with its next move.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tidegate.v1 import account_service_pb2
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.engine.state import Account, Book
    from tidegate_server.transport.caller import Caller, Pending

#: A call values so many accounts: some 2 ms of the gate's time, as long as one commit.
CALL_ACCOUNTS: Final = 100
#: From one call to the next, and from one piece of a walk to the next.
CALL_SECONDS: Final = 0.1
PIECE_SECONDS: Final = 0.02
PIECE_ACCOUNTS: Final = 2_000
#: A walk begins at most so often, and takes at most a tenth of the time.
WALK_SECONDS: Final = 1.0
WALK_SHARE: Final = 10
#: After a failure.
RETRY_SECONDS: Final = 2.0
#: How long the records of a call may take to come back through the journal.
ECHO_SECONDS: Final = 5.0

PATH: Final = BY_NAME["RevalueAccounts"].path


class Sweep:
    """One walk after the other, one call at a time. `valued` and `failures` count."""

    def __init__(
        self,
        caller: Caller,
        call_seconds: float,
        log: FilteringBoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.valued = 0
        self.failures = 0
        self._caller = caller
        self._call_seconds = call_seconds
        self._log = log
        self._clock = clock
        self._seen: dict[str, tuple[int, int]] | None = None
        self._rules = (0, 0)  # policy and regime
        self._moved_ns: dict[str, int] = {}
        self._due = False  # whether a walk may find anybody
        self._walk: list[str] = []
        self._spent_s = 0.0
        self._found: list[str] = []
        self._pending: Pending | None = None
        self._asked = 0
        self._echo_sequence = 0
        self._echo_until_s = 0.0
        self._walk_at_s = 0.0
        self._piece_at_s = 0.0
        self._call_at_s = 0.0

    def step(self, book: Book) -> None:
        """Do a little, without waiting for anything."""
        now_s = self._clock()
        if self._pending is not None:
            if self._pending.is_done:
                self._take_answer(self._pending, now_s)
            return
        if now_s < self._piece_at_s or book.policy is None:
            return
        self._piece_at_s = now_s + PIECE_SECONDS
        if len(self._found) < CALL_ACCOUNTS:
            self._look(book, now_s)
        enough = len(self._found) >= CALL_ACCOUNTS or (self._found and not self._walk)
        if enough and now_s >= self._call_at_s:
            self._ask()

    def _look(self, book: Book, now_s: float) -> None:
        """Go on with the walk, or begin the next one."""
        if not self._walk:
            waits = self._echo_sequence > book.sequence and now_s < self._echo_until_s
            if self._found or waits or now_s < self._walk_at_s:
                return
            self._notice(book)
            if not self._due:
                self._walk_at_s = now_s + WALK_SECONDS / 4
                return
            self._due = False
            self._walk = list(book.accounts)
            self._walk_at_s = now_s + max(WALK_SECONDS, self._spent_s * WALK_SHARE)
            self._spent_s = 0.0
        begin = time.perf_counter()
        piece = self._walk[-PIECE_ACCOUNTS:]
        del self._walk[-PIECE_ACCOUNTS:]
        accounts = book.accounts
        self._found += [name for name in piece if self._is_affected(accounts[name])]
        self._due = self._due or bool(self._found)
        self._spent_s += time.perf_counter() - begin

    def _notice(self, book: Book) -> None:
        """Note what has moved since the last look: marks, and what a holding counts for.

        That is the factor of an instrument, and for all of them the regime and the policy.
        """
        begins = self._seen is None
        rules = (book.policy.version if book.policy is not None else 0, book.regime)
        known = {} if self._seen is None or rules != self._rules else self._seen
        self._rules = rules
        for name, instrument in book.instruments.items():
            mark, factor = instrument.mark, instrument.factor_bps
            if mark and known.get(name) != (mark, factor):
                known[name] = mark, factor
                self._moved_ns[name] = instrument.mark_time_ns if begins else book.time_ns
                self._due = True
        self._seen = known

    def _is_affected(self, account: Account) -> bool:
        """Tell whether a mark has moved since the account was valued, and it can be valued."""
        valued_ns = account.valued_time_ns
        moved_ns = self._moved_ns
        affected = False
        for position in account.active:
            if position.quantity:
                instrument = position.instrument
                if not instrument.mark:
                    return False
                # Records of one commit share their time, so an equal one may have come before.
                affected = affected or moved_ns.get(instrument.instrument_id, 0) >= valued_ns
        return affected

    def _ask(self) -> None:
        names = self._found[:CALL_ACCOUNTS]
        del self._found[:CALL_ACCOUNTS]
        request = account_service_pb2.RevalueAccountsRequest(account_ids=names)
        self._asked = len(names)
        self._pending = self._caller.call_later(
            PATH, request.SerializeToString(), seconds=self._call_seconds
        )

    def _take_answer(self, pending: Pending, now_s: float) -> None:
        self._pending = None
        self._due = True
        if error := pending.error:
            if not self.failures:
                self._log.warning("the gate did not value accounts", problem=error)
            self.failures += 1
            self._walk, self._found = [], []
            self._call_at_s = self._walk_at_s = now_s + RETRY_SECONDS
            return
        answer = account_service_pb2.RevalueAccountsResponse.FromString(pending.response)
        self.valued += self._asked
        self._echo_sequence = answer.sequence
        self._echo_until_s = now_s + ECHO_SECONDS
        self._call_at_s = now_s + CALL_SECONDS
