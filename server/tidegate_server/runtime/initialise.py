"""Make a data folder whose first record is the policy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tidegate.v1 import policy_service_pb2
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import Writer, making, persist_epoch, recover
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from tidegate.v1 import policy_pb2

    from .config import Config

FIRST_EPOCH = 1
PRINCIPAL = "local"


class PolicyRefusedError(ValueError):
    """The first policy cannot be used; the text names the field."""


def initialise(config: Config, policy: policy_pb2.Policy) -> None:
    """Create the folder and commit the policy as record 1.

    Raises PolicyRefusedError before anything is written, NotADataFolderError for a folder that
    holds something already; what an earlier try was kept from finishing is made anew.
    """
    now_ns = time.time_ns()
    machine = Machine()
    request = policy_service_pb2.ProposePolicyRequest(policy=policy).SerializeToString()
    answer = machine.call(BY_NAME["ProposePolicy"], request, PRINCIPAL, now_ns)
    if answer.error is not None or answer.record is None:
        problem = answer.error.message if answer.error is not None else "it makes no record"
        raise PolicyRefusedError(f"the policy cannot be used: {problem}")
    shard, currency = config.shard, config.currency
    with making(config.folder, shard=shard, currency=currency, created_time_ns=now_ns):
        persist_epoch(config.folder, FIRST_EPOCH)
        position = recover(config.folder, shard=shard, rules_version=RULES_VERSION).position
        writer = Writer(
            config.folder,
            position,
            shard=shard,
            epoch=FIRST_EPOCH,
            rules_version=RULES_VERSION,
            segment_bytes=config.segment_bytes,
        )
        try:
            writer.commit([answer.record], now_ns)
        finally:
            writer.close()
