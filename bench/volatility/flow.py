"""A fixed flow of orders, judged every morning by the real engine with that morning's factors.

Accounts stand at fixed leverages in fixed portfolios: each morning every one is put back to its
equity and its leverage at the last closes, and sends the same orders. The slow mark is given time
to reach the mark, else yesterday's prices would count too. So nothing but the factors differs from
one morning to the next, and a verdict that changes was changed by them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, TypeVar

from google.protobuf.message import Message

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import market_service_pb2 as market_pb
from tidegate.v1 import order_pb2 as order_pb
from tidegate.v1 import policy_pb2 as policy_pb
from tidegate.v1 import policy_service_pb2 as policies_pb
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_server.sample import market
from tidegate_server.sample.policy import build_policy
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME

R = TypeVar("R", bound=Message)

LEVERAGE_CAP_BPS: Final = 40_000
COLLAR_BPS: Final = 200
STRESS_BPS: Final = 20_000
GREATEST_AGE: Final = timedelta(days=5)  # of a factor; the longest usual pause of the market
EQUITY_E4: Final = 10**10  # a million
ORDER_SHARE_BPS: Final = 500  # of the equity
LEVERAGES_BPS: Final = tuple(range(2_500, 32_501, 2_500))
PORTFOLIOS: Final = {
    "banks": ("BAC", "JPM"),
    "broad": (),  # everything there is
    "staples": ("KO", "PEP", "PG", "WMT"),
    "technology": ("AAPL", "AMD", "MSFT"),
}
#: What the broad accounts order: everyone else orders what he holds.
BROAD_ORDERS: Final = ("JPM", "MSFT", "WMT", "XOM")
_TIER: Final = "study"
_SETTLED_NS: Final = 60 * 10**9  # after which the slow mark has reached the mark (3.4)
_ALWAYS: Final = market_pb.Session(open_time_ns=0, close_time_ns=4 * 10**18)
_MORNING: Final = time(14, 30, tzinfo=UTC)
_CLOSE: Final = time(21, 0, tzinfo=UTC)


class Morning(NamedTuple):
    """What the flow is judged by: the evening before."""

    day: date
    evening: date
    prices: dict[str, float]
    factors: dict[str, int]


class Verdicts(NamedTuple):
    """What became of one morning's orders."""

    day: date
    orders: int
    rejected: int
    #: Accounts of which at least one order was rejected.
    shut: frozenset[str]
    #: Headline reasons and how often.
    reasons: dict[str, int]
    #: Whether the factors were so old that the policy's stress factor applied.
    stressed: bool


class Holder(NamedTuple):
    """One account."""

    account_id: str
    leverage_bps: int
    holds: tuple[str, ...]
    orders: tuple[str, ...]


def holders(symbols: Sequence[str]) -> tuple[Holder, ...]:
    """Return the accounts, of every portfolio one at each leverage."""
    made = []
    for name, members in PORTFOLIOS.items():
        holds = tuple(symbol for symbol in members or symbols if symbol in symbols)
        orders = holds if members else tuple(one for one in BROAD_ORDERS if one in symbols)
        made += [
            Holder(f"{name}-{leverage}", leverage, holds, orders)
            for leverage in LEVERAGES_BPS
            if holds
        ]
    return tuple(made)


def judge(symbols: Sequence[str], mornings: Sequence[Morning]) -> Iterator[Verdicts]:
    """Judge the same flow on every morning; days rise."""
    gate = _Gate(symbols, mornings[0].day)
    for morning in mornings:
        yield gate.judge(morning)


class _Gate:
    """The deterministic core of the gate with the accounts of the study."""

    def __init__(self, symbols: Sequence[str], first: date) -> None:
        self._machine = Machine()
        self._now_ns = _time_ns(first - timedelta(days=1), _MORNING)
        self._holders = holders(symbols)
        self._machine.start_epoch(1, "study", self._now_ns)
        listed = {one.instrument_id: one for one in market.instruments().instruments}
        self._call("ProposePolicy", policies_pb.ProposePolicyRequest(policy=_policy()))
        self._call(
            "UpsertInstruments",
            market_pb.UpsertInstrumentsRequest(
                instruments=[_instrument(listed[symbol]) for symbol in symbols]
            ),
        )
        for board in sorted({listed[symbol].board for symbol in symbols}):
            request = market_pb.SetSessionRequest(board=board, sessions=[_ALWAYS])
            self._call("SetSession", request)
        self._call(
            "UpsertAccounts",
            accounts_pb.UpsertAccountsRequest(
                accounts=[_account(holder.account_id) for holder in self._holders]
            ),
        )

    def judge(self, morning: Morning) -> Verdicts:
        self._now_ns = _time_ns(morning.day, _MORNING)
        day = morning.day
        number = day.year * 10_000 + day.month * 100 + day.day
        factor_ns = _time_ns(morning.evening, _CLOSE)
        prices = {name: round(price * 10_000) for name, price in morning.prices.items()}
        self._call("RollDay", market_pb.RollDayRequest(trading_date=number))
        marks = [market_pb.Mark(instrument_id=k, price_e4=price) for k, price in prices.items()]
        self._call("UpdateMarks", market_pb.UpdateMarksRequest(marks=marks))
        self._now_ns += _SETTLED_NS
        self._call("UpdateMarks", market_pb.UpdateMarksRequest(marks=marks))  # moves the slow mark
        factors = [
            market_pb.VolatilityFactor(instrument_id=k, factor_bps=factor, factor_time_ns=factor_ns)
            for k, factor in morning.factors.items()
        ]
        self._call("UpdateVolatility", market_pb.UpdateVolatilityRequest(factors=factors))
        orders, shut, reasons = 0, set(), dict[str, int]()
        for holder in self._holders:
            self._put_back(holder, prices, number)
            for symbol in holder.orders:
                orders += 1
                reason = self._order(holder, symbol, prices[symbol], number)
                if reason:
                    shut.add(holder.account_id)
                    reasons[reason] = reasons.get(reason, 0) + 1
        stressed = self._now_ns - factor_ns > GREATEST_AGE // timedelta(microseconds=1) * 1_000
        return Verdicts(day, orders, sum(reasons.values()), frozenset(shut), reasons, stressed)

    def _put_back(self, holder: Holder, prices: dict[str, int], number: int) -> None:
        """Give an account its leverage in positions and its equity in all."""
        name = holder.account_id
        account = self._machine.book.accounts[name]
        value = EQUITY_E4 * holder.leverage_bps // 10_000 // len(holder.holds)
        target = {symbol: value // prices[symbol] for symbol in holder.holds}
        held = sum(quantity * prices[symbol] for symbol, quantity in target.items())
        request = accounts_pb.SetPositionsRequest(
            account_id=name,
            positions=[
                accounts_pb.PositionTarget(instrument_id=symbol, quantity=quantity)
                for symbol, quantity in target.items()
            ],
            expected_sequence=account.sequence,
        )
        self._call("SetPositions", request)
        missing = EQUITY_E4 - held - account.cash
        if missing:
            booking = accounts_pb.AdjustCashRequest(
                account_id=name,
                adjustment_id=str(number),
                kind=accounts_pb.CASH_KIND_CORRECTION,
                amount_e4=missing,
                expected_sequence=account.sequence,
            )
            self._call("AdjustCash", booking)

    def _order(self, holder: Holder, symbol: str, price_e4: int, number: int) -> str:
        """Send one order; take an allowed one back. Return the headline reason of a reject."""
        order_id = f"{number}-{symbol}"
        request = risk_pb.CheckOrderRequest(
            account_id=holder.account_id,
            order_id=order_id,
            instrument_id=symbol,
            side=order_pb.SIDE_BUY,
            order_type=order_pb.ORDER_TYPE_LIMIT,
            quantity=EQUITY_E4 * ORDER_SHARE_BPS // 10_000 // price_e4,
            price_e4=price_e4,
            created_time_ns=self._now_ns,
        )
        answer = risk_pb.CheckOrderResponse.FromString(self._call("CheckOrder", request))
        if answer.verdict == order_pb.VERDICT_REJECT:
            name = order_pb.RejectReason.Name(answer.rejections[0].reason)
            return name.removeprefix("REJECT_REASON_")
        event = risk_pb.OrderEvent(
            event_id=f"{order_id}-unsent",
            account_id=holder.account_id,
            order_id=order_id,
            kind=risk_pb.ORDER_EVENT_KIND_UNSENT,
        )
        self._call("RecordOrderEvents", risk_pb.RecordOrderEventsRequest(events=[event]))
        return ""

    def _call(self, name: str, request: Message) -> bytes:
        answer = self._machine.call(
            BY_NAME[name], request.SerializeToString(), "study", self._now_ns
        )
        if answer.error is not None or answer.response is None:
            raise RuntimeError(f"{name}: {answer.error.message if answer.error else 'no answer'}")
        return answer.response


def _policy() -> policy_pb.Policy:
    """Return the sample's policy with one tier, in which only leverage and collar bind."""
    made = build_policy()
    made.comment = "study: a leverage cap of 4 and a collar, scaled by volatility"
    made.max_volatility_age_ns = GREATEST_AGE // timedelta(microseconds=1) * 1_000
    made.stress_factor_bps = STRESS_BPS
    made.slow_mark_step_bps = 10_000
    for name in ("order_quantity", "order_notional_e4", "order_volume_share_bps", "position"):
        getattr(made.default_limits, name).CopyFrom(policy_pb.Limit(unlimited=True))
    for name in ("day_turnover_e4", "day_order_count"):
        getattr(made.default_limits, name).CopyFrom(policy_pb.Limit(unlimited=True))
    made.default_limits.price_collar_bps.CopyFrom(policy_pb.Limit(value=COLLAR_BPS))
    tier = made.tiers[-1]
    del made.tiers[:]
    tier.tier_id = _TIER
    tier.limits.Clear()
    tier.limits.leverage_bps.CopyFrom(policy_pb.Limit(value=LEVERAGE_CAP_BPS, required=True))
    made.tiers.append(tier)
    return made


def _instrument(listed: market_pb.Instrument) -> market_pb.Instrument:
    """Return the sample's instrument with a margin that never binds before the leverage cap."""
    made = market_pb.Instrument()
    made.CopyFrom(listed)
    made.least_quantity = made.quantity_step = made.tick_e4 = 1
    made.marginable = True
    made.initial_margin_long_bps = made.initial_margin_short_bps = 2_000
    made.maintenance_margin_long_bps = made.maintenance_margin_short_bps = 1_500
    return made


def _account(account_id: str) -> accounts_pb.Account:
    """Return the sample's kind of account in the tier of the study."""
    made = accounts_pb.Account()
    made.CopyFrom(market.holders(1)[0].account)
    made.account_id, made.group_id, made.tier_id = account_id, "", _TIER
    made.limits.Clear()
    return made


def _time_ns(day: date, moment: time) -> int:
    return int(datetime.combine(day, moment).timestamp()) * 10**9
