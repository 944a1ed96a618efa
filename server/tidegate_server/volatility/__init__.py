"""Volatility factors from daily closes (5.1): a model outside the gate, which never estimates."""
