"""What was decided. An outcome holds all that evolve needs: it never reads a limit again.

A `Refusal` is no outcome: the command could not be decided, leaves no record, changes nothing.
"""

from __future__ import annotations

from .amounts import INT64_MAX
from .cn.contracts import NOT_OPENED, Opening
from .lines import Line
from .margin_lines import Valued
from .reasons import Rejection
from .shares import Share

# Reasons in order of precedence; most decisions share the one that is empty.
Rejections = tuple[Rejection, ...]


class Outcome:
    """A decision that becomes a record, unless it repeats an earlier one."""

    __slots__ = ("decided_time_ns", "replayed", "sequence")

    def __init__(self, sequence: int, decided_time_ns: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.replayed = False


class Refusal:
    """Why a command could not be decided: an ErrorReason's name and its figures.

    `fault` is what went wrong in the program, for the log and never for the caller.
    """

    __slots__ = ("fault", "figures", "message", "reason")

    def __init__(
        self,
        reason: str,
        message: str,
        figures: dict[str, str],
        fault: Exception | None = None,
    ) -> None:
        self.fault = fault
        self.reason = reason
        self.message = message
        self.figures = figures


class CheckOutcome(Outcome):
    """The decision on one order.

    -1 is an absent price or quantity. The last five are effects: the token buckets' next times (0
    where none advanced), until when the id is kept (0 where nothing is stored), after when orders
    alike still count (0 where they are not counted), and at what ratio it opens under `cn_margin`.

    `valued` and `share` are effects: what the valuation before the judgement changed (2.7), and
    what sums above the account count of it from now on (4.26). `line`, `totals` and `stressed` are
    memos: the position's line, the account's sum of lines and what all its positions would lose
    under stress (-1 if not known), each with the order, for whoever applies the outcome next.
    """

    __slots__ = (
        "account_next_ns",
        "acknowledge_by_ns",
        "allowed",
        "keep_until_ns",
        "line",
        "margin_ratio_bps",
        "max_quantity",
        "order_state",
        "policy_version",
        "principal_next_ns",
        "rejections",
        "repeats_floor_ns",
        "reserved_price_e4",
        "share",
        "stressed",
        "totals",
        "valued",
        "verified_exit",
        "warnings",
    )

    def __init__(
        self,
        sequence: int,
        decided_time_ns: int,
        policy_version: int,
        rejections: Rejections,
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.policy_version = policy_version
        self.rejections = rejections
        self.allowed = not rejections
        self.reserved_price_e4 = -1
        self.acknowledge_by_ns = 0
        self.max_quantity = -1
        self.verified_exit = False
        self.replayed = False
        self.order_state = 0
        self.account_next_ns = 0
        self.principal_next_ns = 0
        self.keep_until_ns = 0
        self.repeats_floor_ns = 0
        self.margin_ratio_bps = 0
        self.warnings: Rejections = ()
        self.line: Line | None = None
        self.totals: Line | None = None
        self.valued: Valued | None = None
        self.share: Share | None = None
        self.stressed = -1


class BatchOutcome(Outcome):
    """The decisions on a batch, in request order."""

    __slots__ = ("answers", "keep_until_ns", "policy_version")

    def __init__(
        self,
        sequence: int,
        decided_time_ns: int,
        policy_version: int,
        answers: list[CheckOutcome],
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.policy_version = policy_version
        self.answers = answers
        self.replayed = False
        self.keep_until_ns = 0


class Figures:
    """An account's figures in e4; ratio and leverage in bps, -1 where they do not exist."""

    __slots__ = (
        "assets",
        "available",
        "cash",
        "debt",
        "equity",
        "gross",
        "initial",
        "leverage_bps",
        "maintenance",
        "ratio_bps",
        "weighted",
    )

    def __init__(
        self,
        cash: int,
        assets: int,
        debt: int,
        gross: int,
        weighted: int,
        initial: int,
        maintenance: int,
        ratio_bps: int,
        leverage_bps: int,
    ) -> None:
        self.cash = cash
        self.assets = assets
        self.debt = debt
        self.equity = assets - debt
        self.gross = gross
        self.weighted = weighted
        self.initial = initial
        self.maintenance = maintenance
        self.available = self.equity - initial
        self.ratio_bps = ratio_bps
        self.leverage_bps = leverage_bps

    def fit(self) -> bool:
        """Tell whether every figure fits 64 bits: a fact may have been too large (1.4)."""
        highest = max(self.assets, self.debt, self.gross, self.weighted, self.initial)
        lowest = min(self.cash, self.equity, self.available)
        return highest <= INT64_MAX and lowest >= -INT64_MAX


class EventResult:
    """What became of one report.

    `keep_until_ns` and `opening` are effects: of a tombstone, of a contract that it may open (6.3).
    """

    __slots__ = ("flags", "keep_until_ns", "opening", "order_state", "outcome", "reserved_quantity")

    def __init__(
        self,
        outcome: int,
        flags: list[int],
        order_state: int,
        reserved_quantity: int,
        keep_until_ns: int,
    ) -> None:
        self.outcome = outcome
        self.flags = flags
        self.order_state = order_state
        self.reserved_quantity = reserved_quantity
        self.keep_until_ns = keep_until_ns
        self.opening: Opening = NOT_OPENED


class EventsOutcome(Outcome):
    """What became of a batch of reports, and what the valuations after it changed."""

    __slots__ = ("results", "valued")

    def __init__(self, sequence: int, decided_time_ns: int, results: list[EventResult]) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.results = results
        self.valued: list[Valued] = []
        self.replayed = False
