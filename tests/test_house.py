"""The house itself: generated code, contract, arrows, sizes, leftovers, wheel, documents."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PROTOS = ROOT / "protos"
CONTRACT = sorted((PROTOS / "tidegate" / "v1").glob("*.proto"))
SOURCES = sorted((ROOT / "server").rglob("*.py")) + sorted((ROOT / "client").rglob("*.py"))
TEXTS = (".py", ".proto", ".md", ".toml", ".sh", ".txt", ".yaml")

FUNCTION_LIMIT = 70
MODULE_LIMIT = 300

# Exceptions, each with what it may have at most.
LONG_MODULES = {
    # One value class, or one pair of codecs, a command: long but flat.
    "server/tidegate_server/wire/snapshots.py": 440,
    "client/tidegate_client/_methods.py": 330,
    "client/tidegate_client/_client.py": 320,
    # The table of methods.
    "server/tidegate_server/wire/methods.py": 400,
    # One loop with what it holds.
    "server/tidegate_server/runtime/follower.py": 340,
}


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of our programs."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# Generated code and the contract.


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the code as `make protos` does, beside the tree."""
    out = tmp_path_factory.mktemp("generated")
    done = run(
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
        "-I",
        "protos",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=quiet:{out}",
        *(str(path.relative_to(ROOT)) for path in CONTRACT),
    )
    assert done.returncode == 0, done.stderr
    return out


def test_generated_code_is_what_the_contract_gives(generated: Path) -> None:
    made = {path.relative_to(generated): path for path in generated.rglob("*") if path.is_file()}
    assert made
    for name, path in made.items():
        assert (PROTOS / name).read_bytes() == path.read_bytes(), f"{name}: run `make protos`"


def test_generated_code_has_no_file_that_the_contract_lost(generated: Path) -> None:
    kept = {path.name for path in (PROTOS / "tidegate" / "v1").glob("*_pb2*")}
    assert kept == {path.name for path in generated.rglob("*_pb2*")}


def test_generated_code_is_made_by_the_command_of_make_protos() -> None:
    recipe = (ROOT / "Makefile").read_text()
    for word in ("--python_out=protos", "--mypy_out=quiet:protos", "--mypy_grpc_out=quiet:protos"):
        assert word in recipe


def test_the_contract_passes_its_lint() -> None:
    done = run(str(BIN / "buf"), "lint", cwd=PROTOS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_arrows_between_the_rooms_hold() -> None:
    done = run(str(BIN / "lint-imports"), "--no-logo", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


# Sizes and leftovers.


class Size(NamedTuple):
    """How long a function or module is."""

    name: str
    lines: int


def functions() -> list[Size]:
    """Return every function of server and client with its length."""
    found = []
    for path in SOURCES:
        module = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                found.append(Size(f"{module}:{node.name}", lines))
    return found


def modules() -> list[Size]:
    """Return every module of server and client with its length."""
    return [
        Size(path.relative_to(ROOT).as_posix(), len(path.read_text().splitlines()))
        for path in SOURCES
    ]


def test_no_function_is_longer_than_a_screen() -> None:
    assert not [size for size in functions() if size.lines > FUNCTION_LIMIT]


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    sizes = modules()
    assert not [size for size in sizes if size.lines > LONG_MODULES.get(size.name, MODULE_LIMIT)]


def test_every_exception_of_size_is_of_a_module_that_exists() -> None:
    assert LONG_MODULES.keys() <= {size.name for size in modules()}


def tracked() -> list[Path]:
    """Return the files of the tree, by git where it is one."""
    done = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
    if done.returncode:
        pytest.skip("the tree is no git repository")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_nothing_is_left_to_do_in_a_comment() -> None:
    leftover = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    found = []
    for path in tracked():
        if path.suffix in TEXTS:
            lines = enumerate(path.read_text().splitlines(), 1)
            found += [f"{path}:{number}" for number, line in lines if leftover.search(line)]
    assert not found


# The wheel.


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel without machine code; return the names of its files."""
    out = tmp_path_factory.mktemp("wheel")
    program = (
        "import os, sys; from hatchling.builders.wheel import WheelBuilder;"
        "print(next(WheelBuilder('.').build(directory=sys.argv[1], versions=['standard'])))"
    )
    done = run(sys.executable, "-c", program, str(out), TIDEGATE_COMPILE="never")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_three_packages_only(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    packages = {"tidegate", "tidegate_client", "tidegate_server"}
    assert {top for top in tops if not top.endswith(".dist-info")} == packages


def test_the_wheel_holds_the_contract_and_its_types(wheel: list[str]) -> None:
    for path in CONTRACT:
        stem = path.relative_to(PROTOS).with_suffix("").as_posix()
        assert {f"{stem}.proto", f"{stem}_pb2.py", f"{stem}_pb2.pyi"} <= set(wheel)


def test_every_package_of_the_wheel_says_that_it_is_typed(wheel: list[str]) -> None:
    for package in ("tidegate", "tidegate_client", "tidegate_server"):
        assert f"{package}/py.typed" in wheel


def test_the_wheel_holds_the_sample(wheel: list[str]) -> None:
    sample = {name.rsplit("/", 1)[1] for name in wheel if "/sample/" in name}
    assert {"closes.csv", "tape.csv.gz", "SOURCES.md"} <= sample


def test_the_wheel_holds_no_test_and_no_bench(wheel: list[str]) -> None:
    assert not [name for name in wheel if "test_" in name or name.startswith("bench")]


def readme() -> str:
    """Return the README."""
    return (ROOT / "README.md").read_text()


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_command_of_the_readme_is_a_target() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b", " ".join(code_of(readme()))))
    assert named
    assert named <= targets()


def code_of(text: str) -> list[str]:
    """Return what a document shows as code."""
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    return blocks + re.findall(r"`[^`\n]+`", text)


# What texts name is there.

#: Files of Python, the contract and documents, wherever a text names them.
NAMED = re.compile(r"(?<![\w/.*])((?:[\w.-]+/)*\w[\w-]*\.(?:py|proto|md))\b")
#: Folders that a document may name in backticks; those of a data folder are not the tree's.
FOLDERS = ("server", "client", "protos", "tests", "bench", "docs", "deploy", "engine", "checks")
ELSEWHERE = {"google/protobuf/descriptor.proto"}


@pytest.fixture(scope="module")
def ends() -> set[str]:
    """Return the end parts of every path of the tree: "a/b.py" is there as that and as "b.py"."""
    found = set()
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        for stop in range(1, len(parts) + 1):
            found |= {"/".join(parts[start:stop]) for start in range(stop)}
    return found


def documents() -> list[Path]:
    """Return the documents of the tree."""
    return [path for path in tracked() if path.suffix == ".md"]


def test_every_file_that_a_text_names_exists(ends: set[str]) -> None:
    lost = []
    for path in tracked():
        if path.suffix not in TEXTS or "_pb2" in path.name or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for name in NAMED.findall(line):
                there = name.lstrip("./") in ends or name in ELSEWHERE
                if not there and not (path.parent / name).exists():
                    lost.append(f"{path.relative_to(ROOT)}:{number}: {name}")
    assert not lost


def test_every_folder_that_a_document_names_exists(ends: set[str]) -> None:
    lost = []
    for path in documents():
        for code in re.findall(r"`([^`\s]+/[^`\s]*)`", path.read_text()):
            name = code.rstrip("/").removeprefix("…/")
            inside = code.startswith("…/") or name.split("/")[0] in FOLDERS
            if inside and "*" not in name and name not in ends:
                lost.append(f"{path.relative_to(ROOT)}: {code}")
    assert not lost


def anchor(heading: str) -> str:
    """Return what a link to a heading ends with."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_link_of_a_document_leads_somewhere() -> None:
    lost = []
    for path in documents():
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
            name, _, part = link.partition("#")
            target = path.parent / name if name else path
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if part else []
            if not target.exists() or (part and part not in map(anchor, headings)):
                lost.append(f"{path.relative_to(ROOT)}: {link}")
    assert not lost


def test_every_test_that_the_guarantees_name_exists() -> None:
    items = (ROOT / "docs" / "guarantees.md").read_text().split("\n- ")
    named = 0
    for item in items:
        file = re.search(r"\]\(\.\./(tests/[\w/]+\.py)\)", item)
        if file is None:
            continue
        program = (ROOT / file[1]).read_text()
        for name in re.findall(r"`(test_\w+)`", item):
            assert f"def {name}(" in program, f"{file[1]}: {name}"
            named += 1
    assert named > 50


# What a reader sees first.


def test_the_readme_names_the_test_command() -> None:
    assert "make test" in readme()


def test_every_target_says_what_it_does() -> None:
    recipe = (ROOT / "Makefile").read_text()
    shown = set(re.findall(r"^([a-z]+):.*##", recipe, re.MULTILINE))
    assert shown == targets()


def test_the_changelog_is_kept() -> None:
    assert re.search(r"^## ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    program = path.read_text()
    assert "\nmake lint" in program
    assert "\nmake test" in program
