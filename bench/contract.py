"""The methods that the bench calls, and what an empty handler answers."""

from typing import Final

from tidegate.v1.order_pb2 import ORDER_STATE_RESERVED, VERDICT_ALLOW
from tidegate.v1.risk_service_pb2 import CheckOrderResponse

CHECK_ORDER: Final = "/tidegate.v1.RiskService/CheckOrder"
RECORD_EVENTS: Final = "/tidegate.v1.RiskService/RecordOrderEvents"
UPDATE_MARKS: Final = "/tidegate.v1.MarketService/UpdateMarks"
UPSERT_INSTRUMENTS: Final = "/tidegate.v1.MarketService/UpsertInstruments"
UPDATE_VOLATILITY: Final = "/tidegate.v1.MarketService/UpdateVolatility"
SET_SESSION: Final = "/tidegate.v1.MarketService/SetSession"
REVALUE_ACCOUNTS: Final = "/tidegate.v1.AccountService/RevalueAccounts"
UPSERT_ACCOUNTS: Final = "/tidegate.v1.AccountService/UpsertAccounts"
ADJUST_CASH: Final = "/tidegate.v1.AccountService/AdjustCash"
GET_ACCOUNT: Final = "/tidegate.v1.AccountService/GetAccount"
SET_POSITIONS: Final = "/tidegate.v1.AccountService/SetPositions"

ANSWER: Final = CheckOrderResponse(
    verdict=VERDICT_ALLOW,
    sequence=1_000_000,
    decided_time_ns=1_800_000_000_000_000_000,
    policy_version=1,
    reserved_price_e4=1_000_000,
    acknowledge_by_time_ns=1_800_000_000_000_000_000,
    order_state=ORDER_STATE_RESERVED,
).SerializeToString()
"""What the empty handlers say: an allow, as long as a real one."""
