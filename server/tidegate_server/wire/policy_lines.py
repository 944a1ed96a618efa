"""Lines on the maintenance ratio between the contract and the engine, both ways (2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_pb2
from tidegate_server.engine.amounts import RATIO_BOUND
from tidegate_server.engine.margin_lines import DEFAULT_LINES, LINE_NAMES, NO_LINES, LineSet

from .modes import read_mode, write_mode

if TYPE_CHECKING:
    from .validation import Problems


def read_lines(
    message: policy_pb2.Policy | policy_pb2.Tier, problems: Problems, prefix: str
) -> LineSet | None:
    """Read a policy's or tier's lines; None where it leaves them out."""
    if not message.HasField("lines"):
        return None
    lines = message.lines
    warns = read_mode(lines.mode, problems, prefix + "lines.mode")
    named = [name for name in LINE_NAMES if lines.HasField(name)]
    if lines.off:
        if named:
            problems.add(prefix + "lines", "must be off or figures, not both")
        return LineSet(NO_LINES, warns=warns)
    figures: list[int] = []
    for index, name in enumerate(LINE_NAMES):
        line, release = DEFAULT_LINES[2 * index : 2 * index + 2]
        if name in named:
            one = getattr(lines, name)
            line, release = one.line_bps, one.release_bps
        field = f"{prefix}lines.{name}"
        highest = figures[-2] - 1 if figures else RATIO_BOUND
        problems.need_range(f"{field}.line_bps", line, 1, highest)
        problems.need_range(f"{field}.release_bps", release, line, RATIO_BOUND)
        figures += [line, release]
    return LineSet(tuple(figures), warns=warns)


def write_lines(line_set: LineSet) -> policy_pb2.Lines:
    """Return lines as the contract has them, every figure written down."""
    message = policy_pb2.Lines(off=not line_set.lines, mode=write_mode(warns=line_set.warns))
    if line_set.lines:
        for index, name in enumerate(LINE_NAMES):
            line, release = line_set.lines[2 * index : 2 * index + 2]
            getattr(message, name).CopyFrom(policy_pb2.Line(line_bps=line, release_bps=release))
    return message
