"""What numbers the contract takes, so that a wrong one is refused before anything is sent.

Stated again here, since the command line starts without the contract; a test compares them.
"""

from typing import Final

INT64_MAX: Final = 2**63 - 1  # of positions in the journal and of versions
QUANTITY_BOUND: Final = 10**12
PRICE_BOUND: Final = 10**12  # 1/10 000 of the currency unit
AMOUNT_BOUND: Final = 9 * 10**16  # 1/10 000 of the currency unit
TIME_BOUND: Final = 4 * 10**18  # ns since 1970
LAST_DATE: Final = 99_991_231
SHARD_BOUND: Final = 65_535
LIST_BOUND: Final = 10**9  # of what a list or a stream shows: more than anybody has
MINUTES_BOUND: Final = 10**7  # nineteen years: its end lies within TIME_BOUND
TIMEOUT_BOUND_S: Final = 600
