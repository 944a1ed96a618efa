"""Requests at the edge: every malformed field is named, bounds are inclusive."""

from typing import Any

import pytest
from tests.oracle.adapter import message_class
from tests.wire.requests import (
    ACCOUNT,
    CASH,
    END,
    FILL,
    HALT,
    LATEST,
    MOST,
    ORDER,
    POLICY,
    PREVIEW,
    SOUND,
    error_of,
    fields_of,
    message,
)

from tidegate_server.wire.decoding import refuse_repeats
from tidegate_server.wire.methods import METHODS
from tidegate_server.wire.validation import BATCH_LENGTH, PROBLEM_LIMIT, Problems

UNKNOWN = b"\xf8\x7f\x01"  # field 2047, varint 1
LONG = "i" * 65
BAD_IDS = ["", LONG, "a b", "é", "a\n", "\x7f"]
AMOUNT = 9 * 10**16
RATIO = 10**6
DAYS = 400 * 86_400 * 10**9


def without(request: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in names}


def order(**change: Any) -> dict[str, Any]:
    return {**ORDER, **change}


def fill(**change: Any) -> dict[str, Any]:
    return {"events": [{**FILL, **change}]}


def end(**change: Any) -> dict[str, Any]:
    return {"events": [{**END, **change}]}


def terms(**change: Any) -> dict[str, Any]:
    return {"instruments": [{"instrument_id": "X", **change}]}


def policy(**change: Any) -> dict[str, Any]:
    return {"policy": {**POLICY, **change}}


def limits(**change: Any) -> dict[str, Any]:
    return policy(default_limits=change)


def window(opens: int, closes: int) -> dict[str, Any]:
    return policy(trading_window={"open_of_day_ns": opens, "close_of_day_ns": closes})


def permitted(**permissions: Any) -> dict[str, Any]:
    return {"accounts": [{**ACCOUNT, "permissions": permissions}]}


def scope(kind: str, name: str, **limits: Any) -> dict[str, Any]:
    """Return a proposal whose policy limits one scope."""
    return policy(scopes=[{"scope_kind": kind, "scope_id": name, **limits}])


def bands(*made: dict[str, int]) -> dict[str, Any]:
    table = {"rating_group": "G", "bands": list(made)}
    return policy(tiers=[{"tier_id": "t", "concentration": [table]}])


PERMITTED = "accounts[0].permissions."
NO_DATES = [20_131_399, 20_130_010, 20_130_100, 20_130_431, 20_130_229, 21_000_229]
SECOND_DATE = "events[1].trade_date"
MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    *[("CheckOrder", order(account_id=bad), "account_id") for bad in BAD_IDS],
    *[("CheckOrder", order(order_id=bad), "order_id") for bad in BAD_IDS],
    *[("CheckOrder", order(instrument_id=bad), "instrument_id") for bad in BAD_IDS],
    ("CheckOrder", without(ORDER, "side"), "side"),
    ("CheckOrder", order(side="UNSPECIFIED"), "side"),
    ("CheckOrder", without(ORDER, "order_type"), "order_type"),
    ("CheckOrder", order(quantity=0), "quantity"),
    ("CheckOrder", order(quantity=-1), "quantity"),
    ("CheckOrder", order(quantity=MOST + 1), "quantity"),
    ("CheckOrder", without(ORDER, "price_e4"), "price_e4"),
    ("CheckOrder", order(price_e4=0), "price_e4"),
    ("CheckOrder", order(price_e4=-1), "price_e4"),
    ("CheckOrder", order(price_e4=MOST + 1), "price_e4"),
    ("CheckOrder", order(order_type="MARKET"), "price_e4"),
    ("CheckOrder", order(order_type="MARKET", price_e4=0), "price_e4"),
    ("CheckOrder", without(ORDER, "created_time_ns"), "created_time_ns"),
    ("CheckOrder", order(created_time_ns=LATEST + 1), "created_time_ns"),
    ("CheckOrders", {"orders": []}, "orders"),
    ("CheckOrders", {"orders": [ORDER] * 1_001}, "orders"),
    ("CheckOrders", {"orders": [ORDER, order(quantity=0)]}, "orders[1].quantity"),
    ("CheckOrders", {"orders": [ORDER], "atomic": True}, "batch_id"),
    ("CheckOrders", {"orders": [ORDER], "batch_id": "b"}, "batch_id"),
    ("CheckOrders", {"orders": [ORDER], "atomic": True, "batch_id": LONG}, "batch_id"),
    ("PreviewOrder", {**PREVIEW, "account_id": ""}, "account_id"),
    ("PreviewOrder", {**PREVIEW, "quantity": 0}, "quantity"),
    ("PreviewOrder", {**PREVIEW, "price_e4": MOST + 1}, "price_e4"),
    ("PreviewOrder", without(PREVIEW, "side"), "side"),
    ("RecordOrderEvents", {"events": []}, "events"),
    ("RecordOrderEvents", {"events": [END] * 1_001}, "events"),
    ("RecordOrderEvents", {"events": [END, without(END, "event_id")]}, "events[1].event_id"),
    ("RecordOrderEvents", fill(account_id=""), "events[0].account_id"),
    ("RecordOrderEvents", fill(order_id=""), "events[0].order_id"),
    ("RecordOrderEvents", fill(instrument_id=""), "events[0].instrument_id"),
    ("RecordOrderEvents", fill(side="UNSPECIFIED"), "events[0].side"),
    ("RecordOrderEvents", fill(quantity=MOST + 1), "events[0].quantity"),
    ("RecordOrderEvents", fill(price_e4=0), "events[0].price_e4"),
    ("RecordOrderEvents", fill(trade_date=1), "events[0].trade_date"),
    ("RecordOrderEvents", fill(trade_date=99_991_232), "events[0].trade_date"),
    *[("RecordOrderEvents", fill(trade_date=d), "events[0].trade_date") for d in NO_DATES],
    ("RecordOrderEvents", {"events": [END, *fill(trade_date=20_139_999)["events"]]}, SECOND_DATE),
    ("RecordOrderEvents", fill(cumulative_quantity=1), "events[0].cumulative_quantity"),
    ("RecordOrderEvents", fill(busted_event_id="e"), "events[0].busted_event_id"),
    ("RecordOrderEvents", end(kind="UNSPECIFIED"), "events[0].kind"),
    ("RecordOrderEvents", end(quantity=1), "events[0].kind"),
    ("RecordOrderEvents", end(instrument_id="X"), "events[0].kind"),
    ("RecordOrderEvents", end(cumulative_quantity=-1), "events[0].cumulative_quantity"),
    ("RecordOrderEvents", end(cumulative_quantity=MOST + 1), "events[0].cumulative_quantity"),
    (
        "RecordOrderEvents",
        end(kind="UNSENT", cumulative_quantity=0),
        "events[0].cumulative_quantity",
    ),
    ("RecordOrderEvents", end(kind="BUSTED"), "events[0].busted_event_id"),
    (
        "RecordOrderEvents",
        end(kind="BUSTED", busted_event_id=END["event_id"]),
        "events[0].busted_event_id",
    ),
    ("UpsertAccounts", {"accounts": []}, "accounts"),
    ("UpsertAccounts", {"accounts": [ACCOUNT, ACCOUNT]}, "accounts"),
    ("UpsertAccounts", {"accounts": [{**ACCOUNT, "account_id": ""}]}, "accounts[0].account_id"),
    ("UpsertAccounts", {"accounts": [{**ACCOUNT, "group_id": LONG}]}, "accounts[0].group_id"),
    ("UpsertGroups", {"groups": []}, "groups"),
    ("UpsertGroups", {"groups": [{"group_id": ""}]}, "groups[0].group_id"),
    ("UpsertGroups", {"groups": [{"group_id": "G", "parent_id": "a b"}]}, "groups[0].parent_id"),
    ("UpsertGroups", {"groups": [{"group_id": "G"}] * 2}, "groups"),
    ("ListGroups", {"page_size": 101}, "page_size"),
    ("UpsertAccounts", {"accounts": [{**ACCOUNT, "tier_id": "a b"}]}, "accounts[0].tier_id"),
    ("UpsertAccounts", {"accounts": [{"account_id": "A"}]}, "accounts[0].margin_model"),
    (
        "UpsertAccounts",
        {"accounts": [{**ACCOUNT, "limits": {"position": {"value": -1}}}]},
        "accounts[0].limits.position.value",
    ),
    ("AdjustCash", {**CASH, "account_id": ""}, "account_id"),
    ("AdjustCash", {**CASH, "adjustment_id": ""}, "adjustment_id"),
    ("AdjustCash", {**CASH, "kind": "UNSPECIFIED"}, "kind"),
    ("AdjustCash", {**CASH, "amount_e4": 0}, "amount_e4"),
    ("AdjustCash", {**CASH, "amount_e4": AMOUNT + 1}, "amount_e4"),
    ("AdjustCash", {**CASH, "amount_e4": -1}, "amount_e4"),
    ("AdjustCash", {**CASH, "kind": "FEE"}, "amount_e4"),
    ("SetPositions", {"account_id": "A"}, "positions"),
    (
        "SetPositions",
        {"account_id": "A", "positions": [{"instrument_id": "X", "quantity": -MOST - 1}]},
        "positions[0].quantity",
    ),
    ("SetPositions", {"account_id": "A", "positions": [{"instrument_id": "X"}] * 2}, "positions"),
    ("RevalueAccounts", {"account_ids": []}, "account_ids"),
    ("RevalueAccounts", {"account_ids": ["A", ""]}, "account_ids[1]"),
    ("UpdateMarks", {"marks": []}, "marks"),
    ("UpdateMarks", {"marks": [{"instrument_id": "X"}]}, "marks[0].price_e4"),
    ("UpdateMarks", {"marks": [{"instrument_id": "X", "price_e4": 1}] * 2}, "marks"),
    (
        "UpdateMarks",
        {"marks": [{"instrument_id": "X", "price_e4": 1, "mark_time_ns": -1}]},
        "marks[0].mark_time_ns",
    ),
    ("UpsertInstruments", {"instruments": []}, "instruments"),
    ("UpsertInstruments", terms(instrument_id=""), "instruments[0].instrument_id"),
    ("UpsertInstruments", terms(sector="a b"), "instruments[0].sector"),
    ("UpsertInstruments", terms(board=LONG), "instruments[0].board"),
    ("UpsertInstruments", terms(rating_group="é"), "instruments[0].rating_group"),
    ("UpsertInstruments", terms(quantity_decimals=10), "instruments[0].quantity_decimals"),
    ("UpsertInstruments", terms(quantity_decimals=-1), "instruments[0].quantity_decimals"),
    ("UpsertInstruments", terms(least_quantity=-1), "instruments[0].least_quantity"),
    ("UpsertInstruments", terms(quantity_step=MOST + 1), "instruments[0].quantity_step"),
    ("UpsertInstruments", terms(tick_e4=-1), "instruments[0].tick_e4"),
    (
        "UpsertInstruments",
        terms(lower_price_limit_e4=2, upper_price_limit_e4=1),
        "instruments[0].upper_price_limit_e4",
    ),
    ("UpsertInstruments", terms(price_limit_bps=RATIO + 1), "instruments[0].price_limit_bps"),
    ("UpsertInstruments", terms(average_volume=-1), "instruments[0].average_volume"),
    (
        "UpsertInstruments",
        terms(initial_margin_long_bps=1, maintenance_margin_long_bps=2),
        "instruments[0].maintenance_margin_long_bps",
    ),
    (
        "UpsertInstruments",
        terms(maintenance_margin_short_bps=2),
        "instruments[0].maintenance_margin_short_bps",
    ),
    ("UpsertInstruments", terms(position_limit=MOST + 1), "instruments[0].position_limit"),
    ("UpdateVolatility", {"factors": []}, "factors"),
    (
        "UpdateVolatility",
        {"factors": [{"instrument_id": "X", "factor_bps": 9_999}]},
        "factors[0].factor_bps",
    ),
    (
        "UpdateVolatility",
        {"factors": [{"instrument_id": "X", "factor_bps": RATIO + 1}]},
        "factors[0].factor_bps",
    ),
    ("SetSession", {"board": "a b"}, "board"),
    (
        "SetSession",
        {"board": "B", "sessions": [{"open_time_ns": 2, "close_time_ns": 2}]},
        "sessions[0].close_time_ns",
    ),
    (
        "SetSession",
        {
            "board": "B",
            "sessions": [
                {"open_time_ns": 1, "close_time_ns": 3},
                {"open_time_ns": 2, "close_time_ns": 4},
            ],
        },
        "sessions[1].open_time_ns",
    ),
    ("SetRegime", {"reason": "why"}, "regime"),
    ("SetRegime", {"regime": "CALM"}, "reason"),
    ("SetRegime", {"regime": "CALM", "reason": "w" * 257}, "reason"),
    ("SetRegime", {"regime": "CALM", "reason": "a\nb"}, "reason"),
    ("RollDay", {}, "trading_date"),
    ("RollDay", {"trading_date": 19_000_100}, "trading_date"),
    *[("RollDay", {"trading_date": date}, "trading_date") for date in NO_DATES],
    ("Halt", without(HALT, "stop_id"), "stop_id"),
    ("Halt", without(HALT, "scope_kind"), "scope_kind"),
    ("Halt", without(HALT, "scope_id"), "scope_id"),
    ("Halt", {**HALT, "scope_kind": "FIRM"}, "scope_id"),
    ("Halt", without(HALT, "reason"), "reason"),
    ("SetReduceOnly", without(HALT, "reason"), "reason"),
    ("Release", {"stop_id": "h"}, "reason"),
    ("Release", {"reason": "why"}, "stop_id"),
    ("ListAccounts", {"page_size": 101}, "page_size"),
    ("ListAccounts", {"page_size": -1}, "page_size"),
    ("ProposePolicy", policy(version=1), "policy.version"),
    ("ProposePolicy", policy(disclosure_version=-1), "policy.disclosure_version"),
    ("ProposePolicy", policy(disclosure_version=10**9 + 1), "policy.disclosure_version"),
    ("UpsertAccounts", permitted(product_types=["CS", ""]), PERMITTED + "product_types[1]"),
    ("UpsertAccounts", permitted(product_types=["CS"] * 2), PERMITTED + "product_types"),
    (
        "UpsertAccounts",
        permitted(product_types=[f"P{index}" for index in range(65)]),
        PERMITTED + "product_types",
    ),
    ("UpsertAccounts", permitted(order_types=["UNSPECIFIED"]), PERMITTED + "order_types[0]"),
    ("UpsertAccounts", permitted(order_types=["LIMIT"] * 2), PERMITTED + "order_types"),
    (
        "UpsertAccounts",
        {"accounts": [{**ACCOUNT, "acknowledged_disclosure_version": -1}]},
        "accounts[0].acknowledged_disclosure_version",
    ),
    ("UpsertInstruments", terms(product_type="a b"), "instruments[0].product_type"),
    ("UpsertInstruments", terms(short_pool=-1), "instruments[0].short_pool"),
    ("UpsertInstruments", terms(short_pool=10**15 + 1), "instruments[0].short_pool"),
    ("ProposePolicy", window(5, 5), "policy.trading_window.close_of_day_ns"),
    ("ProposePolicy", window(-1, 5), "policy.trading_window.open_of_day_ns"),
    ("ProposePolicy", window(86_400 * 10**9, 5), "policy.trading_window.open_of_day_ns"),
    ("ProposePolicy", window(5, 0), "policy.trading_window.close_of_day_ns"),
    ("ProposePolicy", window(5, 86_400 * 10**9 + 1), "policy.trading_window.close_of_day_ns"),
    ("ProposePolicy", policy(scopes=[{}]), "policy.scopes[0].scope_kind"),
    ("ProposePolicy", scope("ACCOUNT", "A"), "policy.scopes[0].scope_kind"),
    ("ProposePolicy", scope("FIRM", "F"), "policy.scopes[0].scope_id"),
    ("ProposePolicy", scope("GROUP", ""), "policy.scopes[0].scope_id"),
    ("ProposePolicy", scope("BOARD", "a b"), "policy.scopes[0].scope_id"),
    ("ProposePolicy", policy(scopes=[{"scope_kind": "FIRM"}] * 2), "policy.scopes[1].scope_id"),
    (
        "ProposePolicy",
        scope("BOARD", "", open_order_count={"value": 1}),
        "policy.scopes[0].open_order_count",
    ),
    (
        "ProposePolicy",
        scope("GROUP", "G", instrument_exposure_e4={"value": 1}),
        "policy.scopes[0].instrument_exposure_e4",
    ),
    ("ProposePolicy", scope("FIRM", "", position={"value": -1}), "policy.scopes[0].position.value"),
    (
        "ProposePolicy",
        scope("FIRM", "", ownership_bps={"value": RATIO + 1}),
        "policy.scopes[0].ownership_bps.value",
    ),
    (
        "ProposePolicy",
        policy(tiers=[{"tier_id": "t", "board_concentration": [{"scope_id": "B"}]}]),
        "policy.tiers[0].board_concentration[0].bands",
    ),
    (
        "ProposePolicy",
        policy(tiers=[{"tier_id": "t", "sector_concentration": [{"bands": [{}]}] * 2}]),
        "policy.tiers[0].sector_concentration[1].scope_id",
    ),
    ("UpsertInstruments", terms(shares_outstanding=-1), "instruments[0].shares_outstanding"),
    (
        "UpsertInstruments",
        terms(shares_outstanding=10**15 + 1),
        "instruments[0].shares_outstanding",
    ),
    ("ProposePolicy", policy(rules_version=2), "policy.rules_version"),
    ("ProposePolicy", policy(comment="c" * 257), "policy.comment"),
    ("ProposePolicy", policy(max_order_age_ns=0), "policy.max_order_age_ns"),
    ("ProposePolicy", policy(max_clock_skew_ns=DAYS + 1), "policy.max_clock_skew_ns"),
    ("ProposePolicy", policy(stress_factor_bps=9_999), "policy.stress_factor_bps"),
    ("ProposePolicy", policy(elevated_regime_bps=RATIO + 1), "policy.stressed_regime_bps"),
    ("ProposePolicy", policy(slow_mark_step_bps=10_001), "policy.slow_mark_step_bps"),
    ("ProposePolicy", policy(tiers=[{}]), "policy.tiers[0].tier_id"),
    ("ProposePolicy", policy(tiers=[{"tier_id": "t"}] * 2), "policy.tiers[1].tier_id"),
    (
        "ProposePolicy",
        limits(position={"value": AMOUNT + 1}),
        "policy.default_limits.position.value",
    ),
    (
        "ProposePolicy",
        limits(leverage_bps={"value": RATIO + 1}),
        "policy.default_limits.leverage_bps.value",
    ),
    (
        "ProposePolicy",
        limits(position={"value": 1, "unlimited": True}),
        "policy.default_limits.position",
    ),
    (
        "ProposePolicy",
        limits(order_rate={"per_second": 1}),
        "policy.default_limits.order_rate.burst",
    ),
    (
        "ProposePolicy",
        policy(principal_order_rate={"burst": 1}),
        "policy.principal_order_rate.per_second",
    ),
    (
        "ProposePolicy",
        policy(principal_order_rate={"per_second": 1, "burst": 1, "unlimited": True}),
        "policy.principal_order_rate",
    ),
    ("ProposePolicy", bands(), "policy.tiers[0].concentration[0].bands"),
    (
        "ProposePolicy",
        bands({"ratio_from_bps": 1}),
        "policy.tiers[0].concentration[0].bands[0].ratio_from_bps",
    ),
    (
        "ProposePolicy",
        bands({"ratio_from_bps": 0}, {"ratio_from_bps": 0}),
        "policy.tiers[0].concentration[0].bands[1].ratio_from_bps",
    ),
    (
        "ProposePolicy",
        bands({"cap_bps": RATIO + 1}),
        "policy.tiers[0].concentration[0].bands[0].cap_bps",
    ),
]


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [pytest.param(*row, id=f"{row[0]}-{number}-{row[2]}") for number, row in enumerate(MALFORMED)],
)
def test_a_malformed_field_is_named(method: str, request_: dict[str, Any], field: str) -> None:
    assert field in fields_of(method, request_)


AT_BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("CheckOrder", order(quantity=MOST, price_e4=1)),
    ("CheckOrder", order(price_e4=MOST)),
    ("CheckOrder", order(created_time_ns=LATEST)),
    ("CheckOrder", order(created_time_ns=1)),
    ("CheckOrder", order(account_id="a" * 64)),
    ("CheckOrder", order(order_id="!~")),
    ("CheckOrder", without(order(order_type="MARKET"), "price_e4")),
    ("CheckOrders", {"orders": [order(order_id=f"o{index}") for index in range(1_000)]}),
    ("RecordOrderEvents", fill(quantity=MOST, price_e4=MOST)),
    ("RecordOrderEvents", fill(trade_date=19_000_101)),
    ("RecordOrderEvents", end(cumulative_quantity=0)),
    ("RecordOrderEvents", end(cumulative_quantity=MOST)),
    ("AdjustCash", {**CASH, "amount_e4": AMOUNT}),
    ("AdjustCash", {**CASH, "kind": "CORRECTION", "amount_e4": -AMOUNT}),
    ("UpsertInstruments", terms(quantity_decimals=9, tick_e4=MOST, average_volume=10**15)),
    ("UpsertInstruments", terms(lower_price_limit_e4=0, upper_price_limit_e4=0)),
    ("UpdateVolatility", {"factors": [{"instrument_id": "X", "factor_bps": RATIO}]}),
    ("SetRegime", {"regime": "HALTED", "reason": "w" * 256}),
    ("RollDay", {"trading_date": 99_991_231}),
    ("RollDay", {"trading_date": 20_240_229}),
    ("RecordOrderEvents", fill(trade_date=20_000_229)),
    ("SetSession", {"board": "B"}),
    ("SetSession", {}),
    ("UpsertInstruments", terms(short_pool=10**15)),
    ("UpsertInstruments", terms(short_pool=0)),
    ("UpsertAccounts", permitted(product_types=[f"P{index}" for index in range(64)])),
    ("ProposePolicy", policy(disclosure_version=10**9)),
    ("ProposePolicy", window(0, 86_400 * 10**9)),
    ("ProposePolicy", window(86_400 * 10**9 - 1, 1)),
]


@pytest.mark.parametrize(("method", "request_"), [*SOUND.items(), *AT_BOUNDS])
def test_a_bound_is_within_the_bounds(method: str, request_: dict[str, Any]) -> None:
    assert not fields_of(method, request_)


# Lists of things that are each malformed, one longer than they may be.
TOO_LONG: list[tuple[str, dict[str, Any], str]] = [
    ("CheckOrders", {"orders": [{}] * (BATCH_LENGTH + 1)}, "orders"),
    ("RecordOrderEvents", {"events": [{}] * (BATCH_LENGTH + 1)}, "events"),
    ("UpsertAccounts", {"accounts": [{}] * (BATCH_LENGTH + 1)}, "accounts"),
    ("SetPositions", {"account_id": "A", "positions": [{}] * (BATCH_LENGTH + 1)}, "positions"),
    ("RevalueAccounts", {"account_ids": [""] * (BATCH_LENGTH + 1)}, "account_ids"),
    ("UpdateMarks", {"marks": [{}] * (BATCH_LENGTH + 1)}, "marks"),
    ("UpsertInstruments", {"instruments": [{}] * (BATCH_LENGTH + 1)}, "instruments"),
    ("UpdateVolatility", {"factors": [{}] * (BATCH_LENGTH + 1)}, "factors"),
]


class ComparedId(str):
    """An id that counts how often it is compared with another."""

    __slots__ = ()
    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        ComparedId.comparisons += 1
        return str.__eq__(self, other)


def test_all_that_is_wrong_is_named_at_once() -> None:
    found = fields_of("CheckOrder", order(account_id="", quantity=0, side="UNSPECIFIED"))
    assert {"account_id", "quantity", "side"} <= set(found)


@pytest.mark.parametrize(("method", "request_", "field"), TOO_LONG)
def test_a_list_that_is_too_long_is_not_read(
    method: str, request_: dict[str, Any], field: str
) -> None:
    assert fields_of(method, request_) == [field]


def test_no_more_than_the_first_problems_are_named() -> None:
    found = fields_of("UpdateMarks", {"marks": [{}] * BATCH_LENGTH})
    assert len(found) == PROBLEM_LIMIT


def test_finding_repeats_compares_an_id_a_few_times_only() -> None:
    ids = [ComparedId(f"i{number // 2}") for number in range(BATCH_LENGTH)]
    problems = Problems()
    refuse_repeats("ids", ids, problems)
    assert [field for field, _ in problems.found] == ["ids"]
    assert ComparedId.comparisons <= 4 * len(ids)


@pytest.mark.parametrize("method", [spec.name for spec in METHODS if spec.name in SOUND])
def test_a_field_of_a_later_contract_is_refused(method: str) -> None:
    error = error_of(method, message(method, SOUND[method]).SerializeToString() + UNKNOWN)
    assert error is not None
    assert error.reason == "UNKNOWN_FIELD"
    assert error.metadata == {"message": f"tidegate.v1.{method}Request"}


def nested(kind: Any) -> list[Any]:
    """Return a message's fields that hold messages."""
    return [field for field in kind.fields if field.message_type is not None]


def paths(kind: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all messages nested in one."""
    found = []
    for field in nested(kind):
        found.append((*path, field.name))
        found += paths(field.message_type, (*path, field.name))
    return found


NESTED = [
    (method, path)
    for method in SOUND
    for path in paths(message_class(f"{method}Request").DESCRIPTOR)
]


@pytest.mark.parametrize(
    ("method", "path"), [pytest.param(*row, id=f"{row[0]}-{'.'.join(row[1])}") for row in NESTED]
)
def test_a_nested_field_of_a_later_contract_is_refused(method: str, path: tuple[str, ...]) -> None:
    request: Any = message(method, SOUND[method])
    inner = request
    for name in path:
        field = inner.DESCRIPTOR.fields_by_name[name]
        held = getattr(inner, name)
        if field.is_repeated:
            inner = held[0] if len(held) else held.add()
        else:
            held.SetInParent()
            inner = held
    inner.MergeFromString(UNKNOWN)
    error = error_of(method, request.SerializeToString())
    assert error is not None
    assert error.reason in {"UNKNOWN_FIELD", "MALFORMED"}
    whole = all(part in str(SOUND[method]) for part in path)
    assert not whole or error.reason == "UNKNOWN_FIELD"


ENUMS = [
    ("CheckOrder", "side"),
    ("CheckOrder", "order_type"),
    ("PreviewOrder", "side"),
    ("AdjustCash", "kind"),
    ("SetRegime", "regime"),
    ("Halt", "scope_kind"),
    ("SetReduceOnly", "scope_kind"),
]


@pytest.mark.parametrize(("method", "field"), ENUMS)
def test_an_unknown_enum_number_is_refused(method: str, field: str) -> None:
    request = message(method, SOUND[method])
    setattr(request, field, 99)
    assert field in fields_of(method, request.SerializeToString())


@pytest.mark.parametrize(
    ("field", "name"), [("kind", "events[0].kind"), ("side", "events[0].side")]
)
def test_an_unknown_enum_number_of_an_event_is_refused(field: str, name: str) -> None:
    request: Any = message("RecordOrderEvents", SOUND["RecordOrderEvents"])
    setattr(request.events[0], field, 99)
    assert name in fields_of("RecordOrderEvents", request.SerializeToString())


def test_an_unknown_margin_model_is_refused() -> None:
    request: Any = message("UpsertAccounts", SOUND["UpsertAccounts"])
    request.accounts[0].margin_model = 99
    found = fields_of("UpsertAccounts", request.SerializeToString())
    assert "accounts[0].margin_model" in found


@pytest.mark.parametrize("method", [name for name in SOUND if name != "GetPolicy"])
def test_bytes_that_are_no_message_are_refused(method: str) -> None:
    error = error_of(method, b"\x0a\xff")
    assert error is not None
    assert (error.reason, error.metadata["field"]) == ("MALFORMED", "request")
