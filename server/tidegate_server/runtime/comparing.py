"""Decide the recorded flow again under a candidate policy, and count what differs (8.4).

The theory. A book of its own is folded from a snapshot, or from the first record, up to the first
record that is asked for; from there on each order is also decided under the candidate before its
recorded outcome is applied. So whatever the candidate would have refused still happens, and every
order is judged at the state that it really met. Nothing but files is read.

A comparison is a generator, so that whoever runs it chooses how long it may take at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidegate.v1 import order_pb2, watch_service_pb2
from tidegate_server.engine.amounts import INT64_MAX
from tidegate_server.journal import Tail, list_snapshots
from tidegate_server.wire.shadowing import ShadowMachine, difference_message, notional_of

from .proving import Place, is_comparable
from .snapshotting import UNSOUND, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidegate_server.engine.policy import Policy
    from tidegate_server.engine.shadow import Redecided
    from tidegate_server.journal import Frame

#: A message goes out after so many differences, or so many records.
MESSAGE_DIFFERENCES: Final = 100
MESSAGE_RECORDS: Final = 5_000
#: So many accounts are named in the totals.
NAMED_ACCOUNTS: Final = 100

Message = watch_service_pb2.CompareDecisionsResponse


class Range(NamedTuple):
    """What to compare: records `first` to `last`; a first of 0 is after the newest snapshot."""

    first: int
    last: int


class _Total:
    """A number of orders and what they are worth."""

    __slots__ = ("count", "notional_e4")

    def __init__(self) -> None:
        self.count = 0
        self.notional_e4 = 0

    def add(self, notional_e4: int) -> None:
        self.count += 1
        self.notional_e4 += notional_e4

    def message(self) -> watch_service_pb2.DecisionTotal:
        notional_e4 = min(self.notional_e4, INT64_MAX)
        return watch_service_pb2.DecisionTotal(order_count=self.count, notional_e4=notional_e4)


class _Pair:
    """What the candidate refuses anew, and what it allows anew."""

    __slots__ = ("allowed", "rejected")

    def __init__(self) -> None:
        self.rejected = _Total()
        self.allowed = _Total()

    @property
    def notional_e4(self) -> int:
        return self.rejected.notional_e4 + self.allowed.notional_e4


class Totals:
    """What came out so far."""

    def __init__(self) -> None:
        self.order_count = 0
        self._both_allowed = 0
        self._both_rejected = 0
        self._other_reason = 0
        self._all = _Pair()
        self._by_reason: dict[int, _Pair] = {}
        self._by_account: dict[str, _Pair] = {}

    def add(self, found: Redecided) -> bool:
        """Count one order; tell whether its verdict differs."""
        recorded, candidate = found.recorded, found.candidate
        self.order_count += 1
        if recorded.allowed == candidate.allowed:
            if recorded.allowed:
                self._both_allowed += 1
            else:
                self._both_rejected += 1
                first, second = recorded.rejections[0].reason, candidate.rejections[0].reason
                self._other_reason += first != second
            return False
        refused = candidate if recorded.allowed else recorded
        notional_e4 = notional_of(found)
        by_reason = self._by_reason.setdefault(int(refused.rejections[0].reason), _Pair())
        by_account = self._by_account.setdefault(found.command.account_id, _Pair())
        for pair in (self._all, by_reason, by_account):
            (pair.rejected if recorded.allowed else pair.allowed).add(notional_e4)
        return True

    def message(self) -> watch_service_pb2.DecisionTotals:
        """Write them down."""
        largest = sorted(self._by_account.items(), key=lambda one: (-one[1].notional_e4, one[0]))
        return watch_service_pb2.DecisionTotals(
            order_count=self.order_count,
            both_allowed_count=self._both_allowed,
            both_rejected_count=self._both_rejected,
            other_reason_count=self._other_reason,
            newly_rejected=self._all.rejected.message(),
            newly_allowed=self._all.allowed.message(),
            reasons=[
                watch_service_pb2.ReasonTotal(
                    reason=order_pb2.RejectReason.ValueType(reason),
                    newly_rejected=pair.rejected.message(),
                    newly_allowed=pair.allowed.message(),
                )
                for reason, pair in sorted(self._by_reason.items())
            ],
            accounts=[
                watch_service_pb2.AccountTotal(
                    account_id=account_id,
                    newly_rejected=pair.rejected.message(),
                    newly_allowed=pair.allowed.message(),
                )
                for account_id, pair in largest[:NAMED_ACCOUNTS]
            ],
            account_count=len(self._by_account),
        )


def compare(folder: Path, candidate: Policy, asked: Range) -> Iterator[Message | None]:
    """Yield how it gets on, and None wherever it may pause; the last message has the totals.

    Raises TailDamagedError when the records are not there any more, JournalError for a folder that
    cannot be read, and what `Machine.replay` raises for records of another program.
    """
    machine = ShadowMachine(candidate)
    start = _begin(folder, machine, asked)
    yield None
    first = asked.first or start.sequence + 1
    progress = Message(first_sequence=first, last_sequence=asked.last)
    totals = Totals()
    told = machine.sequence
    tail = Tail(folder, start.sequence, start.chain)
    try:
        for frame in _frames(tail, asked.last):
            for found, sequence in _take(machine, frame, first, asked.last):
                if totals.add(found):
                    progress.differences.append(difference_message(found, sequence))
            many = len(progress.differences) >= MESSAGE_DIFFERENCES
            if many or machine.sequence - told >= MESSAGE_RECORDS:
                told = progress.sequence = machine.sequence
                progress.order_count = totals.order_count
                yield progress
                progress = Message(first_sequence=first, last_sequence=asked.last)
            yield None
    finally:
        tail.close()
    progress.sequence = min(machine.sequence, asked.last)
    progress.order_count = totals.order_count
    progress.totals.CopyFrom(totals.message())
    yield progress


def _begin(folder: Path, machine: ShadowMachine, asked: Range) -> Place:
    """Load the newest usable snapshot before the first record that is asked for.

    Before the last one, if any will do; without a snapshot, begin at the first record of all.
    """
    for path in list_snapshots(folder):
        if int(path.stem) >= (asked.first or asked.last):
            continue
        try:
            return load(path, machine)
        except UNSOUND:
            continue
    return Place()


def _frames(tail: Tail, last: int) -> Iterator[Frame]:
    while tail.last_sequence < last and (frames := tail.poll(1)):
        yield frames[0]


def _take(
    machine: ShadowMachine, frame: Frame, first: int, last: int
) -> Iterator[tuple[Redecided, int]]:
    """Fold one frame; yield the orders of its records that are asked for."""
    is_comparable(frame)
    sequence = frame.first_sequence
    for record in frame.records:
        if machine.sequence < sequence <= last:
            if sequence < first:
                machine.replay(record, frame.header.time_ns, verify=False)
            else:
                for found in machine.fold_beside(record, frame.header.time_ns):
                    yield found, sequence
        sequence += 1
