"""ExplainRecord over every kind of record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.runtime.alerting import Beside
from tests.runtime.flows import make_day, send
from tests.runtime.folders import make_config, writing
from tests.runtime.test_comparing import looser, tighter

from tidegate.v1 import journal_pb2, journal_service_pb2, market_service_pb2, policy_service_pb2
from tidegate_server.runtime.follower_records import RecordFinder
from tidegate_server.runtime.journal_calls import EFFECTS, MESSAGES, JournalCalls
from tidegate_server.wire.methods import CODECS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_record_with_effects_has_its_message() -> None:
    assert {number for number, codec in CODECS.items() if codec.effects is not None} == set(EFFECTS)


def test_every_record_has_its_request_and_response() -> None:
    assert set(MESSAGES) == set(CODECS)


def test_every_record_of_a_journal_is_spelled_out(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_day(config, 60)
    with writing(config) as desk:
        propose = policy_service_pb2.ProposePolicyRequest
        send(desk, "ProposePolicy", propose(policy=tighter(), base_version=1))
        older = looser()
        older.max_order_age_ns *= 2
        answer = policy_service_pb2.ProposePolicyResponse.FromString(
            send(desk, "ProposePolicy", propose(policy=older, base_version=2), "anna")
        )
        approve = policy_service_pb2.ApprovePolicyRequest(version=answer.version)
        send(desk, "ApprovePolicy", approve, "bert")
        regime = market_service_pb2.SetRegimeRequest(
            regime=market_service_pb2.REGIME_ELEVATED, reason="why"
        )
        send(desk, "SetRegime", regime)
        last = desk.machine.sequence
    beside = Beside(config)
    beside.run()
    calls = JournalCalls(RecordFinder(config.folder), beside.prover, lambda: last)
    kinds = set()
    for sequence in range(1, last + 1):
        request = journal_service_pb2.ExplainRecordRequest(sequence=sequence)
        answered = calls.explain_record(request.SerializeToString(), "auditor")
        assert isinstance(answered, bytes)
        explained = journal_service_pb2.ExplainRecordResponse.FromString(answered)
        assert explained.proved
        assert json.loads(explained.request_json) is not None
        assert json.loads(explained.response_json)
        assert bool(explained.effects_json) == bool(explained.entry.record.effects)
        kinds.add((explained.entry.record.method, bool(explained.effects_json)))
    assert (journal_pb2.METHOD_APPROVE_POLICY, True) in kinds
    assert (journal_pb2.METHOD_CHECK_ORDER, True) in kinds
