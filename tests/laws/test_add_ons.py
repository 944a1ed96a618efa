"""Laws of the margin add-ons (5.4): tighter tables, split positions, sizes of one order."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.runs import SEEDS, law, loaded, settled
from tests.laws.test_tightening import (
    margin_model_of,
    no_looser,
    orders,
    policy_of,
    preview,
    propose,
)

from tidegate.v1 import account_service_pb2, policy_pb2

PORTFOLIO = account_service_pb2.MARGIN_MODEL_PORTFOLIO
Rows = list[tuple[int, int]]
seeds = st.integers(0, SEEDS)


@st.composite
def rows(draw: st.DrawFn, highest: int) -> Rows:
    """Draw bands: edges that rise, points that never fall."""
    edges = sorted(draw(st.sets(st.integers(0, highest), max_size=4)))
    points = sorted(draw(st.integers(0, 12_000)) for _ in edges)
    return list(zip(edges, points, strict=True))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Rows, Rows, Rows]:
    """Draw the three axes."""
    return draw(rows(9_999)), draw(rows(5_000)), draw(rows(2_000))


def written(weight: Rows, days: Rows, ownership: Rows) -> policy_pb2.AddOns:
    """Return tables as the contract has them; a short weighs a half more than a long."""

    def shares(bands: Rows) -> list[policy_pb2.ShareBand]:
        return [policy_pb2.ShareBand(above_bps=edge, points_bps=points) for edge, points in bands]

    return policy_pb2.AddOns(
        weight=[
            policy_pb2.WeightBand(
                above_bps=edge, long_points_bps=points, short_points_bps=points * 3 // 2
            )
            for edge, points in weight
        ],
        days=shares(days),
        ownership=shares(ownership),
    )


def tighter(bands: Rows, lower: int, more: int) -> Rows:
    """Return bands that begin no later and ask for no less."""
    found: Rows = []
    for edge, points in bands:
        least = found[-1][0] + 1 if found else 0
        found.append((max(edge - lower, least), points + more))
    return found


@law(30)
@given(
    seed=seeds,
    drawn=tables(),
    lower=st.sampled_from((0, 1, 500)),
    more=st.sampled_from((0, 1, 1_000)),
    asked=st.lists(orders(), min_size=4, max_size=10),
)
def test_tighter_add_ons_never_allow_more(
    seed: int,
    drawn: tuple[Rows, Rows, Rows],
    lower: int,
    more: int,
    asked: list[tuple[float, float, bool, int, float]],
) -> None:
    machine, snapshot, now_ns = settled(seed)
    loose, tight = loaded(snapshot), loaded(snapshot)
    for one, bands in ((loose, drawn), (tight, [tighter(axis, lower, more) for axis in drawn])):
        policy = policy_of(machine)
        policy.add_ons.CopyFrom(written(*bands))
        assume(propose(one, policy, now_ns))  # the world's own tables may be tighter
    for order in asked:
        if margin_model_of(machine, order) == PORTFOLIO:
            continue  # 5.5: what counts there is whether as much is missing as before
        assert no_looser(preview(loose, order, now_ns), preview(tight, order, now_ns)), order


def world(*lines: str) -> Script:
    """Return a world with two instruments; the lines of its policy come first."""
    script = Script()
    steps = (
        "instrument X initial_margin_long_bps=3000 initial_margin_short_bps=4000",
        "instrument X maintenance_margin_long_bps=2500 maintenance_margin_short_bps=3000",
        "instrument X average_volume=300 shares_outstanding=9000",
        "instrument Y initial_margin_long_bps=5000 initial_margin_short_bps=5000",
        "factor X 11000",
        "factor Y 10000",
        "mark X 101000 Y 70001",
    )
    for line in ("limit t leverage_bps unlimited", *lines, *steps):
        script.run(line)
    return script


def shares_of(name: str, bands: Rows) -> str:
    """Return the line that sets an axis."""
    return " ".join([f"addon {name}", *(f"{edge}:{points}" for edge, points in bands)])


def needed(script: Script, accounts: list[str]) -> tuple[int, ...]:
    """Return initial and maintenance margin of accounts, added up."""
    found = [0, 0]
    for name in accounts:
        words = script.run(f"projected {name} initial_margin maintenance_margin").split()
        for index, word in enumerate(words):
            found[index] += int(word.split("=")[1])
    return tuple(found)


@law(30)
@given(
    days=rows(30_000),
    ownership=rows(2_000),
    parts=st.lists(st.integers(-300, 600), min_size=2, max_size=4),
    model=st.sampled_from(("leveraged", "reg_t", "portfolio")),
    others=st.integers(0, 400),
)
def test_splitting_a_position_over_a_group_never_lowers_a_requirement(
    days: Rows, ownership: Rows, parts: list[int], model: str, others: int
) -> None:
    found = []
    for quantities in ([sum(parts)], parts):
        script = world(shares_of("days", days), shares_of("ownership", ownership))
        script.run("account O tier=t group=G")
        script.run(f"hold O X {others}")
        names = [f"A{index}" for index in range(len(quantities))]
        for name, quantity in zip(names, quantities, strict=True):
            script.run(f"account {name} tier=t group=G model={model}")
            script.run(f"cash {name} 9000000000")
            script.run(f"hold {name} X {quantity}")
        found.append(needed(script, names))
    assert all(split >= whole for whole, split in zip(*found, strict=True))


@law(30)
@given(
    drawn=tables(),
    model=st.sampled_from(("leveraged", "reg_t")),
    side=st.sampled_from(("buy", "sell")),
    have=st.tuples(st.integers(-20, 40), st.integers(-40, 60), st.integers(1, 60)),
)
def test_the_largest_quantity_is_the_greatest_of_all_that_pass(
    drawn: tuple[Rows, Rows, Rows], model: str, side: str, have: tuple[int, int, int]
) -> None:
    held, beside, cash = have
    script = world()
    script.policy |= {"add_ons": _tables(drawn)}
    assert not script.propose().startswith("MALFORMED")
    for line in (
        f"account A tier=t model={model}",
        f"cash A {cash * 200_000 + (20_000_000 if model == 'reg_t' else 0)}",
        f"hold A X {held}",
        f"hold A Y {beside}",
    ):
        script.run(line)
    largest = _largest(script, f"preview {side} A X 100 @ 101000", 100)
    passing = [
        quantity
        for quantity in range(1, 101)
        if "allow" in script.run(f"preview {side} A X {quantity} @ 101000")
    ]
    assert passing == list(range(1, largest + 1))


def _tables(drawn: tuple[Rows, Rows, Rows]) -> dict[str, Any]:
    weight, days, ownership = drawn
    return {
        "weight": [
            {"above_bps": edge, "long_points_bps": points, "short_points_bps": points * 3 // 2}
            for edge, points in weight
        ],
        "days": [{"above_bps": edge, "points_bps": points} for edge, points in days],
        "ownership": [{"above_bps": edge, "points_bps": points} for edge, points in ownership],
    }


def _largest(script: Script, step: str, asked: int) -> int:
    """Return the largest quantity that a preview names."""
    words = dict(word.split("=") for word in script.run(step).split() if "=" in word)
    return int(words.get("max", asked))
