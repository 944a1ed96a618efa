"""What staff can ask of the engine: policies, overrides, tiers, stops; see commands.py."""

from __future__ import annotations

from .commands import Command
from .limit import Limit
from .policy import Policy
from .reasons import ScopeKind


class ApprovePolicy(Command):
    """A pending version to put in force."""

    __slots__ = ("version",)

    def __init__(self, principal: str, version: int) -> None:
        self.principal = principal
        self.version = version


class WithdrawPolicy(Command):
    """A pending version to take back."""

    __slots__ = ("version",)

    def __init__(self, principal: str, version: int) -> None:
        self.principal = principal
        self.version = version


class ProposeOverride(Command):
    """One limit of one scope to be another until a time (8.3)."""

    __slots__ = (
        "expiry_time_ns",
        "limit",
        "name",
        "override_id",
        "reason",
        "scope_id",
        "scope_kind",
    )

    def __init__(
        self,
        principal: str,
        override_id: str,
        scope_kind: ScopeKind,
        scope_id: str,
        name: str,
        limit: Limit,
        reason: str,
        expiry_time_ns: int,
    ) -> None:
        self.principal = principal
        self.override_id = override_id
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.name = name
        self.limit = limit
        self.reason = reason
        self.expiry_time_ns = expiry_time_ns


class ApproveOverride(Command):
    """An override to let replace the value at its scope."""

    __slots__ = ("override_id",)

    def __init__(self, principal: str, override_id: str) -> None:
        self.principal = principal
        self.override_id = override_id


class SetTier(Command):
    """The tier that a scorecard gave an account (5.6)."""

    __slots__ = ("account_id", "scorecard_time_ns", "scorecard_version", "tier_id")

    def __init__(
        self,
        principal: str,
        account_id: str,
        tier_id: str,
        scorecard_version: str,
        scorecard_time_ns: int,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.tier_id = tier_id
        self.scorecard_version = scorecard_version
        self.scorecard_time_ns = scorecard_time_ns


class ProposePolicy(Command):
    """A policy to take the place of version `base_version`."""

    __slots__ = ("base_version", "policy")

    def __init__(self, principal: str, policy: Policy, base_version: int) -> None:
        self.principal = principal
        self.policy = policy
        self.base_version = base_version


class SetStop(Command):
    """A halt or reduce-only to set."""

    __slots__ = ("kind", "reason", "scope_id", "scope_kind", "stop_id")

    def __init__(
        self, principal: str, stop_id: str, kind: int, scope_kind: int, scope_id: str, reason: str
    ) -> None:
        self.principal = principal
        self.stop_id = stop_id
        self.kind = kind
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.reason = reason


class Release(Command):
    """A halt or reduce-only to take back."""

    __slots__ = ("reason", "stop_id")

    def __init__(self, principal: str, stop_id: str, reason: str) -> None:
        self.principal = principal
        self.stop_id = stop_id
        self.reason = reason
