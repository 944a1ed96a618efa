"""A gate on a real folder behind a front that only hands over and collects."""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import structlog
from structlog.testing import LogCapture

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import control_service_pb2 as control_pb
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import Writer, own, persist_epoch
from tidegate_server.runtime.clock import Clock
from tidegate_server.runtime.config_schema import Admission, Commit, Config
from tidegate_server.runtime.counters import create_gate_page
from tidegate_server.runtime.gate import Gate
from tidegate_server.runtime.initialise import initialise
from tidegate_server.runtime.recover import recover_machine
from tidegate_server.sample import market
from tidegate_server.sample.data import first_prices
from tidegate_server.sample.policy import build_policy
from tidegate_server.transport import Call, Directory, Front, Principal, Sent, Turn
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.protobuf.message import Message

    from tidegate_server.wire.errors import CallError

PRICE_E4 = first_prices()["SPY"] // 100 * 100
ROLES = frozenset({"router", "viewer", "feed", "risk", "killer", "operator"})
DIRECTORY = Directory(
    [Principal("local", ROLES), Principal("watcher", frozenset({"viewer"}))],
)
# However busy the machine is, a commit holds all of a turn unless a test says otherwise.
WORK_US = 600_000_000
_ids = count(1)


class ListFront(Front):
    """Hands over the lists it was given, one a turn, and keeps every answer in order."""

    def __init__(self) -> None:
        self.name = "list"
        self.address = "nowhere"
        self.gone = set()
        self.reply = self._reply
        self.batches: list[list[Call]] = []
        self.answers: dict[int, bytes | CallError] = {}
        self.serving: dict[str, bool] = {}
        self.durable: Callable[[], int] = lambda: -1
        self.durable_at: dict[int, int] = {}

    def run(self, turn: Turn) -> None:
        while True:
            calls = self.batches.pop(0) if self.batches else []
            if turn(calls) < 0:
                return

    def _reply(self, call_id: int, response: bytes) -> None:
        self.durable_at[call_id] = self.durable()
        self.answers[call_id] = response

    def fail(self, call_id: int, error: CallError) -> None:
        self.answers[call_id] = error

    def send(self, _call_id: int, _message: bytes) -> Sent:
        raise AssertionError("a gate has no streams")

    def finish(self, _call_id: int) -> None:
        raise AssertionError("a gate has no streams")

    def set_serving(self, service: str, *, serving: bool) -> None:
        self.serving[service] = serving

    def in_flight(self) -> int:
        return 0


class Bench:
    """One gate with a market and the accounts A0 to A3, and what tests hold in their hands."""

    def __init__(self, config: Config) -> None:
        recovered = recover_machine(config.folder, shard=0, order_id_limit=1 << 20, repair=True)
        self.config = config
        self.machine = recovered.machine
        self.front = ListFront()
        self.clock = Clock(self.machine.book.time_ns)
        persist_epoch(config.folder, 2)
        self.writer = Writer(
            config.folder,
            recovered.position,
            shard=0,
            epoch=2,
            rules_version=RULES_VERSION,
            segment_bytes=config.segment_bytes,
        )
        self.front.durable = lambda: self.writer.durable_sequence
        self.page = create_gate_page(config.folder)
        self.logged = LogCapture()
        self.describe: Callable[[control_pb.GetStatusResponse], None] = lambda _status: None
        log = structlog.wrap_logger(
            structlog.PrintLogger(),
            processors=[self.logged],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        )
        self.gate = Gate(
            config,
            self.machine,
            self.writer,
            self.clock,
            self.front,
            DIRECTORY,
            self.page,
            log,
            lambda status: self.describe(status),  # noqa: PLW0108 - a test may change it
        )

    def turn(self, *calls: Call) -> float:
        return self.gate.turn(list(calls))

    def answer(self, call: Call) -> Any:
        """Return what a call got, parsed; None if it has no answer yet."""
        found = self.front.answers.get(call[0])
        if not isinstance(found, bytes):
            return found
        return _RESPONSES[call[1]].FromString(found)

    def answered(self, *calls: Call) -> list[bool]:
        return [call[0] in self.front.answers for call in calls]

    def ask(self, call: Call) -> Any:
        self.turn(call)
        return self.answer(call)

    def load(self) -> None:
        requests = [
            ("RollDay", market.trading_day()),
            ("UpsertInstruments", market.instruments()),
            ("SetSession", market.session()),
            ("UpdateVolatility", market.volatility()),
            ("UpdateMarks", market.first_marks()),
        ]
        for name, request in requests:
            self.ask(call(name, request))
        for index in range(4):
            account = accounts_pb.Account(
                account_id=f"A{index}",
                tier_id="professional",
                margin_model=accounts_pb.MARGIN_MODEL_LEVERAGED,
                permissions=market.PERMISSIONS,
            )
            made = call("UpsertAccounts", accounts_pb.UpsertAccountsRequest(accounts=[account]))
            sequence = self.ask(made).sequence
            deposit = accounts_pb.AdjustCashRequest(
                account_id=f"A{index}",
                adjustment_id="opening",
                kind=accounts_pb.CASH_KIND_DEPOSIT,
                amount_e4=10**11,
                expected_sequence=sequence,
            )
            self.ask(call("AdjustCash", deposit))


@contextmanager
def bench(
    folder: Path,
    admission: Admission | None = None,
    commit: Commit | None = None,
    policy: dict[str, int] | None = None,
) -> Iterator[Bench]:
    """Make a folder and a gate on it; a commit's work is bounded only where `commit` says so."""
    config = Config(
        data=str(folder / "data"),
        segment_bytes=1 << 20,
        admission=admission or Admission(),
        commit=commit or Commit(work_us=WORK_US),
    )
    chosen = build_policy()
    for name, value in (policy or {}).items():
        setattr(chosen, name, value)
    initialise(config, chosen)
    with own(config.folder):
        made = Bench(config)
        try:
            made.load()
            yield made
        finally:
            made.gate.close()
            made.writer.close()
            made.page.close()


def call(name: str, request: Message, principal: str = "local") -> Call:
    return next(_ids), BY_NAME[name].index, request.SerializeToString(), principal


def check(
    account: str = "A0",
    quantity: int = 1,
    order_id: str = "",
    side: order_pb2.Side.ValueType = order_pb2.SIDE_BUY,
) -> Call:
    number = next(_ids)
    request = risk_pb.CheckOrderRequest(
        account_id=account,
        order_id=order_id or f"o{number}",
        instrument_id="SPY",
        side=side,
        order_type=order_pb2.ORDER_TYPE_LIMIT,
        quantity=quantity,
        price_e4=PRICE_E4,
        created_time_ns=time.time_ns(),
    )
    return call("CheckOrder", request)


def checks(orders: int, account: str = "A0", principal: str = "local") -> Call:
    """Make a batch, of orders that are all alike."""
    requests = [risk_pb.CheckOrderRequest.FromString(check(account)[2]) for _ in range(orders)]
    return call("CheckOrders", risk_pb.CheckOrdersRequest(orders=requests), principal)


def fact(order_id: str = "nobody's") -> Call:
    event = risk_pb.OrderEvent(
        event_id=f"e{next(_ids)}",
        account_id="A0",
        order_id=order_id,
        kind=risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED,
    )
    return call("RecordOrderEvents", risk_pb.RecordOrderEventsRequest(events=[event]))


def read(account: str = "A0") -> Call:
    return call("GetAccount", accounts_pb.GetAccountRequest(account_id=account))


def status() -> Call:
    return call("GetStatus", control_pb.GetStatusRequest())


def halt(
    kind: order_pb2.ScopeKind.ValueType = order_pb2.SCOPE_KIND_ACCOUNT,
    scope: str = "A3",
    principal: str = "local",
) -> Call:
    request = control_pb.HaltRequest(
        stop_id=f"h{next(_ids)}", scope_kind=kind, scope_id=scope, reason="test"
    )
    return call("Halt", request, principal)


_RESPONSES: dict[int, Any] = {
    BY_NAME[name].index: response
    for name, response in {
        "CheckOrder": risk_pb.CheckOrderResponse,
        "CheckOrders": risk_pb.CheckOrdersResponse,
        "RecordOrderEvents": risk_pb.RecordOrderEventsResponse,
        "GetAccount": accounts_pb.GetAccountResponse,
        "UpsertAccounts": accounts_pb.UpsertAccountsResponse,
        "AdjustCash": accounts_pb.AdjustCashResponse,
        "Halt": control_pb.HaltResponse,
        "GetStatus": control_pb.GetStatusResponse,
    }.items()
}
_RESPONSES |= {
    BY_NAME[name].index: control_pb.HaltResponse  # its sequence has the same number
    for name in ("RollDay", "UpsertInstruments", "SetSession", "UpdateVolatility", "UpdateMarks")
}
