"""The follower's streams, by a real process and a real client."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from tests.e2e.support import eventually, free_port
from tests.runtime.flows import make_day, send
from tests.runtime.folders import (
    Process,
    following,
    make_config,
    make_journal,
    wait_until_hashed,
    writing,
)
from tests.runtime.test_comparing import run, tighter
from typer.testing import CliRunner

from tidegate.v1 import control_service_pb2, order_pb2, policy_pb2
from tidegate_client import (
    Client,
    ConnectionFailedError,
    NotFoundError,
    OverloadedError,
    RequestError,
)
from tidegate_server.cli.app import app
from tidegate_server.runtime.config import Config, render
from tidegate_server.runtime.streams import PRINCIPAL_LIMIT
from tidegate_server.sample.policy import build_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CLI = CliRunner()


def has_come(messages: Iterator[Any], wanted: Callable[[Any], bool]) -> Any:
    """Read until a message is what is waited for; return it."""
    return next(message for message in messages if wanted(message))


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
        made = make_config(Path(name), metrics=f"127.0.0.1:{free_port()}")
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
        eventually(lambda: compares(client), 60)


def compares(client: Client) -> bool:
    """Tell whether the follower has noticed that nobody reads the comparison before."""
    with suppress(OverloadedError):
        return bool(list(client.compare_decisions(tighter(), from_sequence=1, to_sequence=1)))
    return False


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


def test_records_come_from_the_first_and_as_they_become_durable(follower: Follower) -> None:
    with follower.client() as client:
        stream = client.watch_records(1)
        seen: list[int] = []
        while len(seen) < follower.last:
            page = next(stream)
            assert 1 <= len(page.entries) <= 100
            seen += [entry.sequence for entry in page.entries]
            assert page.next_sequence == seen[-1] + 1
        assert seen == list(range(1, follower.last + 1))
        with writing(follower.config) as desk:
            desk.trade(3)
        while len(seen) < follower.last + 3:
            seen += [entry.sequence for entry in next(stream).entries]
        assert seen[-1] == follower.last + 3
        follower.last += 3
        again = client.watch_records(follower.last)
        assert [entry.sequence for entry in next(again).entries] == [follower.last]


def test_accounts_come_at_once_and_after_each_change(follower: Follower) -> None:
    names = ["A0001", "A0002"]
    with follower.client() as client, writing(follower.config) as desk:
        stream = client.watch_accounts(names)
        first = [next(stream), next(stream)]
        assert [message.account.account.account_id for message in first] == names
        assert first[0].as_of_sequence == follower.last
        before = desk.machine.book.accounts["A0002"].day_order_count
        assert first[1].account.day_order_count == before
        for name in ("A0003", "A0002"):
            order = desk.order()
            order.account_id = name
            desk.call("CheckOrder", order)
        changed = has_come(stream, lambda message: message.account.day_order_count > before)
        assert changed.account.account.account_id == "A0002"
        assert changed.as_of_sequence == desk.machine.sequence
        stop = control_service_pb2.HaltRequest(
            stop_id="h1", scope_kind=order_pb2.SCOPE_KIND_ACCOUNT, scope_id="A0001", reason="why"
        )
        desk.call("Halt", stop)
        halted = has_come(stream, lambda message: "h1" in message.account.stop_ids)
        assert halted.account.account.account_id == "A0001"
        for person in ("anna", "bert"):
            send(
                desk,
                "Release",
                control_service_pb2.ReleaseRequest(stop_id="h1", reason="over"),
                person,
            )
        has_come(stream, lambda message: "h1" not in message.account.stop_ids)
        follower.last = desk.machine.sequence


def test_a_reader_who_is_behind_gets_the_latest_state_only(follower: Follower) -> None:
    with follower.client() as client, writing(follower.config) as desk:
        name = "A0005"
        stream = client.watch_accounts([name])
        next(stream)
        for _ in range(200):
            order = desk.order()
            order.account_id = name
            desk.call("CheckOrder", order)
        count = desk.machine.book.accounts[name].day_order_count
        counts: list[int] = []
        while not counts or counts[-1] < count:
            counts.append(next(stream).account.day_order_count)
        assert counts == sorted(set(counts))
        follower.last = desk.machine.sequence


@pytest.mark.parametrize("names", [[], ["A0001", "A0001"], ["a b"], ["A"] * 101])
def test_accounts_that_cannot_be_named_are_malformed(follower: Follower, names: list[str]) -> None:
    with follower.client() as client, pytest.raises(RequestError):
        next(client.watch_accounts(names))


def test_an_unknown_account_is_not_found(follower: Follower) -> None:
    with follower.client() as client, pytest.raises(NotFoundError):
        next(client.watch_accounts(["A0001", "NOBODY"]))


def test_more_streams_than_one_may_have_are_refused(follower: Follower) -> None:
    with follower.client() as client:
        # Those of tests before may not have ended yet.
        streams = [client.watch_accounts(["A0001"]) for _ in range(PRINCIPAL_LIMIT + 1)]
        with pytest.raises(OverloadedError):
            read_each(streams)
        eventually(lambda: count_streams(follower) == PRINCIPAL_LIMIT, 60)
        streams[0].close()
        eventually(lambda: opens(client), 60)
    eventually(lambda: count_streams(follower) == 0, 60)


def count_streams(follower: Follower) -> int:
    with urllib.request.urlopen(
        f"http://{follower.config.follower.metrics}/metrics", timeout=5
    ) as page:
        lines = page.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("tidegate_follower_open_streams ")]
    return int(float(line.split()[1]))


def read_each(streams: Iterable[Iterator[Any]]) -> None:
    for stream in streams:
        next(stream)


def opens(client: Client) -> bool:
    with suppress(OverloadedError):
        next(client.watch_accounts(["A0001"]))
        return True
    return False


def test_the_commands_print_what_comes(follower: Follower) -> None:
    result = follower.cli("watch", "records", "--from", "1", "-n", "5")
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 5
    result = follower.cli("watch", "records", "--from", "2", "-n", "1", "--json")
    assert json.loads(result.output)["sequence"] == "2"
    result = follower.cli("watch", "accounts", "A0001", "A0002", "-n", "2")
    assert [line.split()[3] for line in result.output.splitlines()] == ["A0001", "A0002"]
    assert "equity" in result.output
    result = follower.cli("watch", "accounts", "A0001", "-n", "1", "--json")
    assert json.loads(result.output)["account"]["account"]["account_id"] == "A0001"


def test_streams_end_when_the_follower_does(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tg-") as name:
        config = make_config(Path(name))
        last = make_journal(config, 5)
        with following(config) as process:
            wait_until_hashed(config, process, last)
            with Follower(config, last, process).client() as client:
                stream = client.watch_accounts(["A0001"])
                next(stream)
                process.process.terminate()
                with pytest.raises(ConnectionFailedError):
                    list(stream)
            assert process.process.wait(20) == 0
