"""Starting, draining and refusing to start."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

from tests.e2e.support import Server, home_folder, order, trading

from tidegate_client import Client, ConnectionFailedError

if TYPE_CHECKING:
    from tidegate_client import Decision, Order

NOT_STARTED = 78


def refused(server: Server, *, because: str) -> None:
    """Start a server that must refuse: one clear line, exit code 78, no traceback."""
    ended = server.run("serve")
    lines = [line for line in ended.stderr.splitlines() if line.startswith("tidegate: ")]
    assert ended.returncode == NOT_STARTED, ended.stderr
    assert len(lines) == 1, ended.stderr
    assert because in lines[0]
    assert "Traceback" not in ended.stderr


def reconfigured(server: Server, before: str, after: str) -> Server:
    text = server.config.read_text(encoding="utf-8")
    assert before in text
    server.config.write_text(text.replace(before, after), encoding="utf-8")
    return server


class Routers:
    """Threads that check orders one after the other and keep what was answered."""

    def __init__(self, server: Server, number: int = 3) -> None:
        self.answers: list[tuple[Order, Decision]] = []
        self.errors: list[Decision] = []
        self._clients = [server.client(timeout=0.5, attempt_timeout=0.5) for _ in range(number)]
        self._threads = [
            threading.Thread(target=self._run, args=(client, f"A{index}"))
            for index, client in enumerate(self._clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        for client in self._clients:
            client.close(0.0)

    def _run(self, client: Client, account: str) -> None:
        while True:
            asked = order(account, 1)
            decision = client.check(asked)
            if decision.error is not None:
                self.errors.append(decision)
                return
            self.answers.append((asked, decision))


def test_a_drain_loses_no_acknowledged_answer_and_ends_with_nought(transport: str) -> None:
    with trading(transport) as (server, _):
        routers = Routers(server)
        routers.start()
        time.sleep(0.3)
        code = server.stop()
        routers.join()
        assert code == 0
        assert '"drained"' in server.said()
        assert len(routers.answers) > 3
        assert all(isinstance(end.error, ConnectionFailedError) for end in routers.errors)
        server.start()
        with server.client() as client:
            for asked, first in routers.answers:
                again = client.check(asked)
                assert again.replayed
                assert (again.verdict, again.sequence) == (first.verdict, first.sequence)


def test_a_restart_keeps_everything_and_begins_an_epoch(transport: str) -> None:
    with trading(transport) as (server, client):
        last = client.check(order("A0"))
        account, before = client.get_account("A0").account, client.status()
        assert server.stop() == 0
        server.start()
        with server.client() as again:
            after = again.status()
            kept = again.get_account("A0").account
            now = again.check(order("A0"))
    for deadline in (account.open_orders[0], kept.open_orders[0]):
        deadline.ClearField("acknowledge_by_time_ns")  # moved on by the time that nobody listened
    assert kept == account
    assert after.epoch == before.epoch + 1
    assert after.sequence == before.sequence + 1  # the epoch's own record
    assert now.decided_time_ns > last.decided_time_ns


def test_an_interrupt_drains_too() -> None:
    with trading("native") as (server, _):
        assert server.process is not None
        server.process.send_signal(2)
        assert server.wait() == 0


def test_a_second_server_on_the_same_folder_is_refused(server: Server, client: Client) -> None:
    refused(server, because="is owned by another running process")
    assert client.status().state == "serving"


def test_a_second_server_on_the_same_address_is_refused(server: Server, client: Client) -> None:
    with home_folder() as home:
        second = Server(home, server.transport, {"listen": server.address}).init()
        refused(second, because="another gate serves")
    assert client.status().state == "serving"


def test_a_start_that_cannot_bind_neither_says_serving_nor_leaves_a_record(server: Server) -> None:
    with home_folder() as home:
        second = Server(home, server.transport, {"listen": server.address}).init()
        files = second.folder / "epoch", min((second.folder / "journal").glob("*.seg"))
        before = [file.read_bytes() for file in files]
        ended = second.run("serve")
        assert ended.returncode == NOT_STARTED
        assert '"recovered"' in ended.stderr
        assert '"serving"' not in ended.stderr
        assert [file.read_bytes() for file in files] == before


def test_a_folder_of_another_currency_is_refused(transport: str) -> None:
    with home_folder() as home:
        server = Server(home, transport, {"currency": "USD"}).init()
        refused(reconfigured(server, '"USD"', '"EUR"'), because="EUR")


def test_a_folder_of_another_shard_is_refused(transport: str) -> None:
    with home_folder() as home:
        server = Server(home, transport, {"shard": 1}).init()
        refused(reconfigured(server, "shard = 1", "shard = 2"), because="FOREIGN_SHARD")


def test_a_folder_that_is_not_there_is_refused_with_what_to_do(transport: str) -> None:
    with home_folder() as home:
        refused(Server(home, transport), because="tidegate init")


def test_a_damaged_journal_is_refused_with_its_row(transport: str) -> None:
    with home_folder() as home:
        server = Server(home, transport).init()
        (segment,) = (server.folder / "journal").glob("*.seg")
        content = bytearray(segment.read_bytes())
        content[200] ^= 1
        segment.write_bytes(content)
        refused(server, because="BELOW_WATERMARK")


def test_a_folder_that_holds_a_journal_is_not_made_again(server: Server) -> None:
    ended = server.run("init")
    assert ended.returncode == NOT_STARTED
    assert "is not empty" in ended.stderr


def cut_short(server: Server) -> bool:
    """Kill an init as soon as it has begun; tell whether it was not done by then."""
    with server.initialising() as process:
        while process.poll() is None and not (server.folder / "unfinished").exists():
            time.sleep(0)
        process.kill()
    return (server.folder / "unfinished").exists()


def test_an_init_that_was_killed_is_not_served_and_can_be_done_again(transport: str) -> None:
    with home_folder() as home:
        server = Server(home, transport)
        while not cut_short(server):
            shutil.rmtree(server.folder)
        refused(server, because="tidegate init")
        server.init().start()
        assert server.stop() == 0
