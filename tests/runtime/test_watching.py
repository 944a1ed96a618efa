"""The follower's streams, by a real process and a real client."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from tests.runtime.flows import make_day
from tests.runtime.folders import Process, following, make_config, wait_until_hashed
from tests.runtime.test_comparing import run, tighter
from typer.testing import CliRunner

from tidegate.v1 import policy_pb2
from tidegate_client import (
    Client,
    OverloadedError,
    RequestError,
)
from tidegate_server.cli.app import app
from tidegate_server.runtime.config import Config, render
from tidegate_server.sample.policy import build_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = CliRunner()


class Follower:
    """A follower at work on a journal of the sample day."""

    def __init__(self, config: Config, last: int, process: Process) -> None:
        self.config = config
        self.last = last
        self.process = process
        self.file = config.folder.parent / "cli.toml"
        self.file.write_text(render(config), encoding="utf-8")

    def client(self) -> Client:
        return Client(
            self.config.follower_address, timeout=20, options=[("grpc.default_authority", "me")]
        )

    def cli(self, *arguments: str) -> Any:
        return CLI.invoke(app, [*arguments, "--config", str(self.file)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module", params=["native", "grpcio"])
def follower(request: pytest.FixtureRequest) -> Iterator[Follower]:
    with tempfile.TemporaryDirectory(prefix="tg-") as name:
        made = make_config(Path(name))
        config = Config(
            data=made.data, transport=request.param, durability="write", follower=made.follower
        )
        last = make_day(config, 150)
        with following(config) as process:
            wait_until_hashed(config, process, last)
            yield Follower(config, last, process)


def candidate_file(folder: Path, policy: policy_pb2.Policy) -> str:
    path = folder / "candidate.json"
    path.write_text(json_format.MessageToJson(policy, preserving_proto_field_name=True))
    return str(path)


def test_the_active_policy_differs_in_nothing(follower: Follower) -> None:
    with follower.client() as client:
        *_, last = client.compare_decisions(build_policy(), from_sequence=1)
    assert last.totals.order_count > 100
    assert last.totals.newly_rejected.order_count == last.totals.newly_allowed.order_count == 0
    assert last.sequence == last.last_sequence == follower.last


def test_a_candidate_is_judged_as_from_the_files(follower: Follower) -> None:
    expected = run(follower.config, tighter())
    with follower.client() as client:
        told = list(client.compare_decisions(tighter(), from_sequence=1))
    assert told[-1].totals == expected.totals
    assert [one for message in told for one in message.differences] == list(expected.differences)


def test_one_comparison_at_a_time(follower: Follower) -> None:
    with follower.client() as client:
        first = client.compare_decisions(tighter(), from_sequence=1)
        next(first)
        with suppress(OverloadedError):  # or the first one has ended already
            *_, last = client.compare_decisions(tighter(), from_sequence=1)
            assert last.HasField("totals")
        first.close()


@pytest.mark.parametrize(
    ("first", "last", "policy"),
    [(-1, 0, None), (5, 4, None), (0, -1, None), (0, 0, policy_pb2.Policy())],
)
def test_what_cannot_be_compared_is_malformed(
    follower: Follower, first: int, last: int, policy: policy_pb2.Policy | None
) -> None:
    with follower.client() as client, pytest.raises(RequestError):
        list(
            client.compare_decisions(
                policy or build_policy(), from_sequence=first, to_sequence=last
            )
        )


def test_the_command_prints_what_differs(follower: Follower, tmp_path: Path) -> None:
    file = candidate_file(tmp_path, tighter())
    asked = ("policy", "compare", file, "--from", "1", "--show", "3")
    online, offline = follower.cli(*asked), follower.cli(*asked, "--offline")
    assert online.exit_code == offline.exit_code == 0, online.output
    assert online.output == offline.output
    expected = run(follower.config, tighter())
    assert "newly refused" in online.output
    assert "LEVERAGE" in online.output
    assert expected.differences[0].order_id in online.output


def test_the_command_prints_lines_of_json(follower: Follower, tmp_path: Path) -> None:
    file = candidate_file(tmp_path, tighter())
    result = follower.cli("policy", "compare", file, "--from", "1", "--json")
    *differences, totals = [json.loads(line) for line in result.output.splitlines()]
    assert len(differences) == int(totals["newly_rejected"]["order_count"]) > 0
    assert differences[0]["candidate_verdict"] == "VERDICT_REJECT"


def test_a_candidate_that_cannot_be_read_is_refused(follower: Follower, tmp_path: Path) -> None:
    file = candidate_file(tmp_path, policy_pb2.Policy())
    for flags in ((), ("--offline",)):
        assert follower.cli("policy", "compare", file, *flags).exit_code == 65


def test_a_range_without_orders_says_so(follower: Follower, tmp_path: Path) -> None:
    file = candidate_file(tmp_path, build_policy())
    result = follower.cli("policy", "compare", file, "--from", "1", "--to", "1")
    assert "No order lies in this range" in result.output
