"""One order with everything that it is judged on, and how a reason is written down.

Nothing changes while a case is judged, so a question of a case has one answer: what is marked
`once` is worked out the first time it is asked. The search for the largest quantity (4.0.3) judges
a case dozens of times, and most of the table does not depend on the quantity.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from tests.oracle import credit, credit_room
from tests.oracle.book import Account, Book, Instrument, Line, Message, lines_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Case:
    """One order and the state that it meets."""

    book: Book
    account: Account
    instrument: Instrument
    request: Message
    principal: str
    now: int
    lines: dict[str, Line]
    warning: bool = False  # judge the limits in mode warn instead of those that are on (4.28)
    opening: int | None = None  # of a replace: what would be open of it (7.2)
    room: int = 0  # of a replace: up to what open quantity it is judged as an exit
    opened: tuple[int, int] | None = None  # of a replace: the contract that its chain has opened
    answered: dict[Any, Any] = field(init=False, default_factory=dict)  # see `once`; never copied

    @property
    def instrument_id(self) -> str:
        """The instrument ordered."""
        return str(self.request["instrument_id"])

    @property
    def side(self) -> str:
        """BUY or SELL."""
        return str(self.request["side"])

    @property
    def price(self) -> int | None:
        """The limit price; a market order has none."""
        price = self.request.get("price_e4")
        return None if price is None else int(price)

    @property
    def line(self) -> Line:
        """What the account has in the instrument without this order."""
        return self.lines.get(self.instrument_id, Line())

    @property
    def factor(self) -> int:
        """v_eff of the instrument."""
        return self.book.factor(self.instrument, self.now)

    @property
    def day_limit(self) -> int | None:
        """The day's price limit that a market order of this side could run into."""
        side = "upper" if self.side == "BUY" else "lower"
        limit = self.instrument.facts.get(f"{side}_price_limit_e4")
        return None if limit is None else int(limit)

    def is_exit(self, quantity: int) -> bool:
        """Say whether a quantity fits the exit quantity (3.3)."""
        return quantity <= max(self.exit_quantity, self.room)

    @property
    def exit_quantity(self) -> int:
        """How much an order of this side, or kind, may still close."""
        if credit.is_credit(self.account):
            kind = str(self.request.get("margin_kind", ""))
            free = credit_room.room(self.book, self.account, self.instrument, kind)
            back = kind == "BUY_TO_RETURN"
            return credit_room.whole_lots(self.instrument, free) if back else free
        return self.line.exit_quantity(self.side)

    @property
    def lot_room(self) -> int:
        """What may be closed in odd lots: all of it (4.9)."""
        if not credit.is_credit(self.account):
            return self.exit_quantity
        kind = str(self.request.get("margin_kind", ""))
        return credit_room.room(self.book, self.account, self.instrument, kind)

    @property
    def asked(self) -> int:
        """What is asked for: the quantity, or what would be open of a replace."""
        return int(self.request["quantity"]) if self.opening is None else self.opening


def once(question: Callable[Concatenate[Case, P], R]) -> Callable[Concatenate[Case, P], R]:
    """Answer a question of a case the first time, and repeat the answer for as long as it lives."""

    @wraps(question)
    def ask(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (question, args, tuple(kwargs.items()))
        if key not in case.answered:
            case.answered[key] = question(case, *args, **kwargs)
        answer: R = case.answered[key]
        return answer

    return ask


def open_case(book: Book, request: Message, principal: str, now: int) -> Case:
    """Gather what an order of a known account and instrument is judged on."""
    account = book.accounts[request["account_id"]]
    instrument = book.instruments[request["instrument_id"]]
    return Case(book, account, instrument, request, principal, now, lines_of(account))


def lot(instrument: Instrument) -> tuple[int, int]:
    """Least quantity and step; 0 stands for 1."""
    facts = instrument.facts
    return facts.get("least_quantity", 0) or 1, facts.get("quantity_step", 0) or 1


def entry(
    reason: str,
    scope: tuple[str, str],
    figures: tuple[int | None, int | None] = (None, None),
    subject: str = "",
    note: str = "",
) -> Message:
    """Write one reason down."""
    measured, limit = figures
    found: Message = {"reason": reason, "scope_kind": scope[0], "scope_id": scope[1]}
    if measured is not None:
        found["measured"] = measured
    if limit is not None:
        found["limit"] = limit
    return {**found, "subject": subject, "note": note}


def of_account(case: Case, reason: str, measured: int | None, limit: int | None) -> Message:
    """Write a reason down whose limit is the account's."""
    return entry(reason, ("ACCOUNT", case.account.account_id), (measured, limit))


def of_instrument(case: Case, reason: str, measured: int, limit: int) -> Message:
    """Write a reason down whose limit is the instrument's."""
    return entry(reason, ("INSTRUMENT", case.instrument_id), (measured, limit))
