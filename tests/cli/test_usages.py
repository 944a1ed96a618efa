"""What an account uses of its limits, as it is printed."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tidegate.v1 import order_pb2, policy_pb2, usage_pb2
from tidegate_server.cli import usages

SET = usage_pb2.LIMIT_SETTING_SET
POSITION = usage_pb2.LimitView(
    name="position",
    setting=SET,
    value=500,
    used=450,
    usage_bps=9_000,
    subject="IBM",
    scope_kind=order_pb2.SCOPE_KIND_INSTRUMENT,
    scope_id="IBM",
    binds_next=True,
)
LEVERAGE = usage_pb2.LimitView(
    name="leverage_bps",
    setting=SET,
    mode=policy_pb2.LIMIT_MODE_WARN,
    value=50_000,
    used=55_001,
    usage_bps=11_000,
    scope_kind=order_pb2.SCOPE_KIND_ACCOUNT,
    scope_id="A",
)


def rows(*limits: usage_pb2.LimitView) -> list[str]:
    """Return the printed rows, each without more blanks than it needs."""
    page = StringIO()
    Console(file=page, width=120).print(usages.usages(limits))
    return [" ".join(line.split()) for line in page.getvalue().splitlines()]


def test_a_limit_names_its_instrument_its_scope_and_that_it_binds() -> None:
    assert "position IBM 450 500 90.00 % binds next, instrument:IBM" in rows(POSITION)


def test_a_limit_that_warns_says_so_and_leverage_is_so_many_times_equity() -> None:
    assert "leverage 5.5001 x 5.00 x 110.00 % warns only" in rows(LEVERAGE)


def test_what_has_no_usage_is_told_apart() -> None:
    def limit(name: str, setting: int, value: int | None = None) -> usage_pb2.LimitView:
        return usage_pb2.LimitView(name=name, setting=setting, value=value)  # type: ignore[arg-type]

    found = usages.others(
        [
            POSITION,
            limit("order_notional_e4", SET, 10_000_000),
            limit("credit_line_e4", SET, 10_000_000),
            limit("concentration", SET),
            limit("leverage_bps", usage_pb2.LIMIT_SETTING_MISSING),
            limit("day_turnover_e4", usage_pb2.LIMIT_SETTING_UNLIMITED),
            limit("day_order_count", usage_pb2.LIMIT_SETTING_UNSET),
        ]
    )
    assert found == [
        ("on one order", "order notional 1,000.00"),
        ("not measured: no mark or no position", "credit line 1,000.00, concentration"),
        ("must be set: new risk is refused", "leverage"),
        ("unlimited", "day turnover"),
        ("not set", "day order count"),
    ]
