"""Chapter 4 for commands: orders alone and in batches, their repeats, and previews."""

from tests.oracle import (
    account_checks,
    chains,
    credit,
    judgement,
    limits,
    order_checks,
    valuations,
    valued_sums,
)
from tests.oracle.book import LIVE, Book, Message, Order, lines_of
from tests.oracle.case import Case, entry, open_case
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.usage import limits_with, share

CONTENT = (
    "instrument_id",
    "side",
    "order_type",
    "price_e4",
    "quantity",
    "reduce_only",
    "created_time_ns",
    "margin_kind",
)
NOT_STORED = frozenset({"ACCOUNT_UNKNOWN", "ORDER_ID_REUSED"})


class Orders:
    """Decides orders and keeps their answers."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book

    def check_order(self, request: Message, principal: str, now: int) -> Message:
        """Decide one order, or repeat its answer."""
        repeat = self.repeat(request, principal, now)
        if repeat is not None:
            return repeat
        self.book.next()
        return self.decide(request, principal, now)

    def check_orders(self, request: Message, principal: str, now: int) -> Message:
        """Decide a batch whose orders stand alone."""
        self.book.next()
        answers = []
        for order in request["orders"]:
            repeat = self.repeat(order, principal, now)
            answers.append(repeat or self.decide(order, principal, now))
        return self.batch_response(answers, now)

    def batch_response(self, answers: list[Message], now: int) -> Message:
        """Say sequence, time and policy once for the batch; only repeats keep their own."""
        stamp = self.book.stamp(now) | {"policy_version": self.book.version}
        bare = [
            answer
            if answer.get("replayed", False)
            else {name: value for name, value in answer.items() if name not in stamp}
            for answer in answers
        ]
        return {**stamp, "answers": bare}

    def decide(self, request: Message, principal: str, now: int) -> Message:
        """Decide an order that is no repeat, within the current record."""
        ended = self.ended(request, now)
        if ended:
            answer = self.reject(request, ended, now)
            self.store(request, principal, answer)
            return answer
        account = self.book.touch(request["account_id"])
        assert account is not None
        valuations.value(self.book, account, now)
        case = open_case(self.book, request, principal, now)
        found = judgement.judge_whole(case, request["quantity"])
        answer = self.answer(found, now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = judgement.largest_acceptable(
                case, request["quantity"], found.rejections
            )
        self.count(case, found.rejections)
        self.store(request, principal, answer)
        valued_sums.keep_again(self.book, account, now)
        return answer

    def ratio(self, request: Message, now: int) -> int:
        """What an order is reserved at under cn_margin."""
        account = self.book.accounts[request["account_id"]]
        opened = {"MARGIN_BUY": "FINANCED", "SHORT_SELL": "SHORT"}
        kind = opened.get(str(request.get("margin_kind", "")))
        return credit.ratio_of(self.book, account, kind, now) if kind else 0

    def answer(self, found: judgement.Judgement, now: int) -> Message:
        """Write the answer to a judgement."""
        answer: Message = {
            "verdict": "REJECT" if found.rejections else "ALLOW",
            "rejections": found.rejections,
            "warnings": found.warnings,
            **self.book.stamp(now),
            "policy_version": self.book.version,
            "verified_exit": found.verified_exit,
        }
        if not found.rejections:
            answer["reserved_price_e4"] = found.reserved_price
            answer["acknowledge_by_time_ns"] = now + self.book.number("acknowledgement_limit_ns")
        return answer

    def reject(self, request: Message, rejections: list[Message], now: int) -> Message:
        """Write the answer to an order that was not judged any further."""
        answer = self.answer(judgement.Judgement(rejections, None, verified_exit=False), now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = 0
        return answer

    def ended(self, request: Message, now: int) -> list[Message]:
        """4.1 to 4.3: the reasons that leave nothing else to judge."""
        unknown = self.unknown(request)
        if unknown:
            return unknown
        account_id = request["account_id"]
        known = self.book.accounts[account_id].orders.get(request["order_id"])
        if known is not None:
            reason = "ORDER_ID_REUSED"
            if known.content is None or known.content[0] == "listed":
                reason = "ORDER_NOT_RESERVED"
            return [about(account_id, reason)]
        age = now - request["created_time_ns"]
        age_limit = self.book.number("max_order_age_ns")
        until, before = self.book.former
        if request["created_time_ns"] <= until:
            age_limit = min(age_limit, before)
        skew_limit = self.book.number("max_clock_skew_ns")
        if age > age_limit:
            return [{**about(account_id, "ORDER_STALE"), "measured": age, "limit": age_limit}]
        if -age > skew_limit:
            return [{**about(account_id, "ORDER_STALE"), "measured": -age, "limit": skew_limit}]
        return []

    def unknown(self, request: Message) -> list[Message]:
        """4.1."""
        account_id = request["account_id"]
        reasons = []
        if account_id not in self.book.accounts:
            reasons.append(about(account_id, "ACCOUNT_UNKNOWN"))
        if request["instrument_id"] not in self.book.instruments:
            reasons.append(entry("INSTRUMENT_UNKNOWN", ("INSTRUMENT", request["instrument_id"])))
        return reasons

    def count(self, case: Case, rejections: list[Message]) -> None:
        """Take the tokens and the day's count of an order that got that far (4.29)."""
        case.account.day_order_count += 1
        own = limits.account_bucket(case)
        if own is not None:
            case.account.next_order_time = own.after(case.account.next_order_time, case.now)
        shared = limits.principal_bucket(case)
        if shared is not None:
            next_time = shared.after(order_checks.principal_next(case), case.now)
            self.book.principals[case.principal] = next_time
        order_checks.remember_sent(case, rejections)

    def store(self, request: Message, principal: str, answer: Message) -> None:
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
            content(request, principal),
            answer,
            "REFUSED",
            keep_until=request["created_time_ns"] + keep,
            arrival=book.arrival(),
            sequence=book.sequence,
            allowed_time=answer["decided_time_ns"],
        )
        account.orders[order.order_id] = order
        book.touch(order.account_id)
        if answer["verdict"] == "ALLOW":
            book.instruments[order.instrument_id].touched = True
            order.state, order.reserved = "RESERVED", order.quantity
            order.reserved_price = answer["reserved_price_e4"]
            order.ratio = order.own_ratio = self.ratio(request, answer["decided_time_ns"])
            order.acknowledge_by = answer["acknowledge_by_time_ns"]

    def repeat(self, request: Message, principal: str, now: int) -> Message | None:
        """4.2: the stored answer to the same content, or a stricter one; none: no repeat."""
        account = self.book.accounts.get(request["account_id"])
        known = account.orders.get(request["order_id"]) if account else None
        if known is None or known.content is None or known.answer is None:
            return None
        if known.content != content(request, principal):
            return None
        return self.answer_again(known, request, principal, now)

    def answer_again(self, known: Order, request: Message, principal: str, now: int) -> Message:
        """The stored answer to an order, or a stricter one."""
        assert known.answer is not None
        answer = {**known.answer, "replayed": True, "order_state": known.state}
        if answer["verdict"] == "ALLOW":
            case = open_case(self.book, request, principal, now)
            stricter = self._refusal_of_repeat(case, known)
            if stricter is not None:
                answer |= {"verdict": "REJECT", "rejections": [stricter]}
                del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
        return answer

    def _refusal_of_repeat(self, case: Case, known: Order) -> Message | None:
        if known.reported or known.state not in LIVE or chains.is_superseded(known):
            return about(known.account_id, "ORDER_NOT_RESERVED")
        halts = order_checks.halted(case)
        if halts:
            return halts[0]
        stop = order_checks.standing_stop(case, "REDUCE_ONLY")
        was_exit = known.answer is not None and known.answer["verified_exit"]
        if stop is not None and not was_exit:
            return order_checks.stop_entry("REDUCE_ONLY", stop)
        return None

    def preview_order(self, request: Message, principal: str, now: int) -> Message:
        """Judge an order without any effect."""
        unknown = self.unknown(request)
        response: Message = {
            "verdict": "REJECT",
            "rejections": unknown,
            "as_of_sequence": self.book.sequence,
            "decided_time_ns": now,
            "policy_version": self.book.version,
            "max_acceptable_quantity": 0,
        }
        if unknown:
            return {**response, "limiting": unknown[0]}
        case = open_case(self.book, request, principal, now)
        quantity = request["quantity"]
        found = judgement.judge_whole(case, quantity)
        response |= {
            "verdict": "REJECT" if found.rejections else "ALLOW",
            "rejections": found.rejections,
            "warnings": found.warnings,
            "max_acceptable_quantity": judgement.largest_acceptable(
                case, quantity, found.rejections
            ),
            "verified_exit": found.verified_exit,
        }
        if found.reserved_price is not None:
            response["reserved_price_e4"] = found.reserved_price
        response |= judgement.limited(case, quantity, found.rejections)
        return response | self._difference(case, quantity, found.reserved_price)

    def _limits_with(self, case: Case, quantity: int, reserved_price: int) -> list[Message]:
        """Every limit of an account under cn_margin as if the order were open."""
        account, name = case.account, case.instrument_id
        made = Order(
            account.account_id, "", name, case.side, quantity, None, None, "RESERVED", 0, 0, 0
        )
        made.reserved, made.reserved_price = quantity, reserved_price
        made.taken_kind = str(case.request["margin_kind"])
        made.ratio = self.ratio(case.request, case.now)
        account.orders[""] = made
        lines = lines_of(account)
        figures = projected(self.book, account, lines, case.now)
        found = limits_with(case, lines, figures, opened=0)
        del account.orders[""]
        return found

    def _difference(self, case: Case, quantity: int, reserved_price: int | None) -> Message:
        """Figures before and after an order, where they can be valued."""
        shown: Message = {}
        if not valuable(self.book, case.lines):
            return shown
        before = projected(self.book, case.account, case.lines, case.now)
        shown["before"] = before.message()
        after: Figures | None = None
        margin = credit.is_credit(case.account)
        if margin and credit.is_exit_kind(case.request):  # what only closes changes no figure
            shown |= {"after": before.message(), "change": dict.fromkeys(before.amounts(), 0)}
            if reserved_price is None or order_checks.notional_bound(
                case, quantity, reserved_price
            ):
                return shown
            return shown | {"limits": self._limits_with(case, quantity, reserved_price)}
        if not order_checks.notional_bound(case, quantity, reserved_price):
            after = account_checks.figures_after(case, quantity, reserved_price)
        if after is not None and after.in_bounds and reserved_price is not None:
            shown["after"] = after.message()
            old = before.amounts()
            shown["change"] = {name: new - old[name] for name, new in after.amounts().items()}
            lines = account_checks.lines_after(case, quantity, reserved_price)
            if margin:
                shown["limits"] = self._limits_with(case, quantity, reserved_price)
            else:
                shown["limits"] = limits_with(case, lines, after)
            shown["concentrations"] = [share(case, before, after)]
        return shown


def content(request: Message, principal: str) -> tuple[object, ...]:
    """What makes two orders under one id the same (4.2)."""
    return (*(request.get(name) or 0 for name in CONTENT), principal)


def about(account_id: str, reason: str) -> Message:
    """Write down a reason without figures."""
    return {"reason": reason, "scope_kind": "ACCOUNT", "scope_id": account_id}
