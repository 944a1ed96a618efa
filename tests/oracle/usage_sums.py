"""8.5 of limits on sums, and of limits of other scopes: what a person is shown of them."""

from dataclasses import replace

from tests.oracle.account_checks import cap_in
from tests.oracle.book import ONE, Message, up, upper_ratio
from tests.oracle.case import Case
from tests.oracle.figures import Figures
from tests.oracle.groups import above, members
from tests.oracle.limits import in_mode, levels, setting, tier_of
from tests.oracle.overrides import scopes_in_force
from tests.oracle.scopes import everybody, total

Row = Message
KINDS = ("FIRM", "GROUP", "ACCOUNT", "SECTOR", "BOARD", "INSTRUMENT")


def of(case: Case, name: str) -> Case:
    """The case of an instrument that the account holds."""
    request = {"instrument_id": name, "side": "BUY"}
    return replace(case, instrument=case.book.instruments[name], request=request)


def owned(case: Case, name: str) -> int | None:
    """The topmost group's share of the shares outstanding of an instrument."""
    shares = case.book.instruments[name].facts.get("shares_outstanding")
    if shares is None:
        return None
    groups = above(case.book, case.account)
    accounts = members(case.book, groups[0]) if groups else [case.account]
    return upper_ratio(total(of(case, name), accounts, 0), shares)


def ownership(case: Case) -> list[Row]:
    """The account's own limit on ownership."""
    row: Row = {"name": "ownership_bps", "reason": "OWNERSHIP_LIMIT"}
    for mode in ("ON", "WARN"):
        value = setting(replace(case, warning=mode == "WARN"), "ownership_bps").value
        if value is not None:
            shares = {name: owned(case, name) or 0 for name in sorted(case.lines)}
            most = max(shares.values(), default=0)
            row |= {"setting": "SET", "mode": mode, "value": value, "used": most}
            return [row | {"subject": named(shares, most)}]
    found = levels(case, "ownership_bps")
    if any(level.get("unlimited", False) for level in found):
        return [row | {"setting": "UNLIMITED"}]
    missing = any(level.get("required", False) for level in found)
    return [row | {"setting": "MISSING" if missing else "UNSET"}]


def named(figures: dict[str, int], most: int) -> str:
    """The first that has the most, nobody if that is nothing."""
    return next((name for name, figure in figures.items() if figure == most > 0), "")


def sums(case: Case, kind: str, figures: Figures | None) -> list[Row]:
    """4.20 of the sector or board that uses most of its cap, for each mode."""
    rows = []
    instruments = case.book.instruments
    for mode in ("ON", "WARN"):
        best: Row | None = None
        for name in sorted(case.lines) if figures is not None else []:
            here = instruments[name].facts.get(kind, "")
            for table in (tier_of(case) or {}).get(f"{kind}_concentration", []):
                judged = replace(case, warning=mode == "WARN")
                if table.get("scope_id", "") != here or not in_mode(judged, table):
                    continue
                cap = cap_in(table["bands"], figures) if figures is not None else None
                if cap is None or figures is None:
                    continue
                gross = sum(
                    amount
                    for other, amount in figures.gross_of.items()
                    if instruments[other].facts.get(kind, "") == here
                )
                value = cap * ONE // case.book.factor(instruments[name], case.now)
                one: Row = {"name": f"{kind}_concentration", "mode": mode, "setting": "SET"}
                one |= {"reason": f"CONCENTRATION_{kind.upper()}", "subject": here}
                one |= {"used": upper_ratio(gross, figures.assets), "value": value}
                if best is None or share(one) > share(best):
                    best = one
        rows += [best] if best is not None else []
    return rows


def share(row: Row) -> float:
    """How much of a limit is used, in whole bps."""
    if row["used"] <= 0:
        return 0
    return (
        float("inf") if row["value"] <= 0 else min(row["used"] * 10_000 // row["value"], 2**63 - 1)
    )


def scoped(case: Case, reason: str, limit: str, opened: int = 0) -> list[Row]:
    """One limit of every scope that the account, or something that it holds, is within.

    So many orders of the account are open, or would be.
    """
    rows = []
    written = scopes_in_force(case.book, case.now)
    for scope in sorted(written, key=lambda one: (KINDS.index(one["scope_kind"]), one["scope_id"])):
        kind, name = scope["scope_kind"], scope.get("scope_id", "")
        inside = [held for held in sorted(case.lines) if holds(case, kind, name, held)]
        if kind == "GROUP" and name not in above(case.book, case.account):
            continue
        if limit not in scope or (kind not in {"FIRM", "GROUP"} and not inside):
            continue
        row: Row = {"name": limit, "reason": reason, "setting": "SET"}
        row |= {"scope_kind": kind, "scope_id": name, "value": scope[limit].get("value", 0)}
        row["mode"] = scope[limit].get("mode", "ON")
        if limit == "open_order_count":
            accounts = everybody(case.book) if kind == "FIRM" else members(case.book, name)
            others = [account for account in accounts if account is not case.account]
            row["used"] = opened + sum(len(account.open_orders()) for account in others)
        elif not limit.startswith("order_"):
            figures = {held: measured(case, kind, name, held, limit) for held in inside}
            row["used"] = max(figures.values(), default=0)
            row["subject"] = named(figures, row["used"])
        rows.append(row)
    return rows


def holds(case: Case, kind: str, name: str, held: str) -> bool:
    """Say whether an instrument is within a scope."""
    facts = case.book.instruments[held].facts
    if kind == "INSTRUMENT":
        return held == name
    return kind in {"FIRM", "GROUP"} or facts.get(kind.lower(), "") == name


def measured(case: Case, kind: str, name: str, held: str, limit: str) -> int:
    """What a limit of a scope measures of one instrument; nothing where it cannot be said."""
    if limit == "ownership_bps":
        return owned(case, held) or 0
    accounts = [case.account]
    if limit == "instrument_exposure_e4" or kind == "FIRM":
        accounts = everybody(case.book)
    elif kind == "GROUP":
        accounts = members(case.book, name)
    quantity = total(of(case, held), accounts, 0)
    if limit == "position":
        return quantity
    instrument = case.book.instruments[held]
    return up(quantity * instrument.high, instrument.unit) if instrument.mark is not None else 0
