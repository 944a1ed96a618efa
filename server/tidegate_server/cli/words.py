"""Reasons in plain words: what was found, against what, and what would cure it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import order_pb2
from tidegate_server.cli import output

if TYPE_CHECKING:
    from tidegate.v1.order_pb2 import Rejection

_CASH = "add cash, or close positions first"
_STAFF = "risk staff can change it"
_TOMORROW = "wait for the next trading day, or ask risk staff for more"

#: What was found and what cures it. A cure that begins with + goes after a size that would pass.
_WORDS = {
    "ACCOUNT_UNKNOWN": ("No account has this id.", "check the id, or have the account created"),
    "INSTRUMENT_UNKNOWN": (
        "No instrument has this id.",
        "check the id, or have the instrument created",
    ),
    "ORDER_ID_REUSED": ("The order id belongs to another order.", "send it under a new id"),
    "ORDER_NOT_RESERVED": (
        "The order of this id has moved on and holds no fresh reservation.",
        "send a new order under a new id",
    ),
    "ORDER_STALE": (
        "The order's creation time is {measured} away from now; {limit} is allowed.",
        "create the order anew; check the clock of whoever sends it",
    ),
    "HALTED": ("{where} is halted ({subject}, {note}).", "wait until the halt is released"),
    "REDUCE_ONLY": (
        "{where} may only reduce what it holds ({subject}, {note}).",
        "order no more than the account can close, or wait for the release",
    ),
    "SESSION_CLOSED": ("{where} is not in a trading session.", "wait for the session to open"),
    "NOT_PERMITTED": ("The account has no permission: {subject}.", "staff must grant it"),
    "INSTRUMENT_RESTRICTED": (
        "{where} is on the restricted list.",
        "only what closes a position passes",
    ),
    "DISCLOSURE_NOT_ACKNOWLEDGED": (
        "The account has not acknowledged the risk disclosure in force.",
        "have the customer acknowledge it",
    ),
    "LIMIT_NOT_SET": (
        "Something that must be set is not: {subject}.",
        "risk staff must set it, or write down that there is no limit",
    ),
    "LOT_SIZE": (
        "A quantity of {measured} is below the least or off the step of {limit}.",
        "order a whole number of steps",
    ),
    "TICK_SIZE": (
        "The price {measured} is no multiple of the tick {limit}.",
        "move the price to the tick",
    ),
    "PRICE_LIMIT": (
        "The price {measured} is outside the day's limit {limit}.",
        "move the price within the day's limits",
    ),
    "PRICE_MISSING": ("{subject} has no mark.", "wait for its first price"),
    "PRICE_STALE": (
        "The mark of {subject} is {measured} old; {limit} is allowed.",
        "wait for a fresh price",
    ),
    "PRICE_COLLAR": (
        "The price is {measured} through the market; {limit} is allowed.",
        "move the price nearer to the market",
    ),
    "ORDER_QUANTITY": ("The order is for {measured}; one order may be for {limit}.", "+"),
    "ORDER_NOTIONAL": (
        "The order is worth {measured}; one order may be worth {limit}.",
        "+split it into smaller orders",
    ),
    "ORDER_VOLUME_SHARE": (
        "The order is {measured} of a usual day's volume; {limit} is allowed.",
        "+split it over time",
    ),
    "ORDER_RATE": (
        "Orders come too fast: the next is due in {measured}, {limit} ahead is allowed.",
        "send it again a little later",
    ),
    "ORDER_REPEATED": (
        "It is the same order for the {measured}. time; {limit} are too many.",
        "find out why it repeats; risk staff releases what latched",
    ),
    "OPEN_ORDER_COUNT": (
        "It would be open order number {measured}; {limit} may be open.",
        "cancel or wait for another order",
    ),
    "DAY_ORDER_COUNT": ("It would be order number {measured} today; {limit} may be.", _TOMORROW),
    "DAY_TURNOVER": ("Today's turnover would be {measured}; {limit} is allowed.", "+" + _TOMORROW),
    "SELF_TRADE": (
        "At {measured} it could trade with an open order of {where} at {limit}.",
        "cancel that order first, or move the price away from it",
    ),
    "POSITION_LIMIT": (
        "The position could grow to {measured}; {limit} is allowed for {where}.",
        "+close or cancel some of it first",
    ),
    "OWNERSHIP_LIMIT": ("{measured} of the company would be held; {limit} is allowed.", "+"),
    "SHORT_NOT_ALLOWED": (
        "{measured} would be sold short, and {where} cannot be sold short.",
        "+sell no more than is held",
    ),
    "SHORT_UNLOCATED": (
        "{measured} would be short in all; {limit} is located.",
        "+wait until more is located",
    ),
    "NOT_SELLABLE": (
        "{measured} are to be sold and {limit} may be: the rest was bought today.",
        "+sell the rest on the next trading day",
    ),
    "CONCENTRATION_INSTRUMENT": (
        "{measured} of the assets would be in this instrument; {limit} is allowed.",
        "+" + _CASH,
    ),
    "CONCENTRATION_SECTOR": (
        "{measured} of the assets would be in {where}; {limit} is allowed.",
        "+" + _CASH,
    ),
    "CONCENTRATION_BOARD": (
        "{measured} of the assets would be on {where}; {limit} is allowed.",
        "+" + _CASH,
    ),
    "LEVERAGE": (
        "Exposure would be {measured} times equity; {limit} times is allowed.",
        "+" + _CASH,
    ),
    "INITIAL_MARGIN": (
        "{missing} of margin would be missing.",
        "+add {missing} of cash, or close positions first",
    ),
    "MAINTENANCE_RATIO": (
        "Assets would be {measured} of debt; {limit} is the least for new risk.",
        "+" + _CASH,
    ),
    "CREDIT_LINE": (
        "{measured} would be financed; the credit line is {limit}.",
        "+" + _CASH,
    ),
    "DAY_LOSS": ("Today's loss is {measured}; {limit} is allowed.", _TOMORROW),
    "DRAWDOWN": (
        "Equity is {measured} below its highest; {limit} is allowed.",
        "only what closes positions passes; " + _STAFF,
    ),
    "GROUP_EXPOSURE": ("{where} would be exposed to {measured}; {limit} is allowed.", "+"),
    "FIRM_INSTRUMENT_EXPOSURE": (
        "The firm would hold {measured} of this instrument; {limit} is allowed.",
        "+",
    ),
    "FIRM_FINANCING": ("The firm would finance {measured}; {limit} is allowed.", "+"),
    "RESERVE_COVERAGE": (
        "The reserve would cover {measured} of what could be lost; {limit} is the least.",
        "+",
    ),
    "INTERNAL": ("The gate could not judge the order.", "report it to whoever runs the gate"),
    "BATCH_REJECTED": ("Another order of the batch is refused.", "cure that one, or leave it out"),
}

#: The same where a figure that the words need is absent, or a name.
_WITHOUT = {
    "REDUCE_ONLY": (
        "The order says that it only reduces, and it does not.",
        "order no more than the account can close",
    ),
    "HALTED": ("{where} is halted.", "wait until the regime is lifted"),
    "ORDER_REPEATED": (
        "Orders for this instrument are held back after one repeated ({subject}).",
        "risk staff must release it",
    ),
    "LEVERAGE": ("There would be no equity left.", _CASH),
    "SELF_TRADE": (
        "At the market it could trade with an open order of {where} at {limit}.",
        "cancel that order first",
    ),
}


#: Of a reason that this program does not know.
UNKNOWN = ("The order breaks this rule.", _STAFF)


def name_of(rejection: Rejection) -> str:
    """Name a reason without its prefix; by its number if this program does not know it."""
    known = order_pb2.RejectReason.DESCRIPTOR.values_by_number.get(rejection.reason)
    return output.short(known.name, "REJECT_REASON_") if known else f"REASON_{rejection.reason}"


def explain(rejection: Rejection, largest: int | None = None) -> tuple[str, str]:
    """Say what a reason found and what would cure it, given the largest quantity that passes."""
    reason = name_of(rejection)
    found, cure = _WORDS.get(reason, UNKNOWN)
    if reason in _WITHOUT and _is_bare(reason, rejection):
        found, cure = _WITHOUT[reason]
    measured = output.optional(rejection, "measured")
    words = {
        "measured": _figure(reason, measured),
        "limit": _figure(reason, output.optional(rejection, "limit")),
        "missing": output.money(None if measured is None else -measured),
        "subject": rejection.subject.replace("_", " ") if reason in _NAMES else rejection.subject,
        "note": rejection.note,
        "where": _where(rejection),
    }
    if cure.startswith("+"):
        cure = _sized(cure[1:], largest)
    return _sentence(found.format(**words)), cure.format(**words)


#: Reasons whose subject is a setting's name.
_NAMES = frozenset({"LIMIT_NOT_SET", "NOT_PERMITTED"})


def _is_bare(reason: str, rejection: Rejection) -> bool:
    if reason in {"REDUCE_ONLY", "HALTED"}:
        return not rejection.note
    if reason == "LEVERAGE":
        return rejection.measured == output.UNBOUNDED or not rejection.HasField("limit")
    return not rejection.HasField("measured")


def _sized(cure: str, largest: int | None) -> str:
    if largest == 0:
        return cure or "no quantity would pass: ask risk staff for more"
    size = "order less" if largest is None else f"order {largest:,} at most"
    return f"{size}; or {cure}" if cure else size


def _figure(reason: str, value: int | None) -> str:
    if reason == "LEVERAGE":
        return output.times(value).removesuffix(" x")
    return output.figure(reason, value)


def _where(rejection: Rejection) -> str:
    if rejection.scope_kind == order_pb2.SCOPE_KIND_FIRM:
        return "risk's trading window" if rejection.subject == "trading_window" else "the firm"
    text = output.scope(rejection.scope_kind, rejection.scope_id).replace(":", " ", 1)
    return "the account" if rejection.scope_kind == order_pb2.SCOPE_KIND_ACCOUNT else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
