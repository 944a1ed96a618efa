"""An order looked at without any effect: its verdict, what it would do, and what limits it."""

from __future__ import annotations

from .amounts import AMOUNT_BOUND, unscale_down, upper_ratio_bps
from .checks.concentration import cap_at
from .commands import CheckOrder
from .effective import Effective
from .ends import no_policy, unknown
from .exposure import line_of_position
from .judge import judge, judgement_of
from .judgement import Judgement
from .limit import NO_CHECK
from .outcomes import CheckOutcome, Figures, Refusal
from .reasons import Rejection, ScopeKind
from .sizing import largest, max_acceptable
from .standing import Usage
from .state import Book, roll_if_due
from .usage import usages_with
from .warn import warnings_of


class Share:
    """How much of the assets is in one instrument, in bps, without the order and with it (4.20).

    `cap_bps` is the effective cap with the order, None for none.
    """

    __slots__ = ("after_bps", "before_bps", "cap_bps", "scope_id", "scope_kind", "warns")

    def __init__(
        self, scope_kind: ScopeKind, scope_id: str, before_bps: int, after_bps: int
    ) -> None:
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.before_bps = before_bps
        self.after_bps = after_bps
        self.cap_bps: int | None = None
        self.warns = False


class PreviewOutcome:
    """A judgement without effect; figures are None where the account cannot be valued.

    `limiting` is what stops an order larger than `largest`, None for nothing within the bounds.
    """

    __slots__ = ("after", "before", "check", "largest", "limiting", "shares", "usages")

    def __init__(self, check: CheckOutcome) -> None:
        self.check = check
        self.before: Figures | None = None
        self.after: Figures | None = None
        self.largest = 0
        self.limiting: Rejection | None = None
        self.shares: list[Share] = []
        self.usages: list[Usage] = []


def decide_preview(book: Book, command: CheckOrder, now_ns: int) -> PreviewOutcome | Refusal:
    """Judge an order without an id; nothing is counted, and nothing changes."""
    policy = book.policy
    if policy is None:
        return no_policy()
    account = book.accounts.get(command.account_id)
    instrument = book.instruments.get(command.instrument_id)
    if account is None or instrument is None:
        outcome = unknown(book, policy, account, instrument, command, now_ns)
        outcome.sequence = book.sequence
        preview = PreviewOutcome(outcome)
        preview.limiting = outcome.rejections[0]
        return preview
    roll_if_due(book, account)
    judged = judgement_of(book, policy, account, instrument, command, now_ns)
    rejections = judge(judged)
    outcome = CheckOutcome(book.sequence, now_ns, policy.version, tuple(rejections))
    outcome.warnings = tuple(warnings_of(judged))
    outcome.max_quantity = max_acceptable(judged, rejections)
    preview = PreviewOutcome(outcome)
    preview.largest, preview.limiting = largest(judged, rejections)
    judged.resize(command.quantity)
    outcome.verified_exit = judged.is_exit
    outcome.reserved_price_e4 = judged.reserved_price
    fill_in(preview, judged)
    return preview


def fill_in(preview: PreviewOutcome, judged: Judgement) -> None:
    """Fill in what the order would do, where the account can be valued."""
    judged.is_exit = False
    judged.value_exactly()  # exits are not judged by figures, but a person wants to see them
    rest = judged.rest
    position = judged.position
    held = position is not None and not position.is_flat()
    if rest.missing_id or (held and not judged.mark):
        return
    before = judged.before()
    preview.before = before
    if judged.credit and judged.order.margin_kind and not judged.counts():
        preview.after = before  # what only closes changes no figure (6.3)
        if judged.reserved_price >= 0 and judged.in_bounds:
            preview.usages = usages_with(judged)
    if not judged.valued:
        return
    preview.after = judged.figures()
    if judged.gross > AMOUNT_BOUND:
        return
    preview.shares = [share_of_instrument(judged, before)]
    preview.usages = usages_with(judged)


def share_of_instrument(judged: Judgement, before: Figures) -> Share:
    """Return how much of the assets is in the ordered instrument."""
    position = judged.position
    gross = 0
    if position is not None and not position.is_flat():
        gross = line_of_position(position, judged.rates, judged.account.margin_model)[3]
    share = Share(
        ScopeKind.INSTRUMENT,
        judged.instrument.instrument_id,
        upper_ratio_bps(gross, before.assets),
        upper_ratio_bps(judged.line[3], judged.assets),
    )
    limits = judged.limits
    share.cap_bps = cap_of(judged, limits)
    if share.cap_bps is None and limits.warning is not None:
        share.cap_bps = cap_of(judged, limits.warning)
        share.warns = share.cap_bps is not None
    return share


def cap_of(judged: Judgement, limits: Effective) -> int | None:
    """Return the cap of the ordered instrument in one mode, None for none (5.3)."""
    bands = limits.concentration.get(judged.instrument.terms.rating_group)
    if bands is None:
        return None
    cap = cap_at(bands, judged.assets, judged.debt)
    return None if cap == NO_CHECK else unscale_down(cap, judged.factor)
