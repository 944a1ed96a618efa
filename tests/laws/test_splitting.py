"""One order in two costs no less, and accounts that share nothing do not feel each other."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.runs import law

FIGURES = ("weighted_gross", "initial_margin", "maintenance_margin", "gross")


class Facts(NamedTuple):
    """One instrument and what is held of it."""

    decimals: int
    long_bps: int
    short_bps: int
    factor: int
    slow: int
    position: int


def world(made: Facts) -> Script:
    """Return a world with one instrument, its mark off the slow mark, and a position in it."""
    rates = f"initial_margin_long_bps={made.long_bps} initial_margin_short_bps={made.short_bps}"
    script = Script()
    for line in (
        "limit t leverage_bps unlimited",
        f"instrument X quantity_decimals={made.decimals}",
        f"instrument X {rates}",
        f"factor X {made.factor}",
        "account A tier=t",
        "cash A 900000000000000",
        f"mark X {made.slow}",
        f"hold A X {made.position}",
        "mark X 123457",
    ):
        assert script.run(line) in {"", "done", "older=0", "900000000000000"}
    return script


def projected(script: Script) -> list[int]:
    """Return the figures that no split may lower."""
    found = script.run("projected A " + " ".join(FIGURES))
    return [int(part.split("=")[1]) for part in found.split()]


@law(120)
@given(
    made=st.builds(
        Facts,
        decimals=st.integers(0, 4),
        long_bps=st.integers(0, 10_000),
        short_bps=st.integers(0, 15_000),
        factor=st.integers(10_000, 30_000),
        slow=st.integers(100_000, 150_000),
        position=st.integers(-500, 500),
    ),
    side=st.sampled_from(("buy", "sell")),
    quantity=st.integers(2, 1_200),
    part=st.floats(0, 1, exclude_max=True),
    price=st.integers(110_000, 135_000),
)
def test_splitting_an_order_never_lowers_weight_or_margin(
    made: Facts, side: str, quantity: int, part: float, price: int
) -> None:
    whole, split = world(made), world(made)
    first = 1 + int(part * (quantity - 1))
    assert whole.run(f"{side} A X {quantity} @ {price}").startswith("allow")
    for piece in (first, quantity - first):
        assert split.run(f"{side} A X {piece} @ {price}").startswith("allow")
    assert all(b >= a for a, b in zip(projected(whole), projected(split), strict=True))


@law(60)
@given(
    order=st.permutations([0, 0, 0, 1, 1, 1, 2, 2, 2]),
    quantities=st.lists(st.integers(1, 120), min_size=9, max_size=9),
)
def test_permuting_independent_accounts_changes_nothing(
    order: list[int], quantities: list[int]
) -> None:
    lines: dict[int, list[str]] = {account: [] for account in range(3)}
    for index, quantity in enumerate(quantities):
        account, side = index % 3, "buy" if index % 2 else "sell"
        lines[account].append(f"{side} B{account} X {quantity} @ 100000 #o{index}")
    assert outcomes(lines, [0, 0, 0, 1, 1, 1, 2, 2, 2]) == outcomes(lines, order)


def outcomes(lines: dict[int, list[str]], order: list[int]) -> dict[int, list[str]]:
    """Run the accounts' orders in some order; return what each account saw and has."""
    script = Script()
    for line in (
        "limit t leverage_bps 20000",
        "limit t order_rate 2/3",
        "limit t position 150",
        "instrument X initial_margin_long_bps=5000 initial_margin_short_bps=5000",
        "factor X 10000",
        "mark X 100000",
    ):
        script.run(line)
    for account in lines:
        script.run(f"account B{account} tier=t")
        script.run(f"cash B{account} 10000000")
    found: dict[int, list[str]] = {account: [] for account in lines}
    for account in order:
        step = lines[account][len(found[account])]
        found[account].append(script.run(step).replace(f"B{account}", "B"))
    for account, seen in found.items():
        name = f"B{account}"
        seen += [script.run(f"{verb} {name} X") for verb in ("position", "day")]
        seen.append(script.run(f"projected {name} cash assets debt weighted_gross initial_margin"))
    return found
