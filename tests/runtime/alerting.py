"""Journals that give alerts, and the alerts that a journal gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from tests.runtime.flows import send
from tests.runtime.folders import make_journal, writing

from tidegate.v1 import account_service_pb2, order_pb2, risk_service_pb2
from tidegate_server.engine.state import UNBOUNDED
from tidegate_server.journal import Tail
from tidegate_server.runtime.alert_desk import AlertDesk
from tidegate_server.runtime.alert_store import AlertStore
from tidegate_server.runtime.follower_mismatches import Mismatches
from tidegate_server.runtime.proving import Prover
from tidegate_server.runtime.snapshotting import load_newest
from tidegate_server.wire.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.folders import Desk

    from tidegate.v1.watch_service_pb2 import Alert
    from tidegate_server.runtime.config import Config

PATH = (40, 96, 89, 96, 84, 96)
LIMIT = 1_000


class Beside:
    """What a follower is made of, without a process."""

    def __init__(self, config: Config, folder: Path | None = None, *, kept: int = 10_000) -> None:
        log = structlog.get_logger()
        self.machine = Machine()
        self.machine.book.order_id_limit = UNBOUNDED
        place, _ = load_newest(config.folder, self.machine)
        home = config.folder if folder is None else folder
        self.store = AlertStore(home, log, kept=kept)
        self.desk = AlertDesk(home, self.machine, self.store, log)
        tail = Tail(config.folder, place.sequence, place.chain)
        mismatches = Mismatches(home, place.sequence)
        self.prover = Prover(self.machine, tail, place, mismatches, log)
        self.prover.observers.append(self.desk)

    def run(self) -> list[Alert]:
        """Fold everything; return what is kept, in order."""
        while self.prover.step(60.0):
            pass
        self.store.flush()
        return self.store.after((0, -1), 1_000_000)


def own_limit(desk: Desk, name: str, limit: int = LIMIT) -> None:
    """Make a rich account with a position limit of its own."""
    account = account_service_pb2.Account(
        account_id=name,
        tier_id="professional",
        margin_model=account_service_pb2.MARGIN_MODEL_LEVERAGED,
    )
    account.limits.position.value = limit
    send(desk, "UpsertAccounts", account_service_pb2.UpsertAccountsRequest(accounts=[account]))
    adjust(desk, name, 10**13, "opening")


def adjust(desk: Desk, name: str, amount_e4: int, adjustment_id: str) -> None:
    """Book cash."""
    booking = account_service_pb2.AdjustCashRequest(
        account_id=name,
        adjustment_id=f"{name}-{adjustment_id}",
        kind=account_service_pb2.CASH_KIND_CORRECTION,
        amount_e4=amount_e4,
        expected_sequence=desk.machine.book.accounts[name].sequence,
    )
    send(desk, "AdjustCash", booking)


def hold(desk: Desk, name: str, quantity: int) -> int:
    """Set a position; return the record's sequence."""
    target = account_service_pb2.PositionTarget(instrument_id="SPY", quantity=quantity)
    request = account_service_pb2.SetPositionsRequest(
        account_id=name,
        positions=[target],
        expected_sequence=desk.machine.book.accounts[name].sequence,
    )
    send(desk, "SetPositions", request)
    return desk.machine.sequence


def walk_the_path(config: Config) -> list[int]:
    """Write a journal in which P1 walks the path of the rulebook; return its records."""
    make_journal(config, 5)
    with writing(config) as desk:
        own_limit(desk, "P1")
        return [hold(desk, "P1", LIMIT * percent // 100) for percent in PATH]


def of_position(alerts: list[Alert], name: str = "P1") -> list[Alert]:
    return [alert for alert in alerts if (alert.account_id, alert.name) == (name, "position")]


def report(desk: Desk, order_id: str, quantity: int, event_id: str) -> None:
    """Report a fill of an order that the gate has never seen."""
    event = risk_service_pb2.OrderEvent(
        event_id=event_id,
        account_id="A0001",
        order_id=order_id,
        kind=risk_service_pb2.ORDER_EVENT_KIND_FILLED,
        instrument_id="SPY",
        side=order_pb2.SIDE_BUY,
        quantity=quantity,
        price_e4=1_670_000,
    )
    send(desk, "RecordOrderEvents", risk_service_pb2.RecordOrderEventsRequest(events=[event]))
