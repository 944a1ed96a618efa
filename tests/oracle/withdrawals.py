"""Withdrawals (8.7): what speaks against one, and the most that would pass, found by halving."""

from dataclasses import replace

from tests.oracle.book import MONEY_MAX, ONE, Account, Book, Instrument, Message, lines_of, scale_up
from tests.oracle.case import Case, entry
from tests.oracle.credit import free_cash, is_credit
from tests.oracle.figures import projected
from tests.oracle.line_checks import CALLED
from tests.oracle.order_checks import halted
from tests.oracle.valuations import figures_of_lines, lines_in_force, stand


def allowed(request: Message) -> Message:
    """What is said of a withdrawal that is booked; nothing of a fact."""
    return {"verdict": "ALLOW"} if request.get("kind") == "WITHDRAWAL" else {}


def refused(
    book: Book, account: Account | None, request: Message, principal: str, now: int
) -> Message:
    """Every reason against a withdrawal, and the most that would pass; empty if it passes."""
    amount = -request["amount_e4"]
    if account is None:
        scope = ("ACCOUNT", request["account_id"])
        return {"rejections": [entry("ACCOUNT_UNKNOWN", scope)]}
    barriers = standing(book, account, principal, now)
    dark = any(entry["reason"] == "PRICE_MISSING" for entry in barriers)
    called = margin_called(book, account, now)
    found = [] if dark else figures_against(book, account, amount, now)
    if called:
        kept = [one for one in found if one["reason"] != "MAINTENANCE_RATIO"]
        drawn = [one for one in kept if one["reason"] == "CREDIT_LINE"]
        found = [one for one in kept if one not in drawn] + called + drawn
    reasons = barriers + found
    if not reasons:
        return {}
    most = 0 if barriers or called else largest(book, account, amount, now)
    return {"rejections": reasons, "max_withdrawal_e4": most}


def standing(book: Book, account: Account, principal: str, now: int) -> list[Message]:
    """What no smaller amount would cure: halts, and what has no price."""
    nowhere = {"instrument_id": "", "side": "BUY"}
    lines = lines_of(account)
    case = Case(book, account, Instrument({}), nowhere, principal, now, lines)
    dark = sorted(name for name in lines if book.instruments[name].mark is None)
    missing = [entry("PRICE_MISSING", ("INSTRUMENT", name), subject=name) for name in dark[:1]]
    return halted(case) + missing


def margin_called(book: Book, account: Account, now: int) -> list[Message]:
    """2.6: from margin_call on nothing is paid out, whatever the mode of the lines."""
    figures = figures_of_lines(lines_in_force(book, account))
    found = stand(book, account, now)
    if found.state not in CALLED or not figures:
        return []
    ratio = None
    if found.figures is not None and found.figures.debt:
        ratio = found.figures.assets * ONE // found.figures.debt
    scope = ("ACCOUNT", account.account_id)
    return [entry("MAINTENANCE_RATIO", scope, (ratio, figures[found.state][1]))]


def figures_against(book: Book, account: Account, amount: int, now: int) -> list[Message]:
    """What the account's figures say once the amount is gone."""
    poorer = replace(account, cash=account.cash - amount)
    after = projected(book, poorer, lines_of(account), now)
    scope = ("ACCOUNT", account.account_id)
    if after.gross > MONEY_MAX:
        return [entry("LEVERAGE", scope, (after.gross, MONEY_MAX))]
    found = []
    left = after.available
    if is_credit(account):  # 6.3: proceeds of short sales and what open buys cost stay
        left = min(left, free_cash(book, poorer))
    if left < 0:
        found.append(entry("INITIAL_MARGIN", scope, (left, 0)))
    lines = figures_of_lines(lines_in_force(book, account))
    line = lines["withdraw"][0] if lines else 0
    if after.debt > 0 and after.assets < scale_up(after.debt, line):
        ratio = after.assets * ONE // after.debt
        found.append(entry("MAINTENANCE_RATIO", scope, (ratio, line)))
    if after.cash < 0:
        found.append(entry("CREDIT_LINE", scope, (-after.cash, 0)))
    return found


def largest(book: Book, account: Account, amount: int, now: int) -> int:
    """The largest amount below one that is refused."""
    passes, fails = 0, amount
    while fails - passes > 1:
        middle = (passes + fails) // 2
        if figures_against(book, account, middle, now):
            fails = middle
        else:
            passes = middle
    return passes
