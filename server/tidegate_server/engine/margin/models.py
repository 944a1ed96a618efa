"""What the margin models differ in: rates, a line's requirements, the account's own minimum (6).

The `leveraged` model is the plain case: what these functions return for it is what they are given,
and the order path asks them only for accounts of another model.
"""

from __future__ import annotations

from ..commands import MODEL_PORTFOLIO, MODEL_REG_T  # noqa: TID252 - one level up is this room
from ..instrument_terms import InstrumentTerms  # noqa: TID252 - one level up is this room
from ..lines import Line  # noqa: TID252 - the same
from . import leveraged, portfolio, reg_t


def effective_rates(
    model: int, terms: InstrumentTerms, factor: int
) -> tuple[int, int, int, int, int]:
    """Return v_eff and the initial long, short, maintenance long, short rates under it, in bps."""
    if model == MODEL_REG_T:
        return reg_t.effective_rates(terms, factor)
    if model == MODEL_PORTFOLIO:
        return portfolio.effective_rates(terms, factor)
    return leveraged.effective_rates(terms, factor)


def in_model(model: int, line: Line, shorts: int, mark: int, high: int, unit: int) -> Line:
    """Return a line with the model's requirements; `shorts` are short when all opening fills."""
    if model == MODEL_REG_T:
        return reg_t.with_share_floor(line, shorts, mark, high, unit)
    return line


def required(model: int, requirement: int, debt: int) -> int:
    """Return an account's requirement, the sum of its lines', in e4."""
    if model == MODEL_REG_T and debt > 0 and requirement < reg_t.LEAST_EQUITY_E4:
        return reg_t.LEAST_EQUITY_E4
    return requirement
