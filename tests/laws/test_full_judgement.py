"""The full judgement takes shorter ways where they cannot matter: to the same reasons."""

import pytest
from tests.laws.runs import EXAMPLES, Call, ask, calls_of

from tidegate_server.engine.checks.sums import valued_sums
from tidegate_server.engine.judge import judge, judgement_of, sums_hold
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection
from tidegate_server.engine.sharing import share_with
from tidegate_server.engine.sizing import max_acceptable
from tidegate_server.engine.state import roll_if_due
from tidegate_server.wire.decoding import decode_check
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.validation import MalformedError

WORLDS = EXAMPLES or 5
COMMANDS = 700


class Asked:
    """An order that can be judged, again and again."""

    def __init__(self, machine: Machine, call: Call) -> None:
        self.order = decode_check(call.request, call.principal)
        self.now_ns = call.now_ns
        self.book = book = machine.book
        self.policy = book.policy
        self.account = book.accounts.get(self.order.account_id)
        self.instrument = book.instruments.get(self.order.instrument_id)

    def judged(self) -> Judgement | None:
        """Open its judgement anew."""
        if self.policy is None or self.account is None or self.instrument is None:
            return None
        roll_if_due(self.book, self.account)
        return judgement_of(
            self.book, self.policy, self.account, self.instrument, self.order, self.now_ns
        )


@pytest.fixture(scope="module")
def found() -> tuple[list[tuple[object, object]], list[Rejection], int]:
    """Judge the orders of some worlds at sight and exactly, and look at sums that hold at sight."""
    pairs: list[tuple[object, object]] = []
    wrong: list[Rejection] = []
    held = 0
    for seed in range(WORLDS):
        machine = Machine()
        for call in calls_of(seed, COMMANDS):
            if call.method == "CheckOrder":
                try:
                    asked = Asked(machine, call)
                except MalformedError:
                    continue
                lazy, exact = asked.judged(), asked.judged()
                if lazy is not None and exact is not None:
                    if exact.valued:
                        exact.value_exactly()
                    pairs.append((reasons(lazy), reasons(exact)))
                    held += sums_at_sight(asked, wrong)
            ask(machine, call)
    return pairs, wrong, held


def reasons(judged: Judgement) -> object:
    """Return what speaks against an order, and the largest quantity that would pass."""
    rejections = judge(judged)
    figures = [(one.reason, one.measured, one.limit, one.scope_id) for one in rejections]
    return figures, max_acceptable(judged, rejections)


def sums_at_sight(asked: Asked, wrong: list[Rejection]) -> bool:
    """Tell whether sums of valuations hold at sight; note what speaks against that."""
    judged = asked.judged()
    if judged is None or not judged.valued or not judged.policy.keeps_shares:
        return False
    share = share_with(judged)
    if not sums_hold(judged, share):
        return False
    for warning in (False, True):
        wrong += valued_sums(
            judged.book, judged.policy, judged.account, share, judged.now_ns, warning=warning
        )
    return True


def test_reasons_are_those_of_exact_figures(
    found: tuple[list[tuple[object, object]], list[Rejection], int],
) -> None:
    pairs = found[0]
    assert len(pairs) > 300
    for lazy, exact in pairs:
        assert lazy == exact


def test_sums_that_hold_at_sight_do(
    found: tuple[list[tuple[object, object]], list[Rejection], int],
) -> None:
    assert found[2] > 5
    assert found[1] == []
