"""What a policy says about margin models, between the contract and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.amounts import ONE, RATIO_BOUND
from tidegate_server.engine.cn.rules import CreditRules, Ratios

from .validation import TIME_BOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidegate.v1 import policy_pb2

    from .validation import Problems

RATIO_LIMIT = 32
CLASS_LIMIT = 100


def read_credit(message: policy_pb2.Policy, problems: Problems) -> CreditRules:
    """Read the tables of ratios and the caps on haircuts."""
    caps: dict[str, int] = {}
    problems.need_count("haircut_caps", len(message.haircut_caps), 0, CLASS_LIMIT)
    for index, one in enumerate(message.haircut_caps):
        field = f"haircut_caps[{index}]."
        problems.may_id(field + "haircut_class", one.haircut_class)
        problems.need_range(field + "cap_bps", one.cap_bps, 0, ONE)
        if one.haircut_class in caps:
            problems.add(field + "haircut_class", "stands twice")
        caps[one.haircut_class] = one.cap_bps
    fund = message.private_fund_short_ratios
    return CreditRules(
        read_ratios(message.financing_ratios, problems, "financing_ratios"),
        read_ratios(message.short_ratios, problems, "short_ratios"),
        read_ratios(fund, problems, "private_fund_short_ratios"),
        caps,
    )


def read_ratios(
    messages: Sequence[policy_pb2.MarginRatio], problems: Problems, name: str
) -> Ratios:
    """Read one table of ratios: times rise."""
    problems.need_count(name, len(messages), 0, RATIO_LIMIT)
    found: list[tuple[int, int]] = []
    for index, one in enumerate(messages):
        field = f"{name}[{index}]."
        since_ns = one.effective_from_time_ns
        first = found[-1][0] + 1 if found else 0
        problems.need_range(field + "effective_from_time_ns", since_ns, first, TIME_BOUND)
        problems.need_range(field + "ratio_bps", one.ratio_bps, 0, RATIO_BOUND)
        found.append((since_ns, one.ratio_bps))
    return tuple(found)


def write_credit(rules: CreditRules, message: policy_pb2.Policy) -> None:
    """Write the tables and caps into a policy's message."""
    for ratios, field in (
        (rules.financing_ratios, message.financing_ratios),
        (rules.short_ratios, message.short_ratios),
        (rules.fund_short_ratios, message.private_fund_short_ratios),
    ):
        for since_ns, ratio_bps in ratios:
            field.add(effective_from_time_ns=since_ns, ratio_bps=ratio_bps)
    for name, cap_bps in rules.haircut_caps.items():
        message.haircut_caps.add(haircut_class=name, cap_bps=cap_bps)
