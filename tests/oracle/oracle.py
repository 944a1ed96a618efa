"""The naive oracle: an independent model of what the gate decides, for comparison with the engine.

Written from the rulebook and the contract alone. It shares no code with the server and is built to
be obviously right: big integers, plain dictionaries, every sum taken anew. Chapter 1 is `book`, the
figures of 3.5 to 3.7 and chapter 6 are `figures`, the table of chapter 4 is `judgement` with
`limits`, `order_checks` and `account_checks`, reports from the venue are `reports`; this module
turns commands into those.

Requests and answers are dictionaries shaped like the messages of the contract: names in snake case,
enum values without their prefix, absent optional fields as missing keys. An error is
`{"error": reason}` and changes nothing. A `Tick` with nothing due answers `{}`.
"""

from typing import TYPE_CHECKING

from tests.oracle import account_checks, judgement, limits, order_checks, reports, validation
from tests.oracle.book import (
    LIVE,
    MONEY_MAX,
    SECOND,
    Account,
    Batch,
    Book,
    Instrument,
    Line,
    Message,
    Order,
    Stop,
    lines_of,
    scale_down,
)
from tests.oracle.case import Case, open_case
from tests.oracle.figures import Figures, actual, held, projected, valuable
from tests.oracle.tightening import is_tightening

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_EFFECTS = 256
CONTENT = (
    "instrument_id",
    "side",
    "order_type",
    "price_e4",
    "quantity",
    "reduce_only",
    "created_time_ns",
)
NOT_STORED = frozenset({"ACCOUNT_UNKNOWN", "ORDER_ID_REUSED"})


class Oracle:
    """The gate's decisions, one command at a time."""

    def __init__(self) -> None:
        """Start with an empty book."""
        self.book = Book()
        self._methods: dict[str, Callable[[Message, str, int], Message]] = {
            "CheckOrder": self._check_order,
            "CheckOrders": self._check_orders,
            "PreviewOrder": self._preview_order,
            "RecordOrderEvents": self._record_order_events,
            "UpsertAccounts": self._upsert_accounts,
            "AdjustCash": self._adjust_cash,
            "SetPositions": self._set_positions,
            "RevalueAccounts": self._revalue_accounts,
            "UpdateMarks": self._update_marks,
            "UpsertInstruments": self._upsert_instruments,
            "UpdateVolatility": self._update_volatility,
            "SetRegime": self._set_regime,
            "RollDay": self._roll_day,
            "ProposePolicy": self._propose_policy,
            "Halt": self._halt,
            "SetReduceOnly": self._set_reduce_only,
            "Release": self._release,
            "GetAccount": self._get_account,
            "Tick": self._tick,
        }

    def apply(self, method: str, request: Message, principal: str, now_ns: int) -> Message:
        """Answer one command and change the book accordingly."""
        if not validation.well_formed(method, request):
            return {"error": "MALFORMED"}
        return self._methods[method](request, principal, now_ns)

    # Orders (4).

    def _check_order(self, request: Message, principal: str, now: int) -> Message:
        repeat = self._repeat(request, principal, now)
        if repeat is not None:
            return repeat
        self._next()
        return self._decide(request, principal, now)

    def _check_orders(self, request: Message, principal: str, now: int) -> Message:
        if request.get("atomic", False):
            return self._check_atomic(request, principal, now)
        self._next()
        answers = []
        for order in request["orders"]:
            repeat = self._repeat(order, principal, now)
            answers.append(repeat or self._decide(order, principal, now))
        return {**self._stamp(now), "policy_version": self.book.version, "answers": answers}

    def _decide(self, request: Message, principal: str, now: int) -> Message:
        """Decide an order that is no repeat, within the current record."""
        ended = self._ended(request, now)
        self._touch(request["account_id"])
        if ended:
            answer = self._reject(request, ended, now)
            self._store(request, principal, answer)
            return answer
        case = open_case(self.book, request, principal, now)
        found = judgement.judge(case, request["quantity"])
        answer = self._answer(found, now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = judgement.largest_acceptable(
                case, request["quantity"], found.rejections
            )
        self._count(case)
        self._store(request, principal, answer)
        return answer

    def _answer(self, found: judgement.Judgement, now: int) -> Message:
        answer: Message = {
            "verdict": "REJECT" if found.rejections else "ALLOW",
            "rejections": found.rejections,
            **self._stamp(now),
            "policy_version": self.book.version,
            "verified_exit": found.verified_exit,
        }
        if not found.rejections:
            answer["reserved_price_e4"] = found.reserved_price
            answer["acknowledge_by_time_ns"] = now + self.book.number("acknowledgement_limit_ns")
        return answer

    def _reject(self, request: Message, rejections: list[Message], now: int) -> Message:
        answer = self._answer(judgement.Judgement(rejections, None, verified_exit=False), now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = 0
        return answer

    def _ended(self, request: Message, now: int) -> list[Message]:
        """4.1 to 4.3: the reasons that leave nothing else to judge."""
        unknown = self._unknown(request)
        if unknown:
            return unknown
        account_id = request["account_id"]
        known = self.book.accounts[account_id].orders.get(request["order_id"])
        if known is not None:
            reason = "ORDER_NOT_RESERVED" if known.content is None else "ORDER_ID_REUSED"
            return [_about(account_id, reason)]
        age = now - request["created_time_ns"]
        age_limit = self.book.number("max_order_age_ns")
        skew_limit = self.book.number("max_clock_skew_ns")
        if age > age_limit:
            return [{**_about(account_id, "ORDER_STALE"), "measured": age, "limit": age_limit}]
        if -age > skew_limit:
            return [{**_about(account_id, "ORDER_STALE"), "measured": -age, "limit": skew_limit}]
        return []

    def _unknown(self, request: Message) -> list[Message]:
        account_id = request["account_id"]
        reasons = []
        if account_id not in self.book.accounts:
            reasons.append(_about(account_id, "ACCOUNT_UNKNOWN"))
        if request["instrument_id"] not in self.book.instruments:
            reasons.append(_about(account_id, "INSTRUMENT_UNKNOWN"))
        return reasons

    def _count(self, case: Case) -> None:
        """Take the tokens and the day's count of an order that got that far (4.29)."""
        case.account.day_order_count += 1
        own = limits.account_bucket(case)
        if own is not None:
            case.account.next_order_time = own.after(case.account.next_order_time, case.now)
        shared = limits.principal_bucket(case)
        if shared is not None:
            next_time = shared.after(order_checks.principal_next(case), case.now)
            self.book.principals[case.principal] = next_time

    def _store(self, request: Message, principal: str, answer: Message) -> None:
        """Keep an answer under its id; an allow is reserved from now on."""
        book, account = self.book, self.book.accounts.get(request["account_id"])
        reasons = {rejection["reason"] for rejection in answer["rejections"]}
        if account is None or reasons & NOT_STORED or request["order_id"] in account.orders:
            return
        keep = book.number("max_order_age_ns") + book.number("max_clock_skew_ns")
        order = Order(
            request["account_id"],
            request["order_id"],
            request["instrument_id"],
            request["side"],
            request["quantity"],
            _content(request, principal),
            answer,
            "REFUSED",
            keep_until=request["created_time_ns"] + keep,
            arrival=book.arrival(),
            sequence=book.sequence,
        )
        account.orders[order.order_id] = order
        if answer["verdict"] == "ALLOW":
            book.instruments[order.instrument_id].touched = True
            order.state, order.reserved = "RESERVED", order.quantity
            order.reserved_price = answer["reserved_price_e4"]
            order.acknowledge_by = answer["acknowledge_by_time_ns"]

    def _repeat(self, request: Message, principal: str, now: int) -> Message | None:
        """4.2: the stored answer to the same content, or a stricter one; none: no repeat."""
        account = self.book.accounts.get(request["account_id"])
        known = account.orders.get(request["order_id"]) if account else None
        if known is None or known.content is None or known.answer is None:
            return None
        if known.content != _content(request, principal):
            return None
        answer = {**known.answer, "replayed": True, "order_state": known.state}
        if answer["verdict"] == "ALLOW":
            case = open_case(self.book, request, principal, now)
            stricter = self._refusal_of_repeat(case, known)
            if stricter is not None:
                answer |= {"verdict": "REJECT", "rejections": [stricter]}
                del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
        return answer

    def _refusal_of_repeat(self, case: Case, known: Order) -> Message | None:
        if known.reported or known.state not in LIVE:
            return _about(known.account_id, "ORDER_NOT_RESERVED")
        halts = order_checks.halted(case)
        if halts:
            return halts[0]
        stop = order_checks.standing_stop(case, "REDUCE_ONLY")
        was_exit = known.answer is not None and known.answer["verified_exit"]
        if stop is not None and not was_exit:
            return order_checks.stop_entry("REDUCE_ONLY", stop)
        return None

    # Atomic batches (4.30).

    def _check_atomic(self, request: Message, principal: str, now: int) -> Message:
        known = self.book.batches.get(request["batch_id"])
        if known is not None and (known.principal, known.request) == (principal, request):
            return self._repeat_batch(known, now)
        self._next()
        if known is not None:
            reused = [_about(order["account_id"], "ORDER_ID_REUSED") for order in request["orders"]]
            pairs = zip(request["orders"], reused, strict=True)
            answers = [self._reject(order, [reason], now) for order, reason in pairs]
            for order in request["orders"]:
                self._touch(order["account_id"])
        else:
            answers = self._decide_together(request["orders"], principal, now)
        response = {**self._stamp(now), "policy_version": self.book.version, "answers": answers}
        if known is None:
            self._store_batch(request, principal, response)
        return response

    def _decide_together(self, orders: list[Message], principal: str, now: int) -> list[Message]:
        trials = [self._try(order, principal, now) for order in orders]
        if not any(answer["rejections"] for answer in trials):
            self._judge_accounts(orders, trials, principal, now)
        if any(answer["rejections"] for answer in trials):
            for order, answer in zip(orders, trials, strict=True):
                self._refuse_trial(order, answer)
        return trials

    def _try(self, request: Message, principal: str, now: int) -> Message:
        """Judge one order of an atomic batch by 4.1 to 4.18 and reserve it for the time being."""
        ended = self._ended(request, now)
        self._touch(request["account_id"])
        if ended:
            answer = self._reject(request, ended, now)
            self._store(request, principal, answer)
            return answer
        case = open_case(self.book, request, principal, now)
        found = judgement.judge(case, request["quantity"], book_only=True)
        answer = self._answer(found, now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = 0 if found.rejections else request["quantity"]
        self._count(case)
        self._store(request, principal, answer)
        return answer

    def _judge_accounts(
        self, orders: list[Message], trials: list[Message], principal: str, now: int
    ) -> None:
        """4.20 to 4.22 once an account, on the book with all; its last opening order answers."""
        opening: dict[str, list[int]] = {}
        for index, (order, answer) in enumerate(zip(orders, trials, strict=True)):
            if not answer["verified_exit"]:
                opening.setdefault(order["account_id"], []).append(index)
        for indexes in opening.values():
            case = open_case(self.book, orders[indexes[-1]], principal, now)
            names = sorted({orders[index]["instrument_id"] for index in indexes})
            after = projected(self.book, case.account.cash, case.lines, now)
            trials[indexes[-1]]["rejections"] += account_checks.solvency(case, names, after, set())

    def _refuse_trial(self, request: Message, answer: Message) -> None:
        """Take back what an order of a failed batch had reserved."""
        if not answer["rejections"]:
            answer["rejections"].append(_about(request["account_id"], "BATCH_REJECTED"))
        if answer["verdict"] == "REJECT":
            return
        answer["verdict"] = "REJECT"
        del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
        if "max_acceptable_quantity" in answer:
            answer["max_acceptable_quantity"] = 0
        order = self.book.accounts[request["account_id"]].orders[request["order_id"]]
        order.state, order.reserved, order.acknowledge_by = "REFUSED", 0, 0

    def _store_batch(self, request: Message, principal: str, response: Message) -> None:
        book = self.book
        stored = []
        for order in request["orders"]:
            account = book.accounts.get(order["account_id"])
            known = account.orders.get(order["order_id"]) if account else None
            if known is not None and known.sequence == book.sequence:
                stored.append(known.keep_until)
        if stored:
            batch = Batch(principal, request, response, max(stored), book.arrival())
            book.batches[request["batch_id"]] = batch

    def _repeat_batch(self, batch: Batch, now: int) -> Message:
        answers = []
        pairs = zip(batch.request["orders"], batch.response["answers"], strict=True)
        for order, first in pairs:
            answer = self._repeat(order, batch.principal, now)
            if answer is None:  # never stored, or its id is forgotten by now
                answer = {**first, "replayed": True}
                if first["verdict"] == "ALLOW":
                    gone = _about(order["account_id"], "ORDER_NOT_RESERVED")
                    answer |= {"verdict": "REJECT", "rejections": [gone]}
                    del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
            answers.append(answer)
        return {**batch.response, "answers": answers, "replayed": True}

    # Previews.

    def _preview_order(self, request: Message, principal: str, now: int) -> Message:
        unknown = self._unknown(request)
        response: Message = {
            "verdict": "REJECT",
            "rejections": unknown,
            "as_of_sequence": self.book.sequence,
            "decided_time_ns": now,
            "policy_version": self.book.version,
            "max_acceptable_quantity": 0,
        }
        if unknown:
            return response
        case = open_case(self.book, request, principal, now)
        quantity = request["quantity"]
        found = judgement.judge(case, quantity)
        response |= {
            "verdict": "REJECT" if found.rejections else "ALLOW",
            "rejections": found.rejections,
            "max_acceptable_quantity": judgement.largest_acceptable(
                case, quantity, found.rejections
            ),
            "verified_exit": found.verified_exit,
        }
        if found.reserved_price is not None:
            response["reserved_price_e4"] = found.reserved_price
        return response | self._difference(case, quantity, found.reserved_price)

    def _difference(self, case: Case, quantity: int, reserved_price: int | None) -> Message:
        """Figures before and after an order, where they can be valued."""
        shown: Message = {}
        if not valuable(self.book, case.lines):
            return shown
        before = projected(self.book, case.account.cash, case.lines, case.now)
        shown["before"] = before.message()
        after: Figures | None = None
        if not order_checks.notional_bound(case, quantity, reserved_price):
            after = account_checks.figures_after(case, quantity, reserved_price)
        if after is not None and after.in_bounds:
            shown["after"] = after.message()
            old = before.amounts()
            shown["change"] = {name: new - old[name] for name, new in after.amounts().items()}
        return shown

    # Reports.

    def _record_order_events(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
        events = request["events"]
        results = [reports.Report(self.book, event, now).apply() for event in events]
        return {**self._stamp(now), "results": results}

    # Accounts.

    def _upsert_accounts(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
        for facts in request["accounts"]:
            known = self.book.accounts.get(facts["account_id"])
            if known is None:
                date = self.book.trading_date
                known = Account(facts, trading_date=date)
                self.book.accounts[facts["account_id"]] = known
            known.facts = facts
            self._touch(facts["account_id"])
        return self._stamp(now)

    def _adjust_cash(self, request: Message, _principal: str, now: int) -> Message:
        account = self.book.accounts.get(request["account_id"])
        if account is not None and request["adjustment_id"] in account.adjustments:
            return {**account.adjustments[request["adjustment_id"]], "replayed": True}
        if request.get("expected_sequence", 0) != (account.sequence if account else 0):
            return {"error": "STALE_SEQUENCE"}
        cash = (account.cash if account else 0) + request["amount_e4"]
        if abs(cash) > MONEY_MAX:
            return {"error": "OUT_OF_BOUNDS"}
        self._next()
        reports.ensure_account(self.book, request["account_id"], now)
        account = self._touch(request["account_id"])
        assert account is not None
        account.cash = cash
        response = {**self._stamp(now), "cash_e4": cash}
        account.adjustments[request["adjustment_id"]] = response
        return response

    def _set_positions(self, request: Message, _principal: str, now: int) -> Message:
        account = self.book.accounts.get(request["account_id"])
        if request.get("expected_sequence", 0) != (account.sequence if account else 0):
            return {"error": "STALE_SEQUENCE"}
        self._next()
        reports.ensure_account(self.book, request["account_id"], now)
        account = self._touch(request["account_id"])
        assert account is not None
        for target in request["positions"]:
            reports.ensure_instrument(self.book, target["instrument_id"], now)
            quantity = target.get("quantity", 0)
            account.positions[target["instrument_id"]] = quantity
            if quantity:
                self.book.instruments[target["instrument_id"]].touched = True
        return self._stamp(now)

    def _revalue_accounts(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
        valuations = [self._valuation(account_id, now) for account_id in request["account_ids"]]
        return {**self._stamp(now), "valuations": valuations}

    def _valuation(self, account_id: str, now: int) -> Message:
        account = self.book.accounts.get(account_id)
        lines = held(lines_of(account)) if account else {}
        if account is None or not valuable(self.book, lines):
            return {"account_id": account_id, "valued": False}
        figures = actual(self.book, account.cash, lines, now).message()
        return {"account_id": account_id, "valued": True, "figures": figures}

    def _get_account(self, request: Message, _principal: str, now: int) -> Message:
        account = self.book.accounts.get(request["account_id"])
        if account is None:
            return {"error": "NOT_FOUND"}
        view = self._view(account)
        lines = lines_of(account)
        if valuable(self.book, lines):
            view["projected"] = projected(self.book, account.cash, lines, now).message()
        if valuable(self.book, held(lines)):
            view["actual"] = actual(self.book, account.cash, held(lines), now).message()
        return {"account": view, "as_of_sequence": self.book.sequence, "read_time_ns": now}

    def _view(self, account: Account) -> Message:
        lines = lines_of(account)
        stops = [
            stop.stop_id
            for stop in self.book.stops.values()
            if (stop.scope_kind, stop.scope_id) == ("ACCOUNT", account.account_id)
        ]
        return {
            "account": account.facts,
            "sequence": account.sequence,
            "cash_e4": account.cash,
            "positions": [self._position(name, lines) for name in sorted(lines)],
            "open_orders": [_open_order(order) for order in account.open_orders()[:1000]],
            "day_order_count": self.book.today_count(account),
            "day_turnover_e4": account_checks.day_turnover(self.book, account, lines),
            "stop_ids": sorted(stops),
        }

    def _position(self, name: str, lines: dict[str, Line]) -> Message:
        line = lines[name]
        view: Message = {
            "instrument_id": name,
            "quantity": line.held,
            "open_buy_quantity": line.open_buys,
            "open_sell_quantity": line.open_sells,
            "exit_quantity": max(line.exit_quantity("SELL"), line.exit_quantity("BUY")),
        }
        mark = self.book.instruments[name].mark
        return view if mark is None else {**view, "mark_e4": mark}

    # The market.

    def _update_marks(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
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
        return {**self._stamp(now), "older_count": older}

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

    def _upsert_instruments(self, request: Message, _principal: str, now: int) -> Message:
        for facts in request["instruments"]:
            known = self.book.instruments.get(facts["instrument_id"])
            decimals = facts.get("quantity_decimals", 0)
            if known is not None and known.touched and known.decimals != decimals:
                return {"error": "IMMUTABLE"}
        self._next()
        for facts in request["instruments"]:
            known = self.book.instruments.setdefault(facts["instrument_id"], Instrument(facts))
            known.facts = facts
        return self._stamp(now)

    def _update_volatility(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
        older = 0
        for factor in request["factors"]:
            reports.ensure_instrument(self.book, factor["instrument_id"], now)
            instrument = self.book.instruments[factor["instrument_id"]]
            time = _taken(factor.get("factor_time_ns", 0), now)
            if instrument.factor is not None and time < instrument.factor_time:
                older += 1
                continue
            instrument.factor, instrument.factor_time = factor["factor_bps"], time
        return {**self._stamp(now), "older_count": older}

    def _set_regime(self, request: Message, _principal: str, now: int) -> Message:
        self._next()
        self.book.regime = request["regime"]
        return {**self._stamp(now), "regime_bps": self.book.regime_bps()}

    def _roll_day(self, request: Message, _principal: str, now: int) -> Message:
        previous = self.book.trading_date
        if request["trading_date"] <= previous:
            return {"error": "DATE_NOT_FORWARD"}
        self._next()
        self.book.trading_date = request["trading_date"]
        for instrument in self.book.instruments.values():
            instrument.closing = instrument.mark
        return {**self._stamp(now), "previous_trading_date": previous}

    # Staff.

    def _propose_policy(self, request: Message, _principal: str, now: int) -> Message:
        book = self.book
        if request.get("base_version", 0) != book.version:
            return {"error": "STALE_POLICY"}
        if book.policy and not is_tightening(book.policy, request["policy"]):
            return {"error": "NOT_A_TIGHTENING"}
        self._next()
        book.policy = {**request["policy"], "version": book.version + 1}
        return {**self._stamp(now), "version": book.version}

    def _halt(self, request: Message, principal: str, now: int) -> Message:
        return self._set_stop("HALT", request, principal, now)

    def _set_reduce_only(self, request: Message, principal: str, now: int) -> Message:
        return self._set_stop("REDUCE_ONLY", request, principal, now)

    def _set_stop(self, kind: str, request: Message, principal: str, now: int) -> Message:
        scope = (kind, request["scope_kind"], request.get("scope_id", ""))
        known = self.book.stops.get(request["stop_id"])
        if known is not None and (known.kind, known.scope_kind, known.scope_id) == scope:
            return {"sequence": known.sequence, "decided_time_ns": known.time}
        if known is not None:
            return {"error": "IMMUTABLE"}
        sequence, reason = self._next(), request.get("reason", "")
        stop = Stop(request["stop_id"], *scope, principal, reason, sequence, now)
        self.book.stops[stop.stop_id] = stop
        return self._stamp(now)

    def _release(self, request: Message, _principal: str, now: int) -> Message:
        if request["stop_id"] not in self.book.stops:
            return {"error": "NOT_FOUND"}
        self._next()
        del self.book.stops[request["stop_id"]]
        return self._stamp(now)

    # Time (7.3, 4.3).

    def _tick(self, _request: Message, _principal: str, now: int) -> Message:
        orders = [o for account in self.book.accounts.values() for o in account.orders.values()]
        late = [
            order
            for order in orders
            if order.acknowledge_by and not order.unconfirmed and now >= order.acknowledge_by
        ]
        old = [order for order in orders if order.reserved == 0 and now >= order.keep_until]
        late.sort(key=lambda order: (order.acknowledge_by, order.sequence, order.arrival))
        old.sort(key=lambda order: (order.keep_until, order.sequence, order.arrival))
        batches = [name for name, batch in self.book.batches.items() if now >= batch.keep_until]
        batches.sort(key=lambda name: (self.book.batches[name].keep_until, name))
        late = late[:TICK_EFFECTS]
        old = old[: TICK_EFFECTS - len(late)]
        batches = batches[: TICK_EFFECTS - len(late) - len(old)]
        if not (late or old or batches):
            return {}
        return self._fall_due(late, old, batches)

    def _fall_due(self, late: list[Order], old: list[Order], batches: list[str]) -> Message:
        sequence = self._next()
        for order in late:
            order.unconfirmed = True
        for order in old:
            del self.book.accounts[order.account_id].orders[order.order_id]
        for name in batches:
            del self.book.batches[name]
        return {
            "sequence": sequence,
            "unconfirmed": [_key(order) for order in late],
            "forgotten": [_key(order) for order in old],
            "forgotten_batches": batches,
        }

    # Records.

    def _next(self) -> int:
        self.book.sequence += 1
        return self.book.sequence

    def _stamp(self, now: int) -> Message:
        return {"sequence": self.book.sequence, "decided_time_ns": now}

    def _touch(self, account_id: str) -> Account | None:
        account = self.book.accounts.get(account_id)
        if account is not None:
            self.book.roll(account)
            account.sequence = self.book.sequence
        return account


def _content(request: Message, principal: str) -> tuple[object, ...]:
    return (*(request.get(name) or 0 for name in CONTENT), principal)


def _about(account_id: str, reason: str) -> Message:
    return {"reason": reason, "scope_kind": "ACCOUNT", "scope_id": account_id}


def _taken(time: int, now: int) -> int:
    """A time that is missing or ahead of the gate counts as now."""
    return now if time == 0 or time > now else time


def _key(order: Order) -> Message:
    return {"account_id": order.account_id, "order_id": order.order_id}


def _open_order(order: Order) -> Message:
    return {
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
    }
