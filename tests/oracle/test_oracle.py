"""Worked examples of the oracle, computed by hand, in the order of the rulebook."""

from typing import Any

import pytest
from tests.oracle.add_ons import Points, band
from tests.oracle.book import INT64_MAX, MONEY_MAX, SECOND, Line, scale_down, scale_up, upper_ratio
from tests.oracle.desk import CASH, MARK, T0, Desk, policy, reasons
from tests.oracle.figures import margin_rate, own_rate


def value(amount: int) -> dict[str, int]:
    return {"value": amount}


# 1. Amounts.


def test_scaling_is_exact_and_rounds_to_its_side() -> None:
    assert (scale_up(1, 1), scale_down(19_999, 5_000)) == (1, 9_999)


def test_an_upper_ratio_without_a_denominator_is_the_greatest_number() -> None:
    assert (upper_ratio(1, 0), upper_ratio(0, 0), upper_ratio(1, 3)) == (INT64_MAX, 0, 3_334)


def test_a_bought_fill_costs_up_and_a_sold_one_brings_down() -> None:
    desk = Desk()
    desk.instrument("Y", quantity_decimals=1)
    fill = {"instrument_id": "Y", "quantity": 3, "price_e4": 1}
    desk.event("FILLED", "u", **fill)
    assert desk.view()["cash_e4"] == CASH - 1
    desk.event("FILLED", "u", **fill, side="SELL")
    assert desk.view()["cash_e4"] == CASH - 1


@pytest.mark.parametrize(
    "change",
    [{"quantity": 0}, {"quantity": 10**12 + 1}, {"price_e4": 0}, {"price_e4": 10**12 + 1}],
)
def test_prices_and_quantities_out_of_bounds_are_malformed(change: dict[str, int]) -> None:
    assert Desk().check(**change) == {"error": "MALFORMED"}


def test_a_notional_out_of_bounds_is_refused_whatever_the_limits() -> None:
    found = Desk().reasons(quantity=9 * 10**10 + 1, price_e4=MARK)
    assert found == [("ORDER_NOTIONAL", 90_000_000_001_000_000, MONEY_MAX)]


def test_a_gross_out_of_bounds_is_refused_as_leverage() -> None:
    desk = Desk()
    desk.cash(MONEY_MAX - CASH)
    desk.hold(5 * 10**10)
    found = desk.reasons(quantity=4 * 10**10 + 1)
    assert found == [("LEVERAGE", 9 * 10**16 + MARK, MONEY_MAX)]


def test_at_the_limit_is_within_the_limit() -> None:
    desk = Desk(order_quantity=value(10))
    assert desk.reasons(quantity=10) == []
    assert desk.reasons(quantity=11) == [("ORDER_QUANTITY", 11, 10)]


# 2. Whom and what.


def test_the_accounts_own_limit_replaces_tier_and_default() -> None:
    desk = Desk(order_quantity=value(5))
    desk.account(account_id="B", limits={"order_quantity": value(20)})
    desk.deposit("B", CASH)
    assert desk.reasons(account_id="B", quantity=20) == []
    assert desk.reasons(account_id="B", quantity=21) == [("ORDER_QUANTITY", 21, 20)]


def test_a_default_leverage_does_not_stand_in_for_the_tiers() -> None:
    desk = Desk(leverage_bps={})
    desk.oracle.book.policy["default_limits"] = {"leverage_bps": {"unlimited": True}}
    assert desk.check()["rejections"][0]["subject"] == "leverage_bps"


def test_an_account_without_a_known_tier_takes_no_new_risk_but_exits() -> None:
    desk = Desk()
    desk.account(account_id="B", tier_id="none")
    desk.hold(10, account_id="B")
    assert desk.check(account_id="B", side="SELL")["verdict"] == "ALLOW"
    assert desk.check(account_id="B")["rejections"][0]["subject"] == "tier"


def test_a_short_sale_needs_the_short_rate_only() -> None:
    desk = Desk()
    facts = {
        "instrument_id": "X",
        "marginable": True,
        "product_type": "CS",
        "initial_margin_long_bps": 0,
    }
    desk.ask("UpsertInstruments", instruments=[facts])
    entry = desk.check(side="SELL")["rejections"][0]
    assert (entry["subject"], entry["scope_kind"]) == ("initial_margin_short_bps", "INSTRUMENT")
    assert desk.check()["verdict"] == "ALLOW"


def test_a_required_limit_that_nothing_sets_is_named() -> None:
    desk = Desk(day_order_count={"required": True}, order_rate={"required": True})
    answer = desk.check()
    assert reasons(answer) == [("LIMIT_NOT_SET", None, None)]
    assert answer["rejections"][0]["subject"] == "order_rate"


def test_a_volume_share_of_an_unknown_volume_is_not_set() -> None:
    desk = Desk(order_volume_share_bps=value(100))
    entry = desk.check()["rejections"][0]
    assert (entry["subject"], entry["scope_kind"]) == ("average_volume", "INSTRUMENT")


def test_a_fact_creates_an_unknown_account_frozen() -> None:
    desk = Desk()
    desk.ask("AdjustCash", account_id="B", adjustment_id="d", amount_e4=1)
    desk.account("B")
    entry = desk.check(account_id="B")["rejections"][0]
    named = (entry["reason"], entry["subject"], entry["note"])
    assert named == ("HALTED", "frozen-ACCOUNT-B", "gate: created by a fact")
    desk.release("frozen-ACCOUNT-B")
    assert [r["reason"] for r in desk.check(account_id="B")["rejections"]] == ["INITIAL_MARGIN"]


def test_a_stale_sequence_is_refused() -> None:
    order: dict[str, Any] = {"account_id": "A", "adjustment_id": "x", "amount_e4": 1}
    assert Desk().ask("AdjustCash", **order) == {"error": "STALE_SEQUENCE"}


def test_a_booking_is_made_once() -> None:
    desk = Desk()
    deposit = {"account_id": "A", "adjustment_id": "d", "kind": "DEPOSIT"}
    other = desk.ask("AdjustCash", **deposit, amount_e4=5)
    assert other == {"error": "IMMUTABLE"}
    again = desk.ask("AdjustCash", **deposit, amount_e4=CASH)
    assert (again["replayed"], again["cash_e4"], again["sequence"]) == (True, CASH, 6)


# 3. The book.


def test_a_limit_order_is_reserved_at_the_worse_of_limit_and_mark() -> None:
    desk = Desk()
    assert desk.check(price_e4=MARK - 5)["reserved_price_e4"] == MARK
    assert desk.check(side="SELL", price_e4=MARK - 5)["reserved_price_e4"] == MARK - 5


def test_a_market_order_is_reserved_where_its_collar_ends() -> None:
    desk = Desk(price_collar_bps=value(500))
    market = {"order_type": "MARKET", "price_e4": None}
    assert desk.check(**market)["reserved_price_e4"] == 1_050_000
    desk.instrument(upper_price_limit_e4=1_020_000)
    assert desk.check(**market)["reserved_price_e4"] == 1_020_000


def test_a_market_order_without_collar_and_day_limit_is_not_set() -> None:
    entry = Desk().check(order_type="MARKET", price_e4=None)["rejections"]
    assert [(e["reason"], e["subject"]) for e in entry] == [("LIMIT_NOT_SET", "market_collar")]


def test_a_market_exit_without_a_collar_is_reserved_at_the_mark() -> None:
    desk = Desk()
    desk.hold(10)
    answer = desk.check(side="SELL", order_type="MARKET", price_e4=None)
    assert answer["reserved_price_e4"] == MARK


def test_open_buys_and_sells_never_net() -> None:
    line = Line(held=5, open_buys=3, open_sells=9)
    assert (line.opening_buys(), line.opening_sells()) == (3, 4)


def test_open_buys_close_a_short_before_they_open() -> None:
    line = Line(held=-5, open_buys=8, open_sells=2)
    assert (line.opening_buys(), line.opening_sells()) == (3, 2)


def test_the_exit_quantity_is_what_open_orders_leave() -> None:
    assert Line(held=5, open_sells=3).exit_quantity("SELL") == 2
    assert Line(held=-5, open_buys=6).exit_quantity("BUY") == 0


def test_a_flip_is_no_exit() -> None:
    desk = Desk()
    desk.hold(10)
    assert desk.check(side="SELL", quantity=11, reduce_only=True)["verified_exit"] is False


def test_the_slow_mark_follows_the_old_mark_by_whole_seconds() -> None:
    desk = Desk()
    instrument = desk.oracle.book.instruments["X"]
    desk.now = T0 + SECOND
    desk.mark(1_100_000)
    assert (instrument.slow, instrument.slow_time) == (1_000_000, T0 + SECOND)
    desk.now = T0 + 3 * SECOND + 5
    desk.mark(1_200_000)
    assert (instrument.slow, instrument.slow_time) == (1_020_000, T0 + 3 * SECOND)
    assert (instrument.low, instrument.high) == (1_020_000, 1_200_000)


def test_the_slow_mark_never_passes_the_old_mark() -> None:
    desk = Desk()
    desk.mark(1_001_000)
    desk.now = T0 + 5 * SECOND
    desk.mark(2_000_000)
    assert desk.oracle.book.instruments["X"].slow == 1_001_000


def test_an_older_mark_is_not_applied() -> None:
    desk = Desk()
    assert desk.mark(5, mark_time_ns=T0 - 1)["older_count"] == 1
    assert desk.oracle.book.instruments["X"].mark == MARK


def test_projected_figures_take_a_buy_as_filled_with_its_loss() -> None:
    desk = Desk()
    after = desk.preview(price_e4=1_010_000)["after"]
    assert after["cash_e4"] == CASH - 10_000_000 - 100_000
    assert after["assets_e4"] == CASH - 100_000
    assert (after["gross_e4"], after["initial_margin_e4"]) == (10_000_000, 5_000_000)


def test_projected_figures_take_a_short_sale_as_filled() -> None:
    desk = Desk()
    after = desk.preview(side="SELL", price_e4=990_000)["after"]
    assert after["cash_e4"] == CASH + 10_000_000 - 100_000
    assert (after["debt_e4"], after["equity_e4"]) == (10_000_000, CASH - 100_000)
    assert after["ratio_bps"] == (CASH + 9_900_000) * 10_000 // 10_000_000


def test_a_long_is_an_asset_at_the_low_and_exposure_at_the_high() -> None:
    desk = Desk()
    desk.hold(10)
    desk.mark(1_100_000)
    projected = desk.view()["projected"]
    assert (projected["assets_e4"], projected["gross_e4"]) == (CASH + 10_000_000, 11_000_000)


def test_actual_figures_are_at_the_slow_mark() -> None:
    desk = Desk()
    desk.hold(10)
    desk.mark(900_000)
    actual = desk.view()["actual"]
    assert (actual["assets_e4"], actual["gross_e4"]) == (CASH + 10_000_000, 10_000_000)


def test_the_change_is_after_less_before() -> None:
    change = Desk().preview()["change"]
    assert (change["cash_e4"], change["gross_e4"], change["equity_e4"]) == (
        -10_000_000,
        10_000_000,
        0,
    )


def test_without_equity_only_exits_pass() -> None:
    desk = Desk()
    desk.hold(10)
    desk.cash(-CASH - 10_000_000)
    assert desk.check(side="SELL")["verdict"] == "ALLOW"
    found = desk.reasons(quantity=1)
    assert found == [("LEVERAGE", INT64_MAX, None), ("INITIAL_MARGIN", -5_500_000, 0)]


# 4. Judgement.


def test_unknown_account_and_instrument_are_both_named_and_nothing_else() -> None:
    found = Desk().reasons(account_id="B", instrument_id="Y", created_time_ns=1)
    assert [reason for reason, _, _ in found] == ["ACCOUNT_UNKNOWN", "INSTRUMENT_UNKNOWN"]


def test_a_repeat_is_the_first_answer_and_makes_no_record() -> None:
    desk = Desk()
    order = desk.request()
    first = desk.ask("CheckOrder", **order)
    again = desk.ask("CheckOrder", **order)
    assert again == first | {"replayed": True, "order_state": "RESERVED"}
    assert desk.oracle.book.sequence == first["sequence"]


@pytest.mark.parametrize(
    "change",
    [{"quantity": 11}, {"price_e4": 1}, {"reduce_only": True}, {"created_time_ns": T0 - 1}],
)
def test_an_id_with_other_content_is_reused(change: dict[str, int]) -> None:
    desk = Desk()
    order = desk.request()
    desk.ask("CheckOrder", **order)
    answer = desk.ask("CheckOrder", **(order | change))
    assert reasons(answer) == [("ORDER_ID_REUSED", None, None)]


def test_an_id_of_another_principal_is_reused() -> None:
    desk = Desk()
    order = desk.request()
    desk.ask("CheckOrder", **order)
    answer = desk.ask("CheckOrder", principal="other", **order)
    assert reasons(answer) == [("ORDER_ID_REUSED", None, None)]


def test_an_allow_is_not_repeated_once_anything_was_reported() -> None:
    desk = Desk()
    order = desk.request()
    first = desk.ask("CheckOrder", **order)
    desk.event("ACKNOWLEDGED")
    again = desk.ask("CheckOrder", **order)
    assert reasons(again) == [("ORDER_NOT_RESERVED", None, None)]
    assert (again["sequence"], again["order_state"]) == (first["sequence"], "ACKNOWLEDGED")
    assert "reserved_price_e4" not in again


def test_an_allow_is_not_repeated_under_a_halt() -> None:
    desk = Desk()
    order = desk.request()
    desk.ask("CheckOrder", **order)
    desk.ask("Halt", stop_id="s", scope_kind="FIRM")
    assert reasons(desk.ask("CheckOrder", **order)) == [("HALTED", None, None)]
    desk.release("s")
    assert desk.ask("CheckOrder", **order)["verdict"] == "ALLOW"


def test_a_reject_is_never_repeated_as_an_allow() -> None:
    desk = Desk()
    desk.ask("Halt", stop_id="s", scope_kind="FIRM")
    order = desk.request()
    desk.ask("CheckOrder", **order)
    desk.release("s")
    assert reasons(desk.ask("CheckOrder", **order)) == [("HALTED", None, None)]


def test_an_order_is_stale_past_the_greatest_age_and_not_at_it() -> None:
    desk = Desk()
    assert desk.reasons(created_time_ns=T0 - 10 * SECOND) == []
    age = 10 * SECOND + 1
    assert desk.reasons(created_time_ns=T0 - age) == [("ORDER_STALE", age, 10 * SECOND)]


def test_an_order_ahead_of_the_clock_is_stale_past_the_skew() -> None:
    desk = Desk()
    assert desk.reasons(created_time_ns=T0 + SECOND) == []
    ahead = SECOND + 1
    assert desk.reasons(created_time_ns=T0 + ahead) == [("ORDER_STALE", ahead, SECOND)]


def test_a_halt_stops_exits_too_and_names_who_and_why() -> None:
    desk = Desk()
    desk.hold(10)
    halt = {"stop_id": "s", "scope_kind": "INSTRUMENT", "scope_id": "X", "reason": "wild"}
    desk.ask("Halt", "staff", **halt)
    entry = desk.check(side="SELL")["rejections"][0]
    assert (entry["scope_kind"], entry["subject"], entry["note"]) == (
        "INSTRUMENT",
        "s",
        "staff: wild",
    )


def test_a_halted_regime_stops_everything_and_has_no_note() -> None:
    desk = Desk()
    desk.ask("SetRegime", regime="HALTED")
    entry = desk.check()["rejections"][0]
    assert (entry["reason"], entry["subject"], entry["note"]) == ("HALTED", "regime", "")


def test_reduce_only_lets_exits_pass() -> None:
    desk = Desk()
    desk.hold(10)
    desk.ask("SetReduceOnly", stop_id="s", scope_kind="ACCOUNT", scope_id="A")
    assert desk.reasons(side="SELL") == []
    assert desk.reasons() == [("REDUCE_ONLY", None, None)]


def test_a_claim_to_reduce_is_verified() -> None:
    assert Desk().reasons(reduce_only=True) == [("REDUCE_ONLY", None, None)]


@pytest.mark.parametrize("quantity", [50, 150])
def test_an_exit_may_leave_no_odd_part(quantity: int) -> None:
    desk = Desk()
    desk.instrument(least_quantity=100, quantity_step=100)
    desk.hold(150)
    assert desk.reasons(side="SELL", quantity=quantity) == []


@pytest.mark.parametrize("quantity", [30, 120])
def test_an_exit_that_leaves_an_odd_part_is_no_lot(quantity: int) -> None:
    desk = Desk()
    desk.instrument(least_quantity=100, quantity_step=100)
    desk.hold(150)
    assert desk.reasons(side="SELL", quantity=quantity) == [("LOT_SIZE", quantity, 100)]


def test_lots_start_at_the_least_quantity() -> None:
    desk = Desk()
    desk.instrument(least_quantity=5, quantity_step=3)
    assert desk.reasons(quantity=8) == []
    assert desk.reasons(quantity=4) == [("LOT_SIZE", 4, 3)]


def test_a_price_off_the_tick_is_refused() -> None:
    desk = Desk()
    desk.instrument(tick_e4=100)
    assert desk.reasons(price_e4=MARK - 1) == [("TICK_SIZE", MARK - 1, 100)]


def test_a_price_outside_the_days_limits_is_refused() -> None:
    desk = Desk()
    desk.instrument(lower_price_limit_e4=900_000, upper_price_limit_e4=1_100_000)
    assert desk.reasons(price_e4=900_000) == []
    assert desk.reasons(price_e4=899_999) == [("PRICE_LIMIT", 899_999, 900_000)]
    assert desk.reasons(price_e4=1_100_001) == [("PRICE_LIMIT", 1_100_001, 1_100_000)]


def test_a_missing_mark_anywhere_refuses_new_risk_and_nothing_more() -> None:
    desk = Desk(position=value(1))
    desk.instrument("Y")
    desk.hold(3, "Y")
    entries = desk.check()["rejections"]
    assert [(e["reason"], e["subject"]) for e in entries] == [("PRICE_MISSING", "Y")]
    assert desk.reasons(side="SELL", instrument_id="Y", quantity=3) == []


def test_a_mark_is_stale_past_its_age_and_not_at_it() -> None:
    desk = Desk()
    desk.now = T0 + 60 * SECOND
    assert desk.reasons() == []
    desk.now += 1
    assert desk.reasons() == [("PRICE_STALE", 60 * SECOND + 1, 60 * SECOND)]


def test_the_collar_binds_the_aggressive_side_only() -> None:
    desk = Desk(price_collar_bps=value(100))
    assert desk.reasons(price_e4=1_010_000) == []
    assert desk.reasons(price_e4=1_010_001) == [("PRICE_COLLAR", 101, 100)]
    assert desk.reasons(price_e4=500_000) == []
    assert desk.reasons(side="SELL", price_e4=989_999) == [("PRICE_COLLAR", 101, 100)]


def test_the_collar_widens_with_volatility_to_the_days_limit() -> None:
    desk = Desk(price_collar_bps=value(100), price_collar_floor_bps=value(120))
    assert desk.reasons(price_e4=1_012_001) == [("PRICE_COLLAR", 121, 120)]
    desk.ask("UpdateVolatility", factors=[{"instrument_id": "X", "factor_bps": 30_000}])
    assert desk.reasons(price_e4=1_030_001) == [("PRICE_COLLAR", 301, 300)]
    desk.instrument(price_limit_bps=200)
    assert desk.reasons(price_e4=1_020_001) == [("PRICE_COLLAR", 201, 200)]


def test_the_notional_cap_shrinks_with_volatility_and_counts_at_the_mark() -> None:
    desk = Desk(order_notional_e4=value(20_000_000))
    desk.ask("UpdateVolatility", factors=[{"instrument_id": "X", "factor_bps": 30_000}])
    assert desk.reasons(quantity=7, price_e4=1) == [("ORDER_NOTIONAL", 7_000_000, 6_666_666)]


def test_a_share_of_the_volume_is_rounded_up_when_shown() -> None:
    desk = Desk(order_volume_share_bps=value(100))
    desk.instrument(average_volume=1_099)
    assert desk.reasons(quantity=10) == []
    assert desk.reasons(quantity=11) == [("ORDER_VOLUME_SHARE", 101, 100)]


def test_a_bucket_passes_its_burst_and_then_one_a_cost() -> None:
    desk = Desk(order_rate={"per_second": 3, "burst": 2})
    cost = 333_333_334
    assert [desk.reasons(), desk.reasons()] == [[], []]
    assert desk.reasons() == [("ORDER_RATE", 2 * cost, cost)]
    desk.now += 2 * cost
    assert desk.reasons() == []


def test_rejects_take_tokens_and_previews_take_none() -> None:
    desk = Desk(order_rate={"per_second": 1, "burst": 1}, order_quantity=value(1))
    desk.preview()
    assert desk.oracle.book.accounts["A"].next_order_time == 0
    desk.check()
    assert desk.oracle.book.accounts["A"].next_order_time == T0 + SECOND


def test_a_principal_has_a_bucket_of_its_own() -> None:
    desk = Desk()
    desk.oracle.book.policy["principal_order_rate"] = {"per_second": 1, "burst": 1}
    desk.check()
    entry = desk.check()["rejections"][0]
    assert (entry["scope_kind"], entry["scope_id"], entry["measured"]) == (
        "PRINCIPAL",
        "desk",
        SECOND,
    )


def test_open_orders_are_counted_with_this_one_and_exits_too() -> None:
    desk = Desk(open_order_count=value(1))
    desk.hold(20)
    assert desk.reasons(side="SELL") == []
    assert desk.reasons(side="SELL") == [("OPEN_ORDER_COUNT", 2, 1)]


def test_orders_of_the_day_are_counted_and_exits_pass() -> None:
    desk = Desk(day_order_count=value(1))
    desk.hold(20)
    desk.check()
    assert desk.reasons() == [("DAY_ORDER_COUNT", 2, 1)]
    assert desk.reasons(side="SELL") == []
    desk.ask("RollDay", trading_date=20240102)
    assert desk.reasons() == []


def test_turnover_is_fills_and_what_is_open() -> None:
    desk = Desk(day_turnover_e4=value(25_000_000))
    desk.check()
    desk.event("FILLED", quantity=4)
    desk.event("CANCELLED")
    assert desk.view()["day_turnover_e4"] == 4_000_000
    desk.check(quantity=20)
    assert desk.reasons(quantity=2) == [("DAY_TURNOVER", 26_000_000, 25_000_000)]


def test_a_bust_does_not_lower_the_turnover() -> None:
    desk = Desk()
    desk.event("FILLED", "u", event_id="f", quantity=4)
    desk.event("BUSTED", "u", busted_event_id="f")
    assert desk.view()["day_turnover_e4"] == 4_000_000


def test_the_position_limit_counts_open_orders_and_the_smaller_one_decides() -> None:
    desk = Desk(position=value(25))
    desk.check()
    entry = desk.check(quantity=16)["rejections"][0]
    assert (entry["measured"], entry["limit"], entry["scope_kind"]) == (26, 25, "ACCOUNT")
    desk.instrument(position_limit=20)
    entry = desk.check(quantity=16)["rejections"][0]
    assert (entry["limit"], entry["scope_kind"]) == (20, "INSTRUMENT")


def test_concentration_compares_with_assets() -> None:
    desk = Desk()
    desk.oracle.book.policy["tiers"][0]["concentration"] = [
        {"bands": [{"ratio_from_bps": 0, "cap_bps": 5_000}]}
    ]
    assert desk.reasons(quantity=50) == []
    assert desk.reasons(quantity=1) == [("CONCENTRATION_INSTRUMENT", 5_100, 5_000)]


@pytest.mark.parametrize(("ratio", "cap"), [(17_999, 5_000), (18_000, 7_000), (23_999, 7_000)])
def test_bands_are_closed_on_the_left(ratio: int, cap: int) -> None:
    desk = Desk()
    desk.oracle.book.policy["tiers"][0]["concentration"] = [
        {
            "bands": [
                {"ratio_from_bps": 0, "cap_bps": 5_000},
                {"ratio_from_bps": 18_000, "cap_bps": 7_000},
                {"ratio_from_bps": 24_000},
            ]
        }
    ]
    # A short position worth 100 000 000 is the debt; cash, then cash and X, is the assets.
    desk.instrument("Y", initial_margin_short_bps=0)
    desk.mark(10_000, "Y")
    desk.hold(-10_000, "Y")
    desk.instrument(initial_margin_long_bps=0)
    desk.cash(ratio * 10_000 - CASH)
    entries = desk.check(quantity=170)["rejections"]
    named = [(e["reason"], e["limit"]) for e in entries]
    assert named == [("CONCENTRATION_INSTRUMENT", cap)]


def test_a_required_table_that_is_missing_is_not_set() -> None:
    desk = Desk()
    desk.oracle.book.policy["tiers"][0]["concentration_required"] = True
    assert desk.check()["rejections"][0]["subject"] == "concentration"


def test_leverage_weighs_gross_by_volatility() -> None:
    desk = Desk(leverage_bps=value(20_000))
    desk.instrument(initial_margin_long_bps=0)
    desk.ask("UpdateVolatility", factors=[{"instrument_id": "X", "factor_bps": 20_000}])
    assert desk.reasons(quantity=101) == [("LEVERAGE", 20_200, 20_000)]
    assert desk.reasons(quantity=100) == []


def test_initial_margin_is_available_after_the_order() -> None:
    desk = Desk()
    assert desk.reasons(quantity=201) == [("INITIAL_MARGIN", -500_000, 0)]
    assert desk.reasons(quantity=200) == []


def test_the_largest_acceptable_quantity_is_the_last_lot_that_passes() -> None:
    desk = Desk()
    desk.instrument(least_quantity=5, quantity_step=7)
    assert desk.preview(quantity=999)["max_acceptable_quantity"] == 5 + 27 * 7


def test_the_largest_acceptable_quantity_is_at_least_the_exit() -> None:
    desk = Desk()
    desk.hold(30)
    desk.ask("SetReduceOnly", stop_id="s", scope_kind="FIRM")
    desk.instrument(least_quantity=100, quantity_step=100)
    answer = desk.check(side="SELL", quantity=400, want_max_acceptable_quantity=True)
    assert answer["max_acceptable_quantity"] == 30


def test_no_size_cures_a_collar() -> None:
    desk = Desk(price_collar_bps=value(100))
    assert desk.preview(price_e4=2_000_000)["max_acceptable_quantity"] == 0


def test_an_order_of_a_batch_sees_those_before_it() -> None:
    desk = Desk(open_order_count=value(1))
    answer = desk.ask("CheckOrders", orders=[desk.request(), desk.request()])
    assert [a["verdict"] for a in answer["answers"]] == ["ALLOW", "REJECT"]
    assert [a.get("sequence") for a in answer["answers"]] == [None, None]


def test_an_atomic_batch_is_all_or_none() -> None:
    desk = Desk(order_quantity=value(10))
    orders = [desk.request(), desk.request(quantity=11)]
    answer = desk.ask("CheckOrders", orders=orders, atomic=True, batch_id="b")
    found = [reasons(a)[0][0] for a in answer["answers"]]
    assert found == ["BATCH_REJECTED", "ORDER_QUANTITY"]
    assert desk.view()["open_orders"] == []
    assert desk.view()["day_order_count"] == 2


def test_an_atomic_batch_is_solvent_as_a_whole_and_the_last_opening_order_answers() -> None:
    desk = Desk()
    orders = [desk.request(quantity=150), desk.request(quantity=51)]
    answer = desk.ask("CheckOrders", orders=orders, atomic=True, batch_id="b")
    found = [reasons(a)[0] for a in answer["answers"]]
    assert found == [("BATCH_REJECTED", None, None), ("INITIAL_MARGIN", -500_000, 0)]


def test_an_atomic_batch_is_answered_once() -> None:
    desk = Desk()
    batch: dict[str, Any] = {"orders": [desk.request()], "atomic": True, "batch_id": "b"}
    first = desk.ask("CheckOrders", **batch)
    again = desk.ask("CheckOrders", **batch)
    assert (again["replayed"], again["sequence"]) == (True, first["sequence"])
    assert again["answers"][0]["verdict"] == "ALLOW"
    other = desk.ask("CheckOrders", **(batch | {"orders": [desk.request()]}))
    assert reasons(other["answers"][0]) == [("ORDER_ID_REUSED", None, None)]


# 5 and 6. Volatility and margin.


def test_a_factor_that_is_old_is_at_least_the_stress_factor() -> None:
    desk = Desk()
    desk.oracle.book.policy["stress_factor_bps"] = 15_000
    instrument = desk.oracle.book.instruments["X"]
    assert desk.oracle.book.factor(instrument, desk.now) == 15_000
    desk.ask("UpdateVolatility", factors=[{"instrument_id": "X", "factor_bps": 11_000}])
    assert desk.oracle.book.factor(instrument, T0 + 60 * SECOND) == 11_000
    assert desk.oracle.book.factor(instrument, T0 + 60 * SECOND + 1) == 15_000


def test_the_regime_multiplies_the_factor() -> None:
    desk = Desk()
    desk.ask("UpdateVolatility", factors=[{"instrument_id": "X", "factor_bps": 11_111}])
    assert desk.ask("SetRegime", regime="ELEVATED")["regime_bps"] == 12_000
    assert desk.oracle.book.factor(desk.oracle.book.instruments["X"], T0) == 13_334


@pytest.mark.parametrize(("own", "effective"), [(5_000, 7_500), (8_000, 10_000), (12_000, 12_000)])
def test_a_rate_rises_to_one_hundred_percent_or_itself(own: int, effective: int) -> None:
    facts = {"marginable": True, "initial_margin_long_bps": own}
    for kind in ("initial", "maintenance"):
        assert own_rate(facts, "LEVERAGED", kind, "long") == own
    assert margin_rate(own, "long", 15_000, Points()) == effective


def test_what_is_not_marginable_needs_all_of_it() -> None:
    facts = {"initial_margin_long_bps": 1}
    assert own_rate(facts, "LEVERAGED", "initial", "long") == 10_000


@pytest.mark.parametrize(
    ("side", "own", "more", "effective"),
    [
        ("long", 5_000, 2_499, 9_999),
        ("long", 5_000, 2_501, 10_000),
        ("long", 12_000, 1, 12_000),
        ("short", 5_000, 2_501, 10_001),
        ("short", 12_000, 1, 12_001),
        ("short", 12_000, 10**6, 10**6),
    ],
)
def test_points_are_added_to_the_raised_rate(
    side: str, own: int, more: int, effective: int
) -> None:
    assert margin_rate(own, side, 15_000, Points(more, more)) == effective


def test_a_share_is_in_the_band_that_it_is_strictly_above() -> None:
    bands = [{"above_bps": 10_000, "points_bps": 1}, {"above_bps": 20_000, "points_bps": 2}]
    found = [band(bands, part, 7).get("points_bps", 0) for part in (7, 8, 14, 15)]
    assert found == [0, 1, 1, 2]
    assert band(bands, 1, None) == bands[1]
    assert band([], 1, None) == {}


# 7. An order's life.


def test_a_partial_fill_uses_up_the_reservation() -> None:
    desk = Desk()
    desk.check()
    result = desk.event("FILLED", quantity=4)
    assert (result["order_state"], result["reserved_quantity"]) == ("PARTLY_FILLED", 6)
    assert desk.view()["cash_e4"] == CASH - 4_000_000


def test_an_event_counts_once() -> None:
    desk = Desk()
    desk.check()
    desk.event("FILLED", quantity=4, event_id="f")
    result = desk.event("FILLED", quantity=4, event_id="f")
    assert (result["outcome"], result["reserved_quantity"]) == ("DUPLICATE", 6)


def test_an_overfill_is_applied_and_flagged() -> None:
    desk = Desk()
    desk.check()
    result = desk.event("FILLED", quantity=12)
    assert (result["flags"], result["order_state"]) == (["OVERFILL"], "FILLED")
    assert desk.oracle.book.accounts["A"].positions["X"] == 12


def test_a_cancel_keeps_reserved_what_the_venue_filled_and_nobody_reported() -> None:
    desk = Desk()
    desk.check()
    result = desk.event("CANCELLED", cumulative_quantity=4)
    assert (result["order_state"], result["reserved_quantity"]) == ("CANCELLED", 4)
    assert desk.event("FILLED", quantity=4)["flags"] == []
    assert desk.event("FILLED", quantity=1)["flags"] == ["AFTER_END"]


def test_a_second_end_changes_nothing_and_is_flagged() -> None:
    desk = Desk()
    desk.check()
    desk.event("CANCELLED")
    result = desk.event("EXPIRED")
    assert (result["flags"], result["order_state"]) == (["AFTER_END"], "CANCELLED")


def test_an_acknowledgement_out_of_order_changes_nothing() -> None:
    desk = Desk()
    desk.check()
    desk.event("FILLED", quantity=4)
    result = desk.event("ACKNOWLEDGED")
    assert (result["flags"], result["order_state"]) == ([], "PARTLY_FILLED")


def test_a_report_of_an_unknown_order_leaves_a_tombstone() -> None:
    desk = Desk()
    result = desk.event("FILLED", "o1", quantity=1)
    assert (result["flags"], result["order_state"]) == (["UNKNOWN_ORDER"], "UNKNOWN_TO_GATE")
    assert desk.reasons(order_id="o1") == [("ORDER_NOT_RESERVED", None, None)]


def test_a_fill_of_another_side_is_booked_and_leaves_the_order() -> None:
    desk = Desk()
    desk.check()
    result = desk.event("FILLED", quantity=3, side="SELL")
    assert (result["flags"], result["reserved_quantity"]) == (["ORDER_MISMATCH"], 10)
    assert desk.oracle.book.accounts["A"].positions["X"] == -3


def test_a_fill_of_a_refused_order_is_booked_after_its_end() -> None:
    desk = Desk(order_quantity=value(1))
    desk.check()
    result = desk.event("FILLED", quantity=3)
    assert (result["flags"], result["order_state"]) == (["AFTER_END"], "REFUSED")


def test_a_bust_undoes_quantity_and_cash_and_restores_no_reservation() -> None:
    desk = Desk()
    desk.check()
    desk.event("FILLED", event_id="f", quantity=4)
    result = desk.event("BUSTED", busted_event_id="f")
    assert (result["outcome"], result["reserved_quantity"]) == ("APPLIED", 6)
    assert desk.view()["cash_e4"] == CASH
    again = desk.event("BUSTED", busted_event_id="f")
    assert (again["outcome"], again["flags"]) == ("NOT_APPLIED", ["BUSTED_BEFORE"])


def test_a_bust_may_come_before_its_fill() -> None:
    desk = Desk()
    desk.check()
    assert desk.event("BUSTED", busted_event_id="f")["flags"] == ["UNKNOWN_EXECUTION"]
    result = desk.event("FILLED", event_id="f", quantity=4)
    assert (result["outcome"], result["flags"]) == ("NOT_APPLIED", ["BUSTED_BEFORE"])


def test_an_old_execution_is_not_applied_and_the_account_only_reduces() -> None:
    desk = Desk()
    desk.ask("RollDay", trading_date=20240102)
    desk.check()
    result = desk.event("FILLED", quantity=1, trade_date=20240101)
    assert (result["outcome"], result["flags"]) == ("NOT_APPLIED", ["TOO_OLD"])
    assert desk.view()["stop_ids"] == ["late-A"]
    assert desk.reasons() == [("REDUCE_ONLY", None, None)]


def test_a_fill_out_of_bounds_freezes_the_account() -> None:
    desk = Desk()
    result = desk.event("FILLED", "u", quantity=10**12, price_e4=10**12)
    assert result["flags"] == ["UNKNOWN_ORDER", "OUT_OF_BOUNDS"]
    assert desk.view()["stop_ids"] == ["frozen-ACCOUNT-A"]


def test_an_order_is_unconfirmed_from_its_deadline_on() -> None:
    desk = Desk()
    answer = desk.check()
    desk.now = answer["acknowledge_by_time_ns"] - 1
    assert desk.ask("Tick") == {}
    desk.now += 1
    assert desk.ask("Tick")["unconfirmed"] == [{"account_id": "A", "order_id": "o1"}]
    assert desk.ask("Tick") == {}


def test_an_id_is_kept_while_its_order_is_open() -> None:
    desk = Desk()
    desk.check()
    desk.event("ACKNOWLEDGED")
    desk.now = T0 + 11 * SECOND
    assert desk.ask("Tick") == {}
    desk.event("CANCELLED")
    assert desk.ask("Tick")["forgotten"] == [{"account_id": "A", "order_id": "o1"}]


def test_the_trading_date_moves_forward_only() -> None:
    desk = Desk()
    assert desk.ask("RollDay", trading_date=20240102)["previous_trading_date"] == 0
    assert desk.ask("RollDay", trading_date=20240102) == {"error": "DATE_NOT_FORWARD"}


# 8. Policies.


def test_a_tightening_is_in_force_at_once_and_a_loosening_when_it_is_approved() -> None:
    desk = Desk(order_quantity=value(10))
    tighter, looser = policy({"order_quantity": value(9)}), policy({"order_quantity": value(11)})
    assert desk.ask("ProposePolicy", policy=tighter, base_version=1)["version"] == 2
    assert desk.reasons() == [("ORDER_QUANTITY", 10, 9)]
    assert desk.ask("ProposePolicy", policy=looser, base_version=2)["pending"]
    assert desk.reasons() == [("ORDER_QUANTITY", 10, 9)]
    assert desk.ask("ApprovePolicy", version=3) == {"error": "SECOND_PERSON"}
    assert "error" not in desk.ask("ApprovePolicy", "anna", version=3)
    assert desk.reasons(quantity=11) == []
