"""Policies and overrides as the lines that a state hash is made of."""

from __future__ import annotations

from .limit import Limit
from .margin_lines import LineSet
from .override import Override
from .policy import DEFAULT_OVERRIDE_NS, DEFAULT_RELEASE_WINDOW_NS, DEFAULT_VALUATION_AGE_NS, Policy
from .policy_version import PolicyVersion

Fields = list[tuple[str, object]]


def text(kind: str, fields: Fields) -> bytes:
    """Return an entity as one line, defaults left out."""
    shown = [f"{name}={value!r}" for name, value in fields if value not in (0, "", None, False, [])]
    return f"{kind} {' '.join(shown)}\n".encode()


def policy_fields(policy: Policy) -> Fields:
    """Return a policy's attributes."""
    fields: Fields = [
        (name, getattr(policy, name))
        for name in (
            "version",
            "rules_version",
            "comment",
            "max_order_age_ns",
            "max_clock_skew_ns",
            "max_mark_age_ns",
            "max_volatility_age_ns",
            "stress_factor_bps",
            "elevated_regime_bps",
            "stressed_regime_bps",
            "slow_mark_step_bps",
            "acknowledgement_limit_ns",
            "self_trade_scope",
            "repeat_count",
            "repeat_window_ns",
            "self_trade_mode",
            "repeat_warns",
            "disclosure_version",
            "trading_window",
            "automatic_upgrade",
        )
    ]
    if policy.max_override_ns != DEFAULT_OVERRIDE_NS:
        fields.append(("max_override_ns", policy.max_override_ns))
    if policy.release_window_ns != DEFAULT_RELEASE_WINDOW_NS:
        fields.append(("release_window_ns", policy.release_window_ns))
    if policy.max_valuation_age_ns != DEFAULT_VALUATION_AGE_NS:
        fields.append(("max_valuation_age_ns", policy.max_valuation_age_ns))
    if policy.reserve is not None:
        fields.append(("reserve", policy.reserve.fields()))
    if policy.add_ons is not None:
        fields.append(("add_ons", policy.add_ons.fields()))
    rate = policy.principal_order_rate
    fields.append(("principal_order_rate", limit_fields({"rate": rate} if rate else {})))
    fields.append(("default_limits", limit_fields(policy.default_limits)))
    fields.append(("credit", policy.credit.fields()))
    fields.append(("margin_classes", sorted(policy.margin_classes.items())))
    fields.append(("lines", line_fields(policy.lines)))
    for tier_id, tier in sorted(policy.tiers.items()):
        bands = [
            (group, [(band.ratio_from_bps, band.cap_bps) for band in bands])
            for group, bands in sorted(tier.concentration.items())
        ]
        figures = [tier_id, limit_fields(tier.limits), bands, tier.concentration_required]
        fields.append(("tier", figures))
        fields.append(("tier_warned", sorted(tier.concentration_warned)))
        fields.append(("tier_lines", line_fields(tier.lines)))
        fields.append(("tier_rank", tier.rank))
        for name, tables, warned in (
            ("sector_tables", tier.sector_tables, tier.sector_warned),
            ("board_tables", tier.board_tables, tier.board_warned),
        ):
            edges = [
                (key, [(band.ratio_from_bps, band.cap_bps) for band in bands])
                for key, bands in sorted(tables.items())
            ]
            fields += [(name, edges), (f"{name}_warned", sorted(warned))]
    fields.append(
        ("scopes", [scope.fields() for _, scope in sorted(policy.written_scopes.items())])
    )
    return fields


def line_fields(line_set: LineSet | None) -> list[object]:
    """Return lines as they were written down."""
    if line_set is None:
        return []
    return [line_set.lines, *["warn"] * line_set.warns]


def limit_fields(limits: dict[str, Limit]) -> list[tuple[object, ...]]:
    """Return limits in order of name."""
    return [
        (name, limit.value, limit.unlimited, limit.required, limit.burst, *["warn"] * limit.warns)
        for name, limit in sorted(limits.items())
    ]


def override_fields(override: Override) -> Fields:
    """Return an override's attributes."""
    return [
        ("id", override.override_id),
        ("content", override.content()),
        ("proposed_time_ns", override.proposed_time_ns),
        ("proposed_sequence", override.proposed_sequence),
        ("approver", override.approver),
        ("approved_time_ns", override.approved_time_ns),
        ("approved_sequence", override.approved_sequence),
        ("tightening", override.tightening),
    ]


def version_fields(known: PolicyVersion) -> Fields:
    """Return a version's attributes, its document included."""
    return [
        *policy_fields(known.policy),
        ("base_version", known.base_version),
        ("proposer", known.proposer),
        ("proposed_time_ns", known.proposed_time_ns),
        ("proposed_sequence", known.proposed_sequence),
        ("loosened", known.loosened),
        ("approver", known.approver),
        ("activated_time_ns", known.activated_time_ns),
        ("activated_sequence", known.activated_sequence),
        ("withdrawer", known.withdrawer),
        ("withdrawn_time_ns", known.withdrawn_time_ns),
    ]
