from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import flip, start_child

from tidegate_server.journal import Page

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_page_is_all_zeros(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 5)
    assert page.read() == (0,) * 5
    page.close()


def test_a_reader_sees_the_newest_set(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 3)
    reader = Page.open(tmp_path, "gate", 3)
    for value in range(20):
        page.write((value, -value, 2**63 - 1))
        assert reader.read() == (value, -value, 2**63 - 1)
    page.set(1, 77)
    assert (reader.get(0), reader.get(1)) == (19, 77)
    reader.close()
    page.close()


def test_a_page_outlives_its_writer_and_goes_on(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 1)
    page.write((5,))
    page.close()
    for expected in (5, 6, 7):
        page = Page.open(tmp_path, "gate", 1, writable=True)
        assert page.get(0) == expected
        page.write((expected + 1,))
        page.close()


def test_a_half_written_set_leaves_the_one_before(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 2)
    page.write((1, 1))
    page.write((2, 2))
    page.close()
    for damaged in (8, 512 + 8):
        flip(tmp_path / "gate.page", damaged)
        reader = Page.open(tmp_path, "gate", 2)
        assert reader.read() in {(1, 1), (2, 2)}
        reader.close()
        flip(tmp_path / "gate.page", damaged)


def test_a_reader_never_goes_back_to_an_older_set(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 2)
    page.write((1, 1))
    page.write((2, 2))
    reader = Page.open(tmp_path, "gate", 2)
    assert reader.read() == (2, 2)
    content = (tmp_path / "gate.page").read_bytes()
    newest = max((0, 512), key=lambda slot: int.from_bytes(content[slot : slot + 8], "little"))
    flip(tmp_path / "gate.page", newest + 8)
    with pytest.raises(ValueError, match="neither slot"):
        reader.read()
    reader.close()
    page.close()


def test_a_page_without_a_valid_set_is_refused(tmp_path: Path) -> None:
    Page.create(tmp_path, "gate", 2).close()
    (tmp_path / "gate.page").write_bytes(bytes(1024))
    with pytest.raises(ValueError, match="neither slot"):
        Page.open(tmp_path, "gate", 2)


def test_a_page_of_another_size_is_refused(tmp_path: Path) -> None:
    Page.create(tmp_path, "gate", 2).close()
    with pytest.raises(ValueError, match="page of 99 values"):
        Page.open(tmp_path, "gate", 99)


def test_a_page_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gate"):
        Page.open(tmp_path, "gate", 2)


@pytest.mark.parametrize("count", [0, 5_000])
def test_a_page_has_bounds(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="1 to"):
        Page.create(tmp_path, "gate", count)


def test_a_reader_in_another_process_never_sees_a_mixed_set(tmp_path: Path) -> None:
    source = """
import sys
from pathlib import Path
from tidegate_server.journal import Page
page, value = Page.open(Path(sys.argv[1]), "gate", 60, writable=True), 0
print("ready", flush=True)
while True:
    value += 1
    page.write((value,) * 60)
"""
    page = Page.create(tmp_path, "gate", 60)
    child = start_child(source, tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    before = 0
    seen: set[int] = set()
    while len(seen) < 500:
        values = page.read()
        assert len(set(values)) == 1
        assert values[0] >= before
        before = values[0]
        seen.add(before)
    child.kill()
    child.communicate()
    page.close()


def test_a_page_made_again_is_reset_under_its_readers(tmp_path: Path) -> None:
    page = Page.create(tmp_path, "gate", 2)
    reader = Page.open(tmp_path, "gate", 2)
    page.write((1, 2))
    page.close()
    again = Page.create(tmp_path, "gate", 2)
    assert reader.read() == (0, 0)
    again.write((3, 4))
    assert reader.read() == (3, 4)
    reader.close()
    again.close()


def test_a_damaged_page_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "gate.page").write_bytes(b"x" * 1024)
    page = Page.create(tmp_path, "gate", 2)
    assert page.read() == (0, 0)
    page.close()
