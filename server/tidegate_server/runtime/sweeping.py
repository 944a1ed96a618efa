"""The revaluation sweep: ask the gate to value the accounts whose marks have moved.

The follower only says where to look; the gate decides what is true, at its own marks. A mark's
update touches no account, so the sweep keeps, of each instrument, when its mark was last seen to
move, and walks all accounts in pieces for holders whose last valuation is not later. Those that
would enter or leave a line (2.6) are asked for before all others, whose turn comes at a pace that
the gate does not feel; meanwhile further walks look for more of the first kind. It comes to rest by
itself: once a walk finds nobody, the next one waits for a mark to move.

Moves before the start are dated by the mark's own time. A mark that its feed stamped before an
account's valuation and delivered after it, just before a restart, is noticed with its next move.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from tidegate.v1 import account_service_pb2
from tidegate_server.engine.margin_lines import entered
from tidegate_server.engine.shares import UNSTRESSED, ages
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.engine.account import Account
    from tidegate_server.engine.policy import Policy
    from tidegate_server.engine.state import Book
    from tidegate_server.transport.caller import Caller, Pending

#: A call values so many accounts: some 2 ms of the gate's time, as long as one commit.
CALL_ACCOUNTS: Final = 100
#: From one call to the next, from one that has accounts at a line, and between pieces of a walk.
CALL_SECONDS: Final = 0.1
URGENT_SECONDS: Final = 0.02
PIECE_SECONDS: Final = 0.005
#: Some 5 ms of the follower's time.
PIECE_ACCOUNTS: Final = 4_000
#: A walk begins at most so often, and takes at most half of the time.
WALK_SECONDS: Final = 0.5
WALK_SHARE: Final = 2
#: How long marks may have moved before a walk that goes on heeds them.
NOTICE_SECONDS: Final = 0.2
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
        self._seen: dict[str, tuple[int, int, int]] | None = None
        self._rules = (0, 0)  # policy and regime
        self._moved_ns: dict[str, int] = {}
        self._due = False  # whether a walk may find anybody
        self._walk: list[str] = []
        self._spent_s = 0.0
        self._at_line: dict[str, None] = {}  # both in order of arrival
        self._found: dict[str, None] = {}
        self._pending: Pending | None = None
        self._asked = 0
        self._echo_sequence = 0
        self._echo_until_s = 0.0
        self._walk_at_s = 0.0
        self._piece_at_s = 0.0
        self._notice_at_s = 0.0
        self._call_at_s = 0.0
        self._call_gap_s = CALL_SECONDS
        self._walk_is_held = False
        self._noticed_sequence = -1
        self._is_away = False
        self._older_than_ns = 0  # shares from before are asked for; 0: none are
        self._shares_at_s = 0.0

    def rests(self, sequence: int) -> bool:
        """Tell whether no account is known or looked for that would pass a line by this record."""
        return self._is_away or (self._noticed_sequence == sequence and not self.hurries)

    @property
    def hurries(self) -> bool:
        """Whether it has more to do at once than a pause would leave it time for."""
        return bool(self._walk or self._at_line)

    def step(self, book: Book) -> None:
        """Do a little, without waiting for anything."""
        now_s = self._clock()
        if self._pending is not None and self._pending.is_done:
            self._take_answer(self._pending, now_s)
        if book.policy is None:
            self._noticed_sequence = book.sequence
            return
        if now_s < self._piece_at_s:
            return
        self._piece_at_s = now_s + PIECE_SECONDS
        self._look(book, book.policy, now_s)
        enough = len(self._found) >= CALL_ACCOUNTS or (self._found and not self._walk)
        enough = enough and not self._walk_is_held
        if self._pending is None and now_s >= self._call_at_s and (self._at_line or enough):
            self._ask()

    def _look(self, book: Book, policy: Policy, now_s: float) -> None:
        """Go on with the walk, or begin the next one."""
        if not self._walk:
            waits = self._echo_sequence > book.sequence and now_s < self._echo_until_s
            waits = waits or self._pending is not None
            # The next call would keep it waiting again, however many are left to be valued.
            self._walk_is_held = waits and now_s >= self._walk_at_s
            if waits or now_s < self._walk_at_s:
                return
            self._notice(book)
            self._grow_old(book, policy, now_s)
            if not self._due:
                self._walk_at_s = now_s + WALK_SECONDS / 4
                return
            self._due = False
            self._walk = list(book.accounts)
            self._walk_at_s = now_s + max(WALK_SECONDS, self._spent_s * WALK_SHARE)
            self._spent_s = 0.0
            self._notice_at_s = now_s + NOTICE_SECONDS
        elif now_s >= self._notice_at_s:
            self._notice(book)
            self._notice_at_s = now_s + NOTICE_SECONDS
        begin = time.perf_counter()
        piece = self._walk[-PIECE_ACCOUNTS:]
        del self._walk[-PIECE_ACCOUNTS:]
        for name in piece:
            account = book.accounts[name]
            if not self._is_affected(account):
                continue
            if changes_lines(account, policy):
                self._at_line[name] = None
                self._found.pop(name, None)
            else:
                self._found[name] = None
        self._spent_s += time.perf_counter() - begin

    def _notice(self, book: Book) -> None:
        """Note what has moved since the last look: marks, and what a holding counts for.

        That is the factor of an instrument, and for all of them the regime and the policy.
        """
        self._noticed_sequence = book.sequence
        begins = self._seen is None
        rules = (book.policy.version if book.policy is not None else 0, book.regime)
        known = {} if self._seen is None or rules != self._rules else self._seen
        self._rules = rules
        for name, instrument in book.instruments.items():
            # The slow mark may move alone (3.4).
            prices = instrument.mark, instrument.slow_mark, instrument.factor_bps
            if instrument.mark and known.get(name) != prices:
                known[name] = prices
                self._moved_ns[name] = instrument.mark_time_ns if begins else book.time_ns
                self._due = True
        self._seen = known

    def _grow_old(self, book: Book, policy: Policy, now_s: float) -> None:
        """Let a walk look for shares of sums (4.26) before the policy calls them too old.

        Without moves there is one such walk in a quarter of that age; each finds those that have
        half of it behind them.
        """
        self._older_than_ns = 0
        if not policy.keeps_shares:
            return
        age_ns = policy.max_valuation_age_ns
        self._older_than_ns = book.time_ns - age_ns // 2
        if now_s >= self._shares_at_s:
            self._shares_at_s = now_s + age_ns / 4e9
            self._due = True

    def _is_affected(self, account: Account) -> bool:
        """Tell whether a mark has moved since the account was valued, and it can be valued.

        Or what sums above it count of it is growing too old, or was never told.
        """
        valued_ns = account.valued_time_ns
        if self._older_than_ns and grows_old(account, self._older_than_ns):
            return all(position.instrument.mark for position in account.active)
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
        """Ask for those at a line, and fill the call up with others once all such are known."""
        self._call_gap_s = URGENT_SECONDS if self._at_line else CALL_SECONDS
        names = [*islice(self._at_line, CALL_ACCOUNTS)]
        for name in names:
            del self._at_line[name]
        room = 0 if names and self._walk else CALL_ACCOUNTS - len(names)
        more = [*islice(self._found, room)]
        for name in more:
            del self._found[name]
        names += more
        request = account_service_pb2.RevalueAccountsRequest(account_ids=names)
        self._asked = len(names)
        self._pending = self._caller.call_later(
            PATH, request.SerializeToString(), seconds=self._call_seconds
        )

    def _take_answer(self, pending: Pending, now_s: float) -> None:
        self._pending = None
        self._due = self._due or not self._found  # whom else has a walk to find?
        if error := pending.error:
            if not self.failures:
                self._log.warning("the gate did not value accounts", problem=error)
            self.failures += 1
            self._is_away = True
            self._walk, self._found, self._at_line = [], {}, {}
            self._due = True
            self._call_at_s = self._walk_at_s = now_s + RETRY_SECONDS
            return
        answer = account_service_pb2.RevalueAccountsResponse.FromString(pending.response)
        self._is_away = False
        self.valued += self._asked
        self._echo_sequence = answer.sequence
        self._echo_until_s = now_s + ECHO_SECONDS
        self._call_at_s = now_s + self._call_gap_s


def grows_old(account: Account, older_than_ns: int) -> bool:
    """Tell whether an account's share of sums above it was taken before then (4.26)."""
    share = account.share
    if share is None or share[3] == UNSTRESSED:
        return bool(account.active or account.cash < 0 or account.interest_and_fees)
    return ages(share) and share[0] < older_than_ns


def changes_lines(account: Account, policy: Policy) -> bool:
    """Tell whether a valuation now would change the account's lines; all that it holds has a mark.

    A rough look, for the order in which the gate is asked: the gate decides by its own figures.
    """
    lines = policy.lines_of(policy.tiers.get(account.tier_id)).lines
    cash = account.cash
    assets, debt = max(cash, 0), max(-cash, 0) + account.interest_and_fees
    for position in account.active:
        quantity = position.quantity
        instrument = position.instrument
        if quantity > 0:
            assets += quantity * instrument.slow_mark // instrument.terms.unit
        elif quantity < 0:
            debt += -(quantity * instrument.slow_mark // instrument.terms.unit)
    return entered(account.lines, lines, assets, debt) != account.lines
