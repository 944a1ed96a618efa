"""A position's share of its account's projected figures, and sums of such shares.

A `Line` is, in e4: change of cash, assets, short debt, gross, gross weighted by volatility, initial
margin, maintenance margin; then assets and short debt of what is filled already, for the actual
figures (3.7). An account's figures are sums of lines, so what one order changes is the line of its
own instrument, without its last two.

Lines and rates are compared by value: compiled, such a tuple has no identity, and `is` is false.
"""

from __future__ import annotations

Line = tuple[int, int, int, int, int, int, int, int, int]

NO_LINE: Line = (0, 0, 0, 0, 0, 0, 0, 0, 0)


def plus(line: Line, more: Line) -> Line:
    """Return the sum of two lines, figure by figure."""
    return (
        line[0] + more[0],
        line[1] + more[1],
        line[2] + more[2],
        line[3] + more[3],
        line[4] + more[4],
        line[5] + more[5],
        line[6] + more[6],
        line[7] + more[7],
        line[8] + more[8],
    )


def minus(line: Line, less: Line) -> Line:
    """Return one line less another, figure by figure."""
    return (
        line[0] - less[0],
        line[1] - less[1],
        line[2] - less[2],
        line[3] - less[3],
        line[4] - less[4],
        line[5] - less[5],
        line[6] - less[6],
        line[7] - less[7],
        line[8] - less[8],
    )


def exchanged(total: Line, less: Line, more: Line) -> Line:
    """Return a sum of lines with one of them exchanged for another."""
    return (
        total[0] - less[0] + more[0],
        total[1] - less[1] + more[1],
        total[2] - less[2] + more[2],
        total[3] - less[3] + more[3],
        total[4] - less[4] + more[4],
        total[5] - less[5] + more[5],
        total[6] - less[6] + more[6],
        total[7] - less[7] + more[7],
        total[8] - less[8] + more[8],
    )
