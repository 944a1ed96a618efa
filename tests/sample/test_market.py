from __future__ import annotations

from collections import Counter

import pytest

from tidegate.v1 import policy_pb2
from tidegate_server.sample import market
from tidegate_server.sample.data import first_prices
from tidegate_server.sample.policy import build_policy


def test_every_instrument_but_the_new_listing_has_a_first_mark() -> None:
    listed = {made.instrument_id for made in market.instruments().instruments}
    marked = {mark.instrument_id for mark in market.first_marks().marks}
    assert listed - marked == {market.UNPRICED}
    assert marked <= listed


def test_every_instrument_has_a_volatility_factor() -> None:
    listed = {made.instrument_id for made in market.instruments().instruments}
    assert {factor.instrument_id for factor in market.volatility().factors} == listed


def test_day_limits_lie_on_the_tick() -> None:
    limited = [
        made for made in market.instruments().instruments if made.HasField("price_limit_bps")
    ]
    assert limited
    for made in limited:
        assert made.lower_price_limit_e4 % made.tick_e4 == 0
        assert made.upper_price_limit_e4 % made.tick_e4 == 0


def test_maintenance_margin_is_at_most_the_initial() -> None:
    for made in market.instruments().instruments:
        assert made.maintenance_margin_long_bps <= made.initial_margin_long_bps
        assert made.maintenance_margin_short_bps <= made.initial_margin_short_bps


def test_three_hundred_accounts_spread_over_four_tiers() -> None:
    tiers = Counter(holder.account.tier_id for holder in market.holders())
    assert sum(tiers.values()) == 300
    assert set(tiers) == {"retail", "standard", "professional", "house", ""}
    assert tiers[""] == 1


def test_account_ids_are_unique() -> None:
    holders = market.holders()
    assert len({holder.account.account_id for holder in holders}) == len(holders)


def test_fewer_accounts_are_a_prefix_of_more() -> None:
    assert market.holders(20) == market.holders(40)[:20]


def test_cash_and_positions_make_up_the_equity() -> None:
    prices = first_prices()
    for holder in market.holders():
        value = sum(quantity * prices[symbol] for symbol, quantity in holder.positions.items())
        assert holder.cash_e4 + value == holder.equity_e4


def test_some_accounts_are_financed_and_some_are_short() -> None:
    holders = market.holders()
    assert any(holder.cash_e4 < 0 for holder in holders)
    assert any(quantity < 0 for holder in holders for quantity in holder.positions.values())


def test_positions_are_whole_lots() -> None:
    lots = {made.instrument_id: made.quantity_step for made in market.instruments().instruments}
    for holder in market.holders():
        assert all(quantity % lots[symbol] == 0 for symbol, quantity in holder.positions.items())


def test_no_verdict_of_the_sample_policy_depends_on_the_clock() -> None:
    policy = build_policy()
    hour = 3_600 * 10**9
    assert policy.slow_mark_step_bps == 0
    assert min(policy.max_order_age_ns, policy.acknowledgement_limit_ns) >= hour
    assert min(policy.max_mark_age_ns, policy.max_volatility_age_ns) >= hour
    rates = (policy.principal_order_rate, policy.default_limits.order_rate)
    assert all(rate.burst == 1_000_000 for rate in rates)


@pytest.mark.parametrize("field", [field.name for field in policy_pb2.Limits.DESCRIPTOR.fields])
def test_every_limit_is_set_for_every_tier(field: str) -> None:
    policy = build_policy()
    for tier in policy.tiers:
        set_here = tier.limits.HasField(field)  # type: ignore[arg-type]
        source = tier.limits if set_here else policy.default_limits
        limit = getattr(source, field)
        value = limit.per_second if field == "order_rate" else limit.HasField("value")
        assert limit.unlimited or value, f"{tier.tier_id} has no {field}"


def test_every_rating_group_has_a_concentration_table_in_the_capped_tiers() -> None:
    groups = {listing.rating_group for listing in market.LISTINGS}
    for tier in build_policy().tiers:
        if tier.concentration_required:
            assert {table.rating_group for table in tier.concentration} == groups


def test_bands_of_a_table_rise_from_zero() -> None:
    for tier in build_policy().tiers:
        for table in tier.concentration:
            edges = [band.ratio_from_bps for band in table.bands]
            assert edges == sorted(set(edges))
            assert edges[0] == 0
