"""Scorecards of accounts (5.6): a score and a tier, worked out outside the gate."""
