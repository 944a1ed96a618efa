"""What scorecards made of an account's tier (5.6)."""

from __future__ import annotations


class TierStanding:
    """The scorecard that last set an account's tier, and the move that waits for a second person.

    `raised_date` is the trading date on which a scorecard alone last raised it, 0 for none.
    `asked_by` is empty where nothing waits; `asked_from` is the tier that it was in then: in
    another one the request is void.
    """

    __slots__ = (
        "asked_by",
        "asked_from",
        "asked_scorecard_ns",
        "asked_sequence",
        "asked_tier",
        "asked_time_ns",
        "asked_version",
        "raised_date",
        "scorecard_time_ns",
        "scorecard_version",
        "sequence",
        "set_time_ns",
    )

    def __init__(self) -> None:
        self.scorecard_version = ""
        self.scorecard_time_ns = 0
        self.sequence = 0
        self.set_time_ns = 0
        self.raised_date = 0
        self.forget_request()

    def forget_request(self) -> None:
        """Let nothing wait any more."""
        self.asked_tier = ""
        self.asked_version = ""
        self.asked_scorecard_ns = 0
        self.asked_by = ""
        self.asked_from = ""
        self.asked_sequence = 0
        self.asked_time_ns = 0

    def fields(self) -> list[object]:
        """Return its attributes for the state hash."""
        return [
            self.scorecard_version,
            self.scorecard_time_ns,
            self.sequence,
            self.set_time_ns,
            self.raised_date,
            self.asked_tier,
            self.asked_version,
            self.asked_scorecard_ns,
            self.asked_by,
            self.asked_from,
            self.asked_sequence,
            self.asked_time_ns,
        ]
