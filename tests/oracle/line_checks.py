"""4.23 and 4.25: the line that an account stands at, and what it has lost."""

from tests.oracle.book import ONE, Message, down, scale_down, scale_up, upper_ratio
from tests.oracle.case import Case, of_account, once
from tests.oracle.figures import Figures
from tests.oracle.limits import in_mode, setting
from tests.oracle.valuations import Standing, figures_of_lines, lines_in_force, stand

CALLED = ("margin_call", "top_up", "liquidation", "freeze")


@once
def standing(case: Case) -> Standing:
    """The account as the order's command values it before it is judged."""
    return stand(case.book, case.account, case.now)


def maintenance_ratio(case: Case, after: Figures) -> list[Message]:
    """4.23."""
    written = lines_in_force(case.book, case.account)
    figures = figures_of_lines(written)
    if not figures or not in_mode(case, written):
        return []
    found = standing(case)
    if found.state in CALLED:
        now = found.figures
        release = figures[found.state][1]
        if now is None or now.debt == 0:
            return [of_account(case, "MAINTENANCE_RATIO", None, release)]
        measured = down(now.assets * ONE, now.debt)
        return [of_account(case, "MAINTENANCE_RATIO", measured, release)]
    line = figures["margin_call"][0]
    if after.debt > 0 and after.assets < scale_up(after.debt, line):
        measured = down(after.assets * ONE, after.debt)
        return [of_account(case, "MAINTENANCE_RATIO", measured, line)]
    return []


@once
def losses(case: Case) -> list[Message]:
    """4.25."""
    found = standing(case)
    worth = found.figures.equity if found.figures is not None else 0
    reasons = []
    limit = setting(case, "day_loss_e4").value
    if limit is not None and found.start is not None and found.start - worth > limit:
        reasons.append(of_account(case, "DAY_LOSS", found.start - worth, limit))
    share = setting(case, "drawdown_bps").value
    if share is not None and found.high is not None:
        fallen = found.high - worth
        if fallen > scale_down(max(found.high, 0), share) and fallen > 0:
            measured = upper_ratio(fallen, found.high)
            reasons.append(of_account(case, "DRAWDOWN", measured, share))
    return reasons
