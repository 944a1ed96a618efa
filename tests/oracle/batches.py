"""Atomic batches (4.30): all or none, and one answer a batch id."""

from dataclasses import replace

from tests.oracle import account_checks, credit, judgement, valuations, valued_sums
from tests.oracle.add_ons import Weighed
from tests.oracle.book import Batch, Book, Message, lines_of
from tests.oracle.case import open_case
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.orders import Orders, about, content

STAMP = frozenset({"sequence", "decided_time_ns", "policy_version"})


class Batches:
    """Decides atomic batches with the means of single orders."""

    def __init__(self, book: Book, orders: Orders) -> None:
        """Share the book with `orders`."""
        self.book = book
        self.orders = orders

    def check_atomic(self, request: Message, principal: str, now: int) -> Message:
        """Decide an atomic batch, or repeat its answers."""
        known = self.book.batches.get(request["batch_id"])
        if known is not None and _content(known.request, known.principal) == _content(
            request, principal
        ):
            return self._repeat_batch(known, now)
        self.book.next()
        if known is not None:
            reused = [about(order["account_id"], "ORDER_ID_REUSED") for order in request["orders"]]
            pairs = zip(request["orders"], reused, strict=True)
            answers = [self.orders.reject(order, [reason], now) for order, reason in pairs]
        else:
            answers = self._decide_together(request["orders"], principal, now)
        response = self.orders.batch_response(answers, now)
        if known is None:
            self._store_batch(request, principal, response)
        return response

    def _decide_together(self, orders: list[Message], principal: str, now: int) -> list[Message]:
        before = self._figures(orders, now)
        trials = [self._try(order, principal, now) for order in orders]
        if not any(answer["rejections"] for answer in trials):
            for order in orders:  # sums above the accounts, too, are of the book with all
                valued_sums.keep_again(self.book, self.book.accounts[order["account_id"]], now)
            self._judge_accounts(orders, trials, before, now)
        if any(answer["rejections"] for answer in trials):
            for order, answer in zip(orders, trials, strict=True):
                self._refuse_trial(order, answer)
        for order in orders:
            valued_sums.keep_again(self.book, self.book.accounts.get(order["account_id"]), now)
        return trials

    def _try(self, request: Message, principal: str, now: int) -> Message:
        """Judge one order of an atomic batch by 4.1 to 4.18 and reserve it for the time being."""
        ended = self.orders.ended(request, now)
        if ended:
            answer = self.orders.reject(request, ended, now)
            self.orders.store(request, principal, answer)
            return answer
        account = self.book.touch(request["account_id"])
        assert account is not None
        valuations.value(self.book, account, now)
        case = open_case(self.book, request, principal, now)
        found = judgement.judge_whole(case, request["quantity"], book_only=True)
        answer = self.orders.answer(found, now)
        if request.get("want_max_acceptable_quantity", False):
            answer["max_acceptable_quantity"] = judgement.largest_acceptable(
                case, request["quantity"], found.rejections, book_only=True
            )
        self.orders.count(case, found.rejections)
        self.orders.store(request, principal, answer)
        return answer

    def _figures(self, orders: list[Message], now: int) -> dict[str, Figures]:
        """What the accounts were worth before the batch, where they can be valued."""
        found = {}
        for order in orders:
            account = self.book.accounts.get(order["account_id"])
            if account is not None and valuable(self.book, lines_of(account)):
                found[account.account_id] = projected(self.book, account, lines_of(account), now)
        return found

    def _judge_accounts(
        self, orders: list[Message], trials: list[Message], before: dict[str, Figures], now: int
    ) -> None:
        """4.20 to 4.22 once an account, on the book with all; its last opening order answers."""
        opening: dict[str, list[int]] = {}
        for index, (order, answer) in enumerate(zip(orders, trials, strict=True)):
            if not answer["verified_exit"]:
                opening.setdefault(order["account_id"], []).append(index)
        for indexes in opening.values():
            case = open_case(self.book, orders[indexes[-1]], "", now)
            names = sorted({orders[index]["instrument_id"] for index in indexes})
            old = before[case.account.account_id]
            weighed = Weighed(names, old.gross)
            after = projected(self.book, case.account, case.lines, now, weighed)
            mine = [one for one in orders if one["account_id"] == case.account.account_id]
            if any(one.get("margin_kind") == "COLLATERAL_BUY" for one in mine):
                after.least = min(after.least, credit.free_cash(self.book, case.account))
            for kind, warning in (("rejections", False), ("warnings", True)):
                one = replace(case, warning=warning)
                trials[indexes[-1]][kind] += account_checks.solvency(one, names, old, after, set())

    def _refuse_trial(self, request: Message, answer: Message) -> None:
        """Take back what an order of a failed batch had reserved."""
        if not answer["rejections"]:
            answer["rejections"].append({"reason": "BATCH_REJECTED"})
        if answer["verdict"] == "REJECT":
            return
        answer["verdict"] = "REJECT"
        del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
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
            answer = None
            account = self.book.accounts.get(order["account_id"])
            known = account.orders.get(order["order_id"]) if account else None
            # An id that stood for another order then stands for that one still.
            if known is not None and known.sequence == batch.response["sequence"]:
                answer = self.orders.repeat(order, batch.principal, now)
            if answer is None:  # never stored, or its id is forgotten by now
                stamp = {name: value for name, value in batch.response.items() if name in STAMP}
                answer = {**first, **stamp, "replayed": True, "order_state": "REFUSED"}
                if first["verdict"] == "ALLOW":
                    answer["order_state"] = "UNKNOWN_TO_GATE"
                    gone = about(order["account_id"], "ORDER_NOT_RESERVED")
                    answer |= {"verdict": "REJECT", "rejections": [gone]}
                    del answer["reserved_price_e4"], answer["acknowledge_by_time_ns"]
            answers.append(answer)
        return {**batch.response, "answers": answers, "replayed": True}


def _content(request: Message, principal: str) -> list[tuple[object, ...]]:
    orders = request["orders"]
    return [
        (order["account_id"], order["order_id"], *content(order, principal)) for order in orders
    ]
