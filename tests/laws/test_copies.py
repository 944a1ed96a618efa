"""What the gate remembers never changes an answer: a machine without memos says the same.

A machine that loaded a snapshot has worked nothing out yet. So whatever is asked of a machine is
asked of such a copy too, now and then, and orders most of all: at its end every world is probed
with orders of all accounts, at ever later times, when marks, factors, sessions and overrides end.
"""

from collections.abc import Iterator
from random import Random

import pytest
from tests.laws.runs import EXAMPLES, Call, ask, calls_of, copy_of
from tests.oracle.book import SECOND

from tidegate.v1 import order_pb2, risk_service_pb2
from tidegate_server.wire.machine import Machine

WORLDS = EXAMPLES or 4
LENGTH = 260
EACH = 5  # of so many calls one is made to a copy as well
LATER = (0, 1, SECOND, 4 * SECOND, 9 * SECOND, 45 * SECOND, 61 * SECOND, 600 * SECOND)
PROBES = 12


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_copy_without_memos_answers_alike(seed: int) -> None:
    rng = Random(seed)
    machine = Machine()
    now_ns = 0
    for call in calls_of(seed, LENGTH):
        compare = rng.randrange(EACH) == 0
        copy = copy_of(machine) if compare else None
        step = ask(machine, call)
        now_ns = call.now_ns
        if copy is not None:
            again = ask(copy, call)
            assert (step.response, step.record) == (again.response, again.record), call
            assert machine.state_hash() == copy.state_hash(), call
    for later_ns in LATER:
        now_ns += later_ns
        copy = copy_of(machine)
        for probe in probes(rng, machine, now_ns):
            step, again = ask(machine, probe), ask(copy, probe)
            assert step.message() == again.message(), step.asked()
            assert step.record == again.record, step.asked()


def probes(rng: Random, machine: Machine, now_ns: int) -> Iterator[Call]:
    """Yield orders near the mark, of any account in any instrument."""
    book = machine.book
    accounts, instruments = list(book.accounts), list(book.instruments.values())
    for number in range(PROBES):
        instrument = rng.choice(instruments)
        terms = instrument.terms
        request = risk_service_pb2.CheckOrderRequest(
            account_id=rng.choice(accounts),
            order_id=f"probe-{book.sequence}-{number}",
            instrument_id=instrument.instrument_id,
            side=rng.choice((order_pb2.SIDE_BUY, order_pb2.SIDE_SELL)),
            quantity=terms.least_quantity + rng.randrange(3) * terms.quantity_step,
            order_type=order_pb2.ORDER_TYPE_MARKET,
            created_time_ns=now_ns,
            want_max_acceptable_quantity=rng.random() < 0.2,
        )
        if rng.random() < 0.8:
            request.order_type = order_pb2.ORDER_TYPE_LIMIT
            price = instrument.mark or 10_000
            request.price_e4 = max(price // terms.tick_e4, 1) * terms.tick_e4
        yield Call("CheckOrder", request.SerializeToString(), f"probe-{number}", now_ns)
