"""What accounts may do and instruments let be done, between the contract and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.amounts import ONE
from tidegate_server.engine.commands import LIMIT_ORDER, MARKET_ORDER
from tidegate_server.engine.permissions import Dealing, Permissions

if TYPE_CHECKING:
    from tidegate.v1 import account_service_pb2, market_service_pb2

    from .validation import Problems

PRODUCT_LIMIT = 64
ORDER_TYPES = (LIMIT_ORDER, MARKET_ORDER)
DISCLOSURE_BOUND = 10**9
POOL_BOUND = 10**15


def read_permissions(account: account_service_pb2.Account, problems: Problems) -> Permissions:
    """Read what an account may do."""
    message = account.permissions
    products, types = list(message.product_types), list(message.order_types)
    field = "permissions.product_types"
    problems.need_count(field, len(products), 0, PRODUCT_LIMIT)
    for index, product in enumerate(products):
        problems.need_id(f"{field}[{index}]", product)
    for index, order_type in enumerate(types):
        problems.need_one_of(f"permissions.order_types[{index}]", order_type, ORDER_TYPES)
    if len(set(products)) != len(products):
        problems.add(field, "must name each product type once")
    if len(set(types)) != len(types):
        problems.add("permissions.order_types", "must name each order type once")
    version = account.acknowledged_disclosure_version
    problems.need_range("acknowledged_disclosure_version", version, 0, DISCLOSURE_BOUND)
    return Permissions(
        short=message.short,
        margin=message.margin,
        product_types=frozenset(products),
        order_types=frozenset(types),
        disclosure_version=version,
        private_fund=account.private_fund,
    )


def write_permissions(permissions: Permissions, account: account_service_pb2.Account) -> None:
    """Write what an account may do into its message."""
    account.acknowledged_disclosure_version = permissions.disclosure_version
    account.private_fund = permissions.private_fund
    if permissions.fields():
        message = account.permissions
        message.short = permissions.short
        message.margin = permissions.margin
        message.product_types.extend(sorted(permissions.product_types))
        message.order_types.extend(sorted(permissions.order_types))  # type: ignore[arg-type] # numbers are the contract's


def read_dealing(instrument: market_service_pb2.Instrument, problems: Problems) -> Dealing:
    """Read what an instrument lets be done with it."""
    problems.may_id("product_type", instrument.product_type)
    pool = -1
    if instrument.HasField("short_pool"):
        pool = instrument.short_pool
        problems.need_range("short_pool", pool, 0, POOL_BOUND)
    haircut = -1
    if instrument.HasField("haircut_bps"):
        haircut = instrument.haircut_bps
        problems.need_range("haircut_bps", haircut, 0, ONE)
    problems.may_id("haircut_class", instrument.haircut_class)
    return Dealing(
        haircut_bps=haircut,
        haircut_class=instrument.haircut_class,
        product_type=instrument.product_type,
        restricted=instrument.restricted,
        shortable=instrument.shortable,
        short_pool=pool,
        sellable_next_day=instrument.sellable_next_day,
    )


def write_dealing(dealing: Dealing, instrument: market_service_pb2.Instrument) -> None:
    """Write what an instrument lets be done with it into its message."""
    instrument.product_type = dealing.product_type
    instrument.restricted = dealing.restricted
    instrument.shortable = dealing.shortable
    if dealing.short_pool >= 0:
        instrument.short_pool = dealing.short_pool
    instrument.sellable_next_day = dealing.sellable_next_day
    if dealing.haircut_bps >= 0:
        instrument.haircut_bps = dealing.haircut_bps
    instrument.haircut_class = dealing.haircut_class
