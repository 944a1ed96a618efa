from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from tidegate_server.runtime.addresses import address_problem, is_local
from tidegate_server.runtime.config import Config, ConfigError, describe, keys, load, render

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "a" * 64


def write(folder: Path, text: str) -> Path:
    path = folder / "tidegate.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_no_file_at_all_is_a_whole_configuration() -> None:
    assert load(environment={}) == Config()


def test_the_gate_listens_on_a_socket_in_the_data_folder(tmp_path: Path) -> None:
    assert load(environment={}).gate_address == f"unix:{tmp_path}/tidegate-data/run/gate.sock"


def test_the_follower_listens_beside_the_gate(tmp_path: Path) -> None:
    config = load(environment={"TIDEGATE_DATA": "/srv/d"})
    assert config.follower_address == "unix:/srv/d/run/follower.sock"


def test_the_file_overrides_the_default(tmp_path: Path) -> None:
    path = write(tmp_path, "[admission]\nwaiting_calls = 7")
    assert load(path, environment={}).admission.waiting_calls == 7


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[admission]\nwaiting_calls = 7")
    environment = {"TIDEGATE_ADMISSION_WAITING_CALLS": "8"}
    assert load(path, environment=environment).admission.waiting_calls == 8


def test_a_flag_overrides_the_environment() -> None:
    environment = {"TIDEGATE_DURABILITY": "write"}
    assert load(environment=environment, flags={"durability": "memory"}).durability == "memory"


def test_a_flag_that_is_not_given_changes_nothing() -> None:
    environment = {"TIDEGATE_DURABILITY": "write"}
    assert load(environment=environment, flags={"durability": None}).durability == "write"


def test_a_file_in_the_working_folder_is_found(tmp_path: Path) -> None:
    write(tmp_path, "shard = 3")
    assert load(environment={}).shard == 3


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("shard = 4", encoding="utf-8")
    assert load(environment={"TIDEGATE_CONFIG": str(path)}).shard == 4


def test_roles_of_local_callers_are_a_list_in_the_environment() -> None:
    config = load(environment={"TIDEGATE_LOCAL_ROLES": "viewer, router"})
    assert config.local_roles == ("viewer", "router")


def test_switches_of_the_environment_are_words() -> None:
    assert load(environment={"TIDEGATE_FOLLOWER_ENABLED": "false"}).follower.enabled is False


def test_principals_are_read_from_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f'[[principals]]\nname = "desk"\nroles = ["router"]\ntoken_sha256 = ["{TOKEN}"]\n',
    )
    (principal,) = load(path, environment={}).principals
    assert (principal.name, principal.roles, principal.token_sha256) == (
        "desk",
        ("router",),
        (TOKEN,),
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("shrad = 1", "shrad"),
        ("shard = -1", "shard"),
        ('shard = "1"', "shard"),
        ("shard = true", "shard"),
        ('data = ""', "data"),
        ('currency = "usd"', "currency"),
        ('transport = "carrier pigeon"', "transport"),
        ('durability = "perhaps"', "durability"),
        ("segment_bytes = 10", "segment_bytes"),
        ("order_id_table = 0", "order_id_table"),
        ('local_roles = ["king"]', "local_roles[0]"),
        ("admission = 3", "admission"),
        ("[admission]\nwaiting = 3", "admission.waiting"),
        ("[admission]\nwaiting_calls = 0", "admission.waiting_calls"),
        ("[admission]\noldest_ms = 1.5", "admission.oldest_ms"),
        ("[commit]\norders = 0", "commit.orders"),
        ("[commit]\nwork_us = 0", "commit.work_us"),
        ("[follower]\nsnapshot_records = 2000000", "follower.snapshot_records"),
        ('[follower]\nmetrics = "0.0.0.0:9"', "follower.metrics"),
        ('[follower]\nmetrics = "nowhere"', "follower.metrics"),
        ('[follower]\nlisten = "0.0.0.0:9"', "follower.listen"),
        ('[log]\nlevel = "loud"', "log.level"),
        ('[log]\nformat = "xml"', "log.format"),
        ("[client]\ntimeout_ms = 0", "client.timeout_ms"),
        ('[client]\naddress = "gate"', "client.address"),
        ('[client]\ntoken_file = "/nowhere"', "client.token_file"),
        ('listen = "7443"', "listen"),
        ('listen = "127.0.0.1:70000"', "listen"),
        ('listen = "unix:gate.sock"', "listen"),
        (f'listen = "unix:/{"x" * 120}"', "listen"),
        ('listen = "0.0.0.0:7443"', "listen"),
        ('[tls]\ncertificate = "c.pem"', "tls.key"),
        ('[tls]\nkey = "k.pem"', "tls.certificate"),
        ('[tls]\nclient_ca = "c.pem"', "tls.client_ca"),
        ('[tls]\ncertificate = "c.pem"\nkey = "k.pem"', "tls.certificate"),
        ('transport = "grpcio"\n[tls]\ncertificate = "c.pem"\nkey = "/nowhere"', "tls.key"),
        ('[[principals]]\nname = "a b"\nroles = ["router"]', "principals[0].name"),
        ('[[principals]]\nname = "a"\nroles = ["king"]', "principals[0].roles[0]"),
        ('[[principals]]\nname = "a"\nroles = []', "principals[0].roles"),
        ('[[principals]]\nname = "a"\nroles = ["router"]', "principals[0]"),
        ('[[principals]]\nname = "a"\nrole = "router"', "principals[0]"),
        (
            '[[principals]]\nname = "a"\nroles = ["router"]\ntoken_sha256 = ["secret"]',
            "principals[0].token_sha256[0]",
        ),
        (
            f'[[principals]]\nname = "local"\nroles = ["router"]\ntoken_sha256 = ["{TOKEN}"]',
            "principals[0]",
        ),
        (
            f'[[principals]]\nname = "gate"\nroles = ["router"]\ntoken_sha256 = ["{TOKEN}"]',
            "principals[0]",
        ),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path: Path, text: str, key: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    assert f"`{key}`" in str(caught.value)


def test_the_file_of_a_wrong_key_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "shard = -1")
    with pytest.raises(ConfigError, match="^" + str(path)):
        load(path, environment={})


def test_the_variable_of_a_wrong_key_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^TIDEGATE_SHARD: `shard`"):
        load(environment={"TIDEGATE_SHARD": "many"})


def test_the_flag_of_a_wrong_key_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^--log-level: `log.level`"):
        load(environment={}, flags={"log.level": "loud"})


def test_an_unknown_variable_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean TIDEGATE_SHARD"):
        load(environment={"TIDEGATE_SHRAD": "1"})


def test_variables_of_others_are_left_alone() -> None:
    environment = {"HOME": "/root", "TIDEGATE_TOKEN": "secret", "TIDEGATE_COMPILE": "never"}
    assert load(environment=environment) == Config()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        load(tmp_path / "none.toml", environment={})


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not TOML"):
        load(write(tmp_path, "shard ="), environment={})


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x", encoding="ascii")
    secret.chmod(0o604)
    with pytest.raises(ConfigError, match=r"`client.token_file`.*chmod 600"):
        load(environment={"TIDEGATE_CLIENT_TOKEN_FILE": str(secret)})


def test_two_principals_with_one_token_are_refused(tmp_path: Path) -> None:
    one = f'[[principals]]\nname = "NAME"\nroles = ["router"]\ntoken_sha256 = ["{TOKEN}"]\n'
    path = write(tmp_path, one.replace("NAME", "a") + one.replace("NAME", "b"))
    with pytest.raises(ConfigError, match=r"`principals\[1\]` \(b\) is not unique"):
        load(path, environment={})


def test_plaintext_for_everybody_needs_the_flag_that_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, 'listen = "0.0.0.0:7443"\ninsecure_plaintext_anywhere = true')
    assert load(path, environment={}).gate_address == "0.0.0.0:7443"


def test_the_rendered_file_reads_back_the_same(tmp_path: Path) -> None:
    text = f'shard = 3\n[[principals]]\nname = "a"\nroles = ["risk"]\ntoken_sha256 = ["{TOKEN}"]\n'
    config = load(write(tmp_path, text), environment={})
    assert load(write(tmp_path, render(config)), environment={}) == config


def test_the_rendered_file_holds_every_key() -> None:
    tree = tomllib.loads(render(Config()))
    for key in keys():
        section, _, name = key.rpartition(".")
        if key != "principals":
            assert name in (tree[section] if section else tree)


@pytest.mark.parametrize("key", [key for key in keys() if key != "principals"])
def test_every_key_is_described(key: str) -> None:
    assert describe(key)


@pytest.mark.parametrize("address", ["unix:/run/a.sock", "127.0.0.1:7443", "[::1]:7443", "h:1"])
def test_addresses_of_both_kinds_are_sound(address: str) -> None:
    assert address_problem(address) is None


def test_an_address_needs_a_port_that_stays() -> None:
    assert "port 0" in (address_problem("127.0.0.1:0") or "")


@pytest.mark.parametrize("address", ["unix:/run/a.sock", "127.0.0.1:1", "[::1]:1", "localhost:1"])
def test_loopback_and_sockets_are_local(address: str) -> None:
    assert is_local(address)


def test_a_name_of_another_machine_is_not_local() -> None:
    assert not is_local("gate.example:7443")
