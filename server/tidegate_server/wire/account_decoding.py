"""Requests about accounts to commands: who they are, cash, positions, valuations."""

from __future__ import annotations

from tidegate.v1 import (
    account_service_pb2,
)
from tidegate_server.engine import commands
from tidegate_server.engine.account_commands import (
    AdjustCash,
    RevalueAccounts,
    SetPositions,
    UpsertAccounts,
)
from tidegate_server.engine.account_terms import AccountTerms
from tidegate_server.engine.amounts import (
    AMOUNT_BOUND,
    QUANTITY_BOUND,
)
from tidegate_server.engine.withdrawals import WITHDRAWAL

from .customer_limits import read_customer_limits
from .decoding import parse, refuse_repeats
from .permissions import read_permissions
from .policies import read_limits
from .validation import Problems

CASH_OUT = (account_service_pb2.CASH_KIND_FEE, WITHDRAWAL)


def decode_accounts(data: bytes, principal: str) -> UpsertAccounts:
    """Read an UpsertAccountsRequest."""
    request = parse(account_service_pb2.UpsertAccountsRequest, data)
    problems = Problems()
    problems.need_count("accounts", len(request.accounts))
    problems.refuse()
    accounts = []
    for index, account in enumerate(request.accounts):
        problems.prefix = f"accounts[{index}]."
        accounts.append(read_account(account, problems))
    problems.prefix = ""
    refuse_repeats("accounts", [account.account_id for account in accounts], problems)
    problems.refuse()
    return UpsertAccounts(principal, accounts)


def read_account(account: account_service_pb2.Account, problems: Problems) -> AccountTerms:
    """Read what one account is."""
    problems.need_id("account_id", account.account_id)
    problems.may_id("group_id", account.group_id)
    problems.may_id("tier_id", account.tier_id)
    problems.need_one_of("margin_model", account.margin_model, commands.MARGIN_MODELS)
    return AccountTerms(
        account.account_id,
        account.group_id,
        account.tier_id,
        account.margin_model,
        read_limits(account.limits, problems, "limits."),
        read_permissions(account, problems),
        read_customer_limits(account.customer_limits, problems),
    )


def decode_cash(data: bytes, principal: str) -> AdjustCash:
    """Read an AdjustCashRequest."""
    request = parse(account_service_pb2.AdjustCashRequest, data)
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.need_id("adjustment_id", request.adjustment_id)
    problems.need_one_of("kind", request.kind, (*range(1, 7), WITHDRAWAL))
    problems.need_range("amount_e4", request.amount_e4, -AMOUNT_BOUND, AMOUNT_BOUND)
    if not request.amount_e4:
        problems.add("amount_e4", "must not be 0")
    if request.kind == account_service_pb2.CASH_KIND_DEPOSIT and request.amount_e4 < 0:
        problems.add("amount_e4", "of a deposit must be positive")
    if request.kind in CASH_OUT and request.amount_e4 > 0:
        problems.add("amount_e4", "of a fee or withdrawal must be negative")
    problems.refuse()
    return AdjustCash(
        principal,
        request.account_id,
        request.adjustment_id,
        request.kind,
        request.amount_e4,
        request.expected_sequence,
    )


def decode_positions(data: bytes, principal: str) -> SetPositions:
    """Read a SetPositionsRequest."""
    request = parse(account_service_pb2.SetPositionsRequest, data)
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.need_count("positions", len(request.positions))
    problems.refuse()
    targets = []
    for index, target in enumerate(request.positions):
        problems.prefix = f"positions[{index}]."
        problems.need_id("instrument_id", target.instrument_id)
        problems.need_range("quantity", target.quantity, -QUANTITY_BOUND, QUANTITY_BOUND)
        targets.append((target.instrument_id, target.quantity))
    problems.prefix = ""
    refuse_repeats("positions", [name for name, _ in targets], problems)
    problems.refuse()
    return SetPositions(principal, request.account_id, targets, request.expected_sequence)


def decode_revaluation(data: bytes, principal: str) -> RevalueAccounts:
    """Read a RevalueAccountsRequest."""
    request = parse(account_service_pb2.RevalueAccountsRequest, data)
    problems = Problems()
    problems.need_count("account_ids", len(request.account_ids))
    problems.refuse()
    for index, account_id in enumerate(request.account_ids):
        problems.need_id(f"account_ids[{index}]", account_id)
    problems.refuse()
    return RevalueAccounts(principal, list(request.account_ids))
