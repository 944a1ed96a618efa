"""Chapter 7.2: deciding an order that is to take another's place."""

from tests.oracle import chains, judgement, valuations, valued_sums
from tests.oracle.book import LIVE, Account, Book, Message, Order
from tests.oracle.case import open_case
from tests.oracle.orders import Orders, about, content


class Replaces:
    """Decides replaces with the means of single orders."""

    def __init__(self, book: Book, orders: Orders) -> None:
        """Share the book with `orders`."""
        self.book = book
        self.orders = orders

    def replace_order(self, request: Message, principal: str, now: int) -> Message:
        """Decide a replace, or repeat its answer."""
        own = (*content(request, principal), request["replaced_order_id"])
        account = self.book.accounts.get(request["account_id"])
        known = account.orders.get(request["order_id"]) if account else None
        if known is not None and known.content == own:
            return self.orders.answer_again(known, request, principal, now)
        self.book.next()
        answer = self._decide(request, principal, now)
        stored = account is not None and known is None
        self.orders.store(request, principal, answer)
        if account is not None and stored:
            self._link(account, request, own)
        valued_sums.keep_again(self.book, account, now)
        return answer

    def _decide(self, request: Message, principal: str, now: int) -> Message:
        ended = self._ended(request, now)
        if ended:
            return self.orders.reject(request, ended, now)
        account = self.book.accounts[request["account_id"]]
        self.book.touch(request["account_id"])
        valuations.value(self.book, account, now)
        old = account.orders[request["replaced_order_id"]]
        if old.margin_kind:  # it cannot change
            request = {**request, "margin_kind": old.margin_kind}
        holders = [member for member in old.chain or [old] if member.reserved > 0]
        reserved = [member.reserved for member in holders]
        for member in holders:  # the old order is out of the book while the new one is judged
            member.reserved = 0
        case = open_case(self.book, request, principal, now)
        case.opening = max(0, request["quantity"] - old.filled)
        case.opened = old.opening
        if not _reaches_further(request, old):
            case.room = max(0, old.quantity - old.filled)
        found = judgement.judge_whole(case, case.opening)
        answer = self.orders.answer(found, now)
        for member, quantity in zip(holders, reserved, strict=True):
            member.reserved = quantity
        self.orders.count(case, found.rejections)
        return answer

    def _ended(self, request: Message, now: int) -> list[Message]:
        """4.1 to 4.3, with the order to replace between the id and the age."""
        ended = self.orders.ended(request, now)
        if ended and ended[0]["reason"] != "ORDER_STALE":
            return ended
        account = self.book.accounts[request["account_id"]]
        old = account.orders.get(request["replaced_order_id"])
        same = ("instrument_id", "side")
        if (
            old is None
            or old.content is None
            or old.state not in LIVE
            or [getattr(old, name) for name in same] != [request[name] for name in same]
        ):
            gone = about(account.account_id, "ORDER_NOT_RESERVED")
            return [{**gone, "subject": request["replaced_order_id"]}]
        return ended

    def _link(self, account: Account, request: Message, own: tuple[object, ...]) -> None:
        new = account.orders[request["order_id"]]
        new.content, new.replaces = own, request["replaced_order_id"]
        if new.state == "REFUSED":
            return
        old = account.orders[new.replaces]
        if old.margin_kind:
            new.taken_kind = old.margin_kind
            asked = {**request, "margin_kind": old.margin_kind}
            new.own_ratio = self.orders.ratio(asked, new.allowed_time)
            if old.opening is not None and new.own_ratio:
                new.own_ratio = old.opening[1]
            new.opening = old.opening
            new.contract_root = old.contract_root or old.order_id
            old.contract_root = new.contract_root
        chain = old.chain or [old]
        chain.append(new)
        for member in chain:
            member.chain = chain
        new.filled, new.reserved = old.filled, 0
        chains.regroup(chain)


def _reaches_further(request: Message, old: Order) -> bool:
    """Say whether a price is more aggressive than the old one; a market order is the most."""
    price, before = request.get("price_e4"), old.limit_price
    if not before:
        return False
    if not price:
        return True
    return bool(price > before if request["side"] == "BUY" else price < before)
