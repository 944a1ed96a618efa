"""A hash of the whole state, the same on every machine and after every replay.

Entities go by id, their attributes by name, defaults left out: an attribute that a later version
adds changes no hash of before (J10). Memos are not in it; accounts are rolled first.
"""

from __future__ import annotations

from hashlib import blake2b

from .account import Account
from .adjustments import adjustment_fields
from .cn.contracts import NOT_OPENED
from .commands import CheckOrder
from .instrument import Instrument
from .margin_lines import NEVER
from .order import Order
from .outcomes import CheckOutcome, Figures, Rejections
from .policy_hash import Fields, limit_fields, override_fields, policy_fields, text, version_fields
from .state import Book, roll_if_due

STATE_HASH_VERSION = 1


def state_hash(book: Book) -> str:
    """Return the version and a BLAKE2b-128 digest, "1-<hex>"."""
    digest = blake2b(digest_size=16)
    for account in book.accounts.values():
        roll_if_due(book, account)
    digest.update(
        text(
            "book",
            [
                ("sequence", book.sequence),
                ("time_ns", book.time_ns),
                ("epoch", book.epoch),
                ("trading_date", book.trading_date),
                ("regime", book.regime if book.regime != 1 else 0),
                ("former_age_ns", book.former_age_ns),
                ("former_until_ns", book.former_until_ns),
            ],
        )
    )
    if book.policy is not None:
        digest.update(text("policy", policy_fields(book.policy)))
    for _, known in sorted(book.versions.items()):
        digest.update(text("version", version_fields(known)))
    for _, override in sorted(book.overrides.items()):
        digest.update(text("override", override_fields(override)))
    for name, next_ns in sorted(book.principal_next_ns.items()):
        digest.update(text("principal", [("name", name), ("next_ns", next_ns)]))
    for board, sessions in sorted(book.sessions.items()):
        digest.update(text("sessions", [("board", board), ("sessions", sessions)]))
    for stop_id, stop in sorted(book.stops.items()):
        digest.update(
            text(
                "stop",
                [
                    ("id", stop_id),
                    ("kind", stop.kind),
                    ("scope_kind", int(stop.scope_kind)),
                    ("scope_id", stop.scope_id),
                    ("principal", stop.principal),
                    ("reason", stop.reason),
                    ("set_time_ns", stop.set_time_ns),
                    ("sequence", stop.sequence),
                    ("release_principal", stop.release_principal),
                    ("release_time_ns", stop.release_time_ns),
                    ("release_sequence", stop.release_sequence),
                    ("latched", stop.latched),
                ],
            )
        )
    for group_id, group in sorted(book.groups.items()):
        place: Fields = [("id", group_id), ("parent", group.parent_id)]
        digest.update(text("group", [*place, ("sequence", group.sequence)]))
    for instrument_id in sorted(book.instruments):
        digest.update(text("instrument", instrument_fields(book.instruments[instrument_id])))
    for account_id in sorted(book.accounts):
        account = book.accounts[account_id]
        digest.update(text("account", account_fields(account)))
        for order_id in sorted(account.orders):
            digest.update(text("order", order_fields(account.orders[order_id])))
    for batch_id, batch in sorted(book.batches.items()):
        fields: Fields = [("id", batch_id), ("keep_until_ns", batch.keep_until_ns)]
        fields.append(("sequence", batch.outcome.sequence))
        digest.update(text("batch", fields))
    return f"{STATE_HASH_VERSION}-{digest.hexdigest()}"


def instrument_fields(instrument: Instrument) -> Fields:
    """Return an instrument's attributes."""
    terms = instrument.terms
    fields: Fields = [
        (name, getattr(terms, name) if getattr(terms, name) != -1 else None)
        for name in (
            "instrument_id",
            "sector",
            "board",
            "rating_group",
            "quantity_decimals",
            "least_quantity",
            "quantity_step",
            "tick_e4",
            "marginable",
            "margin_class",
        )
    ]
    fields.append(("dealing", terms.dealing.fields()))
    # 0 is a value here, -1 is absence.
    fields += [
        (name, str(getattr(terms, name)) if getattr(terms, name) != -1 else None)
        for name in (
            "lower_limit_e4",
            "upper_limit_e4",
            "price_limit_bps",
            "average_volume",
            "initial_long_bps",
            "initial_short_bps",
            "maintenance_long_bps",
            "maintenance_short_bps",
            "position_limit",
            "shares_outstanding",
        )
    ]
    fields += [
        (name, getattr(instrument, name))
        for name in (
            "mark",
            "mark_time_ns",
            "slow_mark",
            "slow_time_ns",
            "factor_bps",
            "factor_time_ns",
            "model_version",
            "closing_mark",
            "touched",
        )
    ]
    return fields


def account_fields(account: Account) -> Fields:
    """Return an account's attributes, positions and events; orders follow by themselves."""
    fields: Fields = [
        (name, getattr(account, name))
        for name in (
            "account_id",
            "group_id",
            "tier_id",
            "margin_model",
            "sequence",
            "cash",
            "interest_and_fees",
            "trading_date",
            "day_order_count",
            "next_order_ns",
            "valued_time_ns",
        )
    ]
    if account.start_of_day_equity is not None:
        fields.append(("start_of_day_equity", str(account.start_of_day_equity)))
    fields.append(("lines", account.lines))
    if account.high_water != NEVER:
        fields.append(("high_water", str(account.high_water)))
    if account.share is not None:
        fields.append(("share", list(account.share)))
    fields.append(("limits", limit_fields(account.limits)))
    fields.append(("customer_limits", limit_fields(account.customer_limits)))
    if account.standing is not None:
        fields.append(("standing", account.standing.fields()))
    fields.append(("permissions", account.permissions.fields()))
    for instrument_id in sorted(account.positions):
        position = account.positions[instrument_id]
        figures = (
            position.quantity,
            position.open_buy,
            position.open_sell,
            position.buy_notional,
            position.sell_notional,
            position.day_traded,
        )
        if any(figures):
            fields.append(("position", (instrument_id, *figures)))
    if account.credit is not None:
        fields.append(("contracts", account.credit.fields()))
    repeats = [(key, times.kept()) for key, times in sorted(account.repeats.items())]
    fields.append(("repeats", repeats))
    for event_id in sorted(account.events):
        entry = account.events[event_id]
        kept: tuple[object, ...] = (
            event_id,
            entry.trade_date,
            entry.instrument_id,
            entry.fill_quantity,
            entry.cash_change,
            entry.busted,
        )
        if entry.price_e4 or entry.source:
            kept = (*kept, entry.price_e4, entry.source)
        fields.append(("event", kept))
        if entry.change is not None:
            fields.append(("change", entry.change.fields()))
    if account.reconciliation is not None:
        fields.append(("reconciliation", account.reconciliation.fields()))
    fields.append(("adjustments", adjustment_fields(account)))
    fields.append(("last_valuation", valuation_fields(account.last_valuation)))
    return fields


def valuation_fields(figures: Figures | None) -> list[int]:
    """Return a stored valuation's figures."""
    if figures is None:
        return []
    return [figures.cash, figures.assets, figures.debt, figures.gross, figures.initial]


def order_fields(order: Order) -> Fields:
    """Return an order's attributes, what was asked and what was answered."""
    fields: Fields = [
        (name, getattr(order, name))
        for name in (
            "account_id",
            "order_id",
            "sequence",
            "state",
            "filled",
            "reserved",
            "awaited",
            "acknowledge_by_ns",
            "keep_until_ns",
            "unconfirmed",
            "reported",
        )
    ]
    if order.opening != NOT_OPENED:
        fields.append(("opening", order.opening))
    fields.append(("replaces", order.replaces))
    if order.chain is not None:
        fields.append(("chain", order.chain.root))
        fields.append(("reserved_price", order.reserved_price))
        fields.append(("reserved_ratio", order.chain.ratio_bps))
    if order.command is not None:
        fields.append(("command", command_fields(order.command)))
    if order.outcome is not None:
        fields.append(("outcome", outcome_fields(order.outcome)))
    return fields


def command_fields(command: CheckOrder) -> list[object]:
    """Return what an order asked."""
    return [
        command.principal,
        command.instrument_id,
        command.side,
        command.order_type,
        command.quantity,
        command.price_e4,
        command.created_time_ns,
        command.reduce_only,
        *[command.margin_kind] * (command.margin_kind > 0),
    ]


def outcome_fields(outcome: CheckOutcome) -> list[object]:
    """Return what an order was answered."""
    return [
        outcome.sequence,
        outcome.decided_time_ns,
        outcome.policy_version,
        outcome.allowed,
        outcome.reserved_price_e4,
        outcome.max_quantity,
        outcome.verified_exit,
        reason_fields(outcome.rejections),
        *[reason_fields(outcome.warnings)][: len(outcome.warnings)],
        *[("ratio", outcome.margin_ratio_bps)] * (outcome.margin_ratio_bps > 0),
    ]


def reason_fields(rejections: Rejections) -> list[tuple[object, ...]]:
    """Return reasons with their figures."""
    return [
        (int(r.reason), r.measured, r.limit, int(r.scope_kind), r.scope_id, r.subject)
        for r in rejections
    ]
