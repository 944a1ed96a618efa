"""Tiers from scorecards (5.6)."""

from dataclasses import dataclass

from tests.oracle.book import Account, Book, Message

Card = tuple[str, str, int]  # tier, version, time


@dataclass
class Standing:
    """The scorecard that last set an account's tier, and the move that waits."""

    card: Card | None = None
    stamp: Message | None = None
    raised: int = 0  # the trading date of the last rise without a person
    asked: tuple[Card, str, str, Message] | None = None  # card, who, from which tier, when


def ranks(book: Book) -> dict[str, int]:
    """The tiers of the policy and their ranks."""
    tiers = book.policy.get("tiers", [])
    return {tier["tier_id"]: tier.get("rank", 0) for tier in tiers}


class Tiers:
    """Moves accounts between tiers."""

    def __init__(self, book: Book) -> None:
        """Work on a book."""
        self.book = book
        self.standings: dict[str, Standing] = {}

    def set_tier(self, request: Message, principal: str, now: int) -> Message:
        """Take a scorecard's tier."""
        account = self.book.accounts.get(request["account_id"])
        name = request.get("tier_id", "")
        if account is None or (name and name not in self._ranks()):
            return {"error": "NOT_FOUND"}
        card = (name, request["scorecard_version"], request["scorecard_time_ns"])
        return self._take(account, card, principal, now)

    def _take(self, account: Account, card: Card, principal: str, now: int) -> Message:
        name, here = card[0], account.facts.get("tier_id", "")
        standing = self.standings.get(account.account_id, Standing())
        if standing.card == card and here == name:
            assert standing.stamp is not None
            return {**standing.stamp, "pending": False}
        earliest = standing.card[2] if standing.card else 0
        if not earliest <= card[2] <= now + self.book.number("max_clock_skew_ns"):
            return {"error": "STALE_SCORECARD"}
        if self._is_no_rise(here, name):
            return self._move(account, standing, card, now)
        if self._rises_by_itself(here, name, standing):
            standing.raised = self.book.trading_date
            return self._move(account, standing, card, now)
        if standing.asked is not None and (standing.asked[0], standing.asked[2]) == (card, here):
            return self._asked_again(account, standing, principal, now)
        self.book.next()
        stamp = {**self.book.stamp(now), "pending": True}
        standing.asked = (card, principal, here, stamp)
        self.standings[account.account_id] = standing
        return stamp

    def _asked_again(
        self, account: Account, standing: Standing, principal: str, now: int
    ) -> Message:
        assert standing.asked is not None
        card, first, _, stamp = standing.asked
        if principal == first:
            return stamp
        if principal == "local":
            return {"error": "SECOND_PERSON"}
        return self._move(account, standing, card, now)

    def _move(self, account: Account, standing: Standing, card: Card, now: int) -> Message:
        self.book.next()
        self.book.touch(account.account_id)
        account.facts = {**account.facts, "tier_id": card[0]}
        standing.card, standing.stamp, standing.asked = card, self.book.stamp(now), None
        self.standings[account.account_id] = standing
        return {**standing.stamp, "pending": False}

    def _ranks(self) -> dict[str, int]:
        return ranks(self.book)

    def _is_no_rise(self, here: str, name: str) -> bool:
        ranks = self._ranks()
        return name in {"", here} or (here in ranks and ranks[name] < ranks[here])

    def _rises_by_itself(self, here: str, name: str, standing: Standing) -> bool:
        """One rank up, once a trading day, where the policy says so."""
        ranks = self._ranks()
        if not self.book.policy.get("automatic_upgrade", False) or here not in ranks:
            return False
        above = [rank for rank in ranks.values() if rank > ranks[here]]
        return (
            standing.raised != self.book.trading_date and bool(above) and ranks[name] == min(above)
        )
