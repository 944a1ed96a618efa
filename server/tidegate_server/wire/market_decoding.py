"""Requests about the market to commands: marks, instruments, factors, sessions, the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.unknown_fields import UnknownFieldSet

from tidegate.v1 import (
    market_service_pb2,
)
from tidegate_server.engine.amounts import (
    DECIMALS_BOUND,
    PRICE_BOUND,
    QUANTITY_BOUND,
    RATIO_BOUND,
)
from tidegate_server.engine.instrument_terms import InstrumentTerms
from tidegate_server.engine.market_commands import (
    RollDay,
    SetRegime,
    SetSession,
    UpdateMarks,
    UpdateVolatility,
    UpsertInstruments,
)

from .decoding import FIRST_DATE, LAST_DATE, parse, parse_any, refuse_repeats
from .permissions import read_dealing
from .validation import TIME_BOUND, MalformedError, Problems

if TYPE_CHECKING:
    from google.protobuf.message import Message

VOLUME_BOUND = 10**15
SESSION_LIMIT = 16


def decode_marks(data: bytes, principal: str) -> UpdateMarks:
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
    return UpdateMarks(principal, marks)


def decode_instruments(data: bytes, principal: str) -> UpsertInstruments:
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
    return UpsertInstruments(principal, instruments)


def read_instrument(
    instrument: market_service_pb2.Instrument, problems: Problems
) -> InstrumentTerms:
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
    return InstrumentTerms(
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


def decode_factors(data: bytes, principal: str) -> UpdateVolatility:
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
    return UpdateVolatility(principal, factors, request.model_version)


def decode_session(data: bytes, principal: str) -> SetSession:
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
    return SetSession(principal, request.board, sessions)


def decode_regime(data: bytes, principal: str) -> SetRegime:
    """Read a SetRegimeRequest."""
    request = parse(market_service_pb2.SetRegimeRequest, data)
    problems = Problems()
    problems.need_one_of("regime", request.regime, range(1, 5))
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return SetRegime(principal, request.regime, request.reason)


def decode_roll(data: bytes, principal: str) -> RollDay:
    """Read a RollDayRequest."""
    request = parse(market_service_pb2.RollDayRequest, data)
    problems = Problems()
    problems.need_range("trading_date", request.trading_date, FIRST_DATE, LAST_DATE)
    problems.refuse()
    return RollDay(principal, request.trading_date)
