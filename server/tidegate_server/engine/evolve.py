"""Apply an outcome to the book: plain arithmetic that never refuses.

Evolve reads no limit, rate or table: whatever a later version could work out differently is in the
outcome. So a newer program rebuilds exactly the state that an older one left.
"""

from __future__ import annotations

from .account_commands import RevalueAccounts, SetPositions, UpsertAccounts
from .account_outcomes import CashOutcome, PositionsOutcome, RevalueOutcome
from .account_staff import apply_for_account
from .cash import apply_all_valued, apply_booking
from .cn.booking import leave_model
from .commands import MODEL_CN_MARGIN, CheckOrder, CheckOrders, Command, RecordOrderEvents
from .due import DueQueue
from .instrument import Instrument
from .latches import forget_old
from .life import apply_life
from .life_commands import CancelOrders, ReconcileOrders, ReplaceOrder
from .market_commands import (
    RollDay,
    SetRegime,
    SetSession,
    UpdateMarks,
    UpdateVolatility,
    UpsertInstruments,
)
from .market_outcomes import FactorsOutcome, MarksOutcome
from .order import Order
from .outcomes import BatchOutcome, CheckOutcome, EventsOutcome, Outcome
from .own_commands import StartEpoch, Tick
from .own_outcomes import EpochOutcome, TickOutcome
from .rates import forget_rates
from .regrouping import UpsertGroups, apply_groups, change_group
from .reserve import apply_check
from .room import forget_rooms
from .settle import (
    account_for_fact,
    apply_event,
    change_holding,
    instrument_for_fact,
    new_account,
)
from .staff_commands import ApprovePolicy, ProposePolicy, Release, SetStop, WithdrawPolicy
from .staff_outcomes import PolicyOutcome, ReleaseOutcome
from .state import Batch, Book, acknowledge_rank, roll_if_due
from .stopping import apply_release, apply_stop
from .ticking import apply_tick
from .versions import apply_approval, apply_proposal, apply_withdrawal


def evolve(book: Book, command: Command, outcome: Outcome, time_ns: int) -> None:
    """Apply a decided outcome; it becomes the book's next record."""
    sequence = book.sequence + 1
    if isinstance(command, CheckOrder) and isinstance(outcome, CheckOutcome):
        apply_check(book, command, outcome, sequence)
    elif isinstance(command, RecordOrderEvents) and isinstance(outcome, EventsOutcome):
        apply_events(book, command, outcome, sequence, time_ns)
    elif isinstance(command, (ReplaceOrder, ReconcileOrders, CancelOrders)):
        apply_life(book, command, outcome, sequence, time_ns)
    elif isinstance(command, UpdateMarks) and isinstance(outcome, MarksOutcome):
        apply_marks(book, command, outcome, time_ns)
    elif isinstance(command, CheckOrders) and isinstance(outcome, BatchOutcome):
        apply_batch(book, command, outcome, sequence)
    elif isinstance(command, Tick) and isinstance(outcome, TickOutcome):
        apply_tick(book, outcome, time_ns)
    elif isinstance(command, UpdateVolatility) and isinstance(outcome, FactorsOutcome):
        apply_factors(book, command, outcome, time_ns)
    elif isinstance(outcome, CashOutcome):
        apply_booking(book, command, outcome, sequence, time_ns)
    elif isinstance(command, SetPositions) and isinstance(outcome, PositionsOutcome):
        apply_positions(book, command, sequence, time_ns)
        apply_all_valued(book, outcome.valued)
    elif isinstance(command, RevalueAccounts) and isinstance(outcome, RevalueOutcome):
        apply_valuations(book, command, outcome, time_ns)
    elif isinstance(command, UpsertAccounts):
        apply_accounts(book, command, sequence)
    elif isinstance(command, UpsertGroups):
        apply_groups(book, command, sequence)
    elif isinstance(command, UpsertInstruments):
        apply_instruments(book, command)
    elif isinstance(command, SetStop):
        apply_stop(book, command, time_ns)
    elif isinstance(command, Release) and isinstance(outcome, ReleaseOutcome):
        apply_release(book, command, outcome, time_ns)
    elif isinstance(command, SetRegime):
        apply_regime(book, command)
    elif isinstance(command, SetSession):
        apply_session(book, command)
    elif isinstance(command, RollDay):
        apply_roll(book, command)
    elif isinstance(command, ProposePolicy) and isinstance(outcome, PolicyOutcome):
        apply_proposal(book, command, outcome, time_ns)
    elif isinstance(command, ApprovePolicy) and isinstance(outcome, PolicyOutcome):
        apply_approval(book, command, outcome, time_ns)
    elif isinstance(command, WithdrawPolicy):
        apply_withdrawal(book, command, time_ns)
    elif isinstance(command, StartEpoch) and isinstance(outcome, EpochOutcome):
        apply_epoch(book, command, outcome)
    else:
        apply_for_account(book, command, outcome, time_ns)
    finish(book, time_ns)


def finish(book: Book, time_ns: int) -> None:
    """Count the record."""
    if book.repeats_floor_ns:
        forget_old(book)
    book.sequence += 1
    book.time_ns = time_ns


def apply_events(
    book: Book, command: RecordOrderEvents, outcome: EventsOutcome, sequence: int, time_ns: int
) -> None:
    """Apply reports in order, and what the valuations after them changed."""
    for event, result in zip(command.events, outcome.results, strict=True):
        apply_event(book, event, result, sequence, time_ns)
    apply_all_valued(book, outcome.valued)


def apply_batch(book: Book, command: CheckOrders, outcome: BatchOutcome, sequence: int) -> None:
    """Apply a batch's answers in order; keep an atomic one for its repeats."""
    for order, answer in zip(command.orders, outcome.answers, strict=True):
        apply_check(book, order, answer, sequence)
    if outcome.keep_until_ns:
        batch = Batch(command, outcome, outcome.keep_until_ns)
        book.batches[command.batch_id] = batch
        book.batch_queue.add(batch, batch.keep_until_ns, 0)


def apply_marks(book: Book, command: UpdateMarks, outcome: MarksOutcome, time_ns: int) -> None:
    """Store marks; whoever holds the instrument is not touched."""
    for (instrument_id, price, _), (slow_mark, slow_time_ns, mark_time_ns) in zip(
        command.marks, outcome.moves, strict=True
    ):
        if not mark_time_ns:
            continue
        instrument = instrument_for_fact(book, instrument_id, time_ns)
        instrument.mark = price
        instrument.mark_time_ns = mark_time_ns
        instrument.slow_mark = slow_mark
        instrument.slow_time_ns = slow_time_ns
        instrument.low = min(price, slow_mark)
        instrument.high = max(price, slow_mark)
        instrument.revision += 2
        book.revision += 1


def apply_factors(
    book: Book, command: UpdateVolatility, outcome: FactorsOutcome, time_ns: int
) -> None:
    """Store volatility factors."""
    for (instrument_id, factor, _), factor_time_ns in zip(
        command.factors, outcome.times, strict=True
    ):
        if not factor_time_ns:
            continue
        instrument = instrument_for_fact(book, instrument_id, time_ns)
        instrument.factor_bps = factor
        instrument.factor_time_ns = factor_time_ns
        instrument.model_version = command.model_version
        instrument.changed(book)


def apply_positions(book: Book, command: SetPositions, sequence: int, time_ns: int) -> None:
    """Set positions as the back office has them."""
    account = account_for_fact(book, command.account_id, time_ns)
    roll_if_due(book, account)
    account.sequence = sequence
    for instrument_id, quantity in command.targets:
        instrument = instrument_for_fact(book, instrument_id, time_ns)
        instrument.touched = True
        position = account.position_in(instrument)
        financed = position.holding.financed if position.holding is not None else 0
        change_holding(account, instrument, quantity + financed - position.quantity)


def apply_valuations(
    book: Book, command: RevalueAccounts, outcome: RevalueOutcome, time_ns: int
) -> None:
    """Keep the accounts' figures."""
    for account_id, figures in zip(command.account_ids, outcome.valuations, strict=True):
        account = book.accounts.get(account_id)
        if account is not None and figures is not None:
            account.last_valuation = figures
            account.valued_time_ns = time_ns
    apply_all_valued(book, outcome.valued)


def apply_accounts(book: Book, command: UpsertAccounts, sequence: int) -> None:
    """Create accounts or replace what they are."""
    for terms in command.accounts:
        account = book.accounts.get(terms.account_id)
        if account is None:
            account = new_account(book, terms.account_id)
        roll_if_due(book, account)
        account.sequence = sequence
        change_group(book, account, terms.group_id)
        account.tier_id = terms.tier_id
        if account.margin_model != terms.margin_model:
            if MODEL_CN_MARGIN in (account.margin_model, terms.margin_model):
                leave_model(account)
            account.margin_model = terms.margin_model
            account.forget_lines()
        account.limits = terms.limits
        account.customer_limits = terms.customer_limits
        account.permissions = terms.permissions
        account.effective = None


def apply_instruments(book: Book, command: UpsertInstruments) -> None:
    """Create instruments or replace what they are."""
    forget_rooms(book)
    for terms in command.instruments:
        instrument = book.instruments.get(terms.instrument_id)
        if instrument is None:
            book.instruments[terms.instrument_id] = Instrument(terms)
        else:
            instrument.terms = terms
            instrument.changed(book)


def apply_regime(book: Book, command: SetRegime) -> None:
    """Set the regime, which every factor is multiplied by."""
    book.regime = command.regime
    forget_rates(book)


def apply_session(book: Book, command: SetSession) -> None:
    """Set a board's sessions."""
    book.sessions[command.board] = command.sessions
    for instrument in book.instruments.values():
        instrument.open_until_ns = 0
        instrument.plain_until_ns = 0


def apply_roll(book: Book, command: RollDay) -> None:
    """Store closing marks; accounts follow when they are next looked at (7.7)."""
    for instrument in book.instruments.values():
        instrument.closing_mark = instrument.mark
    book.trading_date = command.trading_date
    book.executions = None


def apply_epoch(book: Book, command: StartEpoch, outcome: EpochOutcome) -> None:
    """Begin an epoch: no deadline strikes before the gate could hear an answer."""
    book.epoch = command.epoch
    queue: DueQueue[Order] = DueQueue(acknowledge_rank)
    waiting: list[Order] = []
    for account in book.accounts.values():
        for order in account.orders.values():
            if not order.acknowledge_by_ns or order.reported or order.unconfirmed:
                continue
            if order.acknowledge_by_ns < outcome.acknowledge_by_ns:
                order.acknowledge_by_ns = outcome.acknowledge_by_ns
            waiting.append(order)
    waiting.sort(key=acknowledge_rank)
    for order in waiting:
        queue.add(order, order.acknowledge_by_ns, order.sequence)
    book.acknowledge_queue = queue
