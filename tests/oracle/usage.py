"""8.5: how much of each limit an account uses, and which one binds next."""

from dataclasses import dataclass, replace

from tests.oracle.account_checks import concentration_cap, day_turnover
from tests.oracle.book import (
    INT64_MAX,
    Account,
    Book,
    Instrument,
    Line,
    Message,
    lines_of,
    up,
    upper_ratio,
)
from tests.oracle.case import Case
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.limits import (
    account_bucket,
    levels,
    rate_in_mode,
    rate_missing,
    setting,
    table_in_mode,
    tier_of,
)
from tests.oracle.usage_sums import ownership, scoped, sums
from tests.oracle.valuations import stand
from tests.oracle.valued_sums import reserve_row, usage_rows

Row = Message


@dataclass
class Counts:
    """What an account has counted: open orders, orders today, and its bucket's next time."""

    opened: int
    decided: int
    next_time: int


def limits_of(book: Book, account: Account, now: int) -> list[Row]:
    """Every limit of an account as it stands, the one that binds next first."""
    if not book.policy:
        return []
    case = Case(book, account, Instrument({}), {}, "", now, lines_of(account))
    known = valuable(book, case.lines)
    figures = projected(book, account, case.lines, now) if known else None
    return sorted_rows(case, counts_of(book, account), figures)


def counts_of(book: Book, account: Account) -> Counts:
    """What an account has counted as it stands."""
    opened = len(account.open_orders())
    return Counts(opened, book.today_count(account), account.next_order_time)


def limits_with(case: Case, lines: dict[str, Line], figures: Figures, opened: int = 1) -> list[Row]:
    """Every limit of an account with one more order, its lines and figures then being these.

    `opened` is how many orders more are open than the book has.
    """
    counts = counts_of(case.book, case.account)
    found = account_bucket(case)
    counts.opened += opened
    counts.decided += 1
    if found is not None:
        counts.next_time = found.after(counts.next_time, case.now)
    return sorted_rows(replace(case, lines=lines), counts, figures)


def sorted_rows(case: Case, counts: Counts, figures: Figures | None) -> list[Row]:
    """Every limit, by usage; those that warn after those that are on."""
    rows = in_order(case, counts, figures)
    for row in rows:
        row.setdefault("scope_kind", "ACCOUNT")
        row.setdefault("scope_id", case.account.account_id)
        row.setdefault("mode", "ON")
        if "used" in row:
            row["used"] = min(row["used"], INT64_MAX)
        if "used" in row and "value" in row:
            row["usage_bps"] = usage(row["used"], row["value"])
    on = [row for row in rows if "usage_bps" in row and row["mode"] == "ON"]
    warned = [row for row in rows if "usage_bps" in row and row["mode"] == "WARN"]
    rest = [row for row in rows if "usage_bps" not in row]
    on.sort(key=lambda row: -row["usage_bps"])
    warned.sort(key=lambda row: -row["usage_bps"])
    if on:
        on[0]["binds_next"] = True
    return on + warned + rest


def usage(used: int, value: int) -> int:
    """Used over limit in bps, rounded down, without end over nothing."""
    if used <= 0:
        return 0
    if value <= 0 or used >= INT64_MAX:
        return INT64_MAX
    return min(used * 10_000 // value, INT64_MAX)


def in_order(case: Case, counts: Counts, figures: Figures | None) -> list[Row]:
    """Every limit in order of precedence."""
    book, account = case.book, case.account
    turnover = day_turnover(book, account, case.lines)
    drawn = None if figures is None else max(0, -figures.cash)
    shorted = None
    if figures is not None and figures.model == "CN_MARGIN":
        drawn, shorted = figures.drawn, figures.short_value
    return [
        *collar_rows(case),
        *own(case, "ORDER_QUANTITY", "order_quantity", None),
        *scoped(case, "ORDER_QUANTITY", "order_quantity"),
        *own(case, "ORDER_NOTIONAL", "order_notional_e4", None),
        *scoped(case, "ORDER_NOTIONAL", "order_notional_e4"),
        *own(case, "ORDER_VOLUME_SHARE", "order_volume_share_bps", None),
        *scoped(case, "ORDER_VOLUME_SHARE", "order_volume_share_bps"),
        rate(case, counts.next_time),
        *own(case, "OPEN_ORDER_COUNT", "open_order_count", counts.opened),
        *scoped(case, "OPEN_ORDER_COUNT", "open_order_count", counts.opened),
        *own(case, "DAY_ORDER_COUNT", "day_order_count", counts.decided),
        *own(case, "DAY_TURNOVER", "day_turnover_e4", turnover),
        *positions(case),
        *scoped(case, "POSITION_LIMIT", "position"),
        *ownership(case),
        *scoped(case, "OWNERSHIP_LIMIT", "ownership_bps"),
        *pools(case),
        *concentrations(case, figures),
        *sums(case, "sector", figures),
        *sums(case, "board", figures),
        *own(case, "LEVERAGE", "leverage_bps", leverage(figures)),
        initial_margin(figures),
        *own(case, "CREDIT_LINE", "credit_line_e4", drawn),
        *own(case, "CREDIT_LINE", "short_line_e4", shorted),
        *losses(case),
        *usage_rows(case, figures, "group_exposure_e4"),
        *scoped(case, "FIRM_INSTRUMENT_EXPOSURE", "instrument_exposure_e4"),
        *usage_rows(case, figures, "financing_e4"),
        *reserve_row(case, figures),
    ]


def losses(case: Case) -> list[Row]:
    """4.25 at the marks of now."""
    found = stand(case.book, case.account, case.now)
    lost = fallen = None
    if found.figures is not None and found.start is not None:
        lost = max(0, found.start - found.figures.equity)
    if found.figures is not None and found.high is not None:
        fallen = upper_ratio(found.high - found.figures.equity, found.high)
    return own(case, "DAY_LOSS", "day_loss_e4", lost) + own(
        case, "DRAWDOWN", "drawdown_bps", fallen
    )


def own(case: Case, reason: str, name: str, used: int | None) -> list[Row]:
    """A limit of the account, in the mode that it has."""
    for mode in ("ON", "WARN"):
        value = setting(replace(case, warning=mode == "WARN"), name).value
        if value is not None:
            row: Row = {"name": name, "reason": reason, "setting": "SET"}
            row |= {"mode": mode, "value": value}
            return [row if used is None else {**row, "used": used}]
    row = nothing(case, reason, name)
    return [row if used is None else {**row, "used": used}]


def nothing(case: Case, reason: str, name: str) -> Row:
    """A limit without a value: why."""
    found = levels(case, name)
    if any(level.get("unlimited", False) for level in found):
        why = "UNLIMITED"
    elif name == "leverage_bps" or any(level.get("required", False) for level in found):
        why = "MISSING"
    else:
        why = "UNSET"
    return {"name": name, "reason": reason, "setting": why}


def collar_rows(case: Case) -> list[Row]:
    """The collar, whose mode is its floor's too."""
    collar = own(case, "PRICE_COLLAR", "price_collar_bps", None)
    floor = own(case, "PRICE_COLLAR", "price_collar_floor_bps", None)
    if "value" in floor[0]:
        found = [level for level in levels(case, "price_collar_bps") if decides(level)]
        floor[0]["mode"] = found[0].get("mode", "ON") if found else "ON"
    return collar + floor


def decides(level: Message) -> bool:
    """Whether a level says anything of a limit."""
    return "value" in level or bool(level.get("unlimited", False))


def rate(case: Case, next_time: int) -> Row:
    """The account's bucket: orders of a burst that are taken."""
    row: Row = {"name": "order_rate", "reason": "ORDER_RATE"}
    found = account_bucket(case)
    if found is None:
        every = levels(case, "order_rate")
        if any(level.get("unlimited", False) for level in every):
            return row | {"setting": "UNLIMITED"}
        return row | {"setting": "MISSING" if rate_missing(every) else "UNSET"}
    taken = up(max(0, next_time - case.now), found.cost)
    mode = "ON" if rate_in_mode(case, levels(case, "order_rate")) else "WARN"
    burst = found.tolerance // found.cost + 1
    return row | {"setting": "SET", "mode": mode, "used": taken, "value": burst}


def positions(case: Case) -> list[Row]:
    """4.18: the account's limit and the instruments'; the greatest usage of each mode."""
    row: Row = {"name": "position", "reason": "POSITION_LIMIT", "setting": "SET"}
    on = setting(case, "position").value
    warn = setting(replace(case, warning=True), "position").value
    best: Row | None = None
    for name in sorted(case.lines):
        theirs = case.book.instruments[name].facts.get("position_limit")
        both = [limit for limit in (theirs, on) if limit is not None]
        if not both:
            continue
        one: Row = {**row, "used": case.lines[name].reach(), "value": min(both), "subject": name}
        if theirs is not None and (on is None or theirs < on):
            one |= {"scope_kind": "INSTRUMENT", "scope_id": name}
        if best is None or more(one, best):
            best = one
    rows = [best] if best is not None else []
    if best is None and on is not None:
        rows.append({**row, "used": 0, "value": on})
    if warn is not None and on is None:  # a cap of the customer's is on, whatever the firm says
        most = max((line.reach() for line in case.lines.values()), default=0)
        at = min((name for name in case.lines if case.lines[name].reach() == most), default="")
        rows.append({**row, "mode": "WARN", "used": most, "value": warn, "subject": at})
    return rows or [nothing(case, "POSITION_LIMIT", "position")]


def more(one: Row, other: Row) -> bool:
    """Whether more of one limit is used than of another."""
    return usage(one["used"], one["value"]) > usage(other["used"], other["value"])


def pools(case: Case) -> list[Row]:
    """4.19: the pool most used of what the account is short of."""
    best: Row | None = None
    for name, line in sorted(case.lines.items()):
        pool = case.book.instruments[name].facts.get("short_pool")
        if pool is None or not line.short():
            continue
        others = [one for one in case.book.accounts.values() if one is not case.account]
        shorts = [line, *(lines_of(other).get(name, Line()) for other in others)]
        use = sum(one.short() for one in shorts)
        one: Row = {"name": "short_pool", "reason": "SHORT_UNLOCATED", "setting": "SET"}
        one |= {"used": use, "value": pool, "scope_kind": "INSTRUMENT", "scope_id": name}
        one["subject"] = name
        if best is None or more(one, best):
            best = one
    return [] if best is None else [best]


def concentrations(case: Case, figures: Figures | None) -> list[Row]:
    """4.20: the instrument that uses most of its cap, for each mode that a table has."""
    row: Row = {"name": "concentration", "reason": "CONCENTRATION_INSTRUMENT"}
    tier = tier_of(case) or {}
    tables = tier.get("concentration", [])
    if not tables:
        required = tier.get("concentration_required", False)
        return [row | {"setting": "MISSING" if required else "UNSET"}]
    rows = []
    for mode in ("ON", "WARN"):
        if not any(table.get("mode", "ON") == mode for table in tables):
            continue
        best: Row = {**row, "setting": "SET", "mode": mode}
        judged = replace(case, warning=mode == "WARN")
        for name in sorted(case.lines) if figures is not None else []:
            instrument = case.book.instruments[name]
            if figures is None or not table_in_mode(judged, instrument):
                continue
            cap = concentration_cap(judged, instrument, figures)
            if cap is None:
                continue
            share = upper_ratio(figures.gross_of[name], figures.assets)
            one: Row = {**row, "setting": "SET", "mode": mode, "subject": name}
            one |= {"used": share, "value": cap}
            if "used" not in best or more(one, best):
                best = one
        rows.append(best)
    return rows


def leverage(figures: Figures | None) -> int | None:
    """4.21: weighted gross over equity."""
    return None if figures is None else upper_ratio(figures.weighted, figures.equity)


def initial_margin(figures: Figures | None) -> Row:
    """4.22: the requirement against what is available and the requirement."""
    row: Row = {"name": "initial_margin", "reason": "INITIAL_MARGIN", "setting": "SET"}
    if figures is None:
        return row
    return row | {"used": figures.initial, "value": max(0, figures.available + figures.initial)}


def share(case: Case, before: Figures, after: Figures) -> Message:
    """How much of the assets is in the ordered instrument, and its cap."""
    name = case.instrument_id
    found: Message = {"scope_kind": "INSTRUMENT", "scope_id": name, "mode": "ON"}
    found["before_bps"] = upper_ratio(before.gross_of.get(name, 0), before.assets)
    found["after_bps"] = upper_ratio(after.gross_of[name], after.assets)
    for mode in ("ON", "WARN"):
        judged = replace(case, warning=mode == "WARN")
        cap = concentration_cap(judged, case.instrument, after)
        if cap is not None:
            return found | {"cap_bps": cap, "mode": mode}
    return found
