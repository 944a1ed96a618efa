"""Reads: accounts, policy and orders as people and programs ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2, control_service_pb2
from tidegate_server.engine.cn.booking import collateral_of, free_cash
from tidegate_server.engine.commands import MODEL_CN_MARGIN
from tidegate_server.engine.exposure import exit_quantity
from tidegate_server.engine.margin_lines import NEVER, state_of
from tidegate_server.engine.state import roll_if_due
from tidegate_server.engine.walk import actual_figures, projected_figures

from .account_encoding import valuation_message
from .add_ons import write_points
from .encoding import cut, figures_message
from .event_snapshots import contract_messages
from .limit_views import limit_views
from .overrides import write_standing
from .permissions import write_permissions
from .policies import write_limits
from .stops import stop_message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate_server.engine.account import Account
    from tidegate_server.engine.order import Order
    from tidegate_server.engine.position import Position
    from tidegate_server.engine.state import Book
    from tidegate_server.engine.stop import Stop

OPEN_ORDER_LIMIT = 1_000
STOP_LIMIT = 100
PAGE_LIMIT = 100


def account_view(book: Book, account: Account, now_ns: int) -> account_service_pb2.AccountView:
    """Return everything about one account."""
    roll_if_due(book, account)
    view = account_service_pb2.AccountView(
        account=account_terms(account),
        sequence=account.sequence,
        cash_e4=account.cash,
        interest_and_fees_e4=account.interest_and_fees,
        positions=[
            position_view(position, account.margin_model) for position in shown_positions(account)
        ],
        open_orders=[order_view(order) for order in open_orders(account)],
        limits=limit_views(book, account, now_ns),
        day_order_count=account.day_order_count,
        day_turnover_e4=cut(account.turnover_e4),
        stop_ids=sorted(stop.stop_id for stop in account_stops(book, account)),
        valued_time_ns=account.valued_time_ns,
        line_state=line_state(account),
        high_water_mark_e4=None if account.high_water == NEVER else account.high_water,
    )
    write_standing(account, view)
    projected = projected_figures(book, account, now_ns)
    if projected is not None:
        view.projected.CopyFrom(figures_message(projected))
        if book.policy is not None and book.policy.add_ons is not None:
            write_points(view.positions, account, book.policy.add_ons, projected.gross)
    actual = actual_figures(book, account, now_ns)
    if actual is not None:
        view.actual.CopyFrom(figures_message(actual))
    if account.start_of_day_equity is not None:
        view.start_of_day_equity_e4 = account.start_of_day_equity
    if account.margin_model == MODEL_CN_MARGIN:
        view.contracts.extend(contract_messages(account))
        view.free_cash_e4 = cut(free_cash(account))
    if account.last_valuation is not None:
        view.last_valuation.CopyFrom(valuation_message(account.account_id, account.last_valuation))
    return view


def line_state(account: Account) -> account_service_pb2.LineState.ValueType:
    """Return the deepest line that is entered, as the contract numbers it: 1 for none."""
    return state_of(account.lines) + 1  # type: ignore[return-value] # numbers are the contract's


def account_stops(book: Book, account: Account) -> list[Stop]:
    """Return what stands on an account, latches included."""
    name = account.account_id
    latches = [stop for (account_id, _), stop in book.latches.items() if account_id == name]
    return [*book.stops_at.get((3, name), ()), *latches]


def account_terms(account: Account) -> account_service_pb2.Account:
    """Return what an account is."""
    message = account_service_pb2.Account(
        account_id=account.account_id,
        group_id=account.group_id,
        tier_id=account.tier_id,
        margin_model=account.margin_model,  # type: ignore[arg-type] # numbers are the contract's
        limits=write_limits(account.limits),
        customer_limits=write_limits(account.customer_limits) if account.customer_limits else None,
    )
    write_permissions(account.permissions, message)
    return message


def shown_positions(account: Account) -> list[Position]:
    """Return the positions that are not flat, by instrument id."""
    return sorted(account.active, key=lambda position: position.instrument.instrument_id)


def position_view(position: Position, model: int) -> account_service_pb2.PositionView:
    """Return one position."""
    instrument = position.instrument
    view = account_service_pb2.PositionView(
        instrument_id=instrument.instrument_id,
        quantity=position.quantity,
        open_buy_quantity=position.open_buy,
        open_sell_quantity=position.open_sell,
        open_buy_notional_e4=cut(-(-position.buy_notional // instrument.terms.unit)),
        open_sell_notional_e4=cut(-(-position.sell_notional // instrument.terms.unit)),
        exit_quantity=exit_quantity(
            position.quantity, position.open_buy, position.open_sell, position.quantity < 0
        ),
        mark_e4=instrument.mark or None,
        bought_today_quantity=position.bought_today,
    )
    if model == MODEL_CN_MARGIN:
        add_credit(view, position)
    return view


def add_credit(view: account_service_pb2.PositionView, position: Position) -> None:
    """Say what belongs to contracts, and what can still be closed of either side (6.3)."""
    view.collateral_quantity = collateral_of(position)
    view.exit_quantity = max(0, position.quantity - position.open_sell)
    holding = position.holding
    if holding is not None:
        view.financed_quantity = holding.financed
        view.short_quantity = holding.owed
        view.quantity = position.quantity - holding.owed
        sales = position.open_sell - holding.open_short
        view.exit_quantity = max(0, position.quantity - sales, holding.owed - holding.open_return)


def open_orders(account: Account) -> Iterable[Order]:
    """Return open orders, oldest first."""
    found = [order for order in account.orders.values() if order.reserved]
    found.sort(key=lambda order: (order.sequence, order.order_id))
    return found[:OPEN_ORDER_LIMIT]


def order_view(order: Order) -> account_service_pb2.OpenOrderView:
    """Return one open order."""
    view = account_service_pb2.OpenOrderView(
        order_id=order.order_id,
        filled_quantity=order.filled,
        reserved_quantity=order.reserved,
        state=order.state,  # type: ignore[arg-type] # numbers are the contract's
        unconfirmed=order.unconfirmed,
        acknowledge_by_time_ns=0 if order.reported else order.acknowledge_by_ns,
        sequence=order.sequence,
        replaced_order_id=order.replaces,
    )
    if order.command is not None:
        view.instrument_id = order.command.instrument_id
        view.side = order.command.side  # type: ignore[assignment] # the same
        view.quantity = order.command.quantity
        view.margin_kind = order.command.margin_kind  # type: ignore[assignment] # the same
        view.reserved_price_e4 = order.reserved_price
    return view


def account_summary(
    book: Book, account: Account, now_ns: int
) -> account_service_pb2.AccountSummary:
    """Return one account for a list."""
    summary = account_service_pb2.AccountSummary(
        account_id=account.account_id,
        group_id=account.group_id,
        tier_id=account.tier_id,
        sequence=account.sequence,
        cash_e4=account.cash,
        position_count=sum(1 for position in account.active if position.quantity),
        open_order_count=account.open_order_count,
        line_state=line_state(account),
    )
    actual = actual_figures(book, account, now_ns)
    if actual is not None:
        summary.actual.CopyFrom(figures_message(actual))
    return summary


def account_page(
    book: Book, token: str, size: int, now_ns: int
) -> account_service_pb2.ListAccountsResponse:
    """Return a page of accounts after `token`, in order of id."""
    ids = sorted(account_id for account_id in book.accounts if account_id > token)
    page = ids[:size]
    return account_service_pb2.ListAccountsResponse(
        accounts=[account_summary(book, book.accounts[name], now_ns) for name in page],
        next_page_token=page[-1] if len(ids) > size else "",
        as_of_sequence=book.sequence,
    )


def stop_messages(book: Book, most: int | None = None) -> list[control_service_pb2.Stop]:
    """Return the stops that stand, by id; `most` of them."""
    return [
        stop_message(stop)
        for stop in [book.stops[stop_id] for stop_id in sorted(book.stops)[:most]]
    ]


def fill_status(book: Book, status: control_service_pb2.GetStatusResponse) -> None:
    """Fill in what the book knows of the gate's status."""
    status.sequence = book.sequence
    status.epoch = book.epoch
    status.policy_version = book.policy.version if book.policy is not None else 0
    status.account_count = len(book.accounts)
    status.instrument_count = len(book.instruments)
    status.open_order_count = book.open_order_count
    status.order_id_count = book.order_id_count
    status.unconfirmed_order_count = book.unconfirmed_count
    status.trading_date = book.trading_date
    status.stops.extend(stop_messages(book, STOP_LIMIT))
