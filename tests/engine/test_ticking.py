"""What falls due by itself, seen from its queues (rulebook 4.3)."""

from tests.engine.script import Script
from tests.oracle.adapter import to_protobuf


def test_an_id_that_no_policy_keeps_leaves_its_queue_when_it_is_forgotten() -> None:
    script = Script()
    event = {"event_id": "e1", "account_id": "A", "order_id": "p", "kind": "CANCELLED"}
    request = to_protobuf({"events": [event]}, "RecordOrderEventsRequest")
    script.send("RecordOrderEvents", request, "desk")
    assert len(script.machine.book.forget_queue) == 1
    assert script.run("tick") == "A/p forgotten"
    assert len(script.machine.book.forget_queue) == 0
