"""Parts of a policy that stand by themselves: margin classes, risk's trading window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.amounts import ONE
from tidegate_server.engine.sessions import DAY_NS

if TYPE_CHECKING:
    from tidegate.v1 import policy_pb2

    from .validation import Problems

CLASS_LIMIT = 100


def read_classes(message: policy_pb2.Policy, problems: Problems) -> dict[str, int]:
    """Read the classes of the margin model portfolio: offset in bps by id."""
    problems.need_count("margin_classes", len(message.margin_classes), 0, CLASS_LIMIT)
    classes: dict[str, int] = {}
    for index, one in enumerate(message.margin_classes):
        field = f"margin_classes[{index}]."
        problems.need_id(field + "class_id", one.class_id)
        problems.need_range(field + "offset_bps", one.offset_bps, 0, ONE)
        if one.class_id in classes:
            problems.add(field + "class_id", "stands twice")
        classes[one.class_id] = one.offset_bps
    return classes


def read_window(message: policy_pb2.Policy, problems: Problems) -> tuple[int, int] | None:
    """Read when orders may pass; None for always."""
    if not message.HasField("trading_window"):
        return None
    window = message.trading_window
    opens, closes = window.open_of_day_ns, window.close_of_day_ns
    problems.need_range("trading_window.open_of_day_ns", opens, 0, DAY_NS - 1)
    problems.need_range("trading_window.close_of_day_ns", closes, 1, DAY_NS)
    if opens == closes:
        problems.add("trading_window.close_of_day_ns", "must not be when it opens")
    return opens, closes
