"""An account's lists of open orders, in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.reconciliation import Reconciliation

from .life import page_message, read_page, read_reconciled, reconcile_message

if TYPE_CHECKING:
    from tidegate.v1 import journal_pb2
    from tidegate_server.engine.account import Account


def write_reconciliation(account: Account, message: journal_pb2.RestoreAccount) -> None:
    """Write where an account's lists stand; who sent a page plays no part any more."""
    kept = account.reconciliation
    if kept is None:
        return
    message.listed_pages.extend(page_message(page) for page in kept.pages)
    written = message.reconciliation
    written.session_id = kept.session_id
    written.list_time_ns = kept.list_time_ns
    written.page_sequence = kept.page_sequence
    written.page_time_ns = kept.page_time_ns
    if kept.outcome is not None:
        written.response.CopyFrom(reconcile_message(kept.outcome))


def read_reconciliation(account: Account, message: journal_pb2.RestoreAccount) -> None:
    """Read it back."""
    if not message.HasField("reconciliation"):
        return
    read = message.reconciliation
    kept = Reconciliation()
    kept.session_id = read.session_id
    kept.list_time_ns = read.list_time_ns
    kept.page_sequence = read.page_sequence
    kept.page_time_ns = read.page_time_ns
    if read.HasField("response"):
        kept.outcome = read_reconciled(read.response)
    kept.pages = [read_page(page, "") for page in message.listed_pages]
    account.reconciliation = kept
