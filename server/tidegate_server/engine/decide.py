"""Decide a command: look, and never change anything.

    decide(book, command, now_ns)  -> outcome | refusal      looks only
    evolve(book, command, outcome, time_ns)                  applies it (evolve.py)
    execute(book, command, now_ns) -> outcome | refusal      both, as the gate and the follower do

A refusal leaves no record. An outcome that is `replayed` repeats an earlier answer: it makes no
record either. Everything else becomes the next record of the journal, refused or not.
"""

from __future__ import annotations

from .account import Account
from .account_changes import decide_accounts
from .account_commands import AdjustCash, RevalueAccounts, SetPositions, UpsertAccounts
from .account_outcomes import RevalueOutcome
from .account_staff import decide_for_account
from .amounts import scale_down
from .batch import UnfinishedBatch, begin_batch, decide_batch
from .bookings import decide_cash, decide_positions, value_all
from .cn.facts import CreditFact
from .commands import CheckOrder, CheckOrders, Command, RecordOrderEvents
from .crediting import decide_fact
from .evolve import evolve, finish
from .instrument import Instrument
from .life_commands import CancelOrders, ReconcileOrders, ReplaceOrder
from .market_commands import (
    RollDay,
    SetRegime,
    SetSession,
    UpdateMarks,
    UpdateVolatility,
    UpsertInstruments,
)
from .market_outcomes import FactorsOutcome, MarksOutcome, RegimeOutcome, RollOutcome
from .ordering import decide_check
from .outcomes import Outcome, Refusal
from .own_commands import StartEpoch, Tick
from .own_outcomes import EpochOutcome
from .rates import regime_multiplier
from .reconcile import decide_reconcile
from .regrouping import UpsertGroups, decide_groups
from .replacing import decide_replace
from .reports import decide_events
from .reserve import apply_check
from .staff_commands import ApprovePolicy, ProposePolicy, Release, SetStop, WithdrawPolicy
from .state import Book
from .stopping import decide_release, decide_stop
from .ticking import decide_tick
from .to_cancel import decide_cancel
from .versions import decide_approval, decide_proposal, decide_withdrawal
from .walk import actual_figures

SECOND_NS = 10**9


def execute(book: Book, command: Command, now_ns: int) -> Outcome | Refusal:
    """Decide a command and apply its outcome."""
    outcome: Outcome | Refusal
    if isinstance(command, CheckOrder):
        checked = decide_check(book, command, now_ns)
        if not isinstance(checked, Refusal) and not checked.replayed:
            apply_check(book, command, checked, book.sequence + 1)
            finish(book, now_ns)
        return checked
    if isinstance(command, RecordOrderEvents):
        outcome = decide_events(book, command, now_ns, keep=True)
        finish(book, now_ns)
        return outcome
    if isinstance(command, CheckOrders):
        batch = execute_begin(book, command, now_ns, on_trial=command.atomic)
        if not isinstance(batch, UnfinishedBatch):
            return batch
        batch.go_on(len(command.orders))
        return execute_batch(batch)
    try:
        outcome = decide(book, command, now_ns)
    except Exception as fault:  # noqa: BLE001 - deciding changed nothing: only this call fails
        return faulty(fault)
    return applied(book, command, outcome, now_ns)


def applied(
    book: Book, command: Command, outcome: Outcome | Refusal, now_ns: int
) -> Outcome | Refusal:
    """Apply an outcome that makes a record, and return it."""
    if not isinstance(outcome, Refusal) and not outcome.replayed:
        evolve(book, command, outcome, now_ns)
    return outcome


def execute_begin(
    book: Book, command: CheckOrders, now_ns: int, *, on_trial: bool = True
) -> UnfinishedBatch | Outcome | Refusal:
    """Begin to execute a batch; done at once where no order of it is to be decided."""
    batch = begin_batch(book, command, now_ns, on_trial=on_trial)
    if isinstance(batch, UnfinishedBatch):
        return batch
    return applied(book, command, batch, now_ns)


def execute_batch(batch: UnfinishedBatch) -> Outcome | Refusal:
    """Apply a batch all orders of which are decided."""
    book, now_ns = batch.book, batch.now_ns
    if not batch.command.atomic:  # it stands applied: a fault would end the gate
        outcome = batch.finish(keep=True)
        if not isinstance(outcome, Refusal):
            finish(book, now_ns)
        return outcome
    try:
        outcome = batch.finish(keep=False)
    except Exception as fault:  # noqa: BLE001 - it was taken back: only this call fails
        return faulty(fault)
    return applied(book, batch.command, outcome, now_ns)


def faulty(fault: Exception) -> Refusal:
    """Refuse a command that could not be decided."""
    return Refusal("INTERNAL", "a fault in the gate's judgement", {}, fault)


def decide(book: Book, command: Command, now_ns: int) -> Outcome | Refusal:
    """Return what becomes of a command; the book stays as it is."""
    sequence = book.sequence + 1
    if isinstance(command, CheckOrder):
        return decide_check(book, command, now_ns)
    if isinstance(command, CheckOrders):
        return decide_batch(book, command, now_ns)
    if isinstance(command, RecordOrderEvents):
        return decide_events(book, command, now_ns)
    if isinstance(command, ReplaceOrder):
        return decide_replace(book, command, now_ns)
    if isinstance(command, ReconcileOrders):
        return decide_reconcile(book, command, now_ns)
    if isinstance(command, CancelOrders):
        return decide_cancel(book, command, now_ns)
    if isinstance(command, UpdateMarks):
        return decide_marks(book, command, now_ns)
    if isinstance(command, Tick):
        return decide_tick(book, now_ns)
    if isinstance(command, UpdateVolatility):
        return decide_factors(book, command, now_ns)
    if isinstance(command, AdjustCash):
        return decide_cash(book, command, now_ns)
    if isinstance(command, SetPositions):
        return decide_positions(book, command, now_ns)
    if isinstance(command, RevalueAccounts):
        return decide_revaluation(book, command, now_ns)
    if isinstance(command, UpsertInstruments):
        return decide_instruments(book, command, now_ns)
    if isinstance(command, SetStop):
        return decide_stop(book, command, now_ns)
    if isinstance(command, Release):
        return decide_release(book, command, now_ns)
    if isinstance(command, SetRegime):
        return decide_regime(book, command, now_ns)
    if isinstance(command, RollDay):
        return decide_roll(book, command, now_ns)
    if isinstance(command, ProposePolicy):
        return decide_proposal(book, command, now_ns)
    if isinstance(command, ApprovePolicy):
        return decide_approval(book, command, now_ns)
    if isinstance(command, WithdrawPolicy):
        return decide_withdrawal(book, command, now_ns)
    if isinstance(command, UpsertGroups):
        return decide_groups(book, command, now_ns)
    if isinstance(command, StartEpoch):
        limit = book.policy.acknowledgement_limit_ns if book.policy is not None else 0
        return EpochOutcome(sequence, now_ns, now_ns + limit)
    if isinstance(command, CreditFact):
        return decide_fact(book, command, now_ns)
    if isinstance(command, UpsertAccounts):
        return decide_accounts(book, command, now_ns)
    if isinstance(command, SetSession):
        return Outcome(sequence, now_ns)
    return decide_for_account(book, command, now_ns)


def decide_marks(book: Book, command: UpdateMarks, now_ns: int) -> MarksOutcome:
    """Take marks that are not older than the known ones, and move the slow marks (3.4)."""
    step_bps = book.policy.slow_mark_step_bps if book.policy is not None else 0
    moves: list[tuple[int, int, int]] = []
    for instrument_id, price, stamped_ns in command.marks:
        time_ns = stamped_ns if 0 < stamped_ns < now_ns else now_ns
        instrument = book.instruments.get(instrument_id)
        if instrument is None or not instrument.mark:
            moves.append((price, now_ns, time_ns))
        elif time_ns < instrument.mark_time_ns:
            moves.append((0, 0, 0))
        else:
            slow_mark, slow_time_ns = slow_mark_at(instrument, step_bps, now_ns)
            moves.append((slow_mark, slow_time_ns, time_ns))
    return MarksOutcome(book.sequence + 1, now_ns, moves)


def slow_mark_at(instrument: Instrument, step_bps: int, now_ns: int) -> tuple[int, int]:
    """Return the slow mark and its time, moved towards the old mark by whole seconds (3.4)."""
    slow = instrument.slow_mark
    seconds = (now_ns - instrument.slow_time_ns) // SECOND_NS
    if seconds <= 0:
        return slow, instrument.slow_time_ns
    reach = scale_down(slow, step_bps) * seconds
    target = instrument.mark
    slow = min(slow + reach, target) if target > slow else max(slow - reach, target)
    return slow, instrument.slow_time_ns + seconds * SECOND_NS


def decide_factors(book: Book, command: UpdateVolatility, now_ns: int) -> FactorsOutcome:
    """Take factors that are not older than the known ones."""
    times: list[int] = []
    for instrument_id, _, stamped_ns in command.factors:
        time_ns = stamped_ns if 0 < stamped_ns < now_ns else now_ns
        instrument = book.instruments.get(instrument_id)
        older = instrument is not None and time_ns < instrument.factor_time_ns
        times.append(0 if older else time_ns)
    return FactorsOutcome(book.sequence + 1, now_ns, times)


def decide_revaluation(book: Book, command: RevalueAccounts, now_ns: int) -> RevalueOutcome:
    """Value accounts at the gate's own marks (2.7)."""
    outcome = RevalueOutcome(book.sequence + 1, now_ns, [])
    for account_id in command.account_ids:
        account: Account | None = book.accounts.get(account_id)
        figures = actual_figures(book, account, now_ns) if account is not None else None
        outcome.valuations.append(figures if figures is not None and figures.fit() else None)
    outcome.valued = value_all(book, command.account_ids, now_ns)
    return outcome


def decide_instruments(book: Book, command: UpsertInstruments, now_ns: int) -> Outcome | Refusal:
    """Take instruments, unless their unit would change under a position."""
    for terms in command.instruments:
        known = book.instruments.get(terms.instrument_id)
        if known is None or not known.touched:
            continue
        if known.terms.quantity_decimals != terms.quantity_decimals:
            return Refusal(
                "IMMUTABLE",
                f"quantity_decimals of {terms.instrument_id} cannot change: it was traded or held",
                {"field": "quantity_decimals", "instrument_id": terms.instrument_id},
            )
    return Outcome(book.sequence + 1, now_ns)


def decide_regime(book: Book, command: SetRegime, now_ns: int) -> RegimeOutcome | Refusal:
    """Take a regime, and say what it multiplies factors by under the policy."""
    if book.policy is None:
        return Refusal("NOT_FOUND", "no policy is in force", {"kind": "policy", "id": ""})
    before = book.regime
    book.regime = command.regime
    regime_bps = regime_multiplier(book, book.policy)
    book.regime = before
    return RegimeOutcome(book.sequence + 1, now_ns, regime_bps)


def decide_roll(book: Book, command: RollDay, now_ns: int) -> RollOutcome | Refusal:
    """Begin a later trading date (7.7)."""
    if command.trading_date <= book.trading_date:
        return Refusal(
            "DATE_NOT_FORWARD",
            f"trading date {command.trading_date} is not after {book.trading_date}",
            {"trading_date": str(command.trading_date), "current": str(book.trading_date)},
        )
    return RollOutcome(book.sequence + 1, now_ns, book.trading_date)
