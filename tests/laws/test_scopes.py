"""Laws of what is kept above the account (2.1, 4.18, 4.26)."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.runs import SEEDS, ask, calls_of, copy_of, law
from tests.laws.test_permits import sound

from tidegate_server.engine.decide import decide
from tidegate_server.engine.groups import ancestors
from tidegate_server.wire.machine import Machine

Sums = dict[tuple[str, str], int]
seeds = st.integers(1, SEEDS)


def kept(machine: Machine) -> Sums:
    """Return how far positions reach as the instruments keep it: of the firm "", and by group."""
    found = Counter[tuple[str, str]]()
    for name, instrument in machine.book.instruments.items():
        found[name, ""] = instrument.reach
        for group_id, reach in instrument.reach_of.items():
            found[name, group_id] = reach
    return {key: value for key, value in found.items() if value}


def counted(machine: Machine) -> Sums:
    """Return the same, added up from every position."""
    found = Counter[tuple[str, str]]()
    for account in machine.book.accounts.values():
        for name, position in account.positions.items():
            bought, sold = (
                position.quantity + position.open_buy,
                position.quantity - position.open_sell,
            )
            holding = position.holding
            if holding is not None:  # held and owed are apart (6.3)
                bought = position.quantity + holding.open_long
                sold = holding.owed + holding.open_short
            for group_id in ("", *ancestors(machine.book, account.group_id)):
                found[name, group_id] += max(abs(bought), abs(sold))
    return {key: value for key, value in found.items() if value}


@law(24)
@given(seed=seeds)
def test_what_is_kept_above_the_account_is_the_sum_over_accounts(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        ask(machine, call)
        assert kept(machine) == counted(machine)
    again = copy_of(machine)
    assert kept(again) == counted(machine)


@law(24)
@given(seed=seeds)
def test_open_orders_of_firm_and_groups_are_the_sums_over_accounts(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        ask(machine, call)
    for one in (machine, copy_of(machine)):
        book = one.book
        counts = Counter[str]()
        for account in book.accounts.values():
            open_orders = sum(1 for order in account.orders.values() if order.reserved)
            for group_id in ("", *ancestors(book, account.group_id)):
                counts[group_id] += open_orders
        kept_counts = {"": book.open_order_count, **book.open_orders_of}
        assert {name: count for name, count in kept_counts.items() if count} == +counts


@law(60)
@given(
    held=st.integers(-400, 400),
    bought=st.integers(0, 200),
    sold=st.integers(0, 200),
    part=st.integers(-300, 300),
    nested=st.booleans(),
)
def test_splitting_a_position_within_a_group_never_lowers_ownership(
    *, held: int, bought: int, sold: int, part: int, nested: bool
) -> None:
    whole, split = group_of(nested=nested), group_of(nested=nested)
    for script, shares in ((whole, ((held, bought, sold), (0, 0, 0))), (split, None)):
        parts = shares or ((part, bought, 0), (held - part, 0, sold))
        for name, (position, buys, sells) in zip("AB", parts, strict=True):
            script.run(f"hold {name} X {position}")
            for side, quantity in (("buy", buys), ("sell", sells)):
                if quantity:
                    assert "allow" in script.run(f"{side} {name} X {quantity} @ 100000")
    assert share(split) >= share(whole)


def group_of(*, nested: bool) -> Script:
    """Return a world of accounts of one topmost group, without a limit that anyone meets."""
    script = Script()
    for line in (
        "limit t leverage_bps unlimited",
        "limit t ownership_bps 0 warn",
        "instrument X shares_outstanding=1000",
        "factor X 10000",
        "mark X 100000",
        f"groups G>{'K' if nested else '-'} H>{'K' if nested else '-'}",
        "account A tier=t group=G",
        f"account B tier=t group={'H' if nested else 'G'}",
        "account C tier=t group=G",
        *(f"cash {name} 900000000000" for name in "ABC"),
    ):
        script.run(line)
    return script


def share(script: Script) -> int:
    """Return the share of the shares outstanding that an order of one share is warned of."""
    words = script.run("buy C X 1 @ 100000").split()
    return int(words[words.index("OWNERSHIP_LIMIT") + 1].split("/")[0])


@law(6)
@given(seed=seeds)
def test_deciding_leaves_the_sums_as_they_were(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed):
        found = sound(call)
        if found is not None:
            decide(machine.book, found, call.now_ns)
            assert kept(machine) == counted(machine)
        ask(machine, call)
