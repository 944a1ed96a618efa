"""What orders look like on the command line: side, price, margin kind."""
# ruff: noqa: PLC0415  - the contract is imported when a call is made

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

if TYPE_CHECKING:
    from tidegate.v1 import order_pb2

Price = Annotated[
    str | None,
    typer.Option("--price", help="Limit price, e.g. 168.80; left out: a market order."),
]
ReduceOnly = Annotated[
    bool, typer.Option("--reduce-only", help="Claim that the order only reduces; it is verified.")
]


class Side(StrEnum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class MarginKind(StrEnum):
    """What an order of an account under cn_margin is for."""

    COLLATERAL_BUY = "collateral-buy"
    COLLATERAL_SELL = "collateral-sell"
    MARGIN_BUY = "margin-buy"
    SHORT_SELL = "short-sell"
    SELL_TO_REPAY = "sell-to-repay"
    BUY_TO_RETURN = "buy-to-return"


KindOption = Annotated[
    MarginKind | None,
    typer.Option("--kind", help="What it is for, of an account under cn_margin."),
]


class Shape(TypedDict):
    """What an order and a preview have in common beside ids and quantity."""

    side: "order_pb2.Side.ValueType"
    order_type: "order_pb2.OrderType.ValueType"
    price_e4: int | None


def shape(side: Side, price: str | None) -> "Shape":
    """Return what an order and a preview have in common beside ids and quantity."""
    from tidegate.v1 import order_pb2
    from tidegate_server.cli.output import parse_price

    if price is None:
        return {"side": side_of(side), "order_type": order_pb2.ORDER_TYPE_MARKET, "price_e4": None}
    return {
        "side": side_of(side),
        "order_type": order_pb2.ORDER_TYPE_LIMIT,
        "price_e4": parse_price(price),
    }


def side_of(side: Side) -> "order_pb2.Side.ValueType":
    """Return the contract's side."""
    from tidegate.v1 import order_pb2

    return order_pb2.SIDE_BUY if side is Side.BUY else order_pb2.SIDE_SELL


def kind_of(kind: MarginKind | None) -> "order_pb2.MarginKind.ValueType":
    """Return the contract's margin kind; none is unspecified."""
    from tidegate.v1 import order_pb2

    name = kind.name if kind is not None else "UNSPECIFIED"
    return order_pb2.MarginKind.Value(f"MARGIN_KIND_{name}")
