"""What an account may do, and what an instrument lets be done with it (2.3, 2.4, 4.7)."""

from __future__ import annotations

from typing import Final

# The number of a limit order (commands.py, which needs this module).
LIMIT_ORDER: Final = 1

NOTHING: Final[frozenset[str]] = frozenset()


class Permissions:
    """What an account may do; what is not granted is refused.

    An empty list of types is one that was never written down: it refuses new risk as unset (2.2).
    A private fund has a short ratio of its own under `cn_margin`.
    """

    __slots__ = (
        "disclosure_version",
        "margin",
        "order_types",
        "private_fund",
        "product_types",
        "short",
    )

    def __init__(
        self,
        *,
        short: bool = False,
        margin: bool = False,
        product_types: frozenset[str] = NOTHING,
        order_types: frozenset[int] = frozenset(),
        disclosure_version: int = 0,
        private_fund: bool = False,
    ) -> None:
        self.private_fund = private_fund
        self.short = short
        self.margin = margin
        self.product_types = product_types
        self.order_types = order_types
        self.disclosure_version = disclosure_version

    def plain_products(self, disclosure_in_force: int) -> frozenset[str]:
        """Return the products for which a limit order has nothing of 4.7 to fear from lists."""
        if self.disclosure_version < disclosure_in_force or LIMIT_ORDER not in self.order_types:
            return NOTHING
        return self.product_types

    def fields(self) -> list[object]:
        """Return what differs from granting nothing; empty if nothing does (for the hash)."""
        found: list[object] = [
            self.short,
            self.margin,
            sorted(self.product_types),
            sorted(self.order_types),
            self.disclosure_version,
        ]
        found += [True] * self.private_fund
        return found if any(found) else []


class Dealing:
    """What an instrument lets be done with it.

    `plain_product` is its product type, empty while it is restricted: no account's list has that.
    `short_pool` is what is located for short sales, -1 where nobody said (4.19). Under `cn_margin`
    it counts as collateral with `haircut_bps`, -1 where nobody said, at most its class's cap.
    """

    __slots__ = (
        "haircut_bps",
        "haircut_class",
        "plain_product",
        "product_type",
        "restricted",
        "sellable_next_day",
        "short_pool",
        "shortable",
    )

    def __init__(
        self,
        *,
        product_type: str = "",
        restricted: bool = False,
        shortable: bool = False,
        short_pool: int = -1,
        sellable_next_day: bool = False,
        haircut_bps: int = -1,
        haircut_class: str = "",
    ) -> None:
        self.haircut_bps = haircut_bps
        self.haircut_class = haircut_class
        self.product_type = product_type
        self.restricted = restricted
        self.plain_product = "" if restricted else product_type
        self.shortable = shortable
        self.short_pool = short_pool
        self.sellable_next_day = sellable_next_day

    def fields(self) -> list[object]:
        """Return what differs from the defaults; empty if nothing does (for the hash)."""
        found: list[object] = [
            self.product_type,
            self.restricted,
            self.shortable,
            self.short_pool + 1,
            self.sellable_next_day,
        ]
        if self.haircut_bps >= 0 or self.haircut_class:
            found += [self.haircut_bps + 1, self.haircut_class]
        return found if any(found) else []


NO_PERMISSIONS: Final = Permissions()
UNCLASSIFIED: Final = Dealing()
