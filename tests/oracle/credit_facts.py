"""Repayments, returns, interest and fees under cn_margin."""

from typing import Any

from tests.oracle import credit, credit_fills, valuations
from tests.oracle.book import MONEY_MAX, Account, Book, Message
from tests.oracle.reports import freeze


def content(request: Message, method: str) -> tuple[Any, ...]:
    """What an id books: another under the same id is refused."""
    names = ("kind", "amount_e4", "quantity", "instrument_id", "contract_id")
    return (method, *(request.get(name) for name in names))


class CreditFacts:
    """Books what staff reports of contracts, each id once a day."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def _book(self, request: Message, now: int, method: str) -> Message:
        account = self.book.accounts.get(request["account_id"])
        if account is None:
            return {"error": "NOT_FOUND"}
        today = account.trading_date == self.book.trading_date
        if today and request["adjustment_id"] in account.adjustments:
            if account.adjustments[request["adjustment_id"]] != content(request, method):
                return {"error": "IMMUTABLE"}
            stamp = {"sequence": account.sequence, "decided_time_ns": now}
            return {**stamp, "cash_e4": account.cash, "replayed": True}
        refusal = self._refusal(account, request, method)
        if refusal:
            return {"error": refusal}
        self.book.next()
        self.book.touch(account.account_id)
        before, owned = valuations.equity(self.book, account, now), _money(account)
        if not getattr(self, f"_do_{method}")(account, request):
            freeze(self.book, ("ACCOUNT", account.account_id), "out of bounds", now)
        after = valuations.equity(self.book, account, now)
        moved = _money(account) - owned  # a booking is neither gain nor loss
        if before is not None and after is not None:
            moved = after - before
        valuations.value(self.book, account, now, moved)
        account.adjustments[request["adjustment_id"]] = content(request, method)
        return {**self.book.stamp(now), "cash_e4": account.cash}

    def _refusal(self, account: Account, request: Message, method: str) -> str:
        if request.get("expected_sequence", 0) != account.sequence:
            return "STALE_SEQUENCE"
        if not credit.is_credit(account):
            return "MARGIN_MODEL"
        return str(getattr(self, f"_refuse_{method}")(account, request))

    def repay_cash(self, request: Message, _principal: str, now: int) -> Message:
        """Repay in cash."""
        return self._book(request, now, "repay")

    def return_shares(self, request: Message, _principal: str, now: int) -> Message:
        """Return collateral."""
        return self._book(request, now, "return")

    def accrue_interest(self, request: Message, _principal: str, now: int) -> Message:
        """Owe interest on a contract."""
        return self._book(request, now, "interest")

    def charge_fee(self, request: Message, _principal: str, now: int) -> Message:
        """Owe a fee."""
        return self._book(request, now, "fee")

    def _refuse_repay(self, account: Account, request: Message) -> str:
        free = credit.free_cash(self.book, account)
        return "MORE_THAN_FREE" if request["amount_e4"] > free else ""

    def _do_repay(self, account: Account, request: Message) -> bool:
        left = credit_fills.repay(account, request["amount_e4"])
        account.cash -= request["amount_e4"] - left
        return True

    def _refuse_return(self, account: Account, request: Message) -> str:
        name = request["instrument_id"]
        locked = credit.open_of(account, name, "COLLATERAL_SELL")
        repaying = credit.open_of(account, name, "SELL_TO_REPAY")
        locked += max(0, repaying - credit.financed(account, name))
        free = min(account.positions.get(name, 0) - locked, credit.owed(account, name))
        return "MORE_THAN_FREE" if request["quantity"] > free else ""

    def _do_return(self, account: Account, request: Message) -> bool:
        credit_fills.give_back(account, request["instrument_id"], request["quantity"])
        return True

    def _refuse_interest(self, account: Account, request: Message) -> str:
        found = [c for c in account.contracts if c.contract_id == request["contract_id"]]
        if not found:
            return "NOT_FOUND"
        return "MORE_THAN_FREE" if found[0].interest + request["amount_e4"] < 0 else ""

    def _do_interest(self, account: Account, request: Message) -> bool:
        found = next(c for c in account.contracts if c.contract_id == request["contract_id"])
        if found.interest + request["amount_e4"] > MONEY_MAX:
            return False
        found.interest += request["amount_e4"]
        credit_fills.close_all(account)
        return True

    def _refuse_fee(self, account: Account, request: Message) -> str:
        return "MORE_THAN_FREE" if account.fees + request["amount_e4"] < 0 else ""

    def _do_fee(self, account: Account, request: Message) -> bool:
        if account.fees + request["amount_e4"] > MONEY_MAX:
            return False
        account.fees += request["amount_e4"]
        return True


def _money(account: Account) -> int:
    """Cash less all that is owed in cash."""
    owed = sum(c.interest for c in account.contracts) + account.fees
    owed += sum(c.amount for c in account.contracts if c.kind == "FINANCED")
    return account.cash - owed
