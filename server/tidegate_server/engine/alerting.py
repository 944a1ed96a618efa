"""What staff must be told of: usage that reaches a level, and lines (8.5).

The ladder. Each limit of each account has the same six levels. All armed levels that the usage has
reached fire together, as one alert that names the highest, and are disarmed; a level is armed again
once the usage is below level - 500 bps. So usage that trembles about a level alerts once.

Alerts follow from the records alone: an account is looked at after each frame with a record that
touches it. What is odd about a record itself is `flagging`.
"""

from __future__ import annotations

from typing import Final

from .account import Account
from .alert import CRITICAL, INFO, KIND_LIMIT, KIND_LINE, WARNING, Alert
from .far import is_far_from_limits
from .margin_lines import LINE_NAMES, NO_LINES
from .overriding import effective_limits
from .reasons import ScopeKind
from .slack import NEAR_BPS
from .standing import NO_USAGE, SET, Usage
from .state import Book
from .usage import shared_limits, usages, used_limits
from .walk import actual_figures

LEVELS_BPS: Final = (NEAR_BPS, 7_500, 8_500, 9_000, 9_500, 10_000)
REARM_BPS: Final = 500

LEVEL_SEVERITIES: Final = (INFO, INFO, WARNING, WARNING, CRITICAL, CRITICAL)
# By line: withdraw, warning, margin_call, top_up, liquidation, freeze.
LINE_SEVERITIES: Final = (INFO, WARNING, CRITICAL, CRITICAL, CRITICAL, CRITICAL)

# Which limit of whom: account (empty where all accounts share it), scope, its id, name, mode.
LimitKey = tuple[str, int, str, str, bool]


class Arming:
    """Which levels of which limits have fired and are not armed again; one bit a level.

    `counts` is how many limits of an account that is, the empty name for those that accounts share:
    most have none, and their usages need not be looked up.
    """

    __slots__ = ("counts", "fired")

    def __init__(self) -> None:
        self.fired: dict[LimitKey, int] = {}
        self.counts: dict[str, int] = {}

    def step(self, key: LimitKey, usage_bps: int) -> int:
        """Take a usage; return the index of the highest level that fires, -1 for none."""
        after, highest = climbed(self.fired.get(key, 0), usage_bps)
        self.keep(key, after)
        return highest

    def keep(self, key: LimitKey, mask: int) -> None:
        """Keep which levels of a limit have fired; 0 arms them all."""
        name = key[0]
        if mask:
            if key not in self.fired:
                self.counts[name] = self.counts.get(name, 0) + 1
            self.fired[key] = mask
        elif key in self.fired:
            del self.fired[key]
            self.counts[name] -= 1
            if not self.counts[name]:
                del self.counts[name]

    def is_armed(self, account_id: str) -> bool:
        """Tell whether every level of every limit of an account is armed."""
        return account_id not in self.counts and "" not in self.counts


def climbed(mask: int, usage_bps: int) -> tuple[int, int]:
    """Return the levels that have fired after a usage, and the highest that fires now or -1."""
    highest = -1
    for index, level in enumerate(LEVELS_BPS):
        bit = 1 << index
        if mask & bit:
            if usage_bps < level - REARM_BPS:
                mask -= bit
        elif usage_bps >= level:
            mask |= bit
            highest = index
    return mask, highest


def limit_alerts(
    book: Book, account: Account, arming: Arming, sequence: int, time_ns: int
) -> list[Alert]:
    """Look at every limit of an account as it stands; return what fires.

    The order rate has no levels: it comes and goes with each order, and refuses by itself (4.14).
    Only what is used enough is worked out, and what has fired: the rest costs too much to be looked
    at after each record. Where something that has fired is not among it, everything is.
    """
    found: list[Alert] = []
    fired = arming.counts.get(account.account_id, 0)
    seen: set[LimitKey] = set()
    for usage in worth_a_look(book, account, arming, time_ns):
        key = key_of(account, usage)
        if fired and key[0] and key in arming.fired:
            seen.add(key)
        highest = arming.step(key, usage.usage_bps)
        if highest >= 0:
            found.append(limit_alert(account, usage, highest, sequence, time_ns))
    if len(seen) < fired:
        for usage in usages(book, account, time_ns):
            if usage.usage_bps == NO_USAGE and usage.setting != SET:
                arming.keep(key_of(account, usage), 0)
    return found


def worth_a_look(book: Book, account: Account, arming: Arming, time_ns: int) -> list[Usage]:
    """Return the usages of which one may fire, or arm what has fired."""
    if arming.is_armed(account.account_id):
        return used_limits(book, account, time_ns, NEAR_BPS)
    policy = book.policy
    if (
        policy is not None
        and account.account_id not in arming.counts
        and is_far_from_limits(book, policy, account, time_ns)
    ):  # only what accounts share has fired, and may be armed again
        return shared_limits(book, policy, account, time_ns)
    return used_limits(book, account, time_ns, 0)


def line_alerts(
    book: Book, account: Account, before: int, sequence: int, time_ns: int
) -> list[Alert]:
    """Tell of each line that an account has entered or left (2.6), the outermost first.

    Measured is the actual ratio, limit the line's, or the release of one that was left; in bps.
    """
    found: list[Alert] = []
    figures = actual_figures(book, account, time_ns)
    policy = book.policy
    lines = effective_limits(account, policy, time_ns).lines if policy is not None else NO_LINES
    changed = before ^ account.lines
    for index, name in enumerate(LINE_NAMES):
        if not changed & 1 << index:
            continue
        entered = account.lines & 1 << index > 0
        alert = Alert(sequence, time_ns, KIND_LINE, LINE_SEVERITIES[index] if entered else INFO)
        alert.account_id = account.account_id
        alert.name = name
        alert.cleared = not entered
        if figures is not None and figures.ratio_bps >= 0:
            alert.measured = figures.ratio_bps
        if lines:
            alert.limit = lines[2 * index] if entered else lines[2 * index + 1]
        found.append(alert)
    return found


def key_of(account: Account, usage: Usage) -> LimitKey:
    """Tell which limit it is; what is summed over accounts is one for all of them."""
    kind = usage.scope_kind
    shared = kind in (ScopeKind.FIRM, ScopeKind.GROUP) or usage.name == "short_pool"
    name = "" if shared else account.account_id
    return name, int(kind), usage.scope_id, usage.name, usage.warns


def limit_alert(account: Account, usage: Usage, highest: int, sequence: int, time_ns: int) -> Alert:
    """Say that a level was reached."""
    alert = Alert(sequence, time_ns, KIND_LIMIT, LEVEL_SEVERITIES[highest])
    alert.account_id = account.account_id
    alert.name = usage.name
    alert.reason = int(usage.reason)
    alert.level_bps = LEVELS_BPS[highest]
    alert.usage_bps = usage.usage_bps
    alert.measured = usage.measured
    alert.limit = usage.limit
    alert.scope_kind = int(usage.scope_kind)
    alert.scope_id = usage.scope_id
    alert.subject = usage.subject
    alert.warns = usage.warns
    return alert
