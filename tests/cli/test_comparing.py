from __future__ import annotations

from tidegate.v1 import account_service_pb2 as accounts_pb2
from tidegate_server.cli.comparing import Reservations, compare_accounts, reservations


def view(**fields: int) -> accounts_pb2.AccountView:
    order = accounts_pb2.OpenOrderView(
        order_id="a", reserved_quantity=100, reserved_price_e4=1_688_000
    )
    account = accounts_pb2.Account(account_id="R1")
    made = accounts_pb2.AccountView(account=account, open_orders=[order])
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_the_same_accounts_do_not_differ() -> None:
    assert compare_accounts({"R1": view(cash_e4=1)}, {"R1": view(cash_e4=1)}) == []


def test_a_figure_that_differs_is_named() -> None:
    found = compare_accounts({"R1": view(cash_e4=1)}, {"R1": view(cash_e4=2)})
    assert found == ["account R1 differs in cash_e4"]


def test_an_account_that_is_gone_is_named() -> None:
    assert compare_accounts({"R1": view()}, {}) == ["account R1 is only on one side"]


def test_a_reservation_that_is_gone_is_named() -> None:
    empty = view()
    del empty.open_orders[:]
    found = compare_accounts({"R1": view()}, {"R1": empty})
    assert found == ["account R1 differs in open_orders"]


def test_a_revaluation_is_no_difference() -> None:
    before, after = view(sequence=1), view(sequence=9, valued_time_ns=5)
    after.last_valuation.valued = True
    assert compare_accounts({"R1": before}, {"R1": after}) == []


def test_a_later_time_limit_is_no_difference() -> None:
    before, after = view(), view()
    after.open_orders[0].acknowledge_by_time_ns = 7
    assert compare_accounts({"R1": before}, {"R1": after}) == []


def test_reservations_are_summed_over_the_accounts() -> None:
    assert reservations([view(), view()]) == Reservations(2, 200, 2 * 100 * 1_688_000)
