"""One bad tick, high or low, mints no buying power and latches nothing (3.4, 3.7)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.runs import SEEDS, answer, calls_of, copy_of, law, play
from tests.laws.runs import Call as RunCall

from tidegate.v1 import account_service_pb2, market_service_pb2, order_pb2, risk_service_pb2
from tidegate_server.engine.commands import MODEL_CN_MARGIN
from tidegate_server.engine.state_hash import state_hash
from tidegate_server.wire.machine import Machine

seeds = st.integers(0, SEEDS)
lengths = st.integers(60, 400)
MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND


def tick(machine: Machine, instrument_id: str, price: int, now_ns: int) -> None:
    """Report one mark."""
    mark = market_service_pb2.Mark(instrument_id=instrument_id, price_e4=price)
    request = market_service_pb2.UpdateMarksRequest(marks=[mark]).SerializeToString()
    assert answer(machine, RunCall("UpdateMarks", request, "feed", now_ns)).error is None


def revalue(machine: Machine, now_ns: int) -> None:
    """Value the accounts whose valuation follows from actual figures alone.

    Contracts are valued at the worse of mark and slow mark (6.3), and so are the sums of 4.26.
    """
    names = [
        name
        for name, account in machine.book.accounts.items()
        if account.margin_model != MODEL_CN_MARGIN
    ]
    for name in names if machine.book.share_sums is None else []:
        request = account_service_pb2.RevalueAccountsRequest(account_ids=[name])
        call = RunCall("RevalueAccounts", request.SerializeToString(), "staff", now_ns)
        assert answer(machine, call).error is None


def most(machine: Machine, account_id: str, instrument_id: str, side: int, now_ns: int) -> int:
    """Ask for the largest quantity that would pass; an exit's quantity is what it always was."""
    instrument = machine.book.instruments[instrument_id]
    request = risk_service_pb2.PreviewOrderRequest(
        account_id=account_id,
        instrument_id=instrument_id,
        side=side,  # type: ignore[arg-type] # 1 or 2
        order_type=order_pb2.ORDER_TYPE_LIMIT,
        quantity=10**9,
        price_e4=instrument.mark,
    ).SerializeToString()
    found = answer(machine, RunCall("PreviewOrder", request, "desk", now_ns))
    message = risk_service_pb2.PreviewOrderResponse.FromString(found.response or b"")
    return message.max_acceptable_quantity


@law(24)
@given(seed=seeds, length=lengths, share=st.sampled_from((1, 20, 80, 120, 500, 10_000)))
def test_a_bad_tick_lets_no_account_do_more_in_anything_else(
    seed: int, length: int, share: int
) -> None:
    quiet = Machine()
    calls = calls_of(seed)[:length]
    play(quiet, calls)
    now_ns = calls[-1].now_ns + MILLISECOND
    marked = [one for one in quiet.book.instruments.values() if one.mark]
    if quiet.book.policy is None or len(marked) < 2:
        return
    shaken = copy_of(quiet)
    name, price = marked[0].instrument_id, marked[0].mark
    for machine in (quiet, shaken):
        tick(machine, name, price, now_ns)  # now the slow mark stays for a second
    slow = quiet.book.instruments[name].slow_mark
    tick(quiet, name, slow, now_ns)  # no mark is better for every account than that
    tick(shaken, name, max(1, min(slow * share // 100, 10**12)), now_ns)
    for account_id, account in quiet.book.accounts.items():
        position = account.positions.get(name)
        if position is not None and (position.open_buy or position.open_sell):
            continue  # what an open sale will bring is taken at the mark itself (3.5)
        for other in marked[1:3]:
            for side in (1, 2):
                asked = (account_id, other.instrument_id, side, now_ns)
                assert most(shaken, *asked) <= most(quiet, *asked), asked


@law(24)
@given(seed=seeds, length=lengths, share=st.sampled_from((1, 20, 80, 120, 500, 10_000)))
def test_once_the_tick_is_put_right_the_book_is_as_it_would_have_been(
    seed: int, length: int, share: int
) -> None:
    quiet = Machine()
    calls = calls_of(seed)[:length]
    play(quiet, calls)
    marked = [one for one in quiet.book.instruments.values() if one.mark]
    if not marked:
        return
    shaken = copy_of(quiet)
    name, price = marked[0].instrument_id, marked[0].mark
    # At a whole second since the slow mark was moved, so that the next tick is within the same one.
    slow_ns = marked[0].slow_time_ns
    now_ns = slow_ns + -(-(calls[-1].now_ns + 1 - slow_ns) // SECOND) * SECOND
    tick(quiet, name, price, now_ns)
    tick(shaken, name, max(1, min(price * share // 100, 10**12)), now_ns)
    for machine in (quiet, shaken):
        revalue(machine, now_ns)
        tick(machine, name, price, now_ns + MILLISECOND)
    assert state_hash(shaken.book) == state_hash(quiet.book)
