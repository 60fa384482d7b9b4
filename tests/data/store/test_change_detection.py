from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from picturewise.data.store.change_detection import signature


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.png", "a/1.png", "a/deep/3.png", "top.csv"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return tmp_path / "set"


def rewrite_keeping_size_and_time(folder: Path) -> None:
    path = folder / "a/1.png"
    before = path.stat()
    path.write_bytes(b"54321")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a/1.png").write_bytes(b"123456"),
        rewrite_keeping_size_and_time,
        lambda folder: (folder / "a/1.png").unlink(),
        lambda folder: (folder / "a/1.png").rename(folder / "a/0.png"),
        lambda folder: (folder / "a/1.png").rename(folder / "b/1.png"),
        lambda folder: (folder / "a/deep/3.png").replace(folder / "a/3.png"),
        lambda folder: (folder / "new").write_bytes(b""),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: (folder / "link").symlink_to("nowhere"),
        lambda folder: (folder / "b").rename(folder / "c"),
    ],
)
def test_every_change_below_a_folder_is_noticed(folder: Path, change: Callable[[Path], object]) -> None:
    before = signature(folder)
    assert signature(folder) == before
    change(folder)
    assert signature(folder) != before


def test_what_is_hidden_does_not_count(folder: Path) -> None:
    before = signature(folder)
    (folder / ".DS_Store").write_bytes(b"")
    (folder / ".git").mkdir()
    (folder / "a/.cache").write_bytes(b"")
    assert signature(folder) == before


def test_reading_changes_nothing(folder: Path) -> None:
    before = signature(folder)
    (folder / "a/1.png").read_bytes()
    assert signature(folder) == before


def test_a_link_counts_as_what_it_leads_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "far.png").write_bytes(b"1")
    (folder / "link.png").symlink_to(tmp_path / "far.png")
    before = signature(folder)
    (tmp_path / "far.png").write_bytes(b"22")
    assert signature(folder) != before


def test_files_and_texts_count_too(folder: Path) -> None:
    assert signature(folder / "top.csv") != signature(folder / "a/1.png")
    assert signature("scikit-learn 1.7") != signature("scikit-learn 1.8")


def test_names_that_are_not_unicode_cause_no_trouble(folder: Path) -> None:
    before = signature(folder)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n.png")).write_bytes(b"")
    assert signature(folder) != before


def test_what_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        signature(folder / "nothing")


def test_a_text_gives_its_own_digest_so_that_imports_stay_valid() -> None:
    assert signature("scikit-learn 1.7") == hashlib.sha256(b"scikit-learn 1.7").hexdigest()


def test_the_order_of_a_folder_on_the_disk_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signature(folder)
    scandir = os.scandir

    @contextlib.contextmanager
    def backwards(place: object) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(place) as entries:
            yield [*entries][::-1]

    monkeypatch.setattr(os, "supports_fd", {*os.supports_fd, backwards})
    monkeypatch.setattr(os, "scandir", backwards)
    assert signature(folder) == before
