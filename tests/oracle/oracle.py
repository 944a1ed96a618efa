"""The naive oracle: an independent model of what the gate decides, for comparison with the engine.

Written from the rulebook and the contract alone. It shares no code with the server and is built to
be obviously right: big integers, plain dictionaries, every sum taken anew. Where the chapters are:

    1, 2   book (the state, its arithmetic, days), groups, limits (how they resolve)
    3, 6   figures (projected, actual, margin), book.Line (opening parts, exits); 6.3 credit,
           credit_room, credit_fills, credit_facts, credit_checks
    4      judgement (the order of the checks), order_checks, permissions, account_checks, selling,
           orders, batches
    5      book.Book.factor, facts
    7      reports (what the venue said), replaces, chains and reconcile, staff.Staff.tick
    8      staff, versions, tightening, usage, liquidation, overrides, tiers (5.6)

Requests and answers are dictionaries shaped like the messages of the contract: names in snake case,
enum values without their prefix, absent optional fields as missing keys. An error is
`{"error": reason}` and changes nothing. A `Tick` with nothing due answers `{}`.
"""

from typing import TYPE_CHECKING

from tests.oracle import credit_liquidation, liquidation, validation
from tests.oracle.batches import Batches
from tests.oracle.book import Book, Message
from tests.oracle.credit_facts import CreditFacts
from tests.oracle.facts import Facts
from tests.oracle.orders import Orders
from tests.oracle.overrides import Overrides
from tests.oracle.reconcile import Cancels, Lists
from tests.oracle.replaces import Replaces
from tests.oracle.staff import Staff
from tests.oracle.tiers import Tiers
from tests.oracle.versions import Versions
from tests.oracle.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable


class Oracle:
    """The gate's decisions, one command at a time."""

    def __init__(self) -> None:
        """Start with an empty book."""
        self.book = Book()
        orders = Orders(self.book)
        self._orders = orders
        self.versions = Versions(self.book)
        self.tiers = Tiers(self.book)
        overrides = Overrides(self.book)
        self._batches = Batches(self.book, orders)
        facts, staff, views = Facts(self.book), Staff(self.book), Views(self.book)
        margin = CreditFacts(self.book)
        self._methods: dict[str, Callable[[Message, str, int], Message]] = {
            "CheckOrder": orders.check_order,
            "CheckOrders": self._check_orders,
            "ReplaceOrder": Replaces(self.book, orders).replace_order,
            "ReconcileOrders": Lists(self.book).reconcile_orders,
            "CancelOrders": Cancels(self.book).cancel_orders,
            "PreviewOrder": orders.preview_order,
            "RecordOrderEvents": facts.record_order_events,
            "UpsertAccounts": facts.upsert_accounts,
            "UpsertGroups": facts.upsert_groups,
            "AdjustCash": facts.adjust_cash,
            "SetPositions": facts.set_positions,
            "RepayCash": margin.repay_cash,
            "ReturnShares": margin.return_shares,
            "AccrueInterest": margin.accrue_interest,
            "ChargeFee": margin.charge_fee,
            "RevalueAccounts": views.revalue_accounts,
            "UpdateMarks": facts.update_marks,
            "UpsertInstruments": facts.upsert_instruments,
            "UpdateVolatility": facts.update_volatility,
            "SetRegime": facts.set_regime,
            "SetSession": facts.set_session,
            "RollDay": facts.roll_day,
            "ProposePolicy": self.versions.propose,
            "ApprovePolicy": self.versions.approve,
            "WithdrawPolicy": self.versions.withdraw,
            "ProposeOverride": overrides.propose,
            "ApproveOverride": overrides.approve,
            "SetTier": self.tiers.set_tier,
            "Halt": staff.halt,
            "SetReduceOnly": staff.set_reduce_only,
            "Release": staff.release,
            "GetAccount": views.get_account,
            "PlanLiquidation": self._plan_liquidation,
            "Tick": staff.tick,
        }

    def apply(self, method: str, request: Message, principal: str, now_ns: int) -> Message:
        """Answer one command and change the book accordingly."""
        if not validation.well_formed(method, request):
            return {"error": "MALFORMED"}
        return self._methods[method](request, principal, now_ns)

    def _plan_liquidation(self, request: Message, _principal: str, now: int) -> Message:
        return liquidation.plan(self.book, request, now, credit_liquidation.plan_to)

    def _check_orders(self, request: Message, principal: str, now: int) -> Message:
        one = (
            self._batches.check_atomic
            if request.get("atomic", False)
            else self._orders.check_orders
        )
        return one(request, principal, now)
