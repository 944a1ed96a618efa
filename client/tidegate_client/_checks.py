"""One round of asking: from orders to decisions, whatever happens on the way. Knows no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import grpc

from tidegate.v1 import order_pb2
from tidegate_client._errors import AnswerError, TidegateError
from tidegate_client._life import replace_order
from tidegate_client._methods import check_order, check_orders
from tidegate_client._types import Decision
from tidegate_client._unsent import OrderKey
from tidegate_client._wire import check_request, decision_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tidegate.v1.risk_service_pb2 import CheckOrderResponse
    from tidegate_client._methods import Call
    from tidegate_client._types import Order
    from tidegate_client._unsent import Ledger

LARGEST_BATCH = 1_000
_KNOWN_VERDICTS = (order_pb2.VERDICT_ALLOW, order_pb2.VERDICT_REJECT)


class Round:
    """Orders on their way to decisions. Leaving it without an answer gives the orders up.

    Invariant: once `decisions` is complete, an order is either answered by the gate, or spent, or
    proven to be undecided.
    """

    __slots__ = ("_decisions", "_keys", "_ledger", "_waiting", "call")

    call: Call[list[CheckOrderResponse]] | None

    def __init__(
        self,
        ledger: Ledger,
        orders: Sequence[Order],
        *,
        alone: bool = False,
        batch_id: str = "",
        replaces: str = "",
    ) -> None:
        """Refuse what must not be sent, and prepare `call` for the rest, None for no rest.

        `alone` asks for the one order by itself, in place of another if it `replaces` one; a batch
        with an id is atomic.
        """
        self._ledger = ledger
        self._keys = [OrderKey(order.account_id, order.order_id) for order in orders]
        self._decisions: dict[int, Decision] = {}
        self._refuse(atomic=bool(batch_id))
        self._waiting = [at for at in range(len(orders)) if at not in self._decisions]
        requests = [check_request(orders[at]) for at in self._waiting]
        self.call = None
        if requests and replaces:
            self.call = replace_order(requests[0], replaces)
        elif requests:
            self.call = check_order(requests[0]) if alone else check_orders(requests, batch_id)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        caught: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give up what has no answer: the caller was interrupted and will not send it."""
        if self._waiting:
            self._ledger.give_up([self._keys[at] for at in self._waiting])

    def answered(self, answers: Sequence[CheckOrderResponse]) -> None:
        """Take the gate's answers, in the order of the call."""
        if len(answers) != len(self._waiting):
            asked = {"asked": str(len(self._waiting)), "answered": str(len(answers))}
            self.failed(not_understood("the number of answers is not that of orders", asked))
            return
        for at, answer in zip(self._waiting, answers, strict=True):
            self._decisions[at] = self._settled(self._keys[at], answer)
        self._waiting = []

    def failed(self, error: TidegateError) -> None:
        """Take the lack of an answer."""
        for at in self._waiting:
            self._decisions[at] = _without_answer(self._keys[at], error)
        if not error.nothing_decided:
            self._ledger.give_up([self._keys[at] for at in self._waiting])
        self._waiting = []

    def decisions(self, *, raise_on_error: bool) -> list[Decision]:
        """Return one decision an order; raise the first error instead if asked to."""
        decisions = [self._decisions[at] for at in range(len(self._keys))]
        for decision in decisions:
            if raise_on_error and decision.error is not None:
                raise decision.error
        return decisions

    def _refuse(self, *, atomic: bool) -> None:
        refusals = {at: self._ledger.refusal(key) for at, key in enumerate(self._keys)}
        first = next((error for error in refusals.values() if error is not None), None)
        for at, key in enumerate(self._keys):
            error = refusals[at] or (first if atomic else None)
            if error is not None:
                self._decisions[at] = _without_answer(key, error)

    def _settled(self, key: OrderKey, answer: CheckOrderResponse) -> Decision:
        decision = decision_of(key.account_id, key.order_id, answer)
        if decision.verdict == order_pb2.VERDICT_ALLOW:
            decision.error = self._ledger.admit(key)
        elif decision.verdict not in _KNOWN_VERDICTS:
            number = {"verdict": str(decision.verdict)}
            decision.error = not_understood("neither allow nor reject", number)
            self._ledger.give_up([key])
        return decision


def check_batch(orders: Sequence[Order], *, atomic: bool, batch_id: str) -> None:
    """Refuse a batch that no gate would take, before it costs a call. Raise ValueError."""
    if len(orders) > LARGEST_BATCH:
        raise ValueError(f"a batch has at most {LARGEST_BATCH} orders, not {len(orders)}")
    if atomic != bool(batch_id):
        raise ValueError("an atomic batch needs a batch_id of its own, and only an atomic one")


def not_understood(details: str, metadata: dict[str, str] | None = None) -> AnswerError:
    """Say that an answer is beyond this version."""
    return AnswerError(grpc.StatusCode.UNKNOWN, metadata=metadata, details=details)


def _without_answer(key: OrderKey, error: TidegateError) -> Decision:
    return Decision(account_id=key.account_id, order_id=key.order_id, error=error)
