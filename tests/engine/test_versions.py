"""How many versions of the policy are kept (rulebook 8.2), and that they are restored."""

from tests.engine.script import Script

from tidegate_server.engine.versions import VERSION_LIMIT
from tidegate_server.wire.machine import Machine

LOOSER = "propose limit default order_quantity"


def proposed(count: int) -> Script:
    """Return a world with a policy in force and so many proposals that wait."""
    script = Script()
    script.run("limit default order_quantity 100")
    script.run("instrument X")
    for number in range(count):
        assert "pending" in script.run(f"{LOOSER} {101 + number}")
    return script


def test_as_many_versions_are_kept_as_there_is_room_for() -> None:
    script = proposed(VERSION_LIMIT - 1)
    assert script.run("withdraw 2") == "done"


def test_beyond_it_the_oldest_that_is_not_in_force_is_forgotten() -> None:
    script = proposed(VERSION_LIMIT)
    assert script.run("withdraw 2") == "NOT_FOUND"
    assert script.run("withdraw 3") == "done"
    assert script.run("versions").endswith("1=ACTIVE") is False  # a page has 100
    assert len(script.machine.book.versions) == VERSION_LIMIT


def test_the_version_in_force_is_never_forgotten() -> None:
    script = proposed(VERSION_LIMIT + 5)
    assert 1 in script.machine.book.versions


def test_versions_survive_a_snapshot() -> None:
    script = proposed(3)
    script.run("approve 3")
    script.run("propose policy max_order_age_ns=20000000000")
    script.run("approve 5")
    copy = Machine()
    copy.load_snapshot(script.machine.snapshot_records())
    assert copy.state_hash() == script.machine.state_hash()
    assert copy.book.former_until_ns == script.machine.book.former_until_ns > 0
    script.machine = copy
    assert script.run("versions") == "5=ACTIVE 4=STALE 3=REPLACED 2=STALE 1=REPLACED"
    assert script.run("restore 3") == "version 6"  # tighter than what is in force


def test_versions_are_listed_by_pages() -> None:
    script = proposed(120)
    first = script.call("ListPolicies", {})
    assert len(first.policies) == 100
    rest = script.call("ListPolicies", {"page_token": first.next_page_token})
    assert [one.version for one in rest.policies] == list(range(21, 0, -1))
    assert not rest.next_page_token
