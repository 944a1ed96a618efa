"""What no scorecard can be made of."""


class ScorecardError(ValueError):
    """Settings or inputs that make no score; the text names the setting or the row."""
