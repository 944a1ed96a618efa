"""kill -9 at any moment: nothing that was acknowledged is lost or changed."""

from __future__ import annotations

import os
import random
import time

import pytest
from tests.e2e.support import trading
from tests.e2e.witness import Witnesses

from tidegate_server.runtime.recover import recover_machine

SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ROUNDS = {"native": 45, "grpcio": 5}
EACH = 10  # acknowledgements that a round has on the average, at least
LOADED_ANEW = 15  # every so many rounds the program is loaded anew, else forked when loaded


@pytest.mark.parametrize("transport", ROUNDS)
def test_no_acknowledged_answer_is_lost_by_kill(transport: str) -> None:
    print(f"KILL_SEED={SEED}")  # noqa: T201 - shown when the test fails
    chance = random.Random(f"{SEED}/{transport}")
    witnesses = Witnesses(SEED)
    with trading(transport, {"log.level": "error"}) as (server, _):
        for number in range(ROUNDS[transport]):
            witnesses.start(server.address)
            time.sleep(chance.uniform(0.005, 0.15))
            witnesses.await_acknowledged(EACH * (number + 1))
            server.kill()
            witnesses.join()
            if number % LOADED_ANEW:
                server.start()
            else:
                server.load_and_start()
            witnesses.hold_to(server.address, recent=30)
        assert server.stop() == 0
        decided = recover_machine(
            server.folder,
            shard=0,
            order_id_limit=1 << 20,
            repair=False,
            verify=True,
            from_start=True,
        )
        assert decided.mismatches == []
        evolved = recover_machine(
            server.folder, shard=0, order_id_limit=1 << 20, repair=False, from_start=True
        )
        assert decided.machine.state_hash() == evolved.machine.state_hash()
        assert server.run("journal", "verify").returncode == 0
