"""Facts: what accounts, instruments and the market are (2.4, 2.5, 3.4, 5.1, 7.7)."""

from tests.oracle import credit, credit_facts, groups, reports, tiers, valuations, withdrawals
from tests.oracle.book import MONEY_MAX, SECOND, Account, Book, Instrument, Message, scale_down
from tests.oracle.limits import LIMIT_NAMES
from tests.oracle.overrides import is_no_looser, levels_below


class Facts:
    """Books what has happened already."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def record_order_events(self, request: Message, _principal: str, now: int) -> Message:
        """Book a batch of reports."""
        self.book.next()
        events = request["events"]
        results = [reports.Report(self.book, event, now).apply() for event in events]
        for event, result in zip(events, results, strict=True):
            if result["outcome"] != "DUPLICATE":
                valuations.value(self.book, self.book.accounts[event["account_id"]], now)
        return {**self.book.stamp(now), "results": results}

    def upsert_accounts(self, request: Message, _principal: str, now: int) -> Message:
        """Create accounts or replace what they are."""
        for facts in request["accounts"]:
            known = self.book.accounts.get(facts["account_id"])
            if known is not None and not may_change(self.book, known, facts["margin_model"]):
                return {"error": "IMMUTABLE"}
        for facts in request["accounts"]:
            known = self.book.accounts.get(facts["account_id"])
            if known is not None and self.book.policy and self._allows_more(known, facts):
                return {"error": "LOOSENING"}
        self.book.next()
        for facts in request["accounts"]:
            known = self.book.accounts.get(facts["account_id"])
            if known is None:
                date = self.book.trading_date
                known = Account(facts, trading_date=date)
                self.book.accounts[facts["account_id"]] = known
            known.facts = facts
            self.book.touch(facts["account_id"])
        return self.book.stamp(now)

    def _allows_more(self, account: Account, facts: Message) -> bool:
        """Say whether one person would raise an account (5.5, 5.6)."""
        tier, here = facts.get("tier_id", ""), account.facts.get("tier_id", "")
        frozen = ("HALT", "ACCOUNT", account.account_id, "gate")
        if not here and any(stop.place == frozen for stop in self.book.stops.values()):
            return False
        if tier not in {"", here}:
            ranks = tiers.ranks(self.book)
            if tier not in ranks or here not in ranks or ranks[tier] >= ranks[here]:
                return True
        return any(self._raises(account, facts, name) for name in LIMIT_NAMES)

    def _raises(self, account: Account, facts: Message, name: str) -> bool:
        """Say whether a limit of an account's own is looser than before and than the tier's."""
        moved = Account({**account.facts, "tier_id": facts.get("tier_id", ""), "limits": {}})
        below = levels_below(self.book, moved, name)[1:]
        old, new = (one.get("limits", {}).get(name, {}) for one in (account.facts, facts))
        after = [new, *below]
        return not is_no_looser(name, [old, *below], after) and not is_no_looser(name, below, after)

    def upsert_groups(self, request: Message, _principal: str, now: int) -> Message:
        """Nest groups."""
        return groups.upsert_groups(self.book, request, now)

    def adjust_cash(self, request: Message, principal: str, now: int) -> Message:
        """Book cash once."""
        account = self.book.accounts.get(request["account_id"])
        if account is not None and self._is_booked(account, request["adjustment_id"]):
            if account.adjustments[request["adjustment_id"]] != credit_facts.content(
                request, "cash"
            ):
                return {"error": "IMMUTABLE"}
            stamp = {"sequence": account.sequence, "decided_time_ns": now}
            answer = {**stamp, "cash_e4": account.cash, "replayed": True}
            return answer | withdrawals.allowed(request)
        if request.get("expected_sequence", 0) != (account.sequence if account else 0):
            return {"error": "STALE_SEQUENCE"}
        if request.get("kind") == "WITHDRAWAL":
            refused = withdrawals.refused(self.book, account, request, principal, now)
            if refused:
                self.book.next()
                if account is not None:
                    self.book.roll(account)
                    valuations.value(self.book, account, now)
                held = {"cash_e4": account.cash if account else 0, "verdict": "REJECT"}
                return {**self.book.stamp(now), **held, **refused}
        cash = (account.cash if account else 0) + request["amount_e4"]
        self.book.next()
        reports.ensure_account(self.book, request["account_id"], now)
        account = self.book.touch(request["account_id"])
        assert account is not None
        if abs(cash) > MONEY_MAX:  # 1.4: recorded, not applied, and the account is frozen
            cash = account.cash
            scope = ("ACCOUNT", request["account_id"])
            reports.freeze(self.book, scope, "out of bounds", now)
        moved = cash - account.cash
        account.cash = cash
        valuations.value(self.book, account, now, moved)
        account.adjustments[request["adjustment_id"]] = credit_facts.content(request, "cash")
        return {**self.book.stamp(now), "cash_e4": cash, **withdrawals.allowed(request)}

    def _is_booked(self, account: Account, adjustment_id: str) -> bool:
        """Ids are kept for the day; after it the expected sequence guards against a repeat."""
        today = account.trading_date == self.book.trading_date
        return today and adjustment_id in account.adjustments

    def set_positions(self, request: Message, _principal: str, now: int) -> Message:
        """Set positions."""
        account = self.book.accounts.get(request["account_id"])
        if request.get("expected_sequence", 0) != (account.sequence if account else 0):
            return {"error": "STALE_SEQUENCE"}
        below = any(target.get("quantity", 0) < 0 for target in request["positions"])
        if below and account is not None and credit.is_credit(account):
            return {"error": "MARGIN_MODEL"}
        self.book.next()
        reports.ensure_account(self.book, request["account_id"], now)
        account = self.book.touch(request["account_id"])
        assert account is not None
        before = valuations.equity(self.book, account, now)
        for target in request["positions"]:
            reports.ensure_instrument(self.book, target["instrument_id"], now)
            quantity = target.get("quantity", 0)
            account.positions[target["instrument_id"]] = quantity
            if quantity:
                self.book.instruments[target["instrument_id"]].touched = True
        after = valuations.equity(self.book, account, now)
        moved = 0 if before is None or after is None else after - before
        valuations.value(self.book, account, now, moved)
        return self.book.stamp(now)

    def update_marks(self, request: Message, _principal: str, now: int) -> Message:
        """Take marks."""
        self.book.next()
        older = 0
        for mark in request["marks"]:
            reports.ensure_instrument(self.book, mark["instrument_id"], now)
            instrument = self.book.instruments[mark["instrument_id"]]
            time = _taken(mark.get("mark_time_ns", 0), now)
            if instrument.mark is not None and time < instrument.mark_time:
                older += 1
                continue
            self._move_slow_mark(instrument, mark["price_e4"], now)
            instrument.mark, instrument.mark_time = mark["price_e4"], time
        return {**self.book.stamp(now), "older_count": older}

    def _move_slow_mark(self, instrument: Instrument, first: int, now: int) -> None:
        """3.4."""
        if instrument.mark is None:
            instrument.slow, instrument.slow_time = first, now
            return
        seconds = (now - instrument.slow_time) // SECOND
        reach = scale_down(instrument.slow, self.book.number("slow_mark_step_bps")) * seconds
        way = instrument.mark - instrument.slow
        instrument.slow += max(-reach, min(reach, way))
        instrument.slow_time += seconds * SECOND

    def upsert_instruments(self, request: Message, _principal: str, now: int) -> Message:
        """Create instruments or replace what they are."""
        for facts in request["instruments"]:
            known = self.book.instruments.get(facts["instrument_id"])
            decimals = facts.get("quantity_decimals", 0)
            if known is not None and known.touched and known.decimals != decimals:
                return {"error": "IMMUTABLE"}
        self.book.next()
        for facts in request["instruments"]:
            known = self.book.instruments.setdefault(facts["instrument_id"], Instrument(facts))
            known.facts = facts
        return self.book.stamp(now)

    def update_volatility(self, request: Message, _principal: str, now: int) -> Message:
        """Take volatility factors."""
        self.book.next()
        older = 0
        for factor in request["factors"]:
            reports.ensure_instrument(self.book, factor["instrument_id"], now)
            instrument = self.book.instruments[factor["instrument_id"]]
            time = _taken(factor.get("factor_time_ns", 0), now)
            if instrument.factor is not None and time < instrument.factor_time:
                older += 1
                continue
            instrument.factor, instrument.factor_time = factor["factor_bps"], time
        return {**self.book.stamp(now), "older_count": older}

    def set_regime(self, request: Message, _principal: str, now: int) -> Message:
        """Set the regime."""
        self.book.next()
        self.book.regime = request["regime"]
        return {**self.book.stamp(now), "regime_bps": self.book.regime_bps()}

    def set_session(self, request: Message, _principal: str, now: int) -> Message:
        """Set a board's sessions."""
        self.book.next()
        self.book.sessions[request.get("board", "")] = request.get("sessions", [])
        return self.book.stamp(now)

    def roll_day(self, request: Message, _principal: str, now: int) -> Message:
        """Begin a trading day."""
        previous = self.book.trading_date
        if request["trading_date"] <= previous:
            return {"error": "DATE_NOT_FORWARD"}
        self.book.next()
        self.book.trading_date = request["trading_date"]
        for instrument in self.book.instruments.values():
            instrument.closing = instrument.mark
        return {**self.book.stamp(now), "previous_trading_date": previous}


def _taken(time: int, now: int) -> int:
    """A time that is missing or ahead of the gate counts as now."""
    return now if time == 0 or time > now else time


def may_change(book: Book, account: Account, model: str) -> bool:
    """Say whether an account may have this margin model: only an empty one enters or leaves 6.3."""
    old = account.facts.get("margin_model", "LEVERAGED")
    if old == model or "CN_MARGIN" not in {old, model}:
        return True
    today = book.trading_date
    stale = account.trading_date != today
    kept = [e for e in account.events.values() if not stale or e.trade_date >= today]
    held = any(account.positions.values()) or account.contracts or account.open_orders()
    return not held and not any(event.booked for event in kept)
