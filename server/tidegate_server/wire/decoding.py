"""Requests to commands: parsed, checked, and turned into the engine's plain values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_pb2,
    market_service_pb2,
    risk_service_pb2,
)
from tidegate_server.engine import commands, own_commands
from tidegate_server.engine.account_terms import AccountTerms
from tidegate_server.engine.amounts import (
    AMOUNT_BOUND,
    DECIMALS_BOUND,
    PRICE_BOUND,
    QUANTITY_BOUND,
    RATIO_BOUND,
)
from tidegate_server.engine.cn.kinds import fits
from tidegate_server.engine.withdrawals import WITHDRAWAL

from .customer_limits import read_customer_limits
from .permissions import read_dealing, read_permissions
from .policies import read_limits
from .validation import TIME_BOUND, MalformedError, Problems, are_ids, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

M = TypeVar("M", bound=Message)

SIDES = (commands.BUY, commands.SELL)
ORDER_TYPES = (commands.LIMIT_ORDER, commands.MARKET_ORDER)
ENDS = (commands.EVENT_CANCELLED, commands.EVENT_REJECTED, commands.EVENT_EXPIRED)
CASH_OUT = (account_service_pb2.CASH_KIND_FEE, WITHDRAWAL)
VOLUME_BOUND = 10**15
FIRM = 1
SCOPES = (FIRM, 2, 3, 6, 7)
SESSION_LIMIT = 16
FIRST_DATE = 19_000_101
LAST_DATE = 99_991_231


def parse(kind: type[M], data: bytes) -> M:
    """Return the parsed message; one with a field of a later contract is refused."""
    message = parse_any(kind, data)
    refuse_unknown(message)
    return message


def parse_any(kind: type[M], data: bytes) -> M:
    """Return the parsed message, whatever fields it has."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedError([("", f"is no {kind.DESCRIPTOR.full_name}")]) from error


def decode_check(data: bytes, principal: str) -> commands.CheckOrder:
    """Read a CheckOrderRequest: the hot path, so what is sound is found out in one expression."""
    request = parse_any(risk_service_pb2.CheckOrderRequest, data)
    return read_order(request, principal, "")


def read_order(
    request: risk_service_pb2.CheckOrderRequest, principal: str, prefix: str
) -> commands.CheckOrder:
    """Read one order, alone or in a batch."""
    account_id = request.account_id
    order_id = request.order_id
    instrument_id = request.instrument_id
    side = request.side
    order_type = request.order_type
    quantity = request.quantity
    price = request.price_e4
    created_time_ns = request.created_time_ns
    if not (
        are_ids(f"{account_id} {order_id} {instrument_id}")
        and 1 <= side <= 2  # noqa: PLR2004 - buy, sell; spelt out where every order passes
        and 0 < quantity <= QUANTITY_BOUND
        and 0 < created_time_ns <= TIME_BOUND
        and (
            0 < price <= PRICE_BOUND
            if order_type == commands.LIMIT_ORDER
            else order_type == commands.MARKET_ORDER and not request.HasField("price_e4")
        )
        and fits(request.margin_kind, side)
    ):
        refuse_order(request, prefix)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    return commands.CheckOrder(
        principal,
        account_id,
        order_id,
        instrument_id,
        side,
        order_type,
        quantity,
        price,
        created_time_ns,
        request.reduce_only,
        request.want_max_acceptable_quantity,
        request.margin_kind,
    )


def refuse_order(
    request: risk_service_pb2.CheckOrderRequest | risk_service_pb2.PreviewOrderRequest,
    prefix: str = "",
) -> None:
    """Raise with everything that is wrong with an order."""
    problems = Problems()
    problems.prefix = prefix
    problems.need_id("account_id", request.account_id)
    problems.need_id("instrument_id", request.instrument_id)
    problems.need_one_of("side", request.side, SIDES)
    problems.need_one_of("order_type", request.order_type, ORDER_TYPES)
    if not fits(request.margin_kind, request.side):
        problems.add("margin_kind", "must be known and of the order's side")
    problems.need_range("quantity", request.quantity, 1, QUANTITY_BOUND)
    if request.order_type == commands.MARKET_ORDER:
        if request.HasField("price_e4"):
            problems.add("price_e4", "must be absent for a market order")
    else:
        problems.need_range("price_e4", request.price_e4, 1, PRICE_BOUND)
    if isinstance(request, risk_service_pb2.CheckOrderRequest):
        problems.need_id("order_id", request.order_id)
        problems.need_range("created_time_ns", request.created_time_ns, 1, TIME_BOUND)
    problems.refuse()


def decode_preview(data: bytes, principal: str) -> commands.CheckOrder:
    """Read a PreviewOrderRequest."""
    request = parse(risk_service_pb2.PreviewOrderRequest, data)
    refuse_order(request)
    return commands.CheckOrder(
        principal,
        request.account_id,
        "",
        request.instrument_id,
        request.side,
        request.order_type,
        request.quantity,
        request.price_e4,
        0,
        request.reduce_only,
        True,  # noqa: FBT003 - a preview always says how much would pass
        request.margin_kind,
    )


def decode_checks(data: bytes, principal: str) -> commands.CheckOrders:
    """Read a CheckOrdersRequest."""
    request = parse_any(risk_service_pb2.CheckOrdersRequest, data)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    problems = Problems()
    problems.need_count("orders", len(request.orders))
    problems.may_id("batch_id", request.batch_id)
    if request.atomic and not request.batch_id:
        problems.add("batch_id", "must be set for an atomic batch")
    if request.batch_id and not request.atomic:
        problems.add("batch_id", "must be empty unless the batch is atomic")
    problems.refuse()
    orders = [
        read_order(order, principal, f"orders[{index}].")
        for index, order in enumerate(request.orders)
    ]
    return commands.CheckOrders(principal, orders, atomic=request.atomic, batch_id=request.batch_id)


def decode_events(data: bytes, principal: str) -> commands.RecordOrderEvents:
    """Read a RecordOrderEventsRequest."""
    request = parse_any(risk_service_pb2.RecordOrderEventsRequest, data)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    problems = Problems()
    problems.need_count("events", len(request.events))
    problems.refuse()
    events = []
    for index, event in enumerate(request.events):
        problems.prefix = f"events[{index}]."
        if len(UnknownFieldSet(event)):
            raise MalformedError([], event.DESCRIPTOR.full_name)
        events.append(read_event(event, problems))
    problems.refuse()
    return commands.RecordOrderEvents(principal, events)


def read_event(event: risk_service_pb2.OrderEvent, problems: Problems) -> commands.OrderEvent:
    """Read one report; what its kind does not use must be left out."""
    kind = event.kind
    problems.need_id("event_id", event.event_id)
    problems.need_id("account_id", event.account_id)
    problems.need_id("order_id", event.order_id)
    problems.need_one_of("kind", kind, range(1, 8))
    problems.may_id("source", event.source)
    if kind == commands.EVENT_FILLED:
        problems.need_id("instrument_id", event.instrument_id)
        problems.need_one_of("side", event.side, SIDES)
        problems.need_range("quantity", event.quantity, 1, QUANTITY_BOUND)
        problems.need_range("price_e4", event.price_e4, 1, PRICE_BOUND)
        if event.trade_date:
            problems.need_range("trade_date", event.trade_date, FIRST_DATE, LAST_DATE)
        problems.need_range("transaction_time_ns", event.transaction_time_ns, 0, TIME_BOUND)
    elif event.transaction_time_ns:
        problems.add("transaction_time_ns", "belongs to a fill only")
    elif event.instrument_id or event.side or event.quantity or event.price_e4 or event.trade_date:
        problems.add("kind", "only a fill has instrument, side, quantity, price and trade date")
    cumulative = -1
    if event.HasField("cumulative_quantity"):
        cumulative = event.cumulative_quantity
        problems.need_range("cumulative_quantity", cumulative, 0, QUANTITY_BOUND)
        if kind not in ENDS:
            problems.add("cumulative_quantity", "belongs to cancelled, rejected and expired only")
    if kind == commands.EVENT_BUSTED:
        problems.need_id("busted_event_id", event.busted_event_id)
        if event.busted_event_id == event.event_id:
            problems.add("busted_event_id", "must not be the bust's own event id")
    elif event.busted_event_id:
        problems.add("busted_event_id", "belongs to a bust only")
    return commands.OrderEvent(
        event.event_id,
        event.account_id,
        event.order_id,
        kind,
        event.instrument_id,
        event.side,
        event.quantity,
        event.price_e4,
        cumulative,
        event.trade_date,
        event.busted_event_id,
        event.transaction_time_ns,
        event.source,
    )


def decode_accounts(data: bytes, principal: str) -> commands.UpsertAccounts:
    """Read an UpsertAccountsRequest."""
    request = parse(account_service_pb2.UpsertAccountsRequest, data)
    problems = Problems()
    problems.need_count("accounts", len(request.accounts))
    problems.refuse()
    accounts = []
    for index, account in enumerate(request.accounts):
        problems.prefix = f"accounts[{index}]."
        accounts.append(read_account(account, problems))
    problems.prefix = ""
    refuse_repeats("accounts", [account.account_id for account in accounts], problems)
    problems.refuse()
    return commands.UpsertAccounts(principal, accounts)


def read_account(account: account_service_pb2.Account, problems: Problems) -> AccountTerms:
    """Read what one account is."""
    problems.need_id("account_id", account.account_id)
    problems.may_id("group_id", account.group_id)
    problems.may_id("tier_id", account.tier_id)
    problems.need_one_of("margin_model", account.margin_model, commands.MARGIN_MODELS)
    return AccountTerms(
        account.account_id,
        account.group_id,
        account.tier_id,
        account.margin_model,
        read_limits(account.limits, problems, "limits."),
        read_permissions(account, problems),
        read_customer_limits(account.customer_limits, problems),
    )


def refuse_repeats(field: str, ids: Sequence[str], problems: Problems) -> None:
    """Note an id that stands twice in one request."""
    if len(set(ids)) != len(ids):
        repeated = sorted(name for name, number in Counter(ids).items() if number > 1)[:3]
        problems.add(field, f"must name each id once; {', '.join(repeated)} stands twice")


def decode_cash(data: bytes, principal: str) -> commands.AdjustCash:
    """Read an AdjustCashRequest."""
    request = parse(account_service_pb2.AdjustCashRequest, data)
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.need_id("adjustment_id", request.adjustment_id)
    problems.need_one_of("kind", request.kind, (*range(1, 7), WITHDRAWAL))
    problems.need_range("amount_e4", request.amount_e4, -AMOUNT_BOUND, AMOUNT_BOUND)
    if not request.amount_e4:
        problems.add("amount_e4", "must not be 0")
    if request.kind == account_service_pb2.CASH_KIND_DEPOSIT and request.amount_e4 < 0:
        problems.add("amount_e4", "of a deposit must be positive")
    if request.kind in CASH_OUT and request.amount_e4 > 0:
        problems.add("amount_e4", "of a fee or withdrawal must be negative")
    problems.refuse()
    return commands.AdjustCash(
        principal,
        request.account_id,
        request.adjustment_id,
        request.kind,
        request.amount_e4,
        request.expected_sequence,
    )


def decode_positions(data: bytes, principal: str) -> commands.SetPositions:
    """Read a SetPositionsRequest."""
    request = parse(account_service_pb2.SetPositionsRequest, data)
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.need_count("positions", len(request.positions))
    problems.refuse()
    targets = []
    for index, target in enumerate(request.positions):
        problems.prefix = f"positions[{index}]."
        problems.need_id("instrument_id", target.instrument_id)
        problems.need_range("quantity", target.quantity, -QUANTITY_BOUND, QUANTITY_BOUND)
        targets.append((target.instrument_id, target.quantity))
    problems.prefix = ""
    refuse_repeats("positions", [name for name, _ in targets], problems)
    problems.refuse()
    return commands.SetPositions(principal, request.account_id, targets, request.expected_sequence)


def decode_revaluation(data: bytes, principal: str) -> commands.RevalueAccounts:
    """Read a RevalueAccountsRequest."""
    request = parse(account_service_pb2.RevalueAccountsRequest, data)
    problems = Problems()
    problems.need_count("account_ids", len(request.account_ids))
    problems.refuse()
    for index, account_id in enumerate(request.account_ids):
        problems.need_id(f"account_ids[{index}]", account_id)
    problems.refuse()
    return commands.RevalueAccounts(principal, list(request.account_ids))


def decode_marks(data: bytes, principal: str) -> commands.UpdateMarks:
    """Read an UpdateMarksRequest."""
    request = parse_any(market_service_pb2.UpdateMarksRequest, data)
    if len(UnknownFieldSet(request)):
        raise MalformedError([], request.DESCRIPTOR.full_name)
    problems = Problems()
    problems.need_count("marks", len(request.marks))
    problems.refuse()
    marks = []
    for index, mark in enumerate(request.marks):
        if len(UnknownFieldSet(mark)):
            raise MalformedError([], mark.DESCRIPTOR.full_name)
        problems.prefix = f"marks[{index}]."
        problems.need_id("instrument_id", mark.instrument_id)
        problems.need_range("price_e4", mark.price_e4, 1, PRICE_BOUND)
        problems.need_range("mark_time_ns", mark.mark_time_ns, 0, TIME_BOUND)
        marks.append((mark.instrument_id, mark.price_e4, mark.mark_time_ns))
    problems.prefix = ""
    refuse_repeats("marks", [name for name, _, _ in marks], problems)
    problems.refuse()
    return commands.UpdateMarks(principal, marks)


def decode_instruments(data: bytes, principal: str) -> commands.UpsertInstruments:
    """Read an UpsertInstrumentsRequest."""
    request = parse(market_service_pb2.UpsertInstrumentsRequest, data)
    problems = Problems()
    problems.need_count("instruments", len(request.instruments))
    problems.refuse()
    instruments = []
    for index, instrument in enumerate(request.instruments):
        problems.prefix = f"instruments[{index}]."
        instruments.append(read_instrument(instrument, problems))
    problems.prefix = ""
    refuse_repeats("instruments", [terms.instrument_id for terms in instruments], problems)
    problems.refuse()
    return commands.UpsertInstruments(principal, instruments)


def read_instrument(
    instrument: market_service_pb2.Instrument, problems: Problems
) -> commands.InstrumentTerms:
    """Read what one instrument is."""
    problems.need_id("instrument_id", instrument.instrument_id)
    for name in ("sector", "board", "rating_group", "margin_class"):
        problems.may_id(name, getattr(instrument, name))
    decimals = instrument.quantity_decimals
    problems.need_range("quantity_decimals", decimals, 0, DECIMALS_BOUND)
    problems.need_range("least_quantity", instrument.least_quantity, 0, QUANTITY_BOUND)
    problems.need_range("quantity_step", instrument.quantity_step, 0, QUANTITY_BOUND)
    problems.need_range("tick_e4", instrument.tick_e4, 0, PRICE_BOUND)
    lower = optional(instrument, "lower_price_limit_e4", PRICE_BOUND, problems)
    upper = optional(instrument, "upper_price_limit_e4", PRICE_BOUND, problems)
    if 0 <= upper < lower:
        problems.add("upper_price_limit_e4", "must not be below the lower limit")
    initial_long = optional(instrument, "initial_margin_long_bps", RATIO_BOUND, problems)
    initial_short = optional(instrument, "initial_margin_short_bps", RATIO_BOUND, problems)
    low_long = optional(instrument, "maintenance_margin_long_bps", RATIO_BOUND, problems)
    low_short = optional(instrument, "maintenance_margin_short_bps", RATIO_BOUND, problems)
    if low_long > initial_long:
        problems.add("maintenance_margin_long_bps", "must not be above the initial margin")
    if low_short > initial_short:
        problems.add("maintenance_margin_short_bps", "must not be above the initial margin")
    return commands.InstrumentTerms(
        instrument_id=instrument.instrument_id,
        sector=instrument.sector,
        board=instrument.board,
        rating_group=instrument.rating_group,
        margin_class=instrument.margin_class,
        quantity_decimals=decimals if 0 <= decimals <= DECIMALS_BOUND else 0,
        least_quantity=instrument.least_quantity or 1,
        quantity_step=instrument.quantity_step or 1,
        tick_e4=instrument.tick_e4 or 1,
        lower_limit_e4=lower,
        upper_limit_e4=upper,
        price_limit_bps=optional(instrument, "price_limit_bps", RATIO_BOUND, problems),
        average_volume=optional(instrument, "average_volume", VOLUME_BOUND, problems),
        initial_long_bps=initial_long,
        initial_short_bps=initial_short,
        maintenance_long_bps=low_long,
        maintenance_short_bps=low_short,
        marginable=instrument.marginable,
        position_limit=optional(instrument, "position_limit", QUANTITY_BOUND, problems),
        shares_outstanding=optional(instrument, "shares_outstanding", VOLUME_BOUND, problems),
        dealing=read_dealing(instrument, problems),
    )


def optional(message: Message, field: str, high: int, problems: Problems) -> int:
    """Return an optional number of at least 0, -1 where it is absent."""
    if not message.HasField(field):
        return -1
    value = int(getattr(message, field))
    problems.need_range(field, value, 0, high)
    return value


def decode_factors(data: bytes, principal: str) -> commands.UpdateVolatility:
    """Read an UpdateVolatilityRequest."""
    request = parse(market_service_pb2.UpdateVolatilityRequest, data)
    problems = Problems()
    problems.need_count("factors", len(request.factors))
    problems.refuse()
    problems.may_id("model_version", request.model_version)
    factors = []
    for index, factor in enumerate(request.factors):
        problems.prefix = f"factors[{index}]."
        problems.need_id("instrument_id", factor.instrument_id)
        problems.need_range("factor_bps", factor.factor_bps, 10_000, RATIO_BOUND)
        problems.need_range("factor_time_ns", factor.factor_time_ns, 0, TIME_BOUND)
        factors.append((factor.instrument_id, factor.factor_bps, factor.factor_time_ns))
    problems.prefix = ""
    refuse_repeats("factors", [name for name, _, _ in factors], problems)
    problems.refuse()
    return commands.UpdateVolatility(principal, factors, request.model_version)


def decode_session(data: bytes, principal: str) -> commands.SetSession:
    """Read a SetSessionRequest."""
    request = parse(market_service_pb2.SetSessionRequest, data)
    problems = Problems()
    problems.may_id("board", request.board)
    problems.need_count("sessions", len(request.sessions), 0, SESSION_LIMIT)
    sessions = [(session.open_time_ns, session.close_time_ns) for session in request.sessions]
    latest = 0
    for index, (opens, closes) in enumerate(sessions):
        problems.prefix = f"sessions[{index}]."
        problems.need_range("open_time_ns", opens, latest, TIME_BOUND)
        problems.need_range("close_time_ns", closes, opens + 1, TIME_BOUND)
        latest = closes
    problems.refuse()
    return commands.SetSession(principal, request.board, sessions)


def decode_regime(data: bytes, principal: str) -> commands.SetRegime:
    """Read a SetRegimeRequest."""
    request = parse(market_service_pb2.SetRegimeRequest, data)
    problems = Problems()
    problems.need_one_of("regime", request.regime, range(1, 5))
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return commands.SetRegime(principal, request.regime, request.reason)


def decode_roll(data: bytes, principal: str) -> commands.RollDay:
    """Read a RollDayRequest."""
    request = parse(market_service_pb2.RollDayRequest, data)
    problems = Problems()
    problems.need_range("trading_date", request.trading_date, FIRST_DATE, LAST_DATE)
    problems.refuse()
    return commands.RollDay(principal, request.trading_date)


def decode_halt(data: bytes, principal: str) -> commands.SetStop:
    """Read a HaltRequest."""
    request = parse(control_service_pb2.HaltRequest, data)
    return read_stop(request, principal, commands.STOP_HALT)


def decode_reduce_only(data: bytes, principal: str) -> commands.SetStop:
    """Read a SetReduceOnlyRequest."""
    request = parse(control_service_pb2.SetReduceOnlyRequest, data)
    return read_stop(request, principal, commands.STOP_REDUCE_ONLY)


def read_stop(
    request: control_service_pb2.HaltRequest | control_service_pb2.SetReduceOnlyRequest,
    principal: str,
    kind: int,
) -> commands.SetStop:
    """Read a stop to set."""
    problems = Problems()
    problems.need_id("stop_id", request.stop_id)
    problems.need_one_of("scope_kind", request.scope_kind, SCOPES)
    if request.scope_kind == FIRM:
        if request.scope_id:
            problems.add("scope_id", "must be empty for the firm")
    else:
        problems.need_id("scope_id", request.scope_id)
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return commands.SetStop(
        principal, request.stop_id, kind, request.scope_kind, request.scope_id, request.reason
    )


def decode_release(data: bytes, principal: str) -> commands.Release:
    """Read a ReleaseRequest."""
    request = parse(control_service_pb2.ReleaseRequest, data)
    problems = Problems()
    problems.need_stop_id("stop_id", request.stop_id)
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return commands.Release(principal, request.stop_id, request.reason)


def decode_epoch(data: bytes, _principal: str) -> own_commands.StartEpoch:
    """Read a StartEpochRequest, which only the gate writes."""
    request = parse(journal_pb2.StartEpochRequest, data)
    return own_commands.StartEpoch(request.epoch, request.build)


def decode_tick(data: bytes, _principal: str) -> own_commands.Tick:
    """Read a TickRequest, which only the gate writes."""
    parse(journal_pb2.TickRequest, data)
    return own_commands.Tick()
