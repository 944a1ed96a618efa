"""What staff says of an account."""

from __future__ import annotations

from .limit import Limit
from .permissions import Permissions


class AccountTerms:
    """What an account is, apart from its money."""

    __slots__ = (
        "account_id",
        "customer_limits",
        "group_id",
        "limits",
        "margin_model",
        "permissions",
        "tier_id",
    )

    def __init__(
        self,
        account_id: str,
        group_id: str,
        tier_id: str,
        margin_model: int,
        limits: dict[str, Limit],
        permissions: Permissions,
        customer_limits: dict[str, Limit],
    ) -> None:
        self.customer_limits = customer_limits
        self.account_id = account_id
        self.group_id = group_id
        self.tier_id = tier_id
        self.margin_model = margin_model
        self.limits = limits
        self.permissions = permissions
