"""With add-ons the fast path accepts what the full judgement accepts, and nothing else (5.4).

The worlds have little equity, so that it is the margin that decides, and small volumes and issues:
orders of one account of a group move what those of another one need. Nothing else refuses, so the
two must agree on every order; and every memo must be what would be worked out anew.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.script import Script
from tests.laws.memos import wrong_add_ons
from tests.laws.runs import law
from tests.laws.test_add_ons import Rows, rows, written
from tests.oracle.adapter import to_dictionary, to_protobuf

from tidegate_server.engine.accept import accepted
from tidegate_server.engine.account import Account
from tidegate_server.engine.add_on_memos import AddOnMemo, most_of, most_of_all
from tidegate_server.engine.add_ons import more_of
from tidegate_server.engine.commands import MODEL_LEVERAGED, MODEL_PORTFOLIO, MODEL_REG_T
from tidegate_server.engine.exposure import line_in_model, line_of
from tidegate_server.engine.judge import judgement_of
from tidegate_server.engine.ordering import decide_check
from tidegate_server.engine.outcomes import CheckOutcome
from tidegate_server.engine.overriding import effective_limits
from tidegate_server.engine.rates import rates_now
from tidegate_server.wire.decoding import decode_check

ACCOUNTS = ("A", "B", "C")
NAMES = ("X", "Y", "Z")
MARK = 100_000

Tables = tuple[Rows, Rows, Rows]
Step = tuple[str, str, str, int, int]


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Draw three axes with edges that positions meet and points that leave room."""
    weight, days, ownership = draw(rows(8_000)), draw(rows(20_000)), draw(rows(2_000))
    return tuple(  # type: ignore[return-value]
        [(edge, points // 4) for edge, points in axis] for axis in (weight, days, ownership)
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a step: mostly orders, between them whatever may make a memo untrue; its spare cash."""
    others = ("end", "fill", "mark", "mark", "hold", "volume", "factor", "group", "tables")
    kind = draw(st.sampled_from(("buy", "sell") * 4 + others))
    account, name = draw(st.sampled_from("AAABC")), draw(st.sampled_from(NAMES))
    spare = draw(st.sampled_from((-1, 0, 1, MARK, 30 * MARK)))
    return kind, account, name, draw(st.integers(1, 60)), spare


class World:
    """Three accounts, two of them of one topmost group, with a few positions each."""

    def __init__(self, drawn: Tables, later: Tables) -> None:
        self.script = Script()
        self.asked = self.fast = 0
        self.marks = dict.fromkeys(NAMES, MARK)
        self.open: list[tuple[str, str, str, int, int]] = []
        self.tables = [drawn, later]
        self.add_ons(drawn)
        for line in self._lines():
            self.script.run(line)

    def _lines(self) -> Iterator[str]:
        yield "limit t leverage_bps unlimited"
        yield "groups G>H K>H H>-"
        rates = "initial_margin_long_bps=3000 initial_margin_short_bps=4000"
        yield f"instrument X {rates} average_volume=100 shares_outstanding=3000"
        yield f"instrument Y {rates} average_volume=300 quantity_decimals=1"
        yield "instrument Z initial_margin_long_bps=12000 initial_margin_short_bps=5000"
        for name in NAMES:
            yield f"factor {name} 10000"
            yield f"mark {name} {MARK}"
        for account, group in zip(ACCOUNTS, ("G", "K", ""), strict=True):
            yield f"account {account} tier=t group={group}"
            yield f"hold {account} X 20"
            yield f"hold {account} Y 300"
            yield f"hold {account} Z -15"

    def add_ons(self, drawn: Tables) -> None:
        self.script.policy["add_ons"] = to_dictionary(written(*drawn))

    def do(self, step: Step) -> None:
        kind, account, name, size, spare = step
        run = self.script.run
        if kind in {"buy", "sell"}:
            self.order(kind, account, name, size, spare)
        elif kind == "mark":
            self.marks[name] = MARK + (size - 30) * 1_000
            run(f"mark {name} {self.marks[name]}")
        elif kind == "hold":
            run(f"hold {account} {name} {size - 25}")
        elif kind == "volume":
            run(f"instrument {name} average_volume={size * 10} shares_outstanding={size * 90}")
        elif kind == "factor":
            run(f"factor {name} {10_000 + size * 50}")
        elif kind == "group":
            run(f"account {account} group={('G', 'K', '')[size % 3]}")
        elif kind == "tables":
            self.tables.reverse()
            self.add_ons(self.tables[0])
            version, *pending = self.script.propose().split()[1:]
            if pending:
                run(f"approve {version}")
        elif self.open:
            self.end(kind, size)

    def end(self, kind: str, size: int) -> None:
        order, account, side, quantity, price = self.open.pop(size % len(self.open))
        if kind == "end":
            self.script.run(f"report cancelled {account} #{order} e{order}")
            return
        name = self.script.machine.book.accounts[account].orders[order].command.instrument_id  # type: ignore[union-attr]
        self.script.run(f"fill {account} #{order} e{order} {side} {name} {quantity} @ {price}")

    def order(self, side: str, account_id: str, name: str, quantity: int, spare: int) -> None:
        """Leave the account what the order needs and so much more, decide it both ways, make it."""
        price = self.marks[name]
        words = [account_id, name, str(quantity), "@", str(price)]
        request, principal = self.script.request(side.upper(), words)
        machine, now_ns = self.script.machine, self.script.now
        book, policy = machine.book, machine.book.policy
        assert policy is not None
        account = book.accounts[account_id]
        order = order_of(request)
        judged = judgement_of(book, policy, account, book.instruments[name], order, now_ns)
        if judged.valued:
            judged.value_exactly()
            self.script.run(f"cash {account_id} {judged.initial - judged.equity + spare}")
        full = decide_check(
            book, order_of(request | {"want_max_acceptable_quantity": True}), now_ns
        )
        limits = effective_limits(account, policy, now_ns)
        quick = accepted(
            book, policy, account, book.instruments[name], order_of(request), limits, now_ns
        )
        assert isinstance(full, CheckOutcome)
        plain = book.instruments[name].terms.unit == 1
        assert (quick is not None) == (full.allowed and plain), (request, full.rejections)
        if quick is not None:
            assert (quick[0], quick[4]) == (full.reserved_price_e4, full.verified_exit)
        self.asked += 1
        self.fast += quick is not None
        problems = [wrong_add_ons(book, one) for one in book.accounts.values()]
        assert not any(problems), problems
        answer = self.script.call("CheckOrder", request, principal)
        assert not isinstance(answer, str), answer
        if full.allowed:
            self.open.append((request["order_id"], account_id, side, quantity, price))


def order_of(request: dict[str, Any]) -> Any:
    """Return a request as the engine has it."""
    return decode_check(to_protobuf(request, "CheckOrderRequest").SerializeToString(), "desk")


@law(60)
@given(
    drawn=tables(),
    later=tables(),
    asked=st.lists(steps(), min_size=20, max_size=60),
)
def test_both_ways_agree_on_every_order(drawn: Tables, later: Tables, asked: list[Step]) -> None:
    world = World(drawn, later)
    for step in asked:
        world.do(step)


rates = st.tuples(*[st.integers(0, 30_000)] * 2)


@law(200)
@given(
    drawn=tables(),
    own=rates,
    factor=st.integers(10_000, 30_000),
    position=st.tuples(st.integers(-90, 90), st.integers(0, 90), st.integers(0, 90)),
    facts=st.tuples(st.integers(-1, 300), st.integers(-1, 5_000), st.integers(0, 9)),
    beside=st.tuples(st.integers(0, 10**8), st.integers(0, 300)),
    moved=st.tuples(st.integers(0, 10**8), st.integers(0, 300)),
)
def test_a_memo_holds_within_its_spans(
    *,
    drawn: Tables,
    own: tuple[int, int],
    factor: int,
    position: tuple[int, int, int],
    facts: tuple[int, int, int],
    beside: tuple[int, int],
    moved: tuple[int, int],
) -> None:
    script = World(drawn, drawn).script
    policy = script.machine.book.policy
    assert policy is not None
    assert policy.add_ons is not None
    made = policy.add_ons
    instrument = script.machine.book.instruments["X"]
    terms = instrument.terms
    terms.initial_long_bps, terms.initial_short_bps = own
    terms.average_volume, terms.shares_outstanding, _ = facts
    terms.unit = 10 if facts[2] > 6 else 1
    instrument.factor_bps = factor
    rates_of = rates_now(instrument, policy, 10_000, MODEL_LEVERAGED, stressed=False)
    held, buys, sells = position
    line = line_of(held, buys, sells, buys * MARK, sells * MARK, instrument, rates_of)
    bought, sold = held + buys, sells - held
    account = Account("A")
    reach = max(bought, sold, 0)

    def exact(gross: int, of_group: int) -> int:
        return more_of(
            account,
            made,
            instrument,
            line,
            rates_of,
            gross,
            of_group,
            bought,
            sold,
            instrument.high,
        )[0]

    gross, of_group = line[3] + beside[0], reach + beside[1]
    memo = AddOnMemo(made, instrument, 2, rates_of, line, gross, of_group, bought, sold)
    assert memo.least_gross <= gross <= memo.most_gross
    assert memo.least_reach <= of_group <= memo.most_reach
    assert memo.initial == exact(gross, of_group) <= most_of(made, line)
    for other in (memo.least_gross, memo.most_gross, line[3] + moved[0]):
        for far in (memo.least_reach, memo.most_reach, reach + moved[1]):
            inside = memo.least_gross <= other <= memo.most_gross
            if inside and memo.least_reach <= far <= memo.most_reach:
                assert memo.initial == exact(other, far)


@law(300)
@given(
    axes=st.tuples(rows(8_000), rows(20_000), rows(2_000)),
    times=st.sampled_from((1, 20)),
    model=st.sampled_from((MODEL_LEVERAGED, MODEL_REG_T, MODEL_PORTFOLIO)),
    own=rates,
    position=st.tuples(st.integers(-90, 90), st.integers(0, 90), st.integers(0, 90)),
    beside=st.tuples(st.integers(0, 10**8), st.integers(0, 300)),
)
def test_add_ons_require_no_more_than_the_most_under_any_model(
    *,
    axes: Tables,
    times: int,
    model: int,
    own: tuple[int, int],
    position: tuple[int, int, int],
    beside: tuple[int, int],
) -> None:
    drawn = tuple([(edge, points * times) for edge, points in axis] for axis in axes)
    script = World(drawn, drawn).script  # type: ignore[arg-type]
    policy = script.machine.book.policy
    assert policy is not None
    assert policy.add_ons is not None
    instrument = script.machine.book.instruments["X"]
    instrument.terms.initial_long_bps, instrument.terms.initial_short_bps = own
    of_model = rates_now(instrument, policy, 10_000, model, stressed=False)
    held, buys, sells = position
    line = line_of(held, buys, sells, buys * MARK, sells * MARK, instrument, of_model)
    line = line_in_model(model, line, held, sells, instrument)
    account = Account("A")
    account.margin_model = model
    bought, sold = held + buys, sells - held
    gross, reach = line[3] + beside[0], max(bought, sold, 0) + beside[1]
    initial, _ = more_of(
        account,
        policy.add_ons,
        instrument,
        line,
        of_model,
        gross,
        reach,
        bought,
        sold,
        instrument.high,
    )
    assert initial <= most_of_all(policy.add_ons, line, 1, model)
