"""A snapshot: the book as records that rebuild it, one an entity (trust J7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2, market_service_pb2, risk_service_pb2
from tidegate_server.engine.account import Account
from tidegate_server.engine.closing import count_bought
from tidegate_server.engine.groups import ancestors
from tidegate_server.engine.instrument import Instrument
from tidegate_server.engine.latches import make_queue
from tidegate_server.engine.margin_lines import NEVER
from tidegate_server.engine.reach import add
from tidegate_server.engine.resting import make_ladders
from tidegate_server.engine.scope_overrides import follow_overrides
from tidegate_server.engine.shares import make_sums
from tidegate_server.engine.state import Batch, Book, batch_rank, roll_if_due
from tidegate_server.engine.state_hash import state_hash

from . import account_encoding, decoding, encoding, groups, market_decoding
from .customer_limits import read_customer_limits
from .effects import read_share, write_share
from .event_snapshots import contract_messages, event_message, load_contracts, read_event
from .life_snapshots import read_reconciliation, write_reconciliation
from .order_snapshots import OrderLoader, SnapshotError, order_message, order_request
from .permissions import read_permissions, write_dealing
from .policies import read_limits, read_policy, write_policy
from .records import encode_record
from .staff_snapshots import load_staff, staff_messages
from .stops import read_repeats, read_stop, repeat_messages
from .validation import Problems
from .views import account_terms, stop_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from tidegate_server.engine.commands import CheckOrders
    from tidegate_server.engine.instrument_terms import InstrumentTerms

OPTIONAL_TERMS = (
    ("lower_price_limit_e4", "lower_limit_e4"),
    ("upper_price_limit_e4", "upper_limit_e4"),
    ("price_limit_bps", "price_limit_bps"),
    ("average_volume", "average_volume"),
    ("initial_margin_long_bps", "initial_long_bps"),
    ("initial_margin_short_bps", "initial_short_bps"),
    ("maintenance_margin_long_bps", "maintenance_long_bps"),
    ("maintenance_margin_short_bps", "maintenance_short_bps"),
    ("position_limit", "position_limit"),
    ("shares_outstanding", "shares_outstanding"),
)


def snapshot_records(book: Book, chain_head: str) -> Iterator[bytes]:
    """Yield the records that rebuild the book."""
    for account in book.accounts.values():
        roll_if_due(book, account)
    yield restore(journal_pb2.METHOD_RESTORE_BOOK, book_message(book, chain_head))
    yield from groups.group_records(book)
    for instrument in book.instruments.values():
        yield restore(journal_pb2.METHOD_RESTORE_INSTRUMENT, instrument_message(instrument))
    for account in book.accounts.values():
        yield restore(journal_pb2.METHOD_RESTORE_ACCOUNT, account_message(account))
        for order in account.orders.values():
            yield restore(journal_pb2.METHOD_RESTORE_ORDER, order_message(order))
    for number, message in staff_messages(book):
        yield restore(number, message)


def restore(number: int, message: Message) -> bytes:
    """Return one record of a snapshot."""
    return encode_record(number, "", message.SerializeToString(), b"", b"")


def book_message(book: Book, chain_head: str) -> journal_pb2.RestoreBook:
    """Return what is neither an instrument's nor an account's."""
    message = journal_pb2.RestoreBook(
        sequence=book.sequence,
        time_ns=book.time_ns,
        epoch=book.epoch,
        trading_date=book.trading_date,
        regime=book.regime,  # type: ignore[arg-type] # numbers are the contract's
        stops=stop_messages(book),
        principals=[
            journal_pb2.RestorePrincipal(principal=name, next_time_ns=next_ns)
            for name, next_ns in book.principal_next_ns.items()
        ],
        batches=[batch_message(batch) for batch in book.batches.values()],
        state_hash=state_hash(book),
        chain_head=chain_head,
        former_order_age_ns=book.former_age_ns,
        former_created_until_time_ns=book.former_until_ns,
    )
    if book.policy is not None:
        message.policy.CopyFrom(write_policy(book.policy))
    for board, sessions in book.sessions.items():
        message.sessions.append(
            market_service_pb2.SetSessionRequest(
                board=board,
                sessions=[
                    market_service_pb2.Session(open_time_ns=opens, close_time_ns=closes)
                    for opens, closes in sessions
                ],
            )
        )
    return message


def batch_message(batch: Batch) -> journal_pb2.RestoreBatch:
    """Return an atomic batch."""
    response = risk_service_pb2.CheckOrdersResponse.FromString(
        encoding.encode_checks(batch.outcome, batch.command)
    )
    return journal_pb2.RestoreBatch(
        principal=batch.command.principal,
        request=risk_service_pb2.CheckOrdersRequest(
            orders=[order_request(order) for order in batch.command.orders],
            atomic=True,
            batch_id=batch.command.batch_id,
        ),
        response=response,
        keep_until_time_ns=batch.keep_until_ns,
    )


def instrument_message(instrument: Instrument) -> journal_pb2.RestoreInstrument:
    """Return one instrument."""
    return journal_pb2.RestoreInstrument(
        instrument=terms_message(instrument.terms),
        mark_e4=instrument.mark or None,
        mark_time_ns=instrument.mark_time_ns,
        slow_mark_e4=instrument.slow_mark,
        slow_mark_time_ns=instrument.slow_time_ns,
        factor_bps=instrument.factor_bps,
        factor_time_ns=instrument.factor_time_ns,
        model_version=instrument.model_version,
        closing_mark_e4=instrument.closing_mark or None,
        touched=instrument.touched,
    )


def terms_message(terms: InstrumentTerms) -> market_service_pb2.Instrument:
    """Return what an instrument is."""
    message = market_service_pb2.Instrument(
        instrument_id=terms.instrument_id,
        sector=terms.sector,
        board=terms.board,
        rating_group=terms.rating_group,
        margin_class=terms.margin_class,
        quantity_decimals=terms.quantity_decimals,
        least_quantity=terms.least_quantity,
        quantity_step=terms.quantity_step,
        tick_e4=terms.tick_e4,
        marginable=terms.marginable,
    )
    for field, name in OPTIONAL_TERMS:
        value = getattr(terms, name)
        if value >= 0:
            setattr(message, field, value)
    write_dealing(terms.dealing, message)
    return message


def account_message(account: Account) -> journal_pb2.RestoreAccount:
    """Return one account, without its orders."""
    message = journal_pb2.RestoreAccount(
        account=account_terms(account),
        sequence=account.sequence,
        cash_e4=account.cash,
        interest_and_fees_e4=account.interest_and_fees,
        trading_date=account.trading_date,
        day_order_count=account.day_order_count,
        start_of_day_equity_e4=account.start_of_day_equity,
        next_order_time_ns=account.next_order_ns,
        positions=[
            journal_pb2.RestorePosition(
                instrument_id=position.instrument.instrument_id,
                quantity=position.quantity,
                day_traded=str(position.day_traded),
            )
            for position in account.positions.values()
        ],
        events=[event_message(event_id, entry) for event_id, entry in account.events.items()],
        adjustment_ids=[f"{date} {name}" for name, (date, _) in account.adjustments.items()],
        adjustment_contents=[content for _, content in account.adjustments.values()],
        valued_time_ns=account.valued_time_ns,
        repeats=repeat_messages(account),
        lines=account.lines,
        high_water_mark_e4=None if account.high_water == NEVER else account.high_water,
        contracts=contract_messages(account),
    )
    write_reconciliation(account, message)
    if account.share is not None:
        message.share.CopyFrom(write_share(account.share))
    if account.last_valuation is not None:
        message.last_valuation.CopyFrom(
            account_encoding.valuation_message(account.account_id, account.last_valuation)
        )
    return message


class Loader:
    """Rebuilds a book from a snapshot's records."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.expected_hash = ""
        self._orders = OrderLoader(book)

    def load(self, data: bytes) -> None:
        """Apply one record."""
        record = journal_pb2.Record.FromString(data)
        if record.method == journal_pb2.METHOD_RESTORE_ORDER:
            self._orders.load(journal_pb2.RestoreOrder.FromString(record.request))
        elif record.method == journal_pb2.METHOD_RESTORE_ACCOUNT:
            self._account(journal_pb2.RestoreAccount.FromString(record.request))
        elif record.method == journal_pb2.METHOD_RESTORE_INSTRUMENT:
            self._instrument(journal_pb2.RestoreInstrument.FromString(record.request))
        elif record.method == journal_pb2.METHOD_RESTORE_GROUP:
            groups.load_group(self.book, record.request)
        elif record.method == journal_pb2.METHOD_RESTORE_BOOK:
            self._book(journal_pb2.RestoreBook.FromString(record.request))
        elif not load_staff(self.book, record):
            raise SnapshotError(f"method {record.method} does not belong in a snapshot")

    def finish(self) -> None:
        """Check that the book is the one that the snapshot was made of."""
        book = self.book
        self._orders.finish()
        for batch in sorted(book.batches.values(), key=batch_rank):
            book.batch_queue.add(batch, batch.keep_until_ns, 0)
        make_ladders(book)
        follow_overrides(book)
        make_sums(book)
        make_queue(book)
        found = state_hash(book)
        if not self.expected_hash or found != self.expected_hash:
            raise SnapshotError(f"state hash {found} is not the snapshot's {self.expected_hash}")

    def _book(self, message: journal_pb2.RestoreBook) -> None:
        book = self.book
        book.sequence = message.sequence
        book.time_ns = message.time_ns
        book.epoch = message.epoch
        book.trading_date = message.trading_date
        book.regime = message.regime
        book.former_age_ns = message.former_order_age_ns
        book.former_until_ns = message.former_created_until_time_ns
        if message.HasField("policy"):
            book.policy = read_policy(message.policy, Problems())
        for stop in message.stops:
            book.add_stop(read_stop(stop))
        for board in message.sessions:
            book.sessions[board.board] = [
                (session.open_time_ns, session.close_time_ns) for session in board.sessions
            ]
        for principal in message.principals:
            book.principal_next_ns[principal.principal] = principal.next_time_ns
        for batch in message.batches:
            self._batch(batch)
        self.expected_hash = message.state_hash

    def _batch(self, message: journal_pb2.RestoreBatch) -> None:
        command: CheckOrders = decoding.decode_checks(
            message.request.SerializeToString(), message.principal
        )
        effects = journal_pb2.CheckEffects(
            keep_until_time_ns=message.keep_until_time_ns,
            orders=[journal_pb2.CheckEffects() for _ in message.response.answers],
        )
        outcome = encoding.read_checks(message.response, effects)
        self.book.batches[command.batch_id] = Batch(command, outcome, message.keep_until_time_ns)

    def _instrument(self, message: journal_pb2.RestoreInstrument) -> None:
        terms = market_decoding.read_instrument(message.instrument, Problems())
        instrument = Instrument(terms)
        instrument.mark = message.mark_e4
        instrument.mark_time_ns = message.mark_time_ns
        instrument.slow_mark = message.slow_mark_e4
        instrument.slow_time_ns = message.slow_mark_time_ns
        instrument.low = min(instrument.mark, instrument.slow_mark)
        instrument.high = max(instrument.mark, instrument.slow_mark)
        instrument.factor_bps = message.factor_bps
        instrument.factor_time_ns = message.factor_time_ns
        instrument.model_version = message.model_version
        instrument.closing_mark = message.closing_mark_e4
        instrument.touched = message.touched
        self.book.instruments[instrument.instrument_id] = instrument

    def _account(self, message: journal_pb2.RestoreAccount) -> None:
        account = Account(message.account.account_id)
        account.group_id = message.account.group_id
        account.groups = ancestors(self.book, account.group_id)
        account.tier_id = message.account.tier_id
        account.margin_model = message.account.margin_model
        account.limits = read_limits(message.account.limits, Problems(), "")
        account.customer_limits = read_customer_limits(message.account.customer_limits, Problems())
        account.permissions = read_permissions(message.account, Problems())
        account.sequence = message.sequence
        account.cash = message.cash_e4
        account.interest_and_fees = message.interest_and_fees_e4
        account.trading_date = message.trading_date
        account.day_order_count = message.day_order_count
        if message.HasField("start_of_day_equity_e4"):
            account.start_of_day_equity = message.start_of_day_equity_e4
        account.lines = message.lines
        if message.HasField("high_water_mark_e4"):
            account.high_water = message.high_water_mark_e4
        if message.HasField("share"):
            account.share = read_share(message.share)
        account.next_order_ns = message.next_order_time_ns
        account.valued_time_ns = message.valued_time_ns
        if message.HasField("last_valuation"):
            account.last_valuation = encoding.read_figures(message.last_valuation.figures)
        load_contracts(self.book, account, message)
        for held in message.positions:
            position = account.position_in(self.book.instruments[held.instrument_id])
            position.quantity = held.quantity
            position.day_traded = int(held.day_traded or "0")
            position.instrument.short_use += position.short()
            add(account, position, position.reach())
            account.turnover_e4 += position.turnover()
            if not position.is_flat():
                account.activate(position)
        for event in message.events:
            self.book.has_sources = self.book.has_sources or bool(event.source)
            account.events[event.event_id] = read_event(event)
        count_bought(self.book, account)
        contents = message.adjustment_contents
        for index, kept in enumerate(message.adjustment_ids):
            date, _, name = kept.partition(" ")
            content = contents[index] if index < len(contents) else ""
            account.adjustments[name] = int(date), content
        read_repeats(account, message.repeats)
        read_reconciliation(account, message)
        self.book.accounts[account.account_id] = account
