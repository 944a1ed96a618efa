"""The configuration: defaults, then one TOML file, then the environment, then flags.

Each layer overrides the one before, key by key. `admission.oldest_ms` of the file is
`TIDEGATE_ADMISSION_OLDEST_MS` of the environment. Lists of tables (`principals`) live in the file
only. A key that is unknown or out of range stops the program, and the error says which key, where
it was set and what is wrong with it. No secret is ever a key: tokens appear as SHA-256, or in a
file of their own.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints

import msgspec

from tidegate_server.runtime.addresses import address_problem, is_local
from tidegate_server.runtime.config_schema import IN_WORDS, Config, Principal, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "Config",
    "ConfigError",
    "Principal",
    "address_problem",
    "describe",
    "get",
    "is_local",
    "keys",
    "load",
    "render",
    "require_private",
]

DEFAULT_FILE = "tidegate.toml"
PREFIX = "TIDEGATE_"
NOT_OURS = frozenset({"TIDEGATE_CONFIG", "TIDEGATE_COMPILE", "TIDEGATE_TOKEN"})


class ConfigError(Exception):
    """A key is wrong; the text names it and where it was set."""


class Setting(NamedTuple):
    """One value with its origin."""

    value: object
    source: str
    is_text: bool  # from the environment or a flag, so digits may stand for a number


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """Read and validate; `flags` maps keys to values, None meaning not given.

    Without `file`, TIDEGATE_CONFIG names one, else ./tidegate.toml is read if it exists. Raises
    ConfigError.
    """
    settings: dict[str, Setting] = {}
    for layer in (_of_file(_find(file, environment)), _of_environment(environment)):
        settings.update(layer)
    for key, value in (flags or {}).items():
        if value is not None:
            name = "--" + key.removeprefix("client.").replace(".", "-").replace("_", "-")
            settings[key] = Setting(value, name, is_text=True)
    config = _build(settings)
    for key, problem in _problems(config):
        source = settings[key].source if key in settings else "default"
        raise ConfigError(f"{source}: `{key}` {problem}")
    for key in ("tls.key", "client.key", "client.token_file"):
        if path := get(config, key):
            require_private(Path(str(path)), key)
    return config


def keys(section: type[Section] = Config, prefix: str = "") -> dict[str, Any]:
    """Return every key with its annotated type, in order."""
    found: dict[str, Any] = {}
    for name, kind in get_type_hints(section, include_extras=True).items():
        if isinstance(kind, type) and issubclass(kind, Section):
            found |= keys(kind, f"{prefix}{name}.")
        else:
            found[prefix + name] = kind
    return found


def describe(key: str) -> str:
    """Return the one-line description of a key."""
    for part in getattr(KEYS[key], "__metadata__", ()):
        if part.description:
            return str(part.description)
    return ""


def render(config: Config) -> str:
    """Return the configuration as a commented TOML file that `load` reads back."""
    lines, table = [], ""
    for key in KEYS:
        section, _, name = key.rpartition(".")
        if key == "principals":
            continue
        if section != table:
            lines += ["", f"[{section}]"]
            table = section
        lines.append(f"{name} = {_toml(get(config, key))}  # {describe(key)}")
    for principal in config.principals:
        lines += ["", "[[principals]]"]
        stated = msgspec.to_builtins(principal)
        lines += [f"{name} = {_toml(value)}" for name, value in stated.items()]
    return "\n".join(lines) + "\n"


def get(config: Config, key: str) -> object:
    """Return the value of a dotted key."""
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def require_private(path: Path, key: str) -> None:
    """Refuse a secret that others can read; raise ConfigError."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"`{key}`: {path} cannot be read: {error.strerror}") from None
    if mode & 0o007:
        raise ConfigError(f"`{key}`: {path} can be read by others: chmod 600 it")


def _find(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file
    if named := environment.get("TIDEGATE_CONFIG"):
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def _of_file(path: Path | None) -> dict[str, Setting]:
    if path is None:
        return {}
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    return {k: Setting(v, str(path), is_text=False) for k, v in _flatten(tree, "")}


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        key = prefix + name
        if isinstance(value, dict) and key in SECTIONS:
            yield from _flatten(value, key + ".")
        else:
            yield key, value


def _of_environment(environment: Mapping[str, str]) -> dict[str, Setting]:
    names = {PREFIX + key.upper().replace(".", "_"): key for key in KEYS if key != "principals"}
    found = {}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in NOT_OURS:
            continue
        if name not in names:
            raise ConfigError(f"environment: {name} is not known{_nearest(name, names)}")
        found[names[name]] = Setting(environment[name], name, is_text=True)
    return found


def _build(settings: Mapping[str, Setting]) -> Config:
    tree: dict[str, Any] = {}
    for key, setting in settings.items():
        if key not in KEYS:
            raise ConfigError(f"{setting.source}: `{key}` is not known{_nearest(key, KEYS)}")
        section, _, name = key.rpartition(".")
        place = tree.setdefault(section, {}) if section else tree
        place[name] = _convert(key, setting)
    return msgspec.convert(tree, Config)


def _convert(key: str, setting: Setting) -> object:
    value = setting.value
    if key == "local_roles" and isinstance(value, str):
        value = [role for role in value.replace(",", " ").split() if role]
    try:
        converted: object = msgspec.convert(value, KEYS[key], strict=not setting.is_text)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        where = key + place.rstrip("`")
        if key in IN_WORDS:
            problem = f"use {IN_WORDS[key]}"
        elif choices := _choices(KEYS[key]):
            problem += f"; use {', '.join(choices)}"
        raise ConfigError(f"{setting.source}: `{where}` is wrong: {problem}") from None
    return converted


def _choices(kind: object) -> list[str]:
    """Return the words of a literal type, however deep it lies."""
    parts = get_args(kind)
    return [w for part in parts for w in ([part] if isinstance(part, str) else _choices(part))]


def _problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what single keys cannot know."""
    addresses = {"listen": config.gate_address, "follower.listen": config.follower_address}
    for key, address in addresses.items():
        if problem := address_problem(address):
            yield key, problem
    yield from _exposures(config)
    yield from _callers(config)
    if config.client.address and (problem := address_problem(config.client.address)):
        yield "client.address", problem


def _exposures(config: Config) -> Iterator[tuple[str, str]]:
    tls = config.tls
    if bool(tls.certificate) != bool(tls.key):
        yield "tls.key" if tls.certificate else "tls.certificate", "is missing: they go together"
    if tls.client_ca and not tls.certificate:
        yield "tls.client_ca", "needs tls.certificate and tls.key"
    if tls.certificate and config.transport == "native":
        yield "tls.certificate", 'needs transport = "grpcio": the native front speaks plaintext'
    plain_anywhere = config.insecure_plaintext_anywhere or bool(tls.certificate)
    if not is_local(config.gate_address) and not plain_anywhere:
        yield "listen", "is reachable from other machines in plaintext: set tls, or a Unix socket"
    if not is_local(config.follower_address) and not plain_anywhere:
        yield "follower.listen", "is reachable from other machines in plaintext"
    metrics = config.follower.metrics
    if metrics and (metrics.startswith("unix:") or address_problem(metrics)):
        yield "follower.metrics", f"must be HOST:PORT or empty, not {metrics!r}"
    elif metrics and not is_local(metrics):
        yield "follower.metrics", "must be on loopback: metrics tell what the firm trades"


def _callers(config: Config) -> Iterator[tuple[str, str]]:
    seen: set[str] = {"local", "gate"}  # whose stops the gate sets by itself
    for index, principal in enumerate(config.principals):
        key = f"principals[{index}]"
        credentials = (*principal.token_sha256, *principal.spiffe_ids)
        if not credentials:
            yield key, f"({principal.name}) has neither token_sha256 nor spiffe_ids"
        for value in (principal.name, *credentials):
            if value in seen:
                yield key, f"({principal.name}) is not unique, or has a name of the gate's own"
            seen.add(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return f"{value:_}" if isinstance(value, int) else msgspec.json.encode(value).decode()


KEYS = keys()
SECTIONS: dict[str, type[Section]] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if isinstance(kind, type) and issubclass(kind, Section)
}
