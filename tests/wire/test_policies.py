"""Policies between the contract and the engine, and which of two is the looser."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.adapter import to_protobuf
from tests.wire.requests import POLICY

from tidegate.v1 import policy_pb2
from tidegate_server.engine.limit import LIMIT_NAMES
from tidegate_server.engine.policy import Policy
from tidegate_server.engine.scope_limits import SCOPE_KINDS
from tidegate_server.engine.tightening import loosened_fields
from tidegate_server.wire.policies import read_policy, write_policy
from tidegate_server.wire.validation import Problems

RATIOS = st.integers(0, 10**6)
FACTORS = st.integers(10_000, 10**6)
SPANS = st.integers(1, 400 * 86_400 * 10**9)
FLAGS = st.booleans()
WINDOW = ("open_of_day_ns", "close_of_day_ns")


@st.composite
def limit(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw one limit: a value, a rate, unlimited, or only required."""
    kind = draw(st.sampled_from(("value", "unlimited", "none")))
    made: dict[str, Any] = {"required": draw(FLAGS)}
    if kind == "unlimited":
        made["unlimited"] = True
    elif kind == "value" and name == "order_rate":
        made |= {"per_second": draw(st.integers(1, 99)), "burst": draw(st.integers(1, 99))}
    elif kind == "value":
        made["value"] = draw(RATIOS)
    if "floor" not in name and draw(FLAGS):
        made["mode"] = "WARN"
    return made


KINDS = {"FIRM": 1, "GROUP": 2, "SECTOR": 4, "INSTRUMENT": 6}


@st.composite
def limits(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the limits of one level."""
    names = draw(st.lists(st.sampled_from(LIMIT_NAMES), unique=True, max_size=4))
    return {name: draw(limit(name)) for name in names}


@st.composite
def tier(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw a tier with a table."""
    edges = sorted(draw(st.sets(st.integers(1, 10**6), max_size=3)))
    bands = []
    for edge in (0, *edges):
        cap = draw(st.none() | RATIOS)
        bands.append({"ratio_from_bps": edge} | ({} if cap is None else {"cap_bps": cap}))
    table = {"rating_group": "G", "bands": bands} | ({"mode": "WARN"} if draw(FLAGS) else {})
    tables = [table] if draw(FLAGS) else []
    made: dict[str, Any] = {"tier_id": name, "limits": draw(limits()), "concentration": tables}
    for kind in ("sector_concentration", "board_concentration"):
        table = {"scope_id": draw(st.sampled_from(("", "S"))), "bands": bands}
        table |= {"mode": "WARN"} if draw(FLAGS) else {}
        made[kind] = [table] if draw(FLAGS) else []
    return {**made, "concentration_required": draw(FLAGS)}


@st.composite
def scopes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw limits of scopes."""
    made = []
    for kind, name in (("FIRM", ""), ("GROUP", "G"), ("SECTOR", ""), ("INSTRUMENT", "X")):
        names = [one for one, kinds in SCOPE_KINDS.items() if KINDS[kind] in kinds]
        scope: dict[str, Any] = {"scope_kind": kind, "scope_id": name}
        for one in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
            scope[one] = {"value": draw(RATIOS)} | ({"mode": "WARN"} if draw(FLAGS) else {})
        if draw(FLAGS):
            made.append(scope)
    return made


@st.composite
def add_ons(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the tables of add-ons: edges that rise, points that never fall."""
    made: dict[str, Any] = {}
    for axis, names in (
        ("weight", ("long_points_bps", "short_points_bps")),
        ("days", ("points_bps",)),
        ("ownership", ("points_bps",)),
    ):
        edges = sorted(draw(st.sets(st.integers(0, 9_999), max_size=3)))
        points = [sorted(draw(RATIOS) for _ in edges) for _ in names]
        made[axis] = [
            {"above_bps": edge, **dict(zip(names, of_band, strict=True))}
            for edge, *of_band in zip(edges, *points, strict=True)
        ]
    return made


@st.composite
def policies(draw: st.DrawFn) -> policy_pb2.Policy:
    """Draw a policy that the contract takes."""
    made: dict[str, Any] = dict(POLICY)
    for name in made:
        if name.endswith("_ns"):
            made[name] = draw(SPANS)
    made["max_valuation_age_ns"] = draw(SPANS)
    made["release_window_ns"] = draw(SPANS)  # 0 would be written as what it stands for
    made["max_override_ns"] = draw(SPANS)  # the same
    elevated, stressed = sorted((draw(FACTORS), draw(FACTORS)))
    made |= {"elevated_regime_bps": elevated, "stressed_regime_bps": stressed}
    made |= {"stress_factor_bps": draw(FACTORS), "slow_mark_step_bps": draw(st.integers(0, 10**4))}
    if draw(FLAGS):
        made["principal_order_rate"] = draw(limit("order_rate"))
    made["scopes"] = draw(scopes())
    made["disclosure_version"] = draw(st.integers(0, 3))
    made |= {"add_ons": draw(add_ons())} if draw(FLAGS) else {}
    if draw(FLAGS):
        opens, closes = draw(st.integers(0, 99)), draw(st.integers(100, 86_400 * 10**9))
        span = draw(st.sampled_from(((opens, closes), (closes - 1, max(opens, 1)))))
        made["trading_window"] = dict(zip(WINDOW, span, strict=True))
    made["default_limits"] = draw(limits())
    made["tiers"] = [draw(tier(name)) for name in draw(st.sets(st.sampled_from("pq")))]
    return message_of(made)


def message_of(made: dict[str, Any]) -> policy_pb2.Policy:
    """Return a policy's message."""
    request: Any = to_protobuf({"policy": made}, "ProposePolicyRequest")
    policy = policy_pb2.Policy()
    policy.CopyFrom(request.policy)
    return policy


def read(message: policy_pb2.Policy) -> Policy:
    """Read a sound policy."""
    problems = Problems()
    found = read_policy(message, problems)
    problems.refuse()
    return found


def policy(**change: Any) -> Policy:
    """Return a small policy with some figures changed."""
    return read(message_of({**POLICY, **change}))


def tiers(**change: Any) -> Policy:
    """Return a policy with one tier."""
    return policy(tiers=[{"tier_id": "t", **change}])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(policies())
def test_a_policy_reads_and_writes_back(message: policy_pb2.Policy) -> None:
    assert write_policy(read(message)) == message


@settings(max_examples=100, deadline=None, derandomize=True)
@given(policies())
def test_a_policy_never_loosens_itself(message: policy_pb2.Policy) -> None:
    assert loosened_fields(read(message), read(message)) == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(policies(), policies(), policies())
def test_tightening_twice_is_tightening(
    first: policy_pb2.Policy, second: policy_pb2.Policy, third: policy_pb2.Policy
) -> None:
    one, two, three = read(first), read(second), read(third)
    if not loosened_fields(one, two) and not loosened_fields(two, three):
        assert not loosened_fields(one, three)


def bands(*made: tuple[int, int | None]) -> list[dict[str, Any]]:
    rows = [
        {"ratio_from_bps": edge} | ({} if cap is None else {"cap_bps": cap}) for edge, cap in made
    ]
    return [{"rating_group": "G", "bands": rows}]


def position(**limit: Any) -> dict[str, Any]:
    return {"limits": {"position": limit}}


def window(opens: int, closes: int) -> Policy:
    """Return a policy with a trading window, in hours."""
    hours = (opens * 3_600 * 10**9, closes * 3_600 * 10**9)
    return policy(trading_window=dict(zip(WINDOW, hours, strict=True)))


def days(*made: tuple[int, int]) -> Policy:
    """Return a policy with add-ons by days of volume."""
    return policy(add_ons={"days": [{"above_bps": e, "points_bps": p} for e, p in made]})


def weights(*made: tuple[int, int, int]) -> Policy:
    """Return a policy with add-ons by weight."""
    names = ("above_bps", "long_points_bps", "short_points_bps")
    return policy(add_ons={"weight": [dict(zip(names, row, strict=True)) for row in made]})


PAIRS: list[tuple[str, Policy, Policy, list[str]]] = [
    ("an equal policy", policy(), policy(), []),
    ("a comment", policy(), policy(comment="other"), []),
    ("a longer age", policy(), policy(max_order_age_ns=2), ["max_order_age_ns"]),
    ("a shorter age", policy(max_order_age_ns=2), policy(), []),
    ("a higher stress factor", policy(), policy(stress_factor_bps=10_001), []),
    (
        "a lower stress factor",
        policy(stress_factor_bps=10_001),
        policy(),
        ["stress_factor_bps"],
    ),
    ("a slower slow mark", policy(slow_mark_step_bps=1), policy(), ["slow_mark_step_bps"]),
    ("a quicker slow mark", policy(), policy(slow_mark_step_bps=1), ["slow_mark_step_bps"]),
    ("a later disclosure", policy(), policy(disclosure_version=1), []),
    ("an older disclosure", policy(disclosure_version=1), policy(), ["disclosure_version"]),
    ("a window where there was none", policy(), window(8, 16), []),
    ("a window taken away", window(8, 16), policy(), ["trading_window"]),
    ("a narrower window", window(8, 16), window(9, 15), []),
    ("a window that opens earlier", window(8, 16), window(7, 15), ["trading_window"]),
    ("a window that closes later", window(8, 16), window(9, 17), ["trading_window"]),
    ("a narrower window over midnight", window(22, 6), window(23, 5), []),
    ("a part of a window over midnight", window(22, 6), window(1, 6), []),
    ("a window over midnight for one by day", window(8, 16), window(15, 9), ["trading_window"]),
    ("the whole day for a window over midnight", window(22, 6), window(0, 24), ["trading_window"]),
    ("add-ons where there were none", policy(), days((10_000, 1)), []),
    ("add-ons taken away", days((10_000, 1)), policy(), ["add_ons.days"]),
    ("add-ons of no points taken away", days((10_000, 0)), policy(), []),
    ("more points", days((10_000, 1)), days((10_000, 2)), []),
    ("fewer points", days((10_000, 2)), days((10_000, 1)), ["add_ons.days"]),
    ("a lower edge", days((10_000, 1)), days((9_999, 1)), []),
    ("a higher edge", days((10_000, 1)), days((10_001, 1)), ["add_ons.days"]),
    ("a band before the first", days((10_000, 5)), days((0, 1), (10_000, 5)), []),
    ("the last band taken away", days((0, 1), (9, 5)), days((0, 1)), ["add_ons.days"]),
    ("a band that the next one comes up to", days((0, 1), (9, 5)), days((0, 5)), []),
    ("fewer points of longs", weights((5, 2, 2)), weights((5, 1, 9)), ["add_ons.weight"]),
    ("fewer points of shorts", weights((5, 2, 2)), weights((5, 9, 1)), ["add_ons.weight"]),
    ("another axis", weights((5, 2, 2)), days((5, 2)), ["add_ons.weight"]),
    ("a lower limit", tiers(**position(value=2)), tiers(**position(value=1)), []),
    (
        "a higher limit",
        tiers(**position(value=1)),
        tiers(**position(value=2)),
        ["tiers[t].limits.position"],
    ),
    ("a limit where there was none", tiers(), tiers(**position(value=1)), []),
    (
        "a limit taken away",
        tiers(**position(value=1)),
        tiers(),
        ["tiers[t].limits.position"],
    ),
    (
        "a limit made unlimited",
        tiers(**position(value=1)),
        tiers(**position(unlimited=True)),
        ["tiers[t].limits.position"],
    ),
    ("an unlimited one limited", tiers(**position(unlimited=True)), tiers(**position(value=1)), []),
    (
        "a required one that is set at last",
        tiers(**position(required=True)),
        tiers(**position(value=1, required=True)),
        ["tiers[t].limits.position"],
    ),
    (
        "a required one that is no longer required",
        tiers(**position(required=True)),
        tiers(),
        ["tiers[t].limits.position"],
    ),
    ("one that is required from now on", tiers(), tiers(**position(required=True)), []),
    (
        "a tier's limit taken away over a higher default",
        policy(
            tiers=[{"tier_id": "t", **position(value=1)}],
            default_limits={"position": {"value": 2}},
        ),
        policy(tiers=[{"tier_id": "t"}], default_limits={"position": {"value": 2}}),
        ["tiers[t].limits.position"],
    ),
    (
        "a tier's limit taken away over a lower default",
        policy(
            tiers=[{"tier_id": "t", **position(value=3)}],
            default_limits={"position": {"value": 2}},
        ),
        policy(tiers=[{"tier_id": "t"}], default_limits={"position": {"value": 2}}),
        [],
    ),
    (
        "a higher default that every tier hides",
        policy(
            tiers=[{"tier_id": "t", **position(value=1)}],
            default_limits={"position": {"value": 2}},
        ),
        policy(
            tiers=[{"tier_id": "t", **position(value=1)}],
            default_limits={"position": {"value": 3}},
        ),
        ["default_limits.position"],
    ),
    ("a new tier", policy(), tiers(), ["tiers[t]"]),
    (
        "the usual window of releases, written down",
        policy(),
        policy(release_window_ns=900 * 10**9),
        [],
    ),
    (
        "a longer window of releases than the usual one",
        policy(),
        policy(release_window_ns=900 * 10**9 + 1),
        ["release_window_ns"],
    ),
    ("a tier taken away", tiers(), policy(), []),
    (
        "a greater burst",
        policy(principal_order_rate={"per_second": 1, "burst": 1}),
        policy(principal_order_rate={"per_second": 1, "burst": 2}),
        ["principal_order_rate"],
    ),
    (
        "a higher rate",
        policy(principal_order_rate={"per_second": 1, "burst": 1}),
        policy(principal_order_rate={"per_second": 2, "burst": 1}),
        ["principal_order_rate"],
    ),
    (
        "a rate where there was none",
        policy(),
        policy(principal_order_rate={"per_second": 2, "burst": 1}),
        [],
    ),
    (
        "a rate taken away",
        policy(principal_order_rate={"per_second": 2, "burst": 1}),
        policy(),
        ["principal_order_rate"],
    ),
    (
        "a higher cap",
        tiers(concentration=bands((0, 100))),
        tiers(concentration=bands((0, 101))),
        ["tiers[t].concentration"],
    ),
    (
        "a cap from another edge that is lower everywhere",
        tiers(concentration=bands((0, 100), (5, 200))),
        tiers(concentration=bands((0, 100), (6, 200))),
        [],
    ),
    (
        "a cap from another edge that is higher somewhere",
        tiers(concentration=bands((0, 100), (5, 200))),
        tiers(concentration=bands((0, 100), (4, 200))),
        ["tiers[t].concentration"],
    ),
    (
        "no cap where there was one",
        tiers(concentration=bands((0, 100))),
        tiers(concentration=bands((0, None))),
        ["tiers[t].concentration"],
    ),
    ("a table where there was none", tiers(), tiers(concentration=bands((0, 1))), []),
    (
        "a table taken away",
        tiers(concentration=bands((0, 1))),
        tiers(),
        ["tiers[t].concentration"],
    ),
    (
        "a table where one was required",
        tiers(concentration_required=True),
        tiers(concentration_required=True, concentration=bands((0, 1))),
        ["tiers[t].concentration"],
    ),
    (
        "tables no longer required",
        tiers(concentration_required=True),
        tiers(),
        ["tiers[t].concentration"],
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in PAIRS]
)
def test_what_is_looser_is_named(old: Policy, new: Policy, wanted: list[str]) -> None:
    assert loosened_fields(old, new) == wanted
