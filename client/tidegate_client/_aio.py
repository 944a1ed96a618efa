"""The client for asyncio: `Client` with `await`, and coalescing."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import grpc
from grpc import aio

from tidegate_client import _contracts as contracts
from tidegate_client import _control as control
from tidegate_client import _life as life
from tidegate_client import _methods as methods
from tidegate_client import _overrides as overrides
from tidegate_client import _policies as policies
from tidegate_client import _watches as watches
from tidegate_client._aio_reporter import Reporter
from tidegate_client._base import ClientBase, Settings, closed_under_way, dress, understood
from tidegate_client._checks import Round, check_batch
from tidegate_client._coalesce import Coalescer
from tidegate_client._errors import TidegateError, from_rpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
    from types import TracebackType

    from tidegate_client._methods import Call
    from tidegate_client._types import Decision, Order

P = ParamSpec("P")
T = TypeVar("T")


def _method(
    prepare: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._call(prepare(*args, **kwargs), self._end(None))

    return dress(method, prepare)


def _stream(
    prepare: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]]:
    def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        self._end(None)
        return self._read(prepare(*args, **kwargs))

    return dress(method, prepare)


class AsyncClient(ClientBase):
    """A connection to one gate, or to its follower, within one event loop.

    Made, used and closed in the same running loop; settings are those of `Client`. With `coalesce`,
    checks that are asked while another one is under way travel together, at most 1 000 a call: more
    throughput, and each waits for the call before it. A check with a timeout of its own, and
    `check_many`, travel alone.

        async with AsyncClient("localhost:7443") as client:
            if await client.check(order):
                await send(order)
    """

    def __init__(
        self, target: str, *, coalesce: bool = False, **settings: Unpack[Settings]
    ) -> None:
        super().__init__(target, settings)
        if self._credentials is None:
            self._channel = aio.insecure_channel(target, self._options)
        else:
            self._channel = aio.secure_channel(target, self._credentials, self._options)
        self._senders: dict[str, aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._reporter = Reporter(self._ledger, self._call)
        self._coalescer = Coalescer(self._call) if coalesce else None

    async def check(
        self,
        order: Order,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline that the gate is told
        raise_on_error: bool = False,
    ) -> Decision:
        """Ask whether the order may go, as `Client.check` does. Send it only if this is true.

        A check that is cancelled before its answer is given up: the order is reported unsent.
        """
        round_ = Round(self._ledger, [order], alone=True)
        coalescer = self._coalescer if timeout is None else None
        return (await self._ask(round_, timeout, coalescer, raise_on_error=raise_on_error))[0]

    async def check_many(
        self,
        orders: Iterable[Order],
        *,
        atomic: bool = False,
        batch_id: str = "",
        timeout: float | None = None,  # noqa: ASYNC109 - the same
        raise_on_error: bool = False,
    ) -> list[Decision]:
        """Ask about up to 1 000 orders in one record, as `Client.check_many` does."""
        batch = list(orders)
        check_batch(batch, atomic=atomic, batch_id=batch_id)
        round_ = Round(self._ledger, batch, batch_id=batch_id)
        return await self._ask(round_, timeout, None, raise_on_error=raise_on_error)

    async def replace(
        self,
        order: Order,
        replaced_order_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the same
        raise_on_error: bool = False,
    ) -> Decision:
        """Ask whether the order may take another's place, as `Client.replace` does."""
        round_ = Round(self._ledger, [order], alone=True, replaces=replaced_order_id)
        return (await self._ask(round_, timeout, None, raise_on_error=raise_on_error))[0]

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

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109 - waits, then closes
        """Wait up to `timeout` seconds for owed unsent reports, then close the connection.

        What could not be delivered is logged and stays in `undelivered_unsent`.
        """
        if self._is_closed:
            return
        self._is_closed = True
        await self._reporter.close(timeout)
        await self._channel.close()
        self._ledger.log_owed()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        caught: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def _ask(
        self,
        round_: Round,
        timeout: float | None,  # noqa: ASYNC109 - the same
        coalescer: Coalescer | None,
        *,
        raise_on_error: bool,
    ) -> list[Decision]:
        end = self._end(timeout)
        ask = self._call if coalescer is None else coalescer.ask
        with round_:
            if round_.call is not None:
                try:
                    round_.answered(await ask(round_.call, end))
                except TidegateError as error:
                    round_.failed(error)
        return round_.decisions(raise_on_error=raise_on_error)

    async def _call(self, call: Call[T], end: float) -> T:
        attempts = self._attempts(call, end)
        while True:
            try:
                left = attempts.timeout(monotonic())
                return understood(call, await self._send(call, left))
            except grpc.RpcError as caught:
                error = from_rpc(caught)
            except aio.UsageError:  # what a closed channel raises
                error = closed_under_way()
            except asyncio.CancelledError:
                # Closing the channel cancels its calls, which looks as if their task had been.
                if not self._is_closed or _is_cancelled():
                    raise
                error = closed_under_way()
            pause = attempts.pause_after(error, monotonic())
            if pause is None or self._is_closed:
                raise error
            await asyncio.sleep(pause)

    async def _read(self, call: Call[T]) -> AsyncGenerator[T, None]:
        """Yield the messages of a stream; whoever stops reading ends it."""
        open_stream: Callable[..., Any] = self._channel.unary_stream(call.path)
        stream = open_stream(call.payload, metadata=self._metadata)
        try:
            async for raw in stream:
                yield understood(call, raw)
        except grpc.RpcError as error:
            if self._is_closed:
                raise closed_under_way() from error
            raise from_rpc(error) from None
        except asyncio.CancelledError:
            if not self._is_closed or _is_cancelled():
                raise
            raise closed_under_way() from None
        finally:
            stream.cancel()

    async def _send(self, call: Call[T], left: float) -> bytes:
        sender = self._senders.get(call.path)
        if sender is None:
            sender = self._senders[call.path] = self._channel.unary_unary(call.path)
        return await sender(call.payload, timeout=left, metadata=self._metadata)

    def _wake(self) -> None:
        self._reporter.wake()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
