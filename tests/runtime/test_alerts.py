"""Alerts by a real follower process: listed, streamed, acknowledged, the same after a restart."""

from __future__ import annotations

import hashlib
import json
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.alerting import PATH, Beside, hold, of_position, own_limit, walk_the_path
from tests.runtime.folders import (
    Process,
    following,
    free_port,
    make_config,
    wait_until_hashed,
    writing,
)
from tests.runtime.test_watching import CLI
from tests.transport.harness import eventually

from tidegate.v1 import watch_service_pb2
from tidegate_client import Client, NotFoundError, PermissionDeniedError, RequestError
from tidegate_server.cli.app import app
from tidegate_server.runtime.config import Config, render
from tidegate_server.runtime.config_schema import Follower as FollowerTable
from tidegate_server.runtime.config_schema import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate.v1.watch_service_pb2 import Alert

CRITICAL = watch_service_pb2.ALERT_SEVERITY_CRITICAL
TOKENS = {name: name * 10 for name in ("anna", "bert", "eve")}
ROLES = {"anna": ("risk",), "bert": ("killer",), "eve": ("viewer",)}


def settings_of(folder: Path) -> Config:
    """Return a configuration with three persons; eve may only look."""
    made = make_config(folder)
    return Config(
        data=made.data,
        durability="write",
        segment_bytes=made.segment_bytes,
        follower=FollowerTable(metrics=f"127.0.0.1:{free_port()}", snapshot_records=1_000),
        principals=tuple(
            Principal(
                name=name,
                roles=ROLES[name],  # type: ignore[arg-type] # roles all of them
                token_sha256=(hashlib.sha256(token.encode()).hexdigest(),),
            )
            for name, token in TOKENS.items()
        ),
    )


@contextmanager
def client_of(config: Config, name: str = "") -> Iterator[Client]:
    options = [("grpc.default_authority", "me")]
    token = TOKENS[name] if name else None
    with Client(config.follower_address, timeout=20, token=token, options=options) as client:
        yield client


def cli(config: Config, *arguments: str, by: str = "") -> Any:
    file = config.folder.parent / "cli.toml"
    file.write_text(render(config), encoding="utf-8")
    env = {"COLUMNS": "200", "TIDEGATE_TOKEN": TOKENS[by] if by else None}
    return CLI.invoke(app, [*arguments, "--config", str(file)], env=env)


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    with tempfile.TemporaryDirectory(prefix="tg-") as name:
        made = settings_of(Path(name))
        last = walk_the_path(made)[-1]
        with following(made) as process:
            wait_until_hashed(made, process, last)
            yield made


def all_of(client: Client) -> list[Alert]:
    """Return every alert, the oldest first."""
    found: list[Alert] = []
    token = ""
    while True:
        page = client.list_alerts(7, token)
        found += page.alerts
        token = page.next_page_token
        if not token:
            return found[::-1]


def test_they_are_those_of_the_journal(config: Config, tmp_path: Path) -> None:
    expected = Beside(config, tmp_path).run()
    with client_of(config, "eve") as client:
        found = all_of(client)
        for alert in found:
            alert.ClearField("acknowledgement")
        assert found == expected
        assert len(of_position(found)) == 3
        assert client.list_alerts().as_of_sequence >= found[-1].sequence


def test_a_list_is_of_what_was_asked_for(config: Config) -> None:
    with client_of(config, "anna") as client:
        found = all_of(client)
        critical = client.list_alerts(least_severity=CRITICAL).alerts
        assert critical
        assert list(critical) == [one for one in found[::-1] if one.severity == CRITICAL]
        own = client.list_alerts(account_id="P1").alerts
        assert list(own) == [one for one in found[::-1] if one.account_id == "P1"]
        for wrong in ({"page_size": 101}, {"page_token": "x"}, {"account_id": "a b"}):
            with pytest.raises(RequestError):
                client.list_alerts(**wrong)


def test_a_watch_goes_on_after_a_known_alert_and_with_new_ones(config: Config) -> None:
    with client_of(config, "anna") as client, writing(config) as desk:
        found = all_of(client)
        middle = found[len(found) // 2]
        stream = client.watch_alerts(middle.alert_id)
        told: list[str] = []
        expected = [one.alert_id for one in found if one.alert_id not in told]
        expected = expected[expected.index(middle.alert_id) + 1 :]
        while len(told) < len(expected):
            told += [alert.alert_id for alert in next(stream).alerts]
        assert told == expected
        to_come = client.watch_alerts()
        own_limit(desk, "W1")
        sequence = hold(desk, "W1", 960)
        fresh = next(alert for page in stream for alert in page.alerts if alert.name == "position")
        assert (fresh.sequence, fresh.level_bps, fresh.account_id) == (sequence, 9_500, "W1")
        del to_come
        everything = client.watch_alerts("0")
        assert next(everything).alerts[0].alert_id == found[0].alert_id
        with pytest.raises(RequestError):
            next(client.watch_alerts("nonsense"))


def test_the_first_of_two_persons_is_kept(config: Config) -> None:
    with client_of(config, "anna") as anna, client_of(config, "bert") as bert:
        alert = of_position(all_of(anna))[0]
        given = anna.acknowledge_alert(alert.alert_id, "called the desk").alert.acknowledgement
        assert (given.principal, given.note) == ("anna", "called the desk")
        assert bert.acknowledge_alert(alert.alert_id, "so").alert.acknowledgement == given
        assert alert.alert_id not in {
            one.alert_id for one in bert.list_alerts(unacknowledged_only=True).alerts
        }
        with pytest.raises(NotFoundError):
            anna.acknowledge_alert("999999-0")
        for wrong in (("x", ""), (alert.alert_id, "a\nb"), (alert.alert_id, "a" * 257)):
            with pytest.raises(RequestError):
                anna.acknowledge_alert(*wrong)


def test_who_only_looks_cannot_acknowledge(config: Config) -> None:
    with client_of(config, "eve") as client:
        alert = all_of(client)[0]
        with pytest.raises(PermissionDeniedError):
            client.acknowledge_alert(alert.alert_id)


def test_they_are_counted_for_prometheus(config: Config) -> None:
    def told() -> str:
        address = f"http://{config.follower.metrics}/metrics"
        with urllib.request.urlopen(address, timeout=5) as page:
            text: str = page.read().decode()
            return text

    with client_of(config, "anna") as client:
        critical = [
            one
            for one in all_of(client)
            if (one.kind, one.severity) == (watch_service_pb2.ALERT_KIND_LIMIT, CRITICAL)
        ]
    line = f'tidegate_alerts_total{{kind="limit",severity="critical"}} {len(critical)}.0'
    eventually(lambda: line in told(), 60)
    assert "tidegate_alerts_unacknowledged{" in told()


def test_the_commands_list_watch_and_acknowledge(config: Config) -> None:
    result = cli(config, "alerts", "list", "--severity", "critical", "--account", "P1", by="bert")
    assert result.exit_code == 0, result.output
    assert "position in SPY has reached 95.00 %: 96.00 %, 960 of 1,000" in result.output
    result = cli(config, "alerts", "watch", "--after", "0", "-n", "2", by="bert")
    assert len(result.output.splitlines()) == 2
    first = json.loads(cli(config, "alerts", "watch", "--after", "0", "-n", "1", "--json").output)
    said = cli(config, "alerts", "acknowledge", first["alert_id"], "--note", "seen", by="bert")
    assert f"{first['alert_id']}: noted by bert" in said.output
    listed = cli(config, "alerts", "list", "--json", "--limit", "500").output.splitlines()
    noted = [one for one in map(json.loads, listed) if one["alert_id"] == first["alert_id"]]
    assert noted[0]["acknowledgement"]["principal"] == "bert"
    open_ones = cli(config, "alerts", "list", "--json", "--open", "--limit", "500").output
    assert f'"{first["alert_id"]}"' not in open_ones
    assert cli(config, "alerts", "acknowledge", "1-9999").exit_code == 65


def test_a_kill_changes_neither_alerts_nor_acknowledgements() -> None:
    with tempfile.TemporaryDirectory(prefix="tg-") as name:
        config = settings_of(Path(name))
        walk_the_path(config)
        with following(config) as process, writing(config) as desk:
            wait_until_hashed(config, process, desk.machine.sequence)
            with client_of(config, "anna") as client:
                before = all_of(client)
                client.acknowledge_alert(of_position(before)[0].alert_id, "seen")
                before = all_of(client)
            process.kill()
            again = Process(config, "follow")
            try:
                wait_until_hashed(config, again, desk.machine.sequence)
                with client_of(config, "anna") as client:
                    assert all_of(client) == before
                desk.trade(1_100, in_frame=100)  # a snapshot is taken
                wait_until_hashed(config, again, desk.machine.sequence)
                eventually(lambda: list((config.folder / "alert-states").glob("*.json")), 60)
                assert again.stop() == 0
            finally:
                again.kill()
            third = Process(config, "follow")
            try:
                wait_until_hashed(config, third, desk.machine.sequence)
                with client_of(config, "anna") as client:
                    assert all_of(client)[: len(before)] == before
                    for percent in PATH[:2]:
                        hold(desk, "P1", percent * 10)
                    wait_until_hashed(config, third, desk.machine.sequence)
                    found = of_position(all_of(client))
                    assert [alert.level_bps for alert in found] == [9_500] * 4
            finally:
                third.kill()
