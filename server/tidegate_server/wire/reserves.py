"""The firm's reserve, and how old valuations may be, between the contract and the engine (4.26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import policy_pb2
from tidegate_server.engine.amounts import AMOUNT_BOUND, ONE, RATIO_BOUND
from tidegate_server.engine.scope_limits import Reserve

from .modes import read_mode, write_mode

if TYPE_CHECKING:
    from .validation import Problems

AGE_BOUND: Final = 400 * 86_400 * 10**9


def read_reserve(message: policy_pb2.Policy, problems: Problems) -> Reserve | None:
    """Read the reserve; None where the policy leaves it out."""
    problems.need_range("max_valuation_age_ns", message.max_valuation_age_ns, 0, AGE_BOUND)
    if not message.HasField("reserve"):
        return None
    reserve = message.reserve
    problems.need_range("reserve.pool_e4", reserve.pool_e4, 0, AMOUNT_BOUND)
    problems.need_range("reserve.coverage_bps", reserve.coverage_bps, 1, RATIO_BOUND)
    problems.need_range("reserve.stress_bps", reserve.stress_bps, 0, ONE)
    warns = read_mode(reserve.mode, problems, "reserve.mode")
    return Reserve(reserve.pool_e4, reserve.coverage_bps, reserve.stress_bps, warns=warns)


def write_reserve(reserve: Reserve) -> policy_pb2.Reserve:
    """Return the reserve as the contract has it."""
    return policy_pb2.Reserve(
        pool_e4=reserve.pool_e4,
        coverage_bps=reserve.coverage_bps,
        stress_bps=reserve.stress_bps,
        mode=write_mode(warns=reserve.warns),
    )
