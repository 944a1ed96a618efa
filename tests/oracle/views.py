"""Reads: accounts and valuations (3.7)."""

from tests.oracle import account_checks, credit, valuations
from tests.oracle.add_ons import Points
from tests.oracle.book import Account, Book, Contract, Line, Message, Order, bought_today, lines_of
from tests.oracle.figures import actual, held, projected, valuable
from tests.oracle.usage import limits_of
from tests.oracle.valuations import Standing, start_of


class Views:
    """Shows accounts."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def revalue_accounts(self, request: Message, _principal: str, now: int) -> Message:
        """Value accounts by what they hold."""
        self.book.next()
        found = [self._valuation(account_id, now) for account_id in request["account_ids"]]
        for account_id in request["account_ids"]:
            account = self.book.accounts.get(account_id)
            if account is not None:
                self.book.roll(account)
                valuations.value(self.book, account, now)
        return {**self.book.stamp(now), "valuations": found}

    def _valuation(self, account_id: str, now: int) -> Message:
        account = self.book.accounts.get(account_id)
        lines = held(lines_of(account)) if account else {}
        if account is None or not valuable(self.book, lines):
            return {"account_id": account_id, "valued": False}
        figures = actual(self.book, account, lines, now).message()
        return {"account_id": account_id, "valued": True, "figures": figures}

    def get_account(self, request: Message, _principal: str, now: int) -> Message:
        """Show one account."""
        account = self.book.accounts.get(request["account_id"])
        if account is None:
            return {"error": "NOT_FOUND"}
        view = self._view(account)
        view["limits"] = limits_of(self.book, account, now)
        lines = lines_of(account)
        if valuable(self.book, lines):
            figures = projected(self.book, account, lines, now)
            view["projected"] = figures.message()
            for position in view["positions"]:
                more = figures.points_of.get(position["instrument_id"], Points())
                position["long_add_on_bps"] = more.long
                position["short_add_on_bps"] = more.short
        if valuable(self.book, held(lines)):
            view["actual"] = actual(self.book, account, held(lines), now).message()
        return {"account": view, "as_of_sequence": self.book.sequence, "read_time_ns": now}

    def _view(self, account: Account) -> Message:
        lines = lines_of(account)
        stops = [
            stop.stop_id
            for stop in self.book.stops.values()
            if (stop.scope_kind, stop.scope_id) == ("ACCOUNT", account.account_id)
        ]
        standing = Standing(account.entered, account.high, start_of(self.book, account))
        references: Message = {
            "line_state": standing.state.upper(),
            "high_water_mark_e4": standing.high,
            "start_of_day_equity_e4": standing.start,
        }
        return {
            **{name: value for name, value in references.items() if value is not None},
            "account": account.facts,
            "sequence": account.sequence,
            "cash_e4": account.cash,
            "interest_and_fees_e4": account.fees,
            **self._credit(account),
            "positions": [self._position(account, name, lines) for name in sorted(lines)],
            "open_orders": [_open_order(order) for order in _oldest_first(account)[:1000]],
            "day_order_count": self.book.today_count(account),
            "day_turnover_e4": account_checks.day_turnover(self.book, account, lines),
            "stop_ids": sorted(stops),
        }

    def _credit(self, account: Account) -> Message:
        """Contracts and free cash of an account under cn_margin."""
        if not credit.is_credit(account):
            return {}
        return {
            "contracts": [contract_view(one) for one in credit.by_age(account.contracts)],
            "free_cash_e4": credit.free_cash(self.book, account),
        }

    def _margin(self, account: Account, name: str, line: Line) -> Message:
        """What belongs to contracts of a position, and what can still be closed."""
        owed = credit.owed(account, name)
        sales = credit.open_of(account, name, "COLLATERAL_SELL", "SELL_TO_REPAY")
        returns = credit.open_of(account, name, "BUY_TO_RETURN")
        return {
            "quantity": line.held - owed,
            "collateral_quantity": account.positions.get(name, 0),
            "financed_quantity": credit.financed(account, name),
            "short_quantity": owed,
            "exit_quantity": max(0, line.held - sales, owed - returns),
        }

    def _position(self, account: Account, name: str, lines: dict[str, Line]) -> Message:
        line = lines[name]
        view: Message = {
            "instrument_id": name,
            "quantity": line.held,
            "open_buy_quantity": line.open_buys,
            "open_sell_quantity": line.open_sells,
            "bought_today_quantity": bought_today(self.book, account, name),
            "exit_quantity": max(line.exit_quantity("SELL"), line.exit_quantity("BUY")),
        }
        if credit.is_credit(account):
            view |= self._margin(account, name, line)
        mark = self.book.instruments[name].mark
        return view if mark is None else {**view, "mark_e4": mark}


def contract_view(one: Contract) -> Message:
    """One contract of 6.3."""
    return {
        "contract_id": one.contract_id,
        "kind": one.kind,
        "instrument_id": one.instrument_id,
        "opened_time_ns": one.opened,
        "ratio_bps": one.ratio,
        "quantity": one.quantity,
        "amount_e4": one.amount,
        "interest_e4": one.interest,
    }


def _oldest_first(account: Account) -> list[Order]:
    """Open orders by record; those of one batch by id."""
    return sorted(account.open_orders(), key=lambda order: (order.sequence, order.order_id))


def _open_order(order: Order) -> Message:
    return {
        "margin_kind": order.margin_kind or "UNSPECIFIED",
        "order_id": order.order_id,
        "instrument_id": order.instrument_id,
        "side": order.side,
        "quantity": order.quantity,
        "filled_quantity": order.filled,
        "reserved_quantity": order.reserved,
        "reserved_price_e4": order.reserved_price,
        "state": order.state,
        "unconfirmed": order.unconfirmed,
        "acknowledge_by_time_ns": order.acknowledge_by,
        "sequence": order.sequence,
        "replaced_order_id": order.replaces,
    }
