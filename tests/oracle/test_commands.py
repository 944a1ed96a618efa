"""The generator reaches every reason and oddity often, and is the same for the same seed."""

from collections import Counter

import pytest
from tests.oracle.book import Message
from tests.oracle.commands import Command, Commands
from tests.oracle.oracle import Oracle

SEEDS = range(1, 13)
COUNT = 1_000  # a seed
REASONS = [
    "ACCOUNT_UNKNOWN",
    "INSTRUMENT_UNKNOWN",
    "ORDER_ID_REUSED",
    "ORDER_NOT_RESERVED",
    "ORDER_STALE",
    "HALTED",
    "REDUCE_ONLY",
    "SESSION_CLOSED",
    "NOT_PERMITTED",
    "INSTRUMENT_RESTRICTED",
    "DISCLOSURE_NOT_ACKNOWLEDGED",
    "LIMIT_NOT_SET",
    "LOT_SIZE",
    "TICK_SIZE",
    "PRICE_LIMIT",
    "PRICE_MISSING",
    "PRICE_STALE",
    "PRICE_COLLAR",
    "ORDER_QUANTITY",
    "ORDER_NOTIONAL",
    "ORDER_VOLUME_SHARE",
    "ORDER_RATE",
    "ORDER_REPEATED",
    "OPEN_ORDER_COUNT",
    "DAY_ORDER_COUNT",
    "DAY_TURNOVER",
    "SELF_TRADE",
    "POSITION_LIMIT",
    "SHORT_NOT_ALLOWED",
    "SHORT_UNLOCATED",
    "NOT_SELLABLE",
    "CONCENTRATION_INSTRUMENT",
    "LEVERAGE",
    "INITIAL_MARGIN",
    "MAINTENANCE_RATIO",
    "CREDIT_LINE",
    "DAY_LOSS",
    "DRAWDOWN",
    "GROUP_EXPOSURE",
    "FIRM_FINANCING",
    "RESERVE_COVERAGE",
    "BATCH_REJECTED",
]
ODDITIES = [
    "DUPLICATE",
    "NOT_APPLIED",
    "UNKNOWN_ORDER",
    "OVERFILL",
    "AFTER_END",
    "ORDER_MISMATCH",
    "UNKNOWN_EXECUTION",
    "BUSTED_BEFORE",
    "TOO_OLD",
    "unconfirmed",
    "forgotten",
    "forgotten_batches",
    "replayed",
    "warning",
]


def run(seed: int, count: int) -> list[tuple[Command, Message]]:
    oracle = Oracle()
    commands = Commands(seed, oracle)
    answers = []
    for _ in range(count):
        command = commands.next_command()
        answers.append((command, oracle.apply(*command)))
    return answers


def seen(answer: Message) -> list[str]:
    found = []
    for one in [*answer.get("answers", []), answer]:
        found += [entry["reason"] for entry in one.get("rejections", [])]
        found += ["warning"] * bool(one.get("warnings"))
        found += ["replayed"] * one.get("replayed", False)
        found += [one["verdict"]] if "verdict" in one else []
    for result in answer.get("results", []):
        found += [result["outcome"], *result["flags"]]
    for name in ("unconfirmed", "forgotten", "forgotten_batches"):
        found += [name] * len(answer.get(name, []))
    return found


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    return Counter(
        name for seed in SEEDS for _, answer in run(seed, COUNT) for name in seen(answer)
    )


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_occurs_often(reason: str, counts: Counter[str]) -> None:
    assert counts[reason] >= 20


@pytest.mark.parametrize("oddity", ODDITIES)
def test_every_oddity_occurs(oddity: str, counts: Counter[str]) -> None:
    assert counts[oddity] >= 10


def test_enough_orders_pass(counts: Counter[str]) -> None:
    assert counts["ALLOW"] >= 400


def test_a_seed_gives_the_same_commands_and_answers() -> None:
    assert run(7, 300) == run(7, 300)
