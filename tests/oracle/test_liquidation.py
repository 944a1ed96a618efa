"""Liquidation plans of random books: the engine's and the oracle's are the same."""

from random import Random

import pytest
from tests.oracle import credit, credit_commands
from tests.oracle.adapter import Engine, agree, shown
from tests.oracle.book import Message
from tests.oracle.oracle import Oracle
from tests.oracle.world import policy

START = 1_700_000_000 * 10**9
INSTRUMENTS = ("A", "B", "C", "D")


class Both:
    """The oracle and the engine, asked the same."""

    def __init__(self) -> None:
        self.oracle, self.engine = Oracle(), Engine()
        self.now = START

    def ask(self, method: str, request: Message, principal: str = "staff") -> Message:
        """Ask both; they agree."""
        self.now += 1_000
        expected = self.oracle.apply(method, request, principal, self.now)
        found = self.engine.apply(method, request, principal, self.now)
        assert agree(method, expected, found), (
            f"{method} {request}\noracle {shown(method, expected)}\nengine {shown(method, found)}"
        )
        return expected

    def sequence(self) -> int:
        """The account's sequence."""
        account = self.oracle.book.accounts.get("L")
        return 0 if account is None else account.sequence


def world(rng: Random) -> Both:
    """An account deep in debt, with positions of both signs and orders on them."""
    both = Both()
    lines = {"liquidation": {"line_bps": 12_900, "release_bps": 13_000}}
    both.ask("ProposePolicy", {"policy": policy(rng) | {"lines": lines}, "base_version": 0})
    both.ask("UpsertAccounts", {"accounts": [account(rng)]})
    for name in INSTRUMENTS:
        both.ask("UpsertInstruments", {"instruments": [instrument(rng, name)]})
        mark = rng.randint(1, 90) * 1_000
        if rng.random() < 0.95:
            for price in (mark, mark + rng.choice((-400, 0, 0, 700))):
                both.now += 10**9
                both.ask("UpdateMarks", {"marks": [{"instrument_id": name, "price_e4": price}]})
        if rng.random() < 0.7:
            factor = {"instrument_id": name, "factor_bps": rng.choice((10_000, 12_500, 15_000))}
            both.ask("UpdateVolatility", {"factors": [factor], "model_version": "m"})
        quantity = rng.choice((-1, 1, 1)) * rng.randint(1, 400)
        hold(both, name, quantity)
    view = both.ask("GetAccount", {"account_id": "L"})["account"]
    figures = view.get("actual", {"equity_e4": 0, "gross_e4": 9_000})
    cash = figures["gross_e4"] // rng.choice((-40, 12, 20, 40)) - figures["equity_e4"]
    request: Message = {"account_id": "L", "adjustment_id": "c", "kind": "CORRECTION"}
    request |= {"amount_e4": cash or 1, "expected_sequence": both.sequence()}
    both.ask("AdjustCash", request)
    if rng.random() < 0.2:
        scope = {"scope_kind": "INSTRUMENT", "scope_id": rng.choice(INSTRUMENTS)}
        both.ask("Halt", {"stop_id": "h", "reason": "test"} | scope)
    return both


def account(rng: Random) -> Message:
    """The account that is to be liquidated."""
    granted = {"short": True, "margin": True, "product_types": ["CS"], "order_types": ["LIMIT"]}
    facts: Message = {"account_id": "L", "tier_id": "gold", "permissions": granted}
    return facts | {"margin_model": rng.choice(("LEVERAGED", "REG_T", "PORTFOLIO"))}


def instrument(rng: Random, name: str) -> Message:
    """An instrument with steps, volumes and decimals of all kinds."""
    step = rng.choice((1, 7, 10, 100))
    facts: Message = {"instrument_id": name, "marginable": True, "product_type": "CS"}
    facts |= {
        "quantity_step": step,
        "least_quantity": step,
        "quantity_decimals": rng.choice((0, 2)),
    }
    facts |= {"initial_margin_long_bps": 3_000, "initial_margin_short_bps": 5_000}
    facts |= {"shortable": True, "short_pool": 10**9, "sellable_next_day": rng.random() < 0.2}
    if rng.random() < 0.8:
        facts["average_volume"] = rng.choice((50, 400, 2_000, 20_000))
    return facts


def hold(both: Both, name: str, quantity: int) -> None:
    """Hold so much, in part as a fill of today."""
    position: Message = {"instrument_id": name, "quantity": quantity}
    request: Message = {"account_id": "L", "positions": [position]}
    both.ask("SetPositions", request | {"expected_sequence": both.sequence()})
    if quantity > 5:
        event: Message = {"event_id": f"e-{name}", "account_id": "L", "order_id": f"t-{name}"}
        event |= {"kind": "FILLED", "side": "BUY", "instrument_id": name}
        event |= {"quantity": quantity // 3, "price_e4": 1_000}
        both.ask("RecordOrderEvents", {"events": [event]})


def credit_world(rng: Random) -> Both:
    """An account under cn_margin near the line: collateral, contracts and orders that rest."""
    both = Both()
    lines = {"liquidation": {"line_bps": 12_900, "release_bps": 13_000}}
    made = policy(rng) | {"lines": lines} | credit_commands.tables(rng)
    both.ask("ProposePolicy", {"policy": made, "base_version": 0})
    both.ask("UpsertAccounts", {"accounts": [account(rng) | {"margin_model": "CN_MARGIN"}]})
    listed: list[Message] = []
    for name in INSTRUMENTS:
        facts = instrument(rng, name) | {"haircut_bps": rng.choice((5_000, 6_500))}
        both.ask("UpsertInstruments", {"instruments": [facts]})
        mark = rng.randint(1, 90) * 1_000
        for price in (mark, mark + rng.choice((-400, 0, 0, 700))):
            both.now += 10**9
            both.ask("UpdateMarks", {"marks": [{"instrument_id": name, "price_e4": price}]})
        hold(both, name, rng.choice((0, rng.randint(1, 400))))
        for kind in ("MARGIN_BUY", "SHORT_SELL", "COLLATERAL_BUY"):
            if rng.random() < 0.6:
                one: Message = {"order_id": f"{kind}-{name}", "instrument_id": name}
                one |= {"side": credit.SIDE_OF[kind], "margin_kind": kind, "order_type": "LIMIT"}
                listed.append(one | {"quantity": rng.randint(2, 400), "price_e4": mark})
    head: Message = {"account_id": "L", "session_id": "s", "page_number": 1, "last_page": True}
    both.ask("ReconcileOrders", head | {"list_time_ns": both.now, "orders": listed})
    for one in listed:
        fill: Message = {name: one[name] for name in ("order_id", "instrument_id", "side")}
        fill |= {"event_id": f"f-{one['order_id']}", "account_id": "L", "kind": "FILLED"}
        fill["quantity"] = max(1, one["quantity"] // rng.choice((1, 2, 10)))
        both.ask("RecordOrderEvents", {"events": [fill | {"price_e4": one["price_e4"]}]})
    contracts = both.ask("GetAccount", {"account_id": "L"})["account"].get("contracts", [])
    for contract in contracts:
        owed: Message = {"account_id": "L", "adjustment_id": f"i-{contract['contract_id']}"}
        owed |= {"contract_id": contract["contract_id"], "amount_e4": rng.randint(1, 90_000)}
        both.ask("AccrueInterest", owed | {"expected_sequence": both.sequence()})
    if rng.random() < 0.2:
        scope = {"scope_kind": "INSTRUMENT", "scope_id": rng.choice(INSTRUMENTS)}
        both.ask("Halt", {"stop_id": "h", "reason": "test"} | scope)
    figures = both.ask("GetAccount", {"account_id": "L"})["account"].get("actual", {})
    debt, assets = figures.get("debt_e4", 0), figures.get("assets_e4", 0)
    cash: Message = {"account_id": "L", "adjustment_id": "c", "kind": "CORRECTION"}
    cash["amount_e4"] = debt * rng.choice((90, 105, 115, 125, 128)) // 100 - assets or 1
    both.ask("AdjustCash", cash | {"expected_sequence": both.sequence()})
    return both


@pytest.mark.parametrize("seed", range(40))
def test_the_plan_of_a_forced_close_out_is_the_oracles(seed: int) -> None:
    both = credit_world(Random(seed))
    both.ask("PlanLiquidation", {"account_id": "L"})


def test_most_of_these_books_are_closed_out_in_every_way() -> None:
    plans = []
    for seed in range(60):
        both = credit_world(Random(seed))
        plans.append(both.oracle.apply("PlanLiquidation", {"account_id": "L"}, "", both.now))
    trades = [t for one in plans for stage in one.get("stages", []) for t in stage["trades"]]
    kinds = {trade["margin_kind"] for trade in trades}
    assert kinds == {"SELL_TO_REPAY", "COLLATERAL_SELL", "BUY_TO_RETURN"}
    assert sum(1 for one in plans if one.get("repay_e4")) > 2
    assert sum(1 for one in plans if len(one.get("stages", [])) > 1) > 10
    assert any(one.get("reachable") for one in plans)
    assert any(not one.get("reachable", True) for one in plans)


@pytest.mark.parametrize("seed", range(60))
def test_the_plan_is_the_oracles(seed: int) -> None:
    both = world(Random(seed))
    both.ask("PlanLiquidation", {"account_id": "L"})


def test_most_of_these_books_have_a_plan() -> None:
    plans = []
    for seed in range(100):
        both = world(Random(seed))
        plans.append(both.oracle.apply("PlanLiquidation", {"account_id": "L"}, "", both.now))
    assert sum(1 for one in plans if one.get("stages")) > 25
    assert sum(1 for one in plans if len(one.get("stages", [])) > 1) > 10
    assert any(one.get("reachable") for one in plans)
    assert any(not one.get("reachable", True) for one in plans)
    kinds = {blocked["reason"] for one in plans for blocked in one.get("blocked", [])}
    assert kinds == {"LOCKED", "HALTED", "UNPRICED"}
