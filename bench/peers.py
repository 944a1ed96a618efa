"""Peers in process, where they are installed: other risk engines, on rules as close as they allow.

They are no dependency of ours; `pip install openpit` into the same environment to compare. What is
timed is their own call on an order object made before, so neither side pays for bytes: the figure
to hold it against is `engine_ns_per_check`, not `machine_ns_per_call`.
"""

import datetime as dt
import time
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any, Final

ROUNDS: Final = 5
ORDERS: Final = 500  # each decided again and again: the peer keeps no order ids


def measure(calls: int) -> dict[str, object]:
    """Measure the peers that are there; for the others, why not."""
    return {
        "openpit": _openpit(calls) if find_spec("openpit") else "skipped: not installed",
        "nautilus_trader": (
            "skipped: no rule set for it is written here"
            if find_spec("nautilus_trader")
            else "skipped: not installed"
        ),
    }


def _openpit(calls: int) -> dict[str, object]:
    """Time OpenPit: validation, order size and notional, and a rate, all of them generous.

    It has no leverage, margin, concentration, collar, volume share or id table, and persists
    nothing: it does less for an order than what it is compared with.
    """
    pit: Any = import_module("openpit")
    param: Any = import_module("openpit.param")
    engine = _openpit_engine(pit, param)
    orders = [
        pit.Order(
            operation=pit.OrderOperation(
                instrument=pit.Instrument(f"STK{number % 20:04d}", "USD"),
                account_id=param.AccountId.from_int(number % 200 + 1),
                side=param.Side.BUY,
                trade_amount=param.TradeAmount.quantity(str(10 + number % 200)),
                price=param.Price(str(100 + number % 50)),
            )
        )
        for number in range(ORDERS)
    ]
    reserve, judge = engine.execute_pre_trade, engine.execute_pre_trade_dry_run
    figures = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for number in range(calls):
            reserve(order=orders[number % ORDERS]).reservation.commit()
        reserved = time.perf_counter_ns()
        for number in range(calls):
            judge(order=orders[number % ORDERS])
        figures.append((reserved - began, time.perf_counter_ns() - reserved))
    return {
        "version": metadata.version("openpit"),
        "rules": "order validation, order quantity and notional, rate",
        "execute_and_commit_ns": round(min(pair[0] for pair in figures) / calls),
        "dry_run_ns": round(min(pair[1] for pair in figures) / calls),
    }


def _openpit_engine(pit: Any, param: Any) -> Any:  # noqa: ANN401 (it may not be installed)
    rules: Any = import_module("openpit.pretrade.policies")
    size = rules.OrderSizeLimit(
        max_quantity=param.Quantity("100000"), max_notional=param.Volume("900000000")
    )
    rate = rules.RateLimit(max_orders=1_000_000, window=dt.timedelta(seconds=1))
    return (
        pit.Engine.builder()
        .no_sync()
        .builtin(rules.build_order_validation())
        .builtin(
            rules.build_order_size_limit().broker_barrier(rules.OrderSizeBrokerBarrier(limit=size))
        )
        .builtin(rules.build_rate_limit().broker_barrier(rules.RateLimitBrokerBarrier(limit=rate)))
        .build()
    )
