"""Random, adversarial but mostly meaningful commands, aimed at boundaries and always the same
for the same seed.

The generator looks at the oracle's own state: it asks what the largest acceptable quantity would
be, where the collar ends, what is open and what was filled, and then hits exactly that or one
step beyond.
"""

from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tests.oracle import (
    credit,
    credit_commands,
    groups,
    life_commands,
    override_commands,
    policy_commands,
    snug_commands,
    withdrawals,
    world,
)
from tests.oracle.book import SECOND, Account, Instrument, Message, Order, lines_of, scale_down
from tests.oracle.calm_world import (
    calm_account,
    calm_factors,
    calm_instrument,
    calm_policy,
    is_calm,
)
from tests.oracle.case import lot, open_case
from tests.oracle.figures import projected, valuable
from tests.oracle.judgement import judge, largest_acceptable
from tests.oracle.limits import collar
from tests.oracle.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTERS = ("router-1", "router-2", "desk")
PERSONS = ("staff", "anna", "anna", "ben", "local")
MEMORY = 400
# Commands after which orders are no longer plain, by the name of what draws them.
UNSETTLING = {
    "_positions",
    "_regime",
    "_stop",
    "_upsert_account",
    "_upsert_instrument",
    "draw",
    "order",
    "propose",
    "set_tier",
}

T = TypeVar("T")


class Command(NamedTuple):
    """One call: who asks what, when."""

    method: str
    request: Message
    principal: str
    now_ns: int


class Commands:
    """An endless source of commands for one world."""

    def __init__(self, seed: int, oracle: Oracle) -> None:
        """Build the world of a seed; `oracle` must be given every command that is drawn."""
        self.rng = Random(seed)
        self.calm = is_calm(seed)
        self.oracle = oracle
        self.book = oracle.book
        self.now = world.START
        self.serial = 0
        self.orders: list[Command] = []
        self.events: list[Message] = []
        self.replaces: list[Command] = []
        self.lists: list[Command] = []
        self.batches: list[Command] = []
        self.adjustments: list[Message] = []
        self.first_marks: dict[str, int] = {}
        self.future_fills: list[Message] = []
        self.credit_facts: list[Command] = []
        self.pending = self._opening()
        self.makers: tuple[tuple[float, Callable[[], Command]], ...] = (
            (38, self._order),
            (6, self._repeat),
            (6, self._preview),
            (2, partial(snug_commands.order, self)),
            (2, self._once_more),
            (9, partial(life_commands.replace, self)),
            (1.5, partial(life_commands.reconcile, self)),
            (0.7, partial(life_commands.cancel, self)),
            (20, self._reports),
            (4, self._batch),
            (5, self._atomic),
            (1, self._repeat_batch),
            (8, self._marks),
            (2, self._volatility),
            (5, self._tick),
            (2, self._stop),
            (3, self._release),
            (5.5, self._cash),
            (2.5, partial(credit_commands.fact, self)),
            (12, partial(credit_commands.order, self)),
            (1, self._positions),
            (2, self._account),
            (1, self._plan),
            (1, self._revalue),
            (0.4, self._regime),
            (0.4, self._session),
            (0.8, self._roll),
            (1, partial(policy_commands.propose, self)),
            (1.5, partial(policy_commands.decide, self)),
            (1, partial(override_commands.propose, self)),
            (1.5, partial(override_commands.decide, self)),
            (0.8, partial(override_commands.set_tier, self)),
            (0.5, self._upsert_account),
            (0.5, partial(groups.draw, self)),
            (0.5, self._upsert_instrument),
        )

    def next_command(self) -> Command:
        """Draw the next command; it must be applied before another is drawn."""
        if self.pending:
            return self.pending.pop(0)
        self._pass_time()
        if self._chance(0.25):
            chore = self._chore()
            if chore is not None:
                return chore
        weights = [weight * self._share(maker) for weight, maker in self.makers]
        return self.rng.choices(self.makers, weights)[0][1]()

    def _share(self, maker: "Callable[[], Command]") -> float:
        """How much of its weight a kind of command has: in a calm world little happens."""
        function = maker.func if isinstance(maker, partial) else maker
        return 0.3 if self.calm and function.__name__ in UNSETTLING else 1

    # Time and names.

    def _pass_time(self) -> None:
        steps = (1, 1_000_000, 20_000_000, 100_000_000, 500_000_000, 2 * SECOND, 8 * SECOND)
        step = self.rng.choices(steps, (4, 12, 20, 16, 5, 2, 0.3))[0]
        self.now += step if self.rng.random() < 0.5 else self.rng.randint(1, step)
        if self._chance(0.02):
            self._pass_age()

    def _pass_age(self) -> None:
        """Let some mark be exactly as old as it may be, or a moment older (4.11)."""
        age = self.book.number("max_mark_age_ns") + self.rng.choice((0, 1))
        ends = [one.mark_time + age for one in self.book.instruments.values() if one.mark]
        near = [end for end in ends if self.now < end < self.now + 8 * SECOND]
        if near:
            self.now = self.rng.choice(near)

    def _name(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

    def name(self, prefix: str) -> str:
        """A new id."""
        return self._name(prefix)

    def _staff(self, method: str, request: Message) -> Command:
        return Command(method, request, "staff", self.now)

    def command(self, method: str, request: Message, principal: str) -> Command:
        """A command of this moment."""
        return Command(method, request, principal, self.now)

    def some_account(self) -> Account:
        """An account that is there."""
        return self._some_account()

    def order(self) -> Command:
        """A new order."""
        return self._order()

    def remember(self, memory: list[Command], command: Command) -> None:
        """Keep a command for a while."""
        self._remember(memory, command)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _chore(self) -> Command | None:
        """Take back what would hold up everything for long: many stops, unpriced holdings."""
        for account in self.book.accounts.values():
            for name, held in account.positions.items():
                if held and self.book.instruments[name].mark is None:
                    return self._clear(account, name)
        return self._release() if len(self.book.stops) > (0 if self.calm else 2) else None

    def _clear(self, account: Account, name: str) -> Command:
        request = {
            "account_id": account.account_id,
            "positions": [{"instrument_id": name, "quantity": 0}],
            "expected_sequence": account.sequence,
        }
        return self._staff("SetPositions", request)

    # The opening: a policy, who and what there is, money and marks.

    def _opening(self) -> list[Command]:
        rng = self.rng
        made = world.instruments(rng)
        self.first_marks = {facts["instrument_id"]: mark for facts, mark in made}
        accounts = world.accounts(rng)
        policy = world.policy(rng)
        if self.calm:
            made = [calm_instrument(rng, *one) for one in made]
            self.first_marks = {facts["instrument_id"]: mark for facts, mark in made}
            calm_policy(rng, policy)
            for facts in accounts:
                calm_account(rng, facts)
        marks = [
            {"instrument_id": name, "price_e4": mark}
            for name, mark in self.first_marks.items()
            if mark
        ]
        commands: list[tuple[str, Message]] = [
            ("ProposePolicy", {"policy": policy}),
            ("UpsertInstruments", {"instruments": [facts for facts, _ in made]}),
            ("UpsertAccounts", {"accounts": accounts}),
            ("RollDay", {"trading_date": 20240102}),
            ("UpdateMarks", {"marks": marks}),
        ]
        commands += [("SetSession", self._trading(board)) for board in world.BOARDS]
        if self.calm:
            commands.append(("UpdateVolatility", calm_factors(rng, self.first_marks)))
        for facts in accounts:
            deposit = 8 * 10**16 if facts["account_id"] == "WHALE" else rng.randint(2, 9) * 10**9
            booking = {
                "account_id": facts["account_id"],
                "adjustment_id": self._name("d"),
                "kind": "DEPOSIT",
                "amount_e4": deposit,
                "expected_sequence": 3,  # the record of UpsertAccounts
            }
            commands.append(("AdjustCash", booking))
        return [self._staff(method, request) for method, request in commands]

    # Choices.

    def _some_account(self) -> Account:
        accounts = list(self.book.accounts.values())
        weights = [0.3 if a.account_id == "WHALE" or a.account_id > "X" else 1 for a in accounts]
        return self.rng.choices(accounts, weights)[0]

    def _some_instrument(self, account: Account) -> str:
        if account.account_id == "WHALE" and self._chance(0.7):
            return "HUGE"
        held = [name for name, quantity in account.positions.items() if quantity]
        if held and self._chance(0.4):
            return self.rng.choice(held)
        names = [name for name in self.book.instruments if name not in {"DARK", "HUGE"}]
        return "DARK" if self._chance(0.015) else self.rng.choice(names)

    def _some_order(self) -> Order | None:
        accounts = [a for a in self.book.accounts.values() if a.orders]
        if not accounts:
            return None
        account = self.rng.choice(accounts)
        live = account.open_orders()
        if live and self._chance(0.9):
            order = self.rng.choice(live)
            return order if order.chain is None else self.rng.choice(order.chain)
        return self.rng.choice(list(account.orders.values()))

    # Orders.

    def _order(self) -> Command:
        request = self._draft()
        if self._chance(0.01):
            request = self._malformed(request)
        command = Command("CheckOrder", request, self.rng.choice(ROUTERS), self.now)
        self._remember(self.orders, command)
        return command

    def _once_more(self) -> Command:
        """An order like an earlier one under an id of its own, to the edge of the window."""
        if not self.orders:
            return self._order()
        recent = self.rng.choice(self.orders[-6:])
        rule = self.book.policy.get("order_repeated", {})
        edge = recent.now_ns + rule.get("window_ns", 0) + self.rng.choice((0, -1))
        if self.now < edge < self.now + SECOND and self._chance(0.3):
            self.now = edge
        request = recent.request | {"order_id": self._name("o"), "created_time_ns": self.now}
        if self._chance(0.1):
            request["quantity"] = max(1, request["quantity"] + self.rng.choice((1, -1)))
        command = Command("CheckOrder", request, recent.principal, self.now)
        self._remember(self.orders, command)
        return command

    def _remember(self, memory: list[T], item: T) -> None:
        memory.append(item)
        del memory[:-MEMORY]

    def _draft(self) -> Message:
        """An order that is new, of an account and instrument that mostly exist."""
        rng, account = self.rng, self._some_account()
        name = self._some_instrument(account)
        request: Message = {
            "account_id": account.account_id,
            "order_id": self._name("o"),
            "instrument_id": name,
            "side": self._side(account, name),
            "order_type": "MARKET" if self._chance(0.2) else "LIMIT",
            "quantity": 1,
            "created_time_ns": self._created(),
        }
        request = credit_commands.with_kind(self, request, account)
        instrument = self.book.instruments[name]
        if request["order_type"] == "LIMIT":
            request["price_e4"] = self._price(request, instrument)
        if self._chance(0.05):
            request["reduce_only"] = True
        if self._chance(0.2):
            request["want_max_acceptable_quantity"] = True
        request["quantity"] = self._quantity(request, account, instrument)
        if self._chance(0.012):
            request["account_id"] = rng.choice(("NOBODY", "NONE"))
        if self._chance(0.015):
            request["instrument_id"] = rng.choice(("NOTHING", "NIL"))
        if self._chance(0.01):
            tombs = [order for order in account.orders.values() if order.content is None]
            if tombs:
                request["order_id"] = rng.choice(tombs).order_id
        return request

    def _malformed(self, request: Message) -> Message:
        broken: list[Message] = [
            {"quantity": 0},
            {"quantity": -5},
            {"quantity": 10**12 + 1},
            {"price_e4": 10**12 + 1, "order_type": "LIMIT"},
            {"price_e4": 0},
            {"created_time_ns": 0},
            {"order_id": ""},
            {"account_id": "a" * 65},
            {"margin_kind": "MARGIN_BUY", "side": "SELL"},
        ]
        return request | self.rng.choice(broken)

    def _side(self, account: Account, name: str) -> str:
        held = account.positions.get(name, 0)
        if held and self._chance(0.55):
            return "SELL" if held > 0 else "BUY"
        return self.rng.choice(("BUY", "BUY", "SELL"))

    def _created(self) -> int:
        age = self.book.number("max_order_age_ns")
        skew = self.book.number("max_clock_skew_ns")
        edges = (-age, -age - 1, skew, skew + 1, -age - SECOND)
        if self._chance(0.06):
            return self.now + self.rng.choice(edges)
        return self.now - self.rng.randint(0, age // 10)

    def _price(self, request: Message, instrument: Instrument) -> int:
        tick = instrument.facts.get("tick_e4", 0) or 1
        mark = instrument.mark or 100_000
        price = self.rng.choice(self._price_edges(request, instrument, mark))
        if self._chance(0.4):
            price = mark + self.rng.randint(-mark // 100, mark // 100)
        price = max(1, price // tick) * tick + self.rng.choice((0, 0, 0, tick, -tick))
        if tick > 1 and self._chance(0.06):
            price += self.rng.randint(1, tick - 1)
        return min(max(price, 1), 10**12)

    def _price_edges(self, request: Message, instrument: Instrument, mark: int) -> list[int]:
        edges = [mark, mark]
        facts = instrument.facts
        edges += [facts[n] for n in ("lower_price_limit_e4", "upper_price_limit_e4") if n in facts]
        width = collar(open_case(self.book, request, "desk", self.now))
        if width is not None:
            reach = scale_down(mark, width)
            edges.append(mark + reach if request["side"] == "BUY" else mark - reach)
        return edges

    def _quantity(self, request: Message, account: Account, instrument: Instrument) -> int:
        least, step = lot(instrument)
        case = open_case(self.book, request, "desk", self.now)
        closing = case.exit_quantity
        kind = self.rng.choices(("lots", "exit", "edge", "odd", "huge"), (42, 28, 28, 3, 0.8))[0]
        if account.account_id == "WHALE":
            return self.rng.choice((10**6, 10**7, 10**7 + 1, 10**4, closing or 1))
        if kind == "exit" and closing:
            odd = self.rng.choice((0, 0, 0, 1, -1, step, -step, -(closing // 2)))
            return max(1, closing + odd)
        if kind == "edge":
            return max(1, self._edge(request, step))
        if kind == "odd":
            return self.rng.randint(1, 200)
        if kind == "huge":
            return self.rng.choice((10**12, 10**9, 10**7))
        reach = self.rng.choice((100, 300, 300, 1_500))
        return least + self.rng.randint(0, max(1, reach // step)) * step

    def _edge(self, request: Message, step: int) -> int:
        probe = {name: value for name, value in request.items() if name in PREVIEW}
        probe["quantity"] = self.rng.choice((1_000, 3_000, 9_999))
        case = open_case(self.book, probe, "desk", self.now)
        most = largest_acceptable(
            case, probe["quantity"], judge(case, probe["quantity"]).rejections
        )
        return most + self.rng.choice((0, 0, 0, step, 1))

    def _repeat(self) -> Command:
        """The same order again, or the same id with other content."""
        if not self.orders:
            return self._order()
        allowed = [command for command in self.orders[-40:] if self._was_allowed(command.request)]
        recent = self.rng.choice(self.orders[-12:])
        if allowed and self._chance(0.6):
            recent = self.rng.choice(allowed)
        request, principal = deepcopy(recent.request), recent.principal
        changes: list[Message] = [
            {"quantity": request["quantity"] + 1},
            {"side": "BUY" if request["side"] == "SELL" else "SELL"},
            {"created_time_ns": request["created_time_ns"] + 1},
            {"reduce_only": not request.get("reduce_only", False)},
            {"instrument_id": self.rng.choice(list(self.book.instruments))},
            {"want_max_acceptable_quantity": True},
        ]
        if self._chance(0.25):
            request |= self.rng.choice(changes)
        elif self._chance(0.05):
            principal = self.rng.choice(ROUTERS)
        return Command("CheckOrder", request, principal, self.now)

    def _was_allowed(self, request: Message) -> bool:
        account = self.book.accounts.get(request["account_id"])
        order = account.orders.get(request["order_id"]) if account else None
        return order is not None and order.state != "REFUSED"

    def _preview(self) -> Command:
        request = {name: value for name, value in self._draft().items() if name in PREVIEW}
        return Command("PreviewOrder", request, self.rng.choice(ROUTERS), self.now)

    # Batches.

    def _batch(self) -> Command:
        orders = [self._draft() for _ in range(self.rng.randint(1, 4))]
        if self.orders and self._chance(0.2):
            orders.append(deepcopy(self.rng.choice(self.orders[-20:]).request))
        if self._chance(0.1):
            orders.append(deepcopy(orders[0]))
        return Command("CheckOrders", {"orders": orders}, self.rng.choice(ROUTERS), self.now)

    def _atomic(self) -> Command:
        orders = [self._draft() for _ in range(self.rng.randint(1, 3))]
        if self._chance(0.5):  # an account's orders judged together
            orders = [order | {"account_id": orders[0]["account_id"]} for order in orders]
        if self.orders and self._chance(0.05):
            orders.append(deepcopy(self.rng.choice(self.orders[-20:]).request))
        if self._chance(0.05):
            orders.append(deepcopy(orders[0]))
        request = {"orders": orders, "atomic": True, "batch_id": self._name("b")}
        command = Command("CheckOrders", request, self.rng.choice(ROUTERS), self.now)
        self._remember(self.batches, command)
        return command

    def _repeat_batch(self) -> Command:
        if not self.batches:
            return self._atomic()
        recent = self.rng.choice(self.batches[-10:])
        request = deepcopy(recent.request)
        if self._chance(0.3):
            request["orders"][0]["quantity"] += 1
        return Command("CheckOrders", request, recent.principal, self.now)

    # Reports.

    def _reports(self) -> Command:
        events = [self._event() for _ in range(self.rng.choice((1, 1, 2, 4)))]
        for event in events:
            self._remember(self.events, event)
        return Command("RecordOrderEvents", {"events": events}, "router-1", self.now)

    def _event(self) -> Message:
        order = self._some_order()
        if order is None or self._chance(0.02):
            return self._stray()
        if self.events and self._chance(0.05):
            return deepcopy(self.rng.choice(self.events[-30:]))
        if self.future_fills and self._chance(0.1):
            return self.future_fills.pop(0)
        if self.events and self._chance(0.06):
            return life_commands.copied(self)
        if self._chance(0.05):
            return self._bust(order)
        return self._life(order)

    def _base(self, order: Order, kind: str) -> Message:
        return {
            "event_id": self._name("e"),
            "account_id": order.account_id,
            "order_id": order.order_id,
            "kind": kind,
        }

    def _life(self, order: Order) -> Message:
        kinds = ("ACKNOWLEDGED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNSENT")
        kind = self.rng.choices(kinds, (20, 50, 20, 3, 3, 3))[0]
        if kind == "FILLED":
            return self._fill(order)
        event = self._base(order, kind)
        if kind in {"CANCELLED", "REJECTED", "EXPIRED"} and self._chance(0.4):
            more = self.rng.choice((-1, 0, 1, 50, order.reserved, order.reserved + 1))
            event["cumulative_quantity"] = max(0, order.filled + more)
        return event

    def _fill(self, order: Order) -> Message:
        rest = order.reserved or 50
        quantity = self.rng.choice((rest, rest, rest, 1, rest // 2 + 1, rest + 1))
        quantity = max(1, min(quantity, 10**12))
        name = order.instrument_id or "I1"
        instrument = self.book.instruments.get(name)
        mark = order.reserved_price or (instrument.mark if instrument else None) or 50_000
        fill = self._base(order, "FILLED") | {
            "instrument_id": name,
            "side": order.side or "BUY",
            "quantity": quantity,
            "price_e4": max(1, mark + self.rng.randint(-mark // 500, mark // 500)),
        }
        if self._chance(0.2):
            fill["trade_date"] = self.book.trading_date
        if self._chance(0.05):
            fill["trade_date"] = _days_after(self.book.trading_date, self.rng.choice((-1, -1, 1)))
        if self._chance(0.03):
            fill["side"] = "SELL" if fill["side"] == "BUY" else "BUY"
        if self._chance(0.004):
            fill |= {"quantity": 10**12, "price_e4": 10**12}
        return credit_commands.timed(self, fill)

    def _bust(self, order: Order) -> Message:
        """Undo a fill that is known, or one that is yet to come."""
        account = self.book.accounts[order.account_id]
        fills = [name for name, event in account.events.items() if event.booked is not None]
        event = self._base(order, "BUSTED")
        if fills and self._chance(0.8):
            return event | {"busted_event_id": self.rng.choice(fills)}
        fill = self._fill(order)
        self._remember(self.future_fills, fill)
        return event | {"busted_event_id": fill["event_id"]}

    def _stray(self) -> Message:
        """A report of an order that the gate never saw."""
        accounts = [*self.book.accounts, "X1", "X2"]
        event: Message = {
            "event_id": self._name("e"),
            "account_id": self.rng.choice(accounts),
            "order_id": self._name("o"),
            "kind": self.rng.choice(("ACKNOWLEDGED", "CANCELLED", "FILLED")),
        }
        if event["kind"] == "FILLED":
            names = ["I1", "I2", "I3", "N1" if self._chance(0.3) else "I1"]
            event |= {
                "instrument_id": self.rng.choice(names),
                "side": self.rng.choice(("BUY", "SELL")),
                "quantity": self.rng.randint(1, 50),
                "price_e4": self.rng.randint(1, 500_000),
            }
        return event

    # The market.

    def _marks(self) -> Command:
        marks = []
        for name, first in self.first_marks.items():
            if first and self._chance(0.8):
                tick = self.book.instruments[name].facts.get("tick_e4", 0) or 1
                pull = (first - (self.book.instruments[name].mark or first)) // 4
                old = self.book.instruments[name].mark or first
                drift = self.rng.randint(-first // 80, first // 80)
                price = max(1, (old + pull + drift) // tick) * tick
                marks.append({"instrument_id": name, "price_e4": min(price, 10**12)})
        for mark in marks:
            if self._chance(0.2):
                ages = (0, 1, SECOND, 5 * SECOND, -SECOND)
                mark["mark_time_ns"] = self.now - self.rng.choice(ages)
        return self._staff(
            "UpdateMarks", {"marks": marks or [{"instrument_id": "I1", "price_e4": 99}]}
        )

    def _volatility(self) -> Command:
        names = [name for name in self.first_marks if self._chance(0.5)] or ["I1"]
        levels = (10_000, 10_001, 13_333, 20_000, 35_000)
        factors = [
            {
                "instrument_id": name,
                "factor_bps": self.rng.choice(levels),
                "factor_time_ns": self.now - self.rng.choice((0, 0, SECOND, 30 * SECOND)),
            }
            for name in names
        ]
        return self._staff("UpdateVolatility", {"factors": factors, "model_version": "m1"})

    def _regime(self) -> Command:
        regimes = ("CALM", "ELEVATED", "STRESSED", "HALTED")
        regime = self.rng.choices(regimes, (6, 3, 2, 1))[0]
        if regime == "HALTED":  # not for long
            later = self._staff("SetRegime", {"regime": "CALM", "reason": "over"})
            orders = [self._order() for _ in range(3)]
            self.pending += [*orders, later]
        return self._staff("SetRegime", {"regime": regime, "reason": "as seen"})

    def _trading(self, board: str) -> Message:
        """Sessions of a board that last longer than a run."""
        hours = {"open_time_ns": self.now - SECOND, "close_time_ns": self.now + 10**6 * SECOND}
        return {"board": board, "sessions": [hours]}

    def _session(self) -> Command:
        """Close a board for a moment: orders at its last, in between and at its first instant."""
        board, short = self.rng.choice(world.BOARDS), self.rng.choice((1, 10**6, SECOND))
        closes, opens = self.now + short, self.now + 3 * short
        spans = [(self.now, closes), (opens, opens + 10**6 * SECOND)]
        sessions = [{"open_time_ns": start, "close_time_ns": end} for start, end in spans]
        for moment in (closes - 1, closes, opens - 1, opens):
            self.now = max(self.now, moment)
            self.pending.append(self._order()._replace(now_ns=moment))
        self.now = max(self.now, opens)
        if self._chance(0.3):
            sessions = []
            self.pending.append(self._staff("SetSession", self._trading(board)))
        request = {"board": board, "sessions": sessions}
        return self._staff("SetSession", request)._replace(now_ns=closes - short)

    def _roll(self) -> Command:
        date = _days_after(self.book.trading_date, self.rng.choice((1, 1, 1, 0)))
        return self._staff("RollDay", {"trading_date": date})

    def _tick(self) -> Command:
        return Command("Tick", {}, "", self.now)

    # Staff.

    def _stop(self) -> Command:
        rng = self.rng
        scopes = [
            ("FIRM", ""),
            ("GROUP", rng.choice(groups.NAMES[:3])),
            ("ACCOUNT", rng.choice(list(self.book.accounts))),
            ("INSTRUMENT", rng.choice(list(self.book.instruments))),
            ("PRINCIPAL", rng.choice(ROUTERS)),
        ]
        kind, name = rng.choices(scopes, (1, 2, 4, 4, 2))[0]
        request = {"stop_id": self._name("s"), "scope_kind": kind, "scope_id": name}
        if self._chance(0.08):  # an id that the gate may need
            who = rng.choice(list(self.book.accounts))
            request["stop_id"] = rng.choice(("late-", "frozen-ACCOUNT-", "disagree-")) + who
        request["reason"] = rng.choice(("too wild", "rumour"))
        method = rng.choice(("Halt", "SetReduceOnly"))
        if self._chance(0.1):
            again = self._staff(method, dict(request))
            self.pending.append(again)
        return self._staff(method, request)

    def _release(self) -> Command:
        stops = list(self.book.stops)
        known = stops and self._chance(0.95)
        waiting = [stop_id for stop_id in stops if self.book.stops[stop_id].asked]
        if waiting and self._chance(0.7):
            stops = waiting
        stop_id = self.rng.choice(stops) if known else "nothing"
        request = {"stop_id": stop_id, "reason": "calm again"}
        asked = self.book.stops[stop_id].asked if known else None
        if asked is not None and self._chance(0.2):  # at the very end of the window
            self.now = max(self.now, asked[1] + self.book.number("release_window_ns") - 1)
            self.now += self.rng.choice((0, 1))
        return Command("Release", request, self.rng.choice(PERSONS), self.now)

    def _cash(self) -> Command:
        if self.adjustments and self._chance(0.1):
            again = dict(self.rng.choice(self.adjustments))
            if self._chance(0.4):
                again |= {"kind": self.rng.choice(("WITHDRAWAL", "CORRECTION"))}
                again |= {"amount_e4": -abs(again["amount_e4"]) or -1}
            return self._staff("AdjustCash", again)
        account = self._some_account()
        request: Message = {
            "account_id": account.account_id,
            "adjustment_id": self._name("d"),
            "kind": self.rng.choice(("SETTLEMENT", "CORRECTION")),
            "amount_e4": self._amount(account),
            "expected_sequence": account.sequence,
        }
        if self._chance(0.4):
            request |= {"kind": "WITHDRAWAL", "amount_e4": -self._withdrawn(account)}
        if request["amount_e4"] > 0 and self._chance(0.5):
            request["kind"] = "DEPOSIT"
        if self._chance(0.1):
            request["expected_sequence"] += self.rng.choice((1, -1))
        if self._chance(0.02):
            request |= {"account_id": self._name("X"), "expected_sequence": 0}
        self._remember(self.adjustments, request)
        return self._staff("AdjustCash", request)

    def _withdrawn(self, account: Account) -> int:
        """The most that passes, one more, or any amount."""
        if self._chance(0.3):
            return self.rng.randint(1, 10**10)
        most = withdrawals.largest(self.book, account, 10**11, self.now)
        return max(1, most + self.rng.choice((0, 0, 1, -(most // 2))))

    def _amount(self, account: Account) -> int:
        """Bring an account near the edge of what it needs, or well off it."""
        lines = lines_of(account)
        if account.account_id == "WHALE":
            return 8 * 10**16 - account.cash or 1
        if not valuable(self.book, lines):
            return 10**9
        spare = self.rng.choice((0, 1, 10**9, 3 * 10**9, 6 * 10**9))
        return spare - projected(self.book, account, lines, self.now).available or 1

    def _positions(self) -> Command:
        account = self._some_account()
        names = [name for name in self.first_marks if name != "HUGE"]
        targets = [
            {"instrument_id": name, "quantity": self.rng.choice((0, 0, 150, -120, 333))}
            for name in self.rng.sample(names, 2)
        ]
        for target in targets:
            if target["instrument_id"] == "DARK" and self._chance(0.95):
                target["quantity"] = 0
        request = {
            "account_id": account.account_id,
            "positions": targets,
            "expected_sequence": account.sequence,
        }
        return self._staff("SetPositions", request)

    def _account(self) -> Command:
        names = [*self.book.accounts, "NOBODY"]
        return self._staff("GetAccount", {"account_id": self.rng.choice(names)})

    def _plan(self) -> Command:
        """Ask for a plan, mostly for an account that may have one."""
        deep = [a.account_id for a in self.book.accounts.values() if "liquidation" in a.entered]
        names = deep if deep and self._chance(0.9) else [*self.book.accounts, "NOBODY"]
        return self._staff("PlanLiquidation", {"account_id": self.rng.choice(names)})

    def _revalue(self) -> Command:
        names = self.rng.sample([*self.book.accounts, "NOBODY"], 2)
        return self._staff("RevalueAccounts", {"account_ids": names})

    def _upsert_account(self) -> Command:
        names = [name for name in self.book.accounts if name != "WHALE"]
        chosen = self.book.accounts[self.rng.choice(names)]
        facts = world.account(self.rng, chosen.account_id)
        if self._chance(0.8):  # what one person may say: no higher a tier, no looser a limit
            facts["tier_id"] = chosen.facts.get("tier_id", "")
            if self._chance(0.7):
                own = chosen.facts.get("limits", {})
                facts["limits"] = {n: v for n, v in facts["limits"].items() if n in own} or own
        if credit.is_credit(chosen) and self._chance(0.8):
            facts = chosen.facts | {"private_fund": self._chance(0.5)}
        elif self._chance(0.05):
            facts["margin_model"] = "CN_MARGIN"
        return self._staff("UpsertAccounts", {"accounts": [facts]})

    def _upsert_instrument(self) -> Command:
        names = [name for name in self.first_marks if name not in {"DARK", "HUGE"}]
        facts = deepcopy(self.book.instruments[self.rng.choice(names)].facts)
        if self._chance(0.3):
            facts["sellable_next_day"] = not facts.get("sellable_next_day", False)
        facts["restricted"] = self._chance(0.3)
        change = self.rng.choice(("position_limit", "quantity_step", "average_volume"))
        facts[change] = self.rng.choice((1, 7, 100)) * (1 if change == "quantity_step" else 250)
        return self._staff("UpsertInstruments", {"instruments": [facts]})


PREVIEW = frozenset(
    {
        "account_id",
        "instrument_id",
        "side",
        "order_type",
        "quantity",
        "price_e4",
        "reduce_only",
        "margin_kind",
    }
)


def _days_after(date: int, days: int) -> int:
    """Return the date, as YYYYMMDD, so many days later."""
    later = datetime.strptime(str(date), "%Y%m%d") + timedelta(days=days)  # noqa: DTZ007 - a date
    return int(later.strftime("%Y%m%d"))
