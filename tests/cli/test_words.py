"""Reasons in plain words."""

from __future__ import annotations

import pytest

from tidegate.v1 import order_pb2
from tidegate_server.cli import words

REASONS = [name for name, number in order_pb2.RejectReason.items() if number]
ACCOUNT = order_pb2.SCOPE_KIND_ACCOUNT


def rejection(
    name: str,
    measured: int | None = None,
    limit: int | None = None,
    *,
    kind: order_pb2.ScopeKind.ValueType = ACCOUNT,
    subject: str = "",
    note: str = "",
) -> order_pb2.Rejection:
    return order_pb2.Rejection(
        reason=order_pb2.RejectReason.Value(f"REJECT_REASON_{name}"),
        measured=measured,
        limit=limit,
        scope_kind=kind,
        scope_id="" if kind == order_pb2.SCOPE_KIND_FIRM else "A1",
        subject=subject,
        note=note,
    )


@pytest.mark.parametrize("name", REASONS)
def test_every_reason_of_the_contract_has_words_and_a_cure(name: str) -> None:
    said, cure = words.explain(rejection(name.removeprefix("REJECT_REASON_"), 7, 5))
    assert said != words.UNKNOWN[0]
    assert cure
    assert "{" not in said + cure


@pytest.mark.parametrize(
    ("found", "said", "cure"),
    [
        (
            rejection("LEVERAGE", 24_061, 20_000),
            "Exposure would be 2.4061 times equity; 2.00 times is allowed.",
            "order 201 at most; or add cash, or close positions first",
        ),
        (
            rejection("INITIAL_MARGIN", -12_000_000, 0),
            "1,200.00 of margin would be missing.",
            "order 201 at most; or add 1,200.00 of cash, or close positions first",
        ),
        (
            rejection("ORDER_QUANTITY", 1_000, 201),
            "The order is for 1,000; one order may be for 201.",
            "order 201 at most",
        ),
        (
            rejection("LEVERAGE", 2**63 - 1, 20_000),
            "There would be no equity left.",
            "add cash, or close positions first",
        ),
        (
            rejection("HALTED", kind=order_pb2.SCOPE_KIND_FIRM, subject="h1", note="ann: storm"),
            "The firm is halted (h1, ann: storm).",
            "wait until the halt is released",
        ),
        (
            rejection("HALTED", kind=order_pb2.SCOPE_KIND_FIRM, subject="regime"),
            "The firm is halted.",
            "wait until the regime is lifted",
        ),
        (
            rejection("REDUCE_ONLY"),
            "The order says that it only reduces, and it does not.",
            "order no more than the account can close",
        ),
        (
            rejection("SESSION_CLOSED", kind=order_pb2.SCOPE_KIND_FIRM, subject="trading_window"),
            "Risk's trading window is not in a trading session.",
            "wait for the session to open",
        ),
        (
            rejection("SELF_TRADE", None, 100_000),
            "At the market it could trade with an open order of the account at 10.00.",
            "cancel that order first",
        ),
        (
            rejection("LIMIT_NOT_SET", subject="day_turnover_e4"),
            "Something that must be set is not: day turnover e4.",
            "risk staff must set it, or write down that there is no limit",
        ),
        (
            rejection("POSITION_LIMIT", 501, 500, kind=order_pb2.SCOPE_KIND_INSTRUMENT),
            "The position could grow to 501; 500 is allowed for instrument A1.",
            "order 201 at most; or close or cancel some of it first",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_reason_is_said_with_its_figures(
    found: order_pb2.Rejection, said: str, cure: str
) -> None:
    assert words.explain(found, 201) == (said, cure)


def test_where_no_size_passes_the_cure_names_none() -> None:
    assert words.explain(rejection("LEVERAGE", 24_061, 20_000), 0)[1] == (
        "add cash, or close positions first"
    )
    assert words.explain(rejection("ORDER_QUANTITY", 2, 0), 0)[1].startswith("no quantity")


def test_a_reason_of_a_later_gate_has_words_too() -> None:
    unknown = order_pb2.Rejection()
    unknown.MergeFromString(b"\x08\xe7\x07")  # reason 999
    assert words.explain(unknown) == words.UNKNOWN
