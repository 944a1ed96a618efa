"""Alerts are the same whether every limit is looked at or only those that may fire (8.5)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, ask, calls_of, law

from tidegate_server.engine.account import Account
from tidegate_server.engine.alert import Alert
from tidegate_server.engine.alerting import Arming, key_of, limit_alert, limit_alerts
from tidegate_server.engine.standing import NO_USAGE, SET, Usage
from tidegate_server.engine.state import Book
from tidegate_server.engine.usage import usages, used_limits
from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)
THROTTLE = "order_rate"


def climb(book: Book, account: Account, arming: Arming, now_ns: int) -> list[Alert]:
    """Let every limit of an account climb its ladder, one after the other."""
    found = []
    for usage in usages(book, account, now_ns):
        key = key_of(account, usage)
        if usage.name == THROTTLE:
            continue
        if usage.usage_bps == NO_USAGE:
            if usage.setting != SET:
                arming.keep(key, 0)
            continue
        highest = arming.step(key, usage.usage_bps)
        if highest >= 0:
            found.append(limit_alert(account, usage, highest, book.sequence, now_ns))
    return found


def told(alert: Alert) -> list[object]:
    return [getattr(alert, name) for name in Alert.__slots__]


def said(usage: Usage) -> list[object]:
    return [getattr(usage, name) for name in Usage.__slots__ if name != "binds"]


@law(5)
@given(seed=seeds)
def test_what_cannot_fire_need_not_be_looked_at(seed: int) -> None:
    machine = Machine()
    book = machine.book
    slow, quick = Arming(), Arming()
    fired = 0
    for call in calls_of(seed):
        ask(machine, call)
        for _, account in sorted(book.accounts.items()):
            expected = climb(book, account, slow, call.now_ns)
            found = limit_alerts(book, account, quick, book.sequence, call.now_ns)
            assert [told(alert) for alert in found] == [told(alert) for alert in expected]
            assert quick.fired == slow.fired
            fired += len(found)
    assert quick.counts == slow.counts
    assert fired


@law(4)
@given(seed=seeds, least_bps=st.integers(0, 12_000))
def test_used_limits_are_those_of_all_that_are_used_so_much(seed: int, least_bps: int) -> None:
    machine = Machine()
    book = machine.book
    for call in calls_of(seed):
        ask(machine, call)
        for account in book.accounts.values():
            every = usages(book, account, call.now_ns)
            expected = [one for one in every if one.usage_bps >= least_bps]
            found = used_limits(book, account, call.now_ns, least_bps)
            assert [said(one) for one in found] == [
                said(one) for one in expected if one.name != THROTTLE
            ]
