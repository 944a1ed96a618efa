"""A machine that decides recorded orders again under a candidate policy (8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2, watch_service_pb2
from tidegate_server.engine.amounts import INT64_MAX, raw_up
from tidegate_server.engine.shadow import fold_beside, put_candidate
from tidegate_server.engine.state import UNBOUNDED

from .encoding import rejection_message
from .machine import Machine, OutcomeMismatchError
from .methods import CODECS
from .policies import read_policy
from .records import decode_record
from .validation import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate.v1 import policy_pb2
    from tidegate_server.engine.policy import Policy
    from tidegate_server.engine.shadow import Redecided


class ShadowMachine(Machine):
    """Folds records as they were written, and decides their orders under the candidate."""

    def __init__(self, candidate: Policy) -> None:
        super().__init__()
        self.book.order_id_limit = UNBOUNDED  # what is in the journal was not refused
        self._candidate = candidate

    def load_snapshot(self, records: Iterator[bytes]) -> None:
        """Take the state of a snapshot; raises SnapshotError if it is not whole."""
        super().load_snapshot(records)
        put_candidate(self.book, self._candidate)

    def fold_beside(self, record: bytes, time_ns: int) -> list[Redecided]:
        """Apply a record; return its orders, decided again at the state before them.

        Raises what `Machine.replay` raises.
        """
        parsed = decode_record(record)
        codec = CODECS.get(parsed.method)
        if codec is None:
            raise OutcomeMismatchError(f"method {parsed.method} is not known to this program")
        command = codec.read_request(parsed.request, parsed.principal)
        outcome = codec.read_outcome(parsed.response, parsed.effects, command)
        return fold_beside(self.book, self._candidate, command, outcome, time_ns)


def read_candidate(message: policy_pb2.Policy) -> Policy:
    """Read a candidate; its version is forgotten. Raises MalformedError."""
    problems = Problems()
    problems.prefix = "candidate."
    policy = read_policy(message, problems)
    problems.refuse()
    policy.version = 0
    return policy


def notional_of(found: Redecided) -> int:
    """Return quantity times the higher of price and mark, in e4, rounded up, cut to 64 bits."""
    price = max(found.command.price_e4, found.mark_e4)
    return min(raw_up(found.command.quantity * price, found.unit), INT64_MAX)


def difference_message(found: Redecided, sequence: int) -> watch_service_pb2.DecisionDifference:
    """Write one order whose verdict differs."""
    command, recorded, candidate = found.command, found.recorded, found.candidate
    refused = candidate if recorded.allowed else recorded
    return watch_service_pb2.DecisionDifference(
        sequence=sequence,
        decided_time_ns=recorded.decided_time_ns,
        principal=command.principal,
        account_id=command.account_id,
        order_id=command.order_id,
        instrument_id=command.instrument_id,
        side=command.side,  # type: ignore[arg-type] # numbers are the contract's
        quantity=command.quantity,
        price_e4=command.price_e4 or None,
        notional_e4=notional_of(found),
        recorded_verdict=_verdict(allowed=recorded.allowed),
        candidate_verdict=_verdict(allowed=candidate.allowed),
        rejections=[rejection_message(rejection) for rejection in refused.rejections],
    )


def _verdict(*, allowed: bool) -> order_pb2.Verdict.ValueType:
    return order_pb2.VERDICT_ALLOW if allowed else order_pb2.VERDICT_REJECT
