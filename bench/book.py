"""The seeded book that a gate is brought to before it is measured: instruments, accounts, policy.

Accounts over four tiers in four groups, each with positions in some of the instruments, long and
short. Every limit of the policy is set and none is near, so that each check does all its work.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.contract import (
    ADJUST_CASH,
    REVALUE_ACCOUNTS,
    SET_POSITIONS,
    SET_SESSION,
    UPDATE_MARKS,
    UPDATE_VOLATILITY,
    UPSERT_ACCOUNTS,
    UPSERT_INSTRUMENTS,
)
from bench.frames import Call
from google.protobuf import json_format

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import market_service_pb2 as market_pb
from tidegate.v1 import order_pb2 as order_pb
from tidegate.v1 import policy_pb2 as policy_pb

TIERS: Final = ("bronze", "silver", "gold", "platinum")
GROUPS: Final = ("north", "east", "south", "west")
RATING_GROUPS: Final = ("A", "B", "C")

SECTOR: Final = "sector"
BOARD: Final = "main"
PRODUCT_TYPE: Final = "CS"
PERMISSIONS: Final = accounts_pb.Permissions(
    short=True,
    margin=True,
    product_types=[PRODUCT_TYPE],
    order_types=[order_pb.ORDER_TYPE_LIMIT, order_pb.ORDER_TYPE_MARKET],
)
ALWAYS: Final = market_pb.Session(open_time_ns=0, close_time_ns=4 * 10**18)

LOT: Final = 10
TICK_E4: Final = 100
CASH_E4: Final = 10**13  # a thousand million units
POSITIONS_QUANTITY: Final = 200_000  # of all positions of an account, at most
ORDER_QUANTITY_LIMIT: Final = 100_000
COLLAR_BPS: Final = 1_000
PRICE_LIMIT_BPS: Final = 3_000
SECOND_NS: Final = 1_000_000_000
INSTRUMENTS_A_CALL: Final = 100
ACCOUNTS_A_CALL: Final = 100
ADD_ONS: Final = Path(__file__).parents[1] / "deploy" / "add-ons.json"

NEVER: Final = b"\xff"
"""No answer starts so: always look closer."""
SEQUENCE: Final = b"\x08"
"""How an answer starts that has nothing to say but its sequence."""

Exchange = Callable[[list[Call]], list[bytes]]
"""Makes calls in order and returns their answers."""


class Stock(NamedTuple):
    """An instrument of the workload."""

    instrument_id: str
    base_price_e4: int
    rating_group: str


class Holder(NamedTuple):
    """An account of the workload, and what it holds."""

    account_id: str
    tier_id: str
    group_id: str
    positions: tuple[tuple[str, int], ...]


class Book:
    """The instruments and accounts of one seed."""

    def __init__(
        self, seed: int = 1, *, accounts: int = 200, positions: int = 10, instruments: int = 20
    ) -> None:
        self.stocks = _stocks(random.Random(f"{seed} stocks"), max(instruments, positions))
        self.holders = _holders(random.Random(f"{seed} holders"), self.stocks, accounts, positions)

    def set_up(self, exchange: Exchange) -> None:
        """Bring a gate that has the policy to the book; facts only, each answer checked."""
        exchange(self.market_calls())
        answers = exchange(self.account_calls())
        sequences = {
            holder.account_id: accounts_pb.UpsertAccountsResponse.FromString(
                answers[number // ACCOUNTS_A_CALL]
            ).sequence
            for number, holder in enumerate(self.holders)
        }
        cash = exchange([_deposit(one, sequences[one.account_id]) for one in self.holders])
        exchange(
            [
                _positions(holder, accounts_pb.AdjustCashResponse.FromString(answer).sequence)
                for holder, answer in zip(self.holders, cash, strict=True)
                if holder.positions
            ]
        )
        exchange(self.valuation_calls())

    def valuation_calls(self) -> list[Call]:
        """Have every account valued, as the follower would: sums over accounts count from then."""
        names = [holder.account_id for holder in self.holders]
        return [
            Call(
                REVALUE_ACCOUNTS,
                accounts_pb.RevalueAccountsRequest(
                    account_ids=names[first : first + ACCOUNTS_A_CALL]
                ).SerializeToString(),
                NEVER,
                valuations_complaint,
            )
            for first in range(0, len(names), ACCOUNTS_A_CALL)
        ]

    def market_calls(self) -> list[Call]:
        """Make the instruments, and give them marks and volatility factors."""
        rng = random.Random("volatility")
        session = market_pb.SetSessionRequest(board=BOARD, sessions=[ALWAYS])
        calls = [Call(SET_SESSION, session.SerializeToString(), SEQUENCE)]
        for first in range(0, len(self.stocks), INSTRUMENTS_A_CALL):
            stocks = self.stocks[first : first + INSTRUMENTS_A_CALL]
            instruments = market_pb.UpsertInstrumentsRequest(
                instruments=[_instrument(stock) for stock in stocks]
            )
            marks = market_pb.UpdateMarksRequest(
                marks=[
                    market_pb.Mark(instrument_id=stock.instrument_id, price_e4=stock.base_price_e4)
                    for stock in stocks
                ]
            )
            factors = market_pb.UpdateVolatilityRequest(
                factors=[
                    market_pb.VolatilityFactor(
                        instrument_id=stock.instrument_id, factor_bps=rng.randint(10_000, 20_000)
                    )
                    for stock in stocks
                ],
                model_version="bench",
            )
            calls += [
                Call(UPSERT_INSTRUMENTS, instruments.SerializeToString(), SEQUENCE),
                Call(UPDATE_MARKS, marks.SerializeToString(), NEVER, marks_complaint),
                Call(UPDATE_VOLATILITY, factors.SerializeToString(), SEQUENCE),
            ]
        return calls

    def account_calls(self) -> list[Call]:
        """Make the accounts, without money."""
        accounts = [
            accounts_pb.Account(
                account_id=holder.account_id,
                group_id=holder.group_id,
                tier_id=holder.tier_id,
                margin_model=accounts_pb.MARGIN_MODEL_LEVERAGED,
                permissions=PERMISSIONS,
                acknowledged_disclosure_version=1,
            )
            for holder in self.holders
        ]
        return [
            Call(
                UPSERT_ACCOUNTS,
                accounts_pb.UpsertAccountsRequest(
                    accounts=accounts[first : first + ACCOUNTS_A_CALL]
                ).SerializeToString(),
                SEQUENCE,
            )
            for first in range(0, len(accounts), ACCOUNTS_A_CALL)
        ]


def policy() -> policy_pb.Policy:
    """Make a policy in which every limit is set and every age is long enough for a bench."""
    return policy_pb.Policy(
        rules_version=1,
        comment="Bench: all checks on, none near.",
        max_order_age_ns=120 * SECOND_NS,
        max_clock_skew_ns=5 * SECOND_NS,
        max_mark_age_ns=24 * 3600 * SECOND_NS,
        max_volatility_age_ns=24 * 3600 * SECOND_NS,
        stress_factor_bps=20_000,
        elevated_regime_bps=15_000,
        stressed_regime_bps=30_000,
        slow_mark_step_bps=50,
        acknowledgement_limit_ns=24 * 3600 * SECOND_NS,
        release_window_ns=900 * 10**9,
        principal_order_rate=policy_pb.Rate(per_second=1_000_000, burst=1_000_000),
        trading_window=policy_pb.TradingWindow(close_of_day_ns=24 * 3600 * SECOND_NS),
        disclosure_version=1,
        default_limits=_limits(),
        tiers=[_tier(tier_id, number) for number, tier_id in enumerate(TIERS)],
        self_trade_scope=policy_pb.SELF_TRADE_SCOPE_ACCOUNT,
        order_repeated=policy_pb.RepeatLimit(count=1_000, window_ns=SECOND_NS),
        margin_classes=[policy_pb.MarginClass(class_id="all", offset_bps=5_000)],
        lines=policy_pb.Lines(),  # those of the rulebook
    )


def with_everything(document: policy_pb.Policy, book: Book) -> policy_pb.Policy:
    """Add all that a policy may limit or require besides: no order is near any of it.

    Limits of firm, groups, sector, board and instruments, tables of sector and board, sums over the
    accounts of a group and of the firm, the firm's reserve, and margin add-ons.
    """
    scopes = [(order_pb.SCOPE_KIND_FIRM, "")]
    scopes += [(order_pb.SCOPE_KIND_GROUP, group_id) for group_id in GROUPS]
    scopes += [(order_pb.SCOPE_KIND_SECTOR, SECTOR), (order_pb.SCOPE_KIND_BOARD, BOARD)]
    scopes += [(order_pb.SCOPE_KIND_INSTRUMENT, stock.instrument_id) for stock in book.stocks]
    document.scopes.extend(_of_scope(kind, scope_id) for kind, scope_id in scopes)
    bands = [policy_pb.ConcentrationBand(ratio_from_bps=0, cap_bps=900_000)]
    for tier in document.tiers:
        tier.sector_concentration.add(scope_id=SECTOR, bands=bands)
        tier.board_concentration.add(scope_id=BOARD, bands=bands)
    document.max_valuation_age_ns = 24 * 3600 * SECOND_NS
    document.reserve.CopyFrom(
        policy_pb.Reserve(pool_e4=9 * 10**16, coverage_bps=10_000, stress_bps=1_000)
    )
    json_format.ParseDict(json.loads(ADD_ONS.read_text()), document)
    return document


def valuations_complaint(message: bytes) -> str:
    """Say what is wrong with the answer to a request to value accounts."""
    answer = accounts_pb.RevalueAccountsResponse.FromString(message)
    valued = all(one.valued for one in answer.valuations)
    return "" if answer.sequence and valued else f"accounts were not valued: {answer}"


def marks_complaint(message: bytes) -> str:
    """Say what is wrong with the answer to marks."""
    answer = market_pb.UpdateMarksResponse.FromString(message)
    return f"marks were not applied: {answer}" if answer.older_count else ""


def _of_scope(kind: "order_pb.ScopeKind.ValueType", scope_id: str) -> policy_pb.ScopeLimits:
    limit = policy_pb.ScopeLimit
    limits = policy_pb.ScopeLimits(
        scope_kind=kind,
        scope_id=scope_id,
        order_quantity=limit(value=2 * ORDER_QUANTITY_LIMIT),
        order_notional_e4=limit(value=9 * 10**13),
        order_volume_share_bps=limit(value=1_000),
        position=limit(value=10**12),
        ownership_bps=limit(value=1_000),
    )
    if kind in {order_pb.SCOPE_KIND_FIRM, order_pb.SCOPE_KIND_GROUP}:
        limits.open_order_count.value = 10**9
    if kind == order_pb.SCOPE_KIND_FIRM:
        limits.financing_e4.value = 9 * 10**16
    if kind == order_pb.SCOPE_KIND_GROUP:
        limits.group_exposure_e4.value = 9 * 10**16
    if kind != order_pb.SCOPE_KIND_GROUP:
        limits.instrument_exposure_e4.value = 9 * 10**16
    return limits


def _limits() -> policy_pb.Limits:
    limit = policy_pb.Limit
    return policy_pb.Limits(
        order_quantity=limit(value=ORDER_QUANTITY_LIMIT, required=True),
        order_notional_e4=limit(value=9 * 10**12, required=True),
        order_volume_share_bps=limit(value=500, required=True),
        price_collar_bps=limit(value=COLLAR_BPS, required=True),
        price_collar_floor_bps=limit(value=100, required=True),
        order_rate=policy_pb.Rate(per_second=1_000_000, burst=1_000_000, required=True),
        open_order_count=limit(value=10**9, required=True),
        day_order_count=limit(value=10**12, required=True),
        day_turnover_e4=limit(value=9 * 10**16, required=True),
        position=limit(value=10**9, required=True),
        credit_line_e4=limit(value=9 * 10**16, required=True),
        short_line_e4=limit(value=9 * 10**16, required=True),
        day_loss_e4=limit(value=9 * 10**16, required=True),
        drawdown_bps=limit(value=9_000, required=True),
        ownership_bps=limit(value=500, required=True),
    )


def _tier(tier_id: str, number: int) -> policy_pb.Tier:
    edges = (0, 13_000, 16_000, 20_000, 30_000)
    return policy_pb.Tier(
        tier_id=tier_id,
        limits=policy_pb.Limits(
            leverage_bps=policy_pb.Limit(value=20_000 + 10_000 * number, required=True)
        ),
        concentration=[
            policy_pb.ConcentrationTable(
                rating_group=group,
                bands=[
                    policy_pb.ConcentrationBand(ratio_from_bps=edge, cap_bps=5_000 + 1_000 * step)
                    for step, edge in enumerate(edges)
                ],
            )
            for group in RATING_GROUPS
        ],
        concentration_required=True,
    )


def _stocks(rng: random.Random, count: int) -> list[Stock]:
    return [
        Stock(
            instrument_id=f"STK{number:04d}",
            base_price_e4=TICK_E4 * rng.randint(500, 50_000),  # 5 to 500
            rating_group=RATING_GROUPS[number % len(RATING_GROUPS)],
        )
        for number in range(count)
    ]


def _holders(
    rng: random.Random, stocks: Sequence[Stock], count: int, positions: int
) -> list[Holder]:
    holders = []
    for number in range(count):
        held = rng.sample(stocks, positions)
        sizes = [LOT * rng.randint(1, POSITIONS_QUANTITY // LOT // positions) for _ in held]
        holders.append(
            Holder(
                account_id=f"ACC{number:06d}",
                tier_id=TIERS[number % len(TIERS)],
                group_id=GROUPS[number // len(TIERS) % len(GROUPS)],
                positions=tuple(
                    (stock.instrument_id, -size if rng.random() < 0.2 else size)
                    for stock, size in zip(held, sizes, strict=True)
                ),
            )
        )
    return holders


def _instrument(stock: Stock) -> market_pb.Instrument:
    return market_pb.Instrument(
        instrument_id=stock.instrument_id,
        sector=SECTOR,
        board=BOARD,
        rating_group=stock.rating_group,
        least_quantity=LOT,
        quantity_step=LOT,
        tick_e4=TICK_E4,
        lower_price_limit_e4=TICK_E4,
        upper_price_limit_e4=stock.base_price_e4 * 3,
        price_limit_bps=PRICE_LIMIT_BPS,
        average_volume=10**7,
        shares_outstanding=10**15,
        initial_margin_long_bps=5_000,
        initial_margin_short_bps=5_000,
        maintenance_margin_long_bps=2_500,
        maintenance_margin_short_bps=3_000,
        marginable=True,
        product_type=PRODUCT_TYPE,
        shortable=True,
        short_pool=10**15,
        position_limit=10**9,
    )


def _deposit(holder: Holder, sequence: int) -> Call:
    message = accounts_pb.AdjustCashRequest(
        account_id=holder.account_id,
        adjustment_id="first",
        kind=accounts_pb.CASH_KIND_DEPOSIT,
        amount_e4=CASH_E4,
        expected_sequence=sequence,
    )
    return Call(ADJUST_CASH, message.SerializeToString(), SEQUENCE)


def _positions(holder: Holder, sequence: int) -> Call:
    message = accounts_pb.SetPositionsRequest(
        account_id=holder.account_id,
        positions=[
            accounts_pb.PositionTarget(instrument_id=instrument_id, quantity=quantity)
            for instrument_id, quantity in holder.positions
        ],
        expected_sequence=sequence,
    )
    return Call(SET_POSITIONS, message.SerializeToString(), SEQUENCE)
