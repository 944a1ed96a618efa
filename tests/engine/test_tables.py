"""Every row of tests/tables: figures worked out by hand from the rulebook."""

import pytest
from tests.engine.script import Script
from tests.engine.tables import Case, tables


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{table}: {case.name}") for table, case in tables()]
)
def test_the_gate_answers_as_worked_out_by_hand(case: Case) -> None:
    script = Script()
    for number, step, wanted in case.lines:
        found = " ".join(script.run(step).split())
        assert wanted is None or found == wanted, f"line {number}: {step}\n{found}\nwanted {wanted}"
