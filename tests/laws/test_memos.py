"""What the gate remembers is what it would work out now, after every call of a random world.

Memos are in no hash and no snapshot, so an error in one shows only in an answer. Here each is held
against what it follows from: an account's lines, sums, freshness and limits, what add-ons require
of a position, an instrument's rates and times, the room of an order, the slack of a look for
alerts.
"""

import pytest
from tests.laws.memos import wrong_add_ons
from tests.laws.runs import EXAMPLES, ask, calls_of
from tests.oracle.book import SECOND

from tidegate_server.engine.account import Account
from tidegate_server.engine.commands import MODEL_LEVERAGED
from tidegate_server.engine.effective import Effective
from tidegate_server.engine.exposure import line_of_position
from tidegate_server.engine.far import is_far_from_limits
from tidegate_server.engine.groups import ancestors
from tidegate_server.engine.lines import NO_LINE
from tidegate_server.engine.overriding import limits_of, overriding_limits
from tidegate_server.engine.policy import Policy
from tidegate_server.engine.rates import known_rates, rates_now, regime_multiplier
from tidegate_server.engine.room import Room
from tidegate_server.engine.scopes import scopes_over
from tidegate_server.engine.sessions import session_at, window_at
from tidegate_server.engine.slack import InstrumentSlack, Slack
from tidegate_server.engine.state import Book
from tidegate_server.engine.walk import sum_of_lines
from tidegate_server.wire.machine import Machine

WORLDS = EXAMPLES or 4
LENGTH = 400
AHEAD = (0, SECOND, 20 * SECOND)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_is_remembered_is_what_would_be_worked_out(seed: int) -> None:
    machine = Machine()
    for call in calls_of(seed, LENGTH):
        ask(machine, call)
        book = machine.book
        if book.policy is None:
            continue
        found = [
            *[problem for account in book.accounts.values() for problem in lines(book, account)],
            *[
                problem
                for account in book.accounts.values()
                for problem in limits(book, account, max(book.time_ns, call.now_ns))
            ],
            *instruments(book),
            *[
                problem
                for account in book.accounts.values()
                for problem in wrong_add_ons(book, account)
            ],
        ]
        assert not found, (call, found)


def lines(book: Book, account: Account) -> list[str]:
    """Name the lines that are taken to hold and do not, and the sums that are not theirs."""
    policy = book.policy
    assert policy is not None
    name = account.account_id
    found = []
    regime_bps = regime_multiplier(book, policy)
    model = account.margin_model
    all_hold = account.lines_hold_at == book.revision
    for position in account.active:
        instrument = position.instrument
        stressed = position.line_revision == instrument.revision + 1
        what = f"{name} in {instrument.instrument_id}"
        if position.line_revision != instrument.revision and not stressed:
            if all_hold:
                found.append(f"the line of {what} does not hold")
            continue
        rates = rates_now(instrument, policy, regime_bps, model, stressed)
        line = line_of_position(position, rates, model) if instrument.mark else NO_LINE
        if position.line != line:
            found.append(f"the line of {what}: {position.line}, not {line}")
        until_ns = instrument.mark_time_ns + policy.max_mark_age_ns
        if not stressed:
            until_ns = min(until_ns, instrument.factor_time_ns + policy.max_volatility_age_ns)
        if account.totals is not None and account.fresh_until_ns > until_ns:
            found.append(f"{what} is fresh until {until_ns}, not {account.fresh_until_ns}")
    if account.totals is not None and account.totals != sum_of_lines(account.active):
        found.append(f"the figures of {name}")
    if account.groups != ancestors(book, account.group_id):
        found.append(f"the groups of {name}")
    return found


def limits(book: Book, account: Account, now_ns: int) -> list[str]:
    """Name the limits and rooms that are taken to hold and would be others."""
    policy, kept = book.policy, account.effective
    assert policy is not None
    if (
        kept is None
        or account.effective_version != policy.revision
        or now_ns >= min(account.effective_until_ns, policy.scopes_until_ns)
    ):
        return []
    found = []
    overriding, until_ns = overriding_limits(account, policy, now_ns)
    shared, policy.shared = policy.shared, {}
    made = limits_of(account, policy, overriding)
    policy.shared = shared
    if until_ns < account.effective_until_ns or fields(kept) != fields(made):
        found.append(f"the limits of {account.account_id}")
    found += rooms(book, policy, account, kept, made)
    if kept.strict is not None and made.strict is not None:
        found += rooms(book, policy, account, kept.strict, made.strict)
    return [*found, *slacks(book, policy, account, kept, made, now_ns=now_ns)]


def rooms(
    book: Book, policy: Policy, account: Account, kept: Effective, made: Effective
) -> list[str]:
    """Name the rooms of the account's group that are taken to hold and would be others."""
    found = []
    for (group_id, instrument_id, model), room in kept.rooms.items():
        instrument = book.instruments.get(instrument_id)
        if (
            instrument is None
            or group_id != account.group_id
            or room.rates != known_rates(instrument, model)
            or room.epoch != policy.rooms_epoch
        ):
            continue
        over = scopes_over(policy, account, instrument)
        if fields(room) != fields(Room(policy, made, instrument, room.rates, over)):
            found.append(f"the room of {account.account_id} in {instrument_id}")
    return found


def slacks(
    book: Book, policy: Policy, account: Account, kept: Effective, made: Effective, *, now_ns: int
) -> list[str]:
    """Look at an account as the follower does, and name what it then takes to be far and is not."""
    is_far_from_limits(book, policy, account, now_ns)
    slack = kept.slacks.get(account.group_id)
    if slack is None or slack.epoch != policy.rooms_epoch:
        return []
    found = []
    if fields(slack) != fields(Slack(policy, made, account)):
        found.append(f"the slack of {account.account_id}")
    for name, part in slack.of_instruments.items():
        instrument = book.instruments[name]
        again = InstrumentSlack(policy, made, account, instrument, part.factor)
        if fields(part) != fields(again):
            found.append(f"the slack of {account.account_id} in {name}")
    return found


def instruments(book: Book) -> list[str]:
    """Name the rates and times of instruments that are not what they follow from."""
    policy = book.policy
    assert policy is not None
    found = []
    regime_bps = regime_multiplier(book, policy)
    for name, instrument in book.instruments.items():
        for rates, stressed in ((instrument.rates, False), (instrument.stressed_rates, True)):
            made = rates_now(instrument, policy, regime_bps, MODEL_LEVERAGED, stressed)
            if rates not in (None, made):
                found.append(f"the rates of {name}")
        for now_ns in (book.time_ns + ahead for ahead in AHEAD):
            is_open = (
                session_at(book, instrument.terms.board, now_ns) is not None
                and window_at(policy, now_ns) is not None
            )
            if instrument.open_from_ns <= now_ns < instrument.open_until_ns and not is_open:
                found.append(f"{name} is not open at {now_ns}")
            is_plain = (
                is_open
                and instrument.mark > 0
                and now_ns - instrument.mark_time_ns <= policy.max_mark_age_ns
                and now_ns - instrument.factor_time_ns <= policy.max_volatility_age_ns
            )
            if instrument.open_from_ns <= now_ns < instrument.plain_until_ns and not is_plain:
                found.append(f"{name} is not plain at {now_ns}")
    return found


def fields(thing: object) -> object:
    """Write limits, room or slack as plain values; what is kept in it and its levels aside."""
    if isinstance(thing, list | tuple):
        return [fields(one) for one in thing]
    if isinstance(thing, dict):
        return {key: fields(value) for key, value in thing.items()}
    if isinstance(thing, int | str | frozenset | None):
        return thing
    left_out = {"rooms", "slacks", "of_instruments", "levels"}
    names = [name for name in dir(thing) if not name.startswith("_") and name not in left_out]
    values = [(name, getattr(thing, name)) for name in names]
    return [(name, fields(value)) for name, value in values if not callable(value)]
