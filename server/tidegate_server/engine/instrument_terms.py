"""What an instrument is, as those say who list it (2.4)."""

from __future__ import annotations

from .permissions import UNCLASSIFIED, Dealing


class InstrumentTerms:
    """What an instrument is, apart from its price. -1 is absent; `unit` is 10**decimals."""

    __slots__ = (
        "average_volume",
        "board",
        "dealing",
        "initial_long_bps",
        "initial_short_bps",
        "instrument_id",
        "least_quantity",
        "lower_limit_e4",
        "maintenance_long_bps",
        "maintenance_short_bps",
        "margin_class",
        "marginable",
        "position_limit",
        "price_limit_bps",
        "quantity_decimals",
        "quantity_step",
        "rating_group",
        "sector",
        "shares_outstanding",
        "tick_e4",
        "unit",
        "upper_limit_e4",
    )

    def __init__(
        self,
        *,
        instrument_id: str,
        sector: str = "",
        board: str = "",
        rating_group: str = "",
        quantity_decimals: int = 0,
        least_quantity: int = 1,
        quantity_step: int = 1,
        tick_e4: int = 1,
        lower_limit_e4: int = -1,
        upper_limit_e4: int = -1,
        price_limit_bps: int = -1,
        average_volume: int = -1,
        initial_long_bps: int = -1,
        initial_short_bps: int = -1,
        maintenance_long_bps: int = -1,
        maintenance_short_bps: int = -1,
        marginable: bool = False,
        position_limit: int = -1,
        margin_class: str = "",
        shares_outstanding: int = -1,
        dealing: Dealing = UNCLASSIFIED,
    ) -> None:
        self.margin_class = margin_class
        self.shares_outstanding = shares_outstanding
        self.instrument_id = instrument_id
        self.sector = sector
        self.board = board
        self.rating_group = rating_group
        self.quantity_decimals = quantity_decimals
        self.unit = 10**quantity_decimals
        self.least_quantity = least_quantity
        self.quantity_step = quantity_step
        self.tick_e4 = tick_e4
        self.lower_limit_e4 = lower_limit_e4
        self.upper_limit_e4 = upper_limit_e4
        self.price_limit_bps = price_limit_bps
        self.average_volume = average_volume
        self.initial_long_bps = initial_long_bps
        self.initial_short_bps = initial_short_bps
        self.maintenance_long_bps = maintenance_long_bps
        self.maintenance_short_bps = maintenance_short_bps
        self.marginable = marginable
        self.position_limit = position_limit
        self.dealing = dealing
