"""A world of facts so large that figures leave 64 bits (rulebook 1.4)."""

from tests.engine.script import Script

from tidegate_server.engine.amounts import AMOUNT_BOUND, INT64_MAX, PRICE_BOUND

EXIT = AMOUNT_BOUND // PRICE_BOUND
EXITS = INT64_MAX // AMOUNT_BOUND + 1


def holding(quantity: int, *policy: str) -> Script:
    """Return a world where A holds so much of X, at the greatest price that a mark may have."""
    script = Script()
    for line in (*policy, "tier t", "instrument X", "factor X 10000", "account A tier=t"):
        script.run(line)
    script.run(f"mark X {PRICE_BOUND}")
    script.run(f"hold A X {quantity}")
    return script


def ending(*policy: str) -> Script:
    """Return a world whose open exits, each within its bound, leave 64 bits together."""
    script = holding(-EXIT * EXITS, *policy)
    for _ in range(EXITS):
        assert script.run(f"buy A X {EXIT} @ {PRICE_BOUND}") == f"allow {PRICE_BOUND} exit"
    return script
