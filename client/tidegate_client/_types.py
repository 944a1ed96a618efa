"""What callers hand over and get back: plain values, amounts as integers."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2

if TYPE_CHECKING:
    from tidegate.v1.risk_service_pb2 import Concentration, Figures
    from tidegate.v1.usage_pb2 import LimitView
    from tidegate_client._errors import TidegateError

MAXIMUM_ID_CHARACTERS = 64
MAXIMUM_PRICE_E4 = 10**12
MAXIMUM_QUANTITY = 10**12
MAXIMUM_AMOUNT_E4 = 9 * 10**16
_MAXIMUM_TEXT_CHARACTERS = 64
_MAXIMUM_EXPONENT = 32  # beyond it a decimal of few characters would be an integer of millions


class Side(IntEnum):
    """Whether an order buys or sells."""

    BUY = order_pb2.SIDE_BUY
    SELL = order_pb2.SIDE_SELL


class MarginKind(IntEnum):
    """What an order is for, of an account under the margin model cn_margin."""

    COLLATERAL_BUY = order_pb2.MARGIN_KIND_COLLATERAL_BUY
    COLLATERAL_SELL = order_pb2.MARGIN_KIND_COLLATERAL_SELL
    MARGIN_BUY = order_pb2.MARGIN_KIND_MARGIN_BUY
    SHORT_SELL = order_pb2.MARGIN_KIND_SHORT_SELL
    SELL_TO_REPAY = order_pb2.MARGIN_KIND_SELL_TO_REPAY
    BUY_TO_RETURN = order_pb2.MARGIN_KIND_BUY_TO_RETURN


@dataclass(slots=True, kw_only=True)
class Order:
    """One order to check.

    `order_id` is the idempotency key: unique within the account, chosen once (`new_order_id`
    makes one), and the same on every repeat, as is `created_time_ns`. Ids are 1 to 64 characters
    of printable ASCII without spaces. `quantity` is 1 to 10^12 of the instrument's smallest unit.
    `price_e4` is the limit price in 1/10 000 of the currency unit (`price_e4("168.80")` makes
    one); without it the order is a market order. `reduce_only` is a claim that the gate verifies.
    `want_max_acceptable_quantity` asks for the largest quantity that would pass as well.
    `margin_kind` says what it is for, of an account under cn_margin, and of no other.

    Raise ValueError for a value out of bounds and TypeError for one that is no integer.
    """

    account_id: str
    order_id: str
    instrument_id: str
    side: Side
    quantity: int
    price_e4: int | None = None
    reduce_only: bool = False
    want_max_acceptable_quantity: bool = False
    margin_kind: MarginKind | None = None
    created_time_ns: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        """Refuse what no gate would take, before it costs a call."""
        _check_id("account_id", self.account_id)
        _check_id("order_id", self.order_id)
        _check_id("instrument_id", self.instrument_id)
        self.side = Side(self.side)
        if self.margin_kind is not None:
            self.margin_kind = MarginKind(self.margin_kind)
        _check_integer("quantity", self.quantity, MAXIMUM_QUANTITY)
        _check_integer("created_time_ns", self.created_time_ns, 2**63 - 1)
        if self.price_e4 is not None:
            _check_integer("price_e4", self.price_e4, MAXIMUM_PRICE_E4)


@dataclass(slots=True, kw_only=True)
class Rejection:
    """One reason why an order is refused, with the figures that it was judged on.

    `reason` is the name of a `RejectReason` without its prefix, such as "LEVERAGE"; a number that
    this version does not know is "UNKNOWN_321". `measured` and `limit` are in the reason's unit
    and absent where it has no figure. `scope_kind` ("ACCOUNT", "" for none) and `scope_id` say
    where the limit or halt lives; `subject` and `note` are what the gate names.
    """

    reason: str
    measured: int | None = None
    limit: int | None = None
    scope_kind: str = ""
    scope_id: str = ""
    subject: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Say the reason and whatever is known of it."""
        parts = [self.reason]
        parts += [f"{self.scope_kind.lower()} {self.scope_id}".strip()] if self.scope_kind else []
        parts += [self.subject] if self.subject else []
        parts += [f"measured {self.measured}"] if self.measured is not None else []
        parts += [f"limit {self.limit}"] if self.limit is not None else []
        parts += [self.note] if self.note else []
        return ", ".join(parts)


@dataclass(slots=True, kw_only=True)
class Decision:
    """The answer to one order. Send the order only if `allowed`, or the decision itself, is true.

    `verdict` is the number that the gate sent, 0 if none arrived. `error` says why there is no
    answer to act on: then the order must not go, under this id ever. `rejections` are in order of
    precedence. `sequence` is the journal position, `decided_time_ns` the gate's clock.
    `order_state` is the name of an `OrderState` without its prefix, "" unless `replayed`.
    `warnings` are the limits in mode warn that the order breaks, whatever the verdict.
    """

    account_id: str
    order_id: str
    verdict: int = order_pb2.VERDICT_UNSPECIFIED
    rejections: tuple[Rejection, ...] = ()
    sequence: int = 0
    decided_time_ns: int = 0
    policy_version: int = 0
    reserved_price_e4: int | None = None
    acknowledge_by_time_ns: int | None = None
    max_acceptable_quantity: int | None = None
    verified_exit: bool = False
    replayed: bool = False
    order_state: str = ""
    error: TidegateError | None = None
    warnings: tuple[Rejection, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the order may go to the venue: an explicit allow and nothing else."""
        return self.verdict == order_pb2.VERDICT_ALLOW and self.error is None

    @property
    def outcome_known(self) -> bool:
        """Whether the gate's own answer, allow or reject, is what this decision says."""
        known = self.verdict in (order_pb2.VERDICT_ALLOW, order_pb2.VERDICT_REJECT)
        return known and self.error is None

    @property
    def reason(self) -> str:
        """Name the headline reason; the kind of error if there is no answer, "" for an allow."""
        if self.error is not None:
            return self.error.reason or self.error.code.name
        return self.rejections[0].reason if self.rejections else ""

    def __bool__(self) -> bool:
        """Be true only for an allow, so that `if client.check(order):` is safe."""
        return self.allowed

    def __str__(self) -> str:
        """Say the answer and every reason."""
        if self.allowed:
            return f"{self.order_id} allowed"
        reasons = "; ".join(map(str, self.rejections))
        return f"{self.order_id} not allowed: {self.error or reasons or 'no reason given'}"


@dataclass(slots=True, kw_only=True)
class Preview:
    """What the gate would say to an order, and what the order would do. Nothing is reserved.

    `before`, `after` and `change` are the account's projected `Figures`; absent where the account
    cannot be valued. `max_acceptable_quantity` is the largest quantity up to the order's own that
    would pass, `largest_quantity` that of any order alike; `limiting` is what stops a larger one.
    `concentrations` are shares of the assets before and after, `limits` what the account would use
    of each limit with the order, what binds next first.
    """

    verdict: int
    rejections: tuple[Rejection, ...]
    as_of_sequence: int
    decided_time_ns: int
    policy_version: int
    reserved_price_e4: int | None
    max_acceptable_quantity: int
    verified_exit: bool
    before: Figures | None
    after: Figures | None
    change: Figures | None
    warnings: tuple[Rejection, ...] = ()
    largest_quantity: int = 0
    limiting: Rejection | None = None
    concentrations: tuple[Concentration, ...] = ()
    limits: tuple[LimitView, ...] = ()

    @property
    def would_allow(self) -> bool:
        """Whether the order would pass now; no permission to send it."""
        return self.verdict == order_pb2.VERDICT_ALLOW

    def __bool__(self) -> bool:
        """Be true only if the order would pass."""
        return self.would_allow


def new_order_id() -> str:
    """Make an order id: 32 hexadecimal digits of a random UUID."""
    return uuid.uuid4().hex


def price_e4(value: Decimal | str) -> int:
    """Turn a price into 1/10 000 of the currency unit, exactly.

    >>> price_e4("168.80")
    1688000

    Raise TypeError for a float or int, ValueError for more than four decimals (nothing is rounded)
    or a price outside 0.0001 to 100 000 000.
    """
    amount = amount_e4(value)
    if not 1 <= amount <= MAXIMUM_PRICE_E4:
        raise ValueError(f"price {value} is outside 0.0001 to 100000000")
    return amount


def amount_e4(value: Decimal | str) -> int:
    """Turn an amount of money, of either sign, into 1/10 000 of the currency unit, exactly.

    Raise TypeError for a float or int, ValueError for more than four decimals or an amount beyond
    9 * 10^12 units either way.
    """
    amount = _exact(value) * 10_000
    if amount.denominator != 1:
        raise ValueError(f"{value} has more than four decimals; round it as your market does")
    if abs(amount) > MAXIMUM_AMOUNT_E4:
        raise ValueError(f"{value} is beyond 9000000000000")
    return int(amount)


def decimal_e4(amount: int) -> Decimal:
    """Turn 1/10 000 of the currency unit back into units, with four decimals."""
    return Decimal(amount).scaleb(-4)


def _exact(value: object) -> Fraction:
    # The type checker knows; callers without one pass floats from spreadsheets.
    if not isinstance(value, Decimal | str):
        raise TypeError(_why_not(value))
    if isinstance(value, str) and len(value) > _MAXIMUM_TEXT_CHARACTERS:
        raise ValueError(f"an amount has at most {_MAXIMUM_TEXT_CHARACTERS} characters")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no decimal number") from None
    if not number.is_finite():
        raise ValueError(f"{value} is no amount")
    if number and abs(number.adjusted()) > _MAXIMUM_EXPONENT:
        raise ValueError(f"{value} is too large or too small for an amount")
    return Fraction(number)


def _why_not(value: object) -> str:
    if isinstance(value, float):
        return f"float {value!r} cannot hold most decimal amounts exactly; pass a str or Decimal"
    if isinstance(value, int):
        return f"int {value!r} may be units or 1/10 000 of them; pass a str or Decimal"
    return f"an amount is a str or Decimal, not {type(value).__name__}"


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {type(value).__name__}")
    printable = value.isascii() and value.isprintable() and " " not in value
    if not printable or not 1 <= len(value) <= MAXIMUM_ID_CHARACTERS:
        raise ValueError(
            f"{name} {value!r} is not 1 to {MAXIMUM_ID_CHARACTERS} characters of printable ASCII "
            "without spaces"
        )


def _check_integer(name: str, value: object, maximum: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is an int, not {type(value).__name__}")
    if not 1 <= value <= maximum:
        raise ValueError(f"{name} {value} is not 1 to {maximum}")
