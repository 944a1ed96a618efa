"""How the records of facts about accounts are read and written."""

from __future__ import annotations

from typing import Final

from tidegate.v1 import account_service_pb2, journal_pb2

from . import account_decoding, account_encoding, effects, encoding, groups
from .codec import Codec, plain

UPSERT_ACCOUNTS: Final = plain(
    journal_pb2.METHOD_UPSERT_ACCOUNTS,
    account_decoding.decode_accounts,
    account_service_pb2.UpsertAccountsResponse,
)
UPSERT_GROUPS: Final = plain(
    journal_pb2.METHOD_UPSERT_GROUPS,
    groups.decode_groups,
    account_service_pb2.UpsertGroupsResponse,
)
ADJUST_CASH: Final = Codec(
    journal_pb2.METHOD_ADJUST_CASH,
    account_decoding.decode_cash,
    account_encoding.encode_cash,
    account_encoding.decode_cash,
    effects.account_effects,
)
SET_POSITIONS: Final = Codec(
    journal_pb2.METHOD_SET_POSITIONS,
    account_decoding.decode_positions,
    encoding.plain(account_service_pb2.SetPositionsResponse),
    account_encoding.decode_positions,
    effects.account_effects,
)
REVALUE_ACCOUNTS: Final = Codec(
    journal_pb2.METHOD_REVALUE_ACCOUNTS,
    account_decoding.decode_revaluation,
    account_encoding.encode_revaluation,
    account_encoding.decode_revaluation,
    effects.account_effects,
)
