"""Checks of the order by itself: 4.4 to 4.6 and 4.9 to 4.17."""

from tests.oracle import scopes
from tests.oracle.book import (
    DAY,
    INT64_MAX,
    LIVE,
    MONEY_MAX,
    Message,
    Order,
    Stop,
    out_of_bounds,
    scale_down,
    scale_up,
    up,
    upper_ratio,
)
from tests.oracle.case import Case, entry, lot, of_account, of_instrument, once
from tests.oracle.groups import above, members
from tests.oracle.limits import (
    account_bucket,
    collar,
    in_mode,
    levels,
    principal_bucket,
    principal_levels,
    rate_in_mode,
    setting,
)


@once
def halted(case: Case) -> list[Message]:
    """4.4."""
    stop = standing_stop(case, "HALT")
    return [] if stop is None else [stop_entry("HALTED", stop)]


@once
def reduce_only(case: Case) -> list[Message]:
    """4.5, of an order that is no verified exit."""
    stop = standing_stop(case, "REDUCE_ONLY")
    if stop is not None:
        return [stop_entry("REDUCE_ONLY", stop)]
    if case.request.get("reduce_only", False):
        return [entry("REDUCE_ONLY", ("ACCOUNT", case.account.account_id))]
    return []


@once
def session_closed(case: Case) -> list[Message]:
    """4.6."""
    window = case.book.policy.get("trading_window")
    if window is not None and not in_window(window, case.now % DAY):
        return [entry("SESSION_CLOSED", ("FIRM", ""), subject="trading_window")]
    board = case.instrument.facts.get("board", "")
    for session in case.book.sessions.get(board, []):
        if session.get("open_time_ns", 0) <= case.now < session["close_time_ns"]:
            return []
    return [entry("SESSION_CLOSED", ("BOARD", board))]


def in_window(window: Message, time_of_day: int) -> bool:
    """Say whether risk's window holds a time of the UTC day; one may go over midnight."""
    opens, closes = window.get("open_of_day_ns", 0), window["close_of_day_ns"]
    if opens < closes:
        return bool(opens <= time_of_day < closes)
    return bool(time_of_day >= opens or time_of_day < closes)


def standing_stop(case: Case, kind: str) -> Stop | None:
    """The first stop of a kind that stands over the order: widest scope, then smallest id."""
    scopes = [
        ("FIRM", ""),
        *[("GROUP", group_id) for group_id in above(case.book, case.account)],
        ("ACCOUNT", case.account.account_id),
        ("INSTRUMENT", case.instrument_id),
        ("PRINCIPAL", case.principal),
    ]
    for scope in scopes:
        here = [
            stop
            for stop in case.book.stops.values()
            if stop.kind == kind and (stop.scope_kind, stop.scope_id) == scope
        ]
        if here:
            return min(here, key=lambda stop: stop.stop_id)
        if scope[0] == "FIRM" and kind == "HALT" and case.book.regime == "HALTED":
            return Stop("regime", kind, "FIRM", "", "", "", 0, 0)
    return None


def stop_entry(reason: str, stop: Stop) -> Message:
    """Name a stop, who set it and why."""
    note = stop.note if stop.principal else ""
    return entry(reason, (stop.scope_kind, stop.scope_id), subject=stop.stop_id, note=note)


def lot_and_tick(case: Case, quantity: int, *, is_exit: bool) -> list[Message]:
    """4.9."""
    reasons = []
    least, step = lot(case.instrument)
    odd = quantity < least or (quantity - least) % step != 0
    if is_exit and (case.lot_room - quantity) % step == 0:
        odd = False
    kept = case.room >= quantity and (case.room - quantity) % step == 0
    if quantity == 0 or kept:  # a replace that keeps what is open, or leaves no odd part of it
        odd = False
    if odd:
        reasons.append(of_instrument(case, "LOT_SIZE", quantity, step))
    tick = case.instrument.facts.get("tick_e4", 0) or 1
    if case.price is not None and case.price % tick != 0:
        reasons.append(of_instrument(case, "TICK_SIZE", case.price, tick))
    return reasons


@once
def price_limit(case: Case) -> list[Message]:
    """4.10."""
    upper = case.instrument.facts.get("upper_price_limit_e4")
    lower = case.instrument.facts.get("lower_price_limit_e4")
    if case.price is None:
        return []
    if upper is not None and case.price > upper:
        return [of_instrument(case, "PRICE_LIMIT", case.price, upper)]
    if lower is not None and case.price < lower:
        return [of_instrument(case, "PRICE_LIMIT", case.price, lower)]
    return []


@once
def prices(case: Case) -> list[Message]:
    """4.11."""
    instruments = case.book.instruments
    names = [case.instrument_id, *sorted(set(case.lines) - {case.instrument_id})]
    age_limit = case.book.number("max_mark_age_ns")
    reasons = []
    missing = [name for name in names if instruments[name].mark is None]
    if missing:
        name = missing[0]
        reasons.append(entry("PRICE_MISSING", ("INSTRUMENT", name), subject=name))
    ages = [(case.now - instruments[n].mark_time, n) for n in names if n not in missing]
    stale = [(age, name) for age, name in ages if age > age_limit]
    if stale:
        age, name = stale[0]
        figures = (age, age_limit)
        reasons.append(entry("PRICE_STALE", ("INSTRUMENT", name), figures, subject=name))
    return reasons


@once
def price_collar(case: Case) -> list[Message]:
    """4.12."""
    mark, price, width = case.instrument.mark, case.price, collar(case)
    if mark is None or price is None or width is None:
        return []
    if setting(case, "price_collar_bps").value is None:
        return []  # of the other mode
    away = price - mark if case.side == "BUY" else mark - price
    if away <= scale_down(mark, width):
        return []
    return [of_account(case, "PRICE_COLLAR", upper_ratio(away, mark), width)]


@once
def reserved_price_of(case: Case, *, is_exit: bool) -> int | None:
    """What the order would be reserved at (3.1); none: nothing says how far it could reach."""
    mark, price, width, day = case.instrument.mark, case.price, collar(case), case.day_limit
    buys = case.side == "BUY"
    if price is not None:
        prices = [price] if mark is None else [price, mark]
        return max(prices) if buys else min(prices)
    if mark is None:
        return (day or 0) if is_exit else None
    if width is None:
        if day is None and is_exit:
            return mark
        return day
    reach = mark + scale_up(mark, width) if buys else max(mark - scale_up(mark, width), 0)
    if day is None:
        return reach
    return min(reach, day) if buys else max(reach, day)


def notional_bound(case: Case, quantity: int, reserved_price: int | None) -> int:
    """The notional, if it leaves the bounds of 1.4; else 0."""
    prices = [case.price, case.instrument.mark, reserved_price]
    worst = max((price for price in prices if price is not None), default=0)
    if not out_of_bounds(worst, quantity, case.instrument.decimals):
        return 0
    return min(up(worst * quantity, case.instrument.unit), INT64_MAX)


def order_size(case: Case, quantity: int, bound: int) -> list[Message]:
    """4.13."""
    reasons = []
    found = scopes.smallest(case, "order_quantity")
    if found is not None and quantity > found[1]:
        reasons.append(entry("ORDER_QUANTITY", found[0], (quantity, found[1])))
    mark = case.instrument.mark
    found = scopes.smallest(case, "order_notional_e4", case.factor)
    if bound:
        if case.warning:
            return reasons + volume_share(case, quantity)
        reasons.append(of_account(case, "ORDER_NOTIONAL", bound, MONEY_MAX))
    elif found is not None and mark is not None:
        notional = up(quantity * max(case.price or 0, mark), case.instrument.unit)
        if notional > found[1]:
            reasons.append(entry("ORDER_NOTIONAL", found[0], (notional, found[1])))
    return reasons + volume_share(case, quantity)


def volume_share(case: Case, quantity: int) -> list[Message]:
    """4.13, the share of the volume."""
    found = scopes.smallest(case, "order_volume_share_bps")
    volume = case.instrument.facts.get("average_volume")
    if found is not None and volume is not None and quantity > scale_down(volume, found[1]):
        share = upper_ratio(quantity, volume)
        return [entry("ORDER_VOLUME_SHARE", found[0], (share, found[1]))]
    return []


@once
def order_rate(case: Case) -> list[Message]:
    """4.14: the account's bucket and the principal's; the greater excess is named."""
    modes = [
        rate_in_mode(case, levels(case, "order_rate")),
        rate_in_mode(case, principal_levels(case)),
    ]
    buckets = [
        ("ACCOUNT", case.account.account_id, account_bucket(case), case.account.next_order_time),
        ("PRINCIPAL", case.principal, principal_bucket(case), principal_next(case)),
    ]
    worst, named = 0, []
    for (kind, name, found, next_time), judged in zip(buckets, modes, strict=True):
        if found is None or not judged:
            continue
        excess = next_time - case.now - found.tolerance
        if excess > worst:
            figures = (next_time - case.now, found.tolerance)
            worst, named = excess, [entry("ORDER_RATE", (kind, name), figures)]
    return named


@once
def self_trade(case: Case) -> list[Message]:
    """4.17: against the best open order of the other side."""
    kind = case.book.policy.get("self_trade_scope", "UNSPECIFIED")
    mode = {"mode": case.book.policy.get("self_trade_mode", "ON")}
    if kind == "UNSPECIFIED" or not in_mode(case, mode):
        return []
    scope = (kind, case.account.account_id)
    mates = [case.account]
    group_id = case.account.facts.get("group_id", "")
    if kind == "GROUP" and group_id:
        scope = (kind, group_id)
        mates = members(case.book, group_id)
    elif kind == "GROUP":
        scope = ("ACCOUNT", case.account.account_id)
    resting = [
        order
        for mate in mates
        for order in mate.orders.values()
        if order.state in LIVE
        and (order.reserved > 0 or order.chain is not None)
        and order.instrument_id == case.instrument_id
        and order.side != case.side
    ]
    if not resting:
        return []
    best_of = min if case.side == "BUY" else max
    markets = [own_price(order) for order in resting if order.is_market]
    if markets:
        return [entry("SELF_TRADE", scope, (case.price, best_of(markets)))]
    best = best_of(order.limit_price for order in resting)
    apart = case.price is not None and (
        case.price < best if case.side == "BUY" else case.price > best
    )
    return [] if apart else [entry("SELF_TRADE", scope, (case.price, best))]


def own_price(order: Order) -> int:
    """What an order is reserved at by itself."""
    return int((order.answer or {})["reserved_price_e4"])


def principal_next(case: Case) -> int:
    """The principal's next order time."""
    return case.book.principals.get(case.principal, 0)


def likeness(case: Case) -> tuple[object, ...]:
    """What makes two orders of an account alike (4.15)."""
    return case.instrument_id, case.side, case.price, int(case.request["quantity"])


def standing_latch(case: Case) -> Stop | None:
    """The latch on the account's orders in the instrument."""
    for stop in case.book.stops.values():
        if stop.latched is None or stop.scope_id != case.account.account_id:
            continue
        if stop.latched[0] == case.instrument_id:
            return stop
    return None


@once
def order_repeated(case: Case) -> list[Message]:
    """4.15; counted once, for the quantity that was asked."""
    latch = standing_latch(case)
    scope = ("ACCOUNT", case.account.account_id)
    rule = case.book.policy.get("order_repeated")
    if rule and in_mode(case, rule):
        since = case.now - rule["window_ns"]
        own = likeness(case)
        count = 1 + sum(1 for time, like in case.account.sent if time > since and like == own)
        if count >= rule["count"]:
            subject = latch.stop_id if latch else next_latch_id(case)
            if case.warning:
                subject = ""
            return [entry("ORDER_REPEATED", scope, (count, rule["count"]), subject=subject)]
    if latch is None or case.warning:
        return []
    if case.is_exit(case.asked) and likeness(case) != latch.latched:
        return []
    return [entry("ORDER_REPEATED", scope, subject=latch.stop_id, note=latch.note)]


def next_latch_id(case: Case) -> str:
    """What the latch of this record will be called; a preview leaves none."""
    if "order_id" not in case.request:
        return ""
    name, number = f"repeated-{case.book.sequence}", 2
    while name in case.book.stops:
        name, number = f"repeated-{case.book.sequence}-{number}", number + 1
    return name


def remember_sent(case: Case, rejections: list[Message]) -> None:
    """Count an order among those alike, and latch if it was one too many (4.15, 4.29)."""
    if not case.book.policy.get("order_repeated"):
        return
    case.account.sent.append((case.now, likeness(case)))
    for rejection in rejections:
        if rejection["reason"] != "ORDER_REPEATED" or "measured" not in rejection:
            continue
        if standing_latch(case) is None:
            text = f"{rejection['measured']} orders alike in {case.instrument_id}"
            scope = ("REPEATED", "ACCOUNT", case.account.account_id)
            stop_id, sequence = rejection["subject"], case.book.sequence
            latch = Stop(stop_id, *scope, "gate", text, sequence, case.now, likeness(case))
            case.book.stops[stop_id] = latch


@once
def counts(case: Case, *, is_exit: bool) -> list[Message]:
    """4.16, without the turnover."""
    reasons = []
    found = scopes.worst(scopes.open_count_bounds(case))
    if found is not None:
        reasons.append(entry("OPEN_ORDER_COUNT", found.scope, (found.measured, found.limit)))
    limit = setting(case, "day_order_count").value
    count = case.book.today_count(case.account) + 1
    if limit is not None and count > limit and not is_exit:
        reasons.append(of_account(case, "DAY_ORDER_COUNT", count, limit))
    return reasons
