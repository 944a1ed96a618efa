"""The policy as the engine reads it; how its limits resolve is `effective`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .add_on_tables import AddOns
from .cn.rules import NO_CREDIT, CreditRules
from .limit import MODE_WARN, NO_CHECK, Limit, bucket
from .margin_lines import DEFAULT_LINES, LineSet
from .scope_limits import VALUED_SUMS, Reserve, Scopes
from .tier import Tier

if TYPE_CHECKING:
    from .effective import Effective
    from .override import Override

RULES_VERSION: Final = 1

# What a policy's 0 stands for.
DEFAULT_RELEASE_WINDOW_NS: Final = 900 * 10**9
DEFAULT_OVERRIDE_NS: Final = 86_400 * 10**9
DEFAULT_VALUATION_AGE_NS: Final = 120 * 10**9
# Whose open orders an order is compared with (4.17); 0 is nobody's.
SELF_TRADE_ACCOUNT: Final = 1
SELF_TRADE_GROUP: Final = 2

# Of accounts without limits of their own: tier, products, whether market orders are permitted.
SharedKey = tuple[str, frozenset[str], bool]


class Policy:
    """A versioned document of limits. Ages and limits of time in ns, factors in bps.

    A `repeat_count` of 0 is none: orders alike are not counted (4.15).
    `trading_window` opens and closes so many ns after midnight UTC (4.6). Without `lines` it has
    the default ones (2.6). `keeps_shares`: a sum of what accounts were valued at is limited (4.26).

    Memos of a policy in force, which follow overrides (scope_overrides.py): `scopes`, the limits of
    `written_scopes` as they stand until `scopes_until_ns`, what follows from them (`rooms_epoch`
    tells rooms apart, room.py), and `revision`, which limits that were worked out are compared
    with. `shared` are limits of accounts that have none of their own. `overriding` is the book's
    own list.
    """

    __slots__ = (
        "acknowledgement_limit_ns",
        "add_ons",
        "automatic_upgrade",
        "comment",
        "credit",
        "default_limits",
        "disclosure_version",
        "elevated_regime_bps",
        "keeps_shares",
        "lines",
        "margin_classes",
        "max_clock_skew_ns",
        "max_mark_age_ns",
        "max_order_age_ns",
        "max_override_ns",
        "max_valuation_age_ns",
        "max_volatility_age_ns",
        "overriding",
        "principal_cost_ns",
        "principal_order_rate",
        "principal_rate_missing",
        "principal_tolerance_ns",
        "principal_warns",
        "release_window_ns",
        "repeat_count",
        "repeat_warns",
        "repeat_window_ns",
        "reserve",
        "revision",
        "rooms_epoch",
        "rules_version",
        "scopes",
        "scopes_until_ns",
        "scopes_warn",
        "self_trade_mode",
        "self_trade_scope",
        "self_trade_warns",
        "shared",
        "slow_mark_step_bps",
        "stress_factor_bps",
        "stressed_regime_bps",
        "tiers",
        "trading_window",
        "version",
        "written_scopes",
    )

    def __init__(
        self,
        *,
        version: int,
        rules_version: int,
        comment: str,
        max_order_age_ns: int,
        max_clock_skew_ns: int,
        max_mark_age_ns: int,
        max_volatility_age_ns: int,
        stress_factor_bps: int,
        elevated_regime_bps: int,
        stressed_regime_bps: int,
        slow_mark_step_bps: int,
        acknowledgement_limit_ns: int,
        principal_order_rate: Limit | None,
        default_limits: dict[str, Limit],
        tiers: dict[str, Tier],
        margin_classes: dict[str, int],
        self_trade_scope: int,
        repeat_count: int,
        repeat_window_ns: int,
        self_trade_mode: int,
        repeat_warns: bool,
        trading_window: tuple[int, int] | None = None,
        disclosure_version: int = 0,
        release_window_ns: int = 0,
        lines: LineSet | None = None,
        credit: CreditRules = NO_CREDIT,
        scopes: Scopes | None = None,
        max_override_ns: int = 0,
        automatic_upgrade: bool = False,
        reserve: Reserve | None = None,
        max_valuation_age_ns: int = 0,
        add_ons: AddOns | None = None,
    ) -> None:
        self.add_ons = add_ons
        self.credit = credit
        self.max_override_ns = max_override_ns or DEFAULT_OVERRIDE_NS
        self.automatic_upgrade = automatic_upgrade
        self.written_scopes: Scopes = scopes or {}
        self.reserve = reserve
        self.max_valuation_age_ns = max_valuation_age_ns or DEFAULT_VALUATION_AGE_NS
        self.margin_classes = margin_classes
        self.version = version
        self.rules_version = rules_version
        self.comment = comment
        self.max_order_age_ns = max_order_age_ns
        self.max_clock_skew_ns = max_clock_skew_ns
        self.max_mark_age_ns = max_mark_age_ns
        self.max_volatility_age_ns = max_volatility_age_ns
        self.stress_factor_bps = stress_factor_bps
        self.elevated_regime_bps = elevated_regime_bps
        self.stressed_regime_bps = stressed_regime_bps
        self.slow_mark_step_bps = slow_mark_step_bps
        self.acknowledgement_limit_ns = acknowledgement_limit_ns
        self.principal_order_rate = principal_order_rate
        self.default_limits = default_limits
        self.tiers = tiers
        self.release_window_ns = release_window_ns or DEFAULT_RELEASE_WINDOW_NS
        self.self_trade_scope = self_trade_scope
        self.repeat_count = repeat_count
        self.repeat_window_ns = repeat_window_ns
        self.self_trade_mode = self_trade_mode
        self.repeat_warns = repeat_warns
        self.trading_window = trading_window
        self.disclosure_version = disclosure_version
        self.lines = lines
        self._derive()

    def _derive(self) -> None:
        """Work out once what orders ask of it."""
        self.overriding: list[Override] = []
        self.revision = self.version
        self.self_trade_warns = self.self_trade_mode == MODE_WARN
        self.rooms_epoch = 0
        self.shared: dict[SharedKey, Effective] = {}
        self.put_scopes(self.written_scopes, NO_CHECK)
        self.keeps_shares = self.limits_shares()
        rate = self.principal_order_rate
        self.principal_warns = rate is not None and rate.warns
        self.principal_rate_missing = (
            rate is not None and rate.required and rate.value is None and not rate.unlimited
        )
        self.principal_cost_ns, self.principal_tolerance_ns = bucket(rate)

    def put_scopes(self, scopes: Scopes, until_ns: int) -> None:
        """Let these be the limits of scopes, until a time."""
        reserve = self.reserve
        self.scopes = scopes
        self.rooms_epoch += 1
        self.shared.clear()
        self.scopes_until_ns = until_ns
        self.scopes_warn = any(scope.warned for scope in scopes.values()) or (
            reserve is not None and reserve.warns
        )

    def limits_shares(self) -> bool:
        """Tell whether the document itself limits a sum of valued accounts."""
        return self.reserve is not None or any(
            name in scope.caps for scope in self.written_scopes.values() for name in VALUED_SUMS
        )

    def lines_of(self, tier: Tier | None) -> LineSet:
        """Return the lines of a tier's accounts (2.6)."""
        if tier is not None and tier.lines is not None:
            return tier.lines
        return self.lines if self.lines is not None else STANDARD_LINES


STANDARD_LINES: Final = LineSet(DEFAULT_LINES)
