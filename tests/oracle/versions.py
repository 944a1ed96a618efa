"""The policy's versions (8.2), and how old an order may be when a policy changes that (4.3)."""

from dataclasses import dataclass

from tests.oracle.book import Book, Message
from tests.oracle.tightening import is_tightening

KEPT = 256


@dataclass
class Version:
    """One version: its document, what it changes, and who did what."""

    policy: Message
    base: int
    proposer: str
    approver: str = ""
    stamp: Message | None = None  # of its activation
    withdrawn: bool = False


class Versions:
    """Takes proposals, approvals and withdrawals."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book
        self.versions: dict[int, Version] = {}
        self.last = 0

    def propose(self, request: Message, principal: str, now: int) -> Message:
        """Take a first policy or a tightening; anything else is pending."""
        book = self.book
        if request.get("base_version", 0) != book.version:
            return {"error": "STALE_POLICY"}
        pending = bool(book.policy) and not is_tightening(book.policy, request["policy"])
        if len(self.versions) == KEPT:
            del self.versions[min(number for number in self.versions if number != book.version)]
        book.next()
        self.last += 1
        policy = {**request["policy"], "version": self.last}
        self.versions[self.last] = Version(policy, book.version, principal)
        if not pending:
            self._activate(self.last, now)
        return {**book.stamp(now), "version": self.last, "pending": pending}

    def approve(self, request: Message, principal: str, now: int) -> Message:
        """Put a pending version in force."""
        number = request["version"]
        known = self.versions.get(number)
        if known is not None and known.approver == principal:
            assert known.stamp is not None
            return known.stamp
        problem = self._problem(number)
        if known is None or problem:
            return {"error": problem}
        if principal in {"local", known.proposer}:
            return {"error": "SECOND_PERSON"}
        self.book.next()
        known.approver = principal
        self._activate(number, now)
        return self.book.stamp(now)

    def withdraw(self, request: Message, _principal: str, now: int) -> Message:
        """Take a pending version back."""
        problem = self._problem(request["version"])
        if problem:
            return {"error": problem}
        self.book.next()
        self.versions[request["version"]].withdrawn = True
        return self.book.stamp(now)

    def _problem(self, number: int) -> str:
        """Why a version is not pending."""
        known = self.versions.get(number)
        if known is None:
            return "NOT_FOUND"
        if known.stamp is not None or known.withdrawn:
            return "NOT_PENDING"
        return "" if known.base == self.book.version else "STALE_POLICY"

    def _activate(self, number: int, now: int) -> None:
        book, known = self.book, self.versions[number]
        age, more = book.number("max_order_age_ns"), known.policy.get("max_order_age_ns", 0)
        if book.policy and more > age:
            until, before = book.former
            still = before and now - until <= age
            skew = book.number("max_clock_skew_ns")
            book.former = (now + skew, min(age, before) if still else age)
        known.stamp = book.stamp(now)
        book.policy = known.policy
