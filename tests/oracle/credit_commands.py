"""Worlds and commands of cn_margin: accounts under it, tables, kinds that fit, facts."""

from random import Random
from typing import TYPE_CHECKING

from tests.oracle import credit, credit_room
from tests.oracle.book import SECOND, Account, Book, Contract, Message

if TYPE_CHECKING:
    from tests.oracle.commands import Command, Commands

START = 1_700_000_000 * SECOND


def tables(rng: Random) -> Message:
    """What a policy says of ratios and haircuts; now and then something is not set."""
    since = START + rng.randint(5, 40) * SECOND
    made: Message = {
        "financing_ratios": _ratios((0, 8_000), (since, 10_000)),
        "short_ratios": _ratios((0, 10_000)),
        "private_fund_short_ratios": _ratios((since - 4 * SECOND, 12_000)),
        "haircut_caps": [
            {"haircut_class": "", "cap_bps": 6_500},
            {"haircut_class": "index", "cap_bps": 7_000},
        ],
    }
    if rng.random() < 0.15:
        made["financing_ratios"] = _ratios((since, 10_000))
    return made


def _ratios(*rows: tuple[int, int]) -> list[Message]:
    return [{"effective_from_time_ns": since, "ratio_bps": ratio} for since, ratio in rows]


def haircut(rng: Random) -> Message:
    """An instrument's haircut and its class."""
    made: Message = {"haircut_class": rng.choices(("", "index", "odd"), (6, 3, 0.3))[0]}
    if rng.random() < 0.95:
        made["haircut_bps"] = rng.choice((0, 5_000, 6_600, 7_001))
    return made


def instruments(rng: Random) -> list[tuple[Message, int]]:
    """Two instruments that nothing is wrong with, one with lots, one for the next day only."""
    base: Message = {
        "product_type": "CS",
        "marginable": True,
        "initial_margin_long_bps": 5_000,
        "initial_margin_short_bps": 5_000,
        "shortable": True,
        "short_pool": 10**6,
        "average_volume": 10**6,
        "haircut_bps": 6_600,
    }
    lots = {"instrument_id": "CN1", "quantity_step": rng.choice((1, 7)), "haircut_class": "index"}
    later = {"instrument_id": "CN2", "quantity_decimals": rng.choice((0, 2))}
    later["sellable_next_day"] = rng.random() < 0.5
    return [(base | lots, rng.randint(50_000, 300_000)), (base | later, rng.randint(10**5, 10**6))]


def accounts(rng: Random, ordinary: Message) -> list[Message]:
    """Accounts under cn_margin, with most permissions."""
    made = []
    for name in ("M1", "M2")[: rng.choice((1, 2, 2))]:
        facts = ordinary | {"account_id": name, "margin_model": "CN_MARGIN", "limits": {}}
        facts |= {"tier_id": rng.choice(("gold", "gold", "silver"))}
        facts["private_fund"] = rng.random() < 0.4
        unlimited = {"unlimited": True}
        facts["limits"] = {"order_notional_e4": unlimited, "day_turnover_e4": unlimited}
        if rng.random() < 0.5:
            facts["limits"]["leverage_bps"] = unlimited
        if rng.random() < 0.4:
            value = rng.choice((10**9, 10**8))
            facts["limits"]["short_line_e4"] = {"value": value, "mode": rng.choice(("ON", "WARN"))}
        if rng.random() < 0.5:
            facts["limits"]["credit_line_e4"] = {"value": rng.choice((10**9, 3 * 10**9))}
        made.append(facts)
    return made


def with_kind(source: "Commands", request: Message, account: Account) -> Message:
    """Give an order of such an account a kind, and the side that goes with it."""
    rng, name = source.rng, request["instrument_id"]
    if not credit.is_credit(account):
        if rng.random() < 0.004:
            request["margin_kind"] = "COLLATERAL_BUY" if request["side"] == "BUY" else "SHORT_SELL"
        return request
    if rng.random() < 0.02:
        return request
    weights = {"COLLATERAL_BUY": 3.0, "MARGIN_BUY": 4.0, "SHORT_SELL": 3.0}
    weights["COLLATERAL_SELL"] = 2.0 if account.positions.get(name, 0) else 0.2
    weights["SELL_TO_REPAY"] = 4.0 if credit.financed(account, name) else 0.3
    weights["BUY_TO_RETURN"] = 4.0 if credit.owed(account, name) else 0.2
    kind = rng.choices(list(weights), list(weights.values()))[0]
    return request | {"margin_kind": kind, "side": credit.SIDE_OF[kind]}


def order(source: "Commands") -> "Command":
    """An order that mostly passes: small, at the mark, of a kind that has something to do."""
    rng, book = source.rng, source.book
    mine = [one for one in book.accounts.values() if credit.is_credit(one)]
    account = rng.choice(mine) if mine else source.some_account()
    names = [n for n, first in source.first_marks.items() if first and n != "HUGE"]
    kind = rng.choice(tuple(credit.SIDE_OF))
    busy = {
        "COLLATERAL_SELL": [n for n in names if account.positions.get(n, 0) > 0],
        "SELL_TO_REPAY": [n for n in names if credit.long_of(account, n)],
        "BUY_TO_RETURN": [n for n in names if credit.owed(account, n)],
    }.get(kind)
    easy = [n for n in names if n.startswith("CN") and rng.random() < 0.8]
    name = rng.choice(busy or easy or names)
    instrument = book.instruments[name]
    tick = instrument.facts.get("tick_e4", 0) or 1
    price = -(-(instrument.mark or tick) // tick) * tick
    request: Message = {
        "account_id": account.account_id,
        "order_id": source.name("o"),
        "instrument_id": name,
        "side": credit.SIDE_OF[kind],
        "margin_kind": kind,
        "order_type": "LIMIT",
        "price_e4": price,
        "quantity": quantity(rng, book, account, name, kind),
        "created_time_ns": source.now,
    }
    if rng.random() < 0.2:
        request["want_max_acceptable_quantity"] = True
    return source.command("CheckOrder", request, rng.choice(("router-1", "router-2", "desk")))


def quantity(rng: Random, book: Book, account: Account, name: str, kind: str) -> int:
    """A few lots, or what is there to be closed and one more."""
    facts = book.instruments[name].facts
    least, step = facts.get("least_quantity", 0) or 1, facts.get("quantity_step", 0) or 1
    room = credit_room.room(book, account, book.instruments[name], kind)
    if kind not in credit.OPENING and room:
        return max(1, rng.choice((room, room, room + 1, room // 2, -(-room // step) * step)))
    return int(least + rng.randint(0, 40 // step) * step)


def timed(source: "Commands", fill: Message) -> Message:
    """Say when a fill was, sometimes."""
    if source.rng.random() < 0.3:
        ages = (0, 1, SECOND, 5 * SECOND, 30 * SECOND, -SECOND)
        fill["transaction_time_ns"] = source.now - source.rng.choice(ages)
    return fill


def _may_return(account: Account, contract: Contract) -> bool:
    """Tell whether an account holds some of what a contract owes."""
    held = account.positions.get(contract.instrument_id, 0)
    return bool(contract.kind == "SHORT" and held > 0)


def fact(source: "Commands") -> "Command":
    """A repayment, a return, interest or a fee, at and beyond what is free."""
    rng, book = source.rng, source.book
    mine = [one for one in book.accounts.values() if credit.is_credit(one)]
    account = rng.choice(mine) if mine and rng.random() < 0.97 else source.some_account()
    method = rng.choice(("RepayCash", "ReturnShares", "AccrueInterest", "ChargeFee"))
    if method == "ReturnShares":
        able = [one for one in mine if any(_may_return(one, owed) for owed in one.contracts)]
        account = rng.choice(able) if able else account
    request: Message = {"account_id": account.account_id, "adjustment_id": source.name("f")}
    request["expected_sequence"] = account.sequence + rng.choice((0,) * 30 + (1,))
    if source.credit_facts and rng.random() < 0.05:
        return rng.choice(source.credit_facts)._replace(now_ns=source.now)
    if source.credit_facts and rng.random() < 0.03:  # the id of another booking
        request["adjustment_id"] = rng.choice(source.credit_facts).request["adjustment_id"]
    if method == "RepayCash":
        debt = sum(c.amount + c.interest for c in account.contracts if c.kind == "FINANCED")
        free = credit.free_cash(book, account)
        amount = rng.choice((free, free + 1, debt, debt // 2, debt - 1, debt // 3 + 1))
        request["amount_e4"] = min(max(1, amount), 10**16)
    elif method == "ReturnShares":
        names = [c.instrument_id for c in account.contracts if c.kind == "SHORT"] or ["I1"]
        name = rng.choice(names)
        owed = credit.owed(account, name)
        quantity = rng.choice((owed, owed + 1, owed // 2, account.positions.get(name, 0), 1))
        request |= {"instrument_id": name, "quantity": max(1, quantity)}
    elif method == "AccrueInterest":
        known = [(c.contract_id, c.interest) for c in account.contracts] or [("none", 5)]
        contract_id, interest = rng.choice(known)
        amount = rng.choice((1, 12_345, 7, -interest, -interest - 1)) or 3
        request |= {"contract_id": contract_id, "amount_e4": amount}
    else:
        request["amount_e4"] = rng.choice((1, 999, -account.fees, -account.fees - 1)) or 2
    command = source.command(method, request, "staff")
    source.credit_facts = [*source.credit_facts[-20:], command]
    return command
