"""The client for threads."""

from __future__ import annotations

from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import grpc

from tidegate_client import _contracts as contracts
from tidegate_client import _control as control
from tidegate_client import _life as life
from tidegate_client import _methods as methods
from tidegate_client import _overrides as overrides
from tidegate_client import _policies as policies
from tidegate_client import _watches as watches
from tidegate_client._base import ClientBase, Settings, closed_under_way, dress, understood
from tidegate_client._checks import Round, check_batch
from tidegate_client._errors import TidegateError, from_rpc
from tidegate_client._unsent import HURRIED_PAUSE_S, REPORT_TIMEOUT_S, events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import TracebackType

    from tidegate_client._methods import Call
    from tidegate_client._types import Decision, Order
    from tidegate_client._unsent import Ledger, OrderKey

P = ParamSpec("P")
T = TypeVar("T")


def _method(prepare: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._call(prepare(*args, **kwargs), self._end(None))

    return dress(method, prepare)


def _stream(
    prepare: Callable[P, Call[T]],
) -> Callable[Concatenate[Client, P], Generator[T, None, None]]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        self._end(None)
        return self._read(prepare(*args, **kwargs))

    return dress(method, prepare)


class Client(ClientBase):
    """A connection to one gate, or to its follower, for any number of threads.

    `target` is "host:port" or "unix:/path". Every call ends within `timeout` seconds (2 by
    default); an attempt to learn a decision within `attempt_timeout`, after which the same order is
    asked about again. `token` is sent as a bearer token: over TLS, or to this machine only.
    `credentials` secure the channel (`tls_credentials`), `options` are laid over its gRPC options.
    At most `max_unsent` orders wait to be reported unsent; beyond it checks are refused.

    Raise ValueError for a setting that is unsafe or out of bounds.

        with Client("localhost:7443") as client:
            if client.check(order):
                send(order)
    """

    def __init__(self, target: str, **settings: Unpack[Settings]) -> None:
        super().__init__(target, settings)
        if self._credentials is None:
            self._channel = grpc.insecure_channel(target, self._options)
        else:
            self._channel = grpc.secure_channel(target, self._credentials, self._options)
        self._senders: dict[str, grpc.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._stopped = Event()  # set when closed, so that nothing pauses any longer
        self._reporter = _Reporter(self._ledger, self._call)

    def check(
        self, order: Order, *, timeout: float | None = None, raise_on_error: bool = False
    ) -> Decision:
        """Ask whether the order may go. Send it only if the decision is true.

        A lost answer is asked for again, with the same id, for `timeout` seconds. If none arrives,
        the decision is not allowed, says so in `error`, and the order is reported unsent in the
        background: its id is spent. `raise_on_error` raises that TidegateError instead.
        """
        round_ = Round(self._ledger, [order], alone=True)
        return self._ask(round_, timeout, raise_on_error=raise_on_error)[0]

    def check_many(
        self,
        orders: Iterable[Order],
        *,
        atomic: bool = False,
        batch_id: str = "",
        timeout: float | None = None,
        raise_on_error: bool = False,
    ) -> list[Decision]:
        """Ask about up to 1 000 orders in one record; each is judged after those before it.

        Return one decision an order, as `check` does. `atomic` allows all or none, and needs a
        `batch_id`, unique in the whole gate. Raise ValueError for a batch that cannot be.
        """
        batch = list(orders)
        check_batch(batch, atomic=atomic, batch_id=batch_id)
        round_ = Round(self._ledger, batch, batch_id=batch_id)
        return self._ask(round_, timeout, raise_on_error=raise_on_error)

    def replace(
        self,
        order: Order,
        replaced_order_id: str,
        *,
        timeout: float | None = None,
        raise_on_error: bool = False,
    ) -> Decision:
        """Ask whether the order may take another's place; its quantity is the new total.

        As `check`, with an id and creation time of its own. Both orders are reserved as one until
        the venue's answer is reported under the new id. If none may be sent, the old one stands.
        """
        round_ = Round(self._ledger, [order], alone=True, replaces=replaced_order_id)
        return self._ask(round_, timeout, raise_on_error=raise_on_error)[0]

    preview = _method(methods.preview)
    reconcile_orders = _method(life.reconcile_orders)
    record_events = _method(methods.record_events)

    get_account = _method(methods.get_account)
    list_accounts = _method(methods.list_accounts)
    upsert_accounts = _method(methods.upsert_accounts)
    upsert_groups = _method(methods.upsert_groups)
    list_groups = _method(methods.list_groups)
    adjust_cash = _method(methods.adjust_cash)
    withdraw_cash = _method(overrides.withdraw_cash)
    set_positions = _method(methods.set_positions)
    revalue_accounts = _method(methods.revalue_accounts)
    repay_cash = _method(contracts.repay_cash)
    return_shares = _method(contracts.return_shares)
    accrue_interest = _method(contracts.accrue_interest)
    charge_fee = _method(contracts.charge_fee)

    update_marks = _method(methods.update_marks)
    upsert_instruments = _method(methods.upsert_instruments)
    update_volatility = _method(methods.update_volatility)
    set_session = _method(methods.set_session)
    set_regime = _method(methods.set_regime)
    roll_day = _method(methods.roll_day)

    get_policy = _method(policies.get_policy)
    list_policies = _method(policies.list_policies)
    propose_policy = _method(policies.propose_policy)
    approve_policy = _method(policies.approve_policy)
    withdraw_policy = _method(policies.withdraw_policy)
    propose_override = _method(overrides.propose_override)
    approve_override = _method(overrides.approve_override)
    list_overrides = _method(overrides.list_overrides)
    set_tier = _method(overrides.set_tier)

    halt = _method(methods.halt)
    set_reduce_only = _method(methods.set_reduce_only)
    release = _method(methods.release)
    plan_liquidation = _method(control.plan_liquidation)
    cancel_orders = _method(life.cancel_orders)
    status = _method(methods.status)

    read_records = _method(methods.read_records)
    explain_record = _method(methods.explain_record)
    watch_records = _stream(watches.watch_records)
    watch_accounts = _stream(watches.watch_accounts)
    compare_decisions = _stream(watches.compare_decisions)
    watch_alerts = _stream(watches.watch_alerts)
    list_alerts = _method(watches.list_alerts)
    acknowledge_alert = _method(watches.acknowledge_alert)

    def close(self, timeout: float = 2.0) -> None:
        """Wait up to `timeout` seconds for owed unsent reports, then close the connection.

        What could not be delivered is logged and stays in `undelivered_unsent`.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._reporter.close(timeout)
        self._stopped.set()
        self._channel.close()
        self._ledger.log_owed()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        caught: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _ask(self, round_: Round, timeout: float | None, *, raise_on_error: bool) -> list[Decision]:
        end = self._end(timeout)
        with round_:
            if round_.call is not None:
                try:
                    round_.answered(self._call(round_.call, end))
                except TidegateError as error:
                    round_.failed(error)
        return round_.decisions(raise_on_error=raise_on_error)

    def _call(self, call: Call[T], end: float) -> T:
        attempts = self._attempts(call, end)
        send = self._sender(call.path)
        while True:
            try:
                left = attempts.timeout(monotonic())
                return understood(call, send(call.payload, timeout=left, metadata=self._metadata))
            except grpc.RpcError as caught:
                error = from_rpc(caught)
            except ValueError:  # what a closed channel raises
                error = closed_under_way()
            pause = attempts.pause_after(error, monotonic())
            if pause is None or self._stopped.wait(pause):
                raise error

    def _read(self, call: Call[T]) -> Generator[T, None, None]:
        """Yield the messages of a stream; whoever stops reading ends it."""
        open_stream: Callable[..., Any] = self._channel.unary_stream(call.path)
        stream = open_stream(call.payload, metadata=self._metadata)
        try:
            for raw in stream:
                yield understood(call, raw)
        except grpc.RpcError as error:
            if self._is_closed:
                raise closed_under_way() from error
            raise from_rpc(error) from None
        finally:
            stream.cancel()

    def _sender(self, path: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
        sender = self._senders.get(path)
        if sender is None:
            sender = self._senders[path] = self._channel.unary_unary(path)
        return sender

    def _wake(self) -> None:
        self._reporter.wake()


class _Reporter:
    """The one background thread: reports orders unsent until that is delivered.

    It starts with the first order given up. While the client closes, it hurries: it tries again at
    once, then with short pauses, and ends when nothing is owed any more.
    """

    def __init__(self, ledger: Ledger, report: Callable[[Call[object], float], object]) -> None:
        self._ledger = ledger
        self._report = report
        self._owing, self._closing, self._stopped = Event(), Event(), Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Begin to report, unless the client is closing."""
        with self._lock:
            self._owing.set()
            if self._thread is None and not self._closing.is_set():
                self._thread = Thread(target=self._run, name="tidegate-unsent", daemon=True)
                self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait for the last reports, then stop."""
        with self._lock:
            self._closing.set()
            self._owing.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            keys = self._ledger.take()
            if keys:
                self._deliver(keys)
            elif self._closing.is_set():
                return
            else:
                self._owing.wait()
                self._owing.clear()

    def _deliver(self, keys: list[OrderKey]) -> None:
        try:
            self._report(methods.record_events(events_of(keys)), monotonic() + REPORT_TIMEOUT_S)
        except TidegateError as error:
            pause = self._ledger.failed(keys, error)
            if self._closing.is_set():
                self._stopped.wait(min(pause, HURRIED_PAUSE_S))
            else:
                self._closing.wait(pause)
        else:
            self._ledger.delivered(keys)
