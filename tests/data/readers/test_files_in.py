from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise.data.dataset import Skipped
from picturewise.data.readers.files_in import FilesIn, Paper


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_all_files_below_come_in_order_without_hidden_ones_and_texts(tmp_path: Path) -> None:
    names = [
        "b.png",
        "a/2.jpg",
        "a/1.jpg",
        "a/deep/er/x",
        "c/.hidden/1.png",
        "c/.hidden.png",
        "c/Thumbs.db",
        "c/1.tif",
    ]
    touch(*(tmp_path / name for name in [*names, "a/notes.txt"]))
    assert [*FilesIn(tmp_path, below=True)] == [
        tmp_path / "a/1.jpg",
        tmp_path / "a/2.jpg",
        tmp_path / "a/deep/er/x",
        Paper(str(tmp_path / "a/notes.txt")),
        tmp_path / "b.png",
        tmp_path / "c/1.tif",
    ]


def test_only_the_files_of_a_folder_come_if_nothing_more_is_asked_for(tmp_path: Path) -> None:
    touch(tmp_path / "b.png", tmp_path / "notes.txt", tmp_path / "a/1.png")
    skipped, *files = FilesIn(tmp_path)
    assert files == [tmp_path / "b.png", tmp_path / "notes.txt"]
    assert isinstance(skipped, Skipped)
    assert skipped.path == str(tmp_path / "a")


def test_links_to_folders_are_named_and_not_followed_and_links_to_files_are_files(tmp_path: Path) -> None:
    touch(tmp_path / "in/a/1.png", tmp_path / "out/2.png")
    (tmp_path / "in/circle").symlink_to(tmp_path / "in")
    (tmp_path / "in/outside").symlink_to(tmp_path / "out")
    (tmp_path / "in/z.png").symlink_to(tmp_path / "out/2.png")
    found = [*FilesIn(tmp_path / "in", below=True)]
    assert [item for item in found if isinstance(item, Path)] == [
        tmp_path / "in/a/1.png",
        tmp_path / "in/z.png",
    ]
    links = [item for item in found if isinstance(item, Skipped)]
    assert [Path(item.path).name for item in links] == ["circle", "outside"]
    assert all(item.reason.startswith("a link to a folder") for item in links)


def test_folders_are_as_deep_as_the_disk_allows(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 900)
    deep.mkdir(parents=True)
    (deep / "1.png").touch()
    assert [*FilesIn(tmp_path, below=True)] == [deep / "1.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/1.png")
    (tmp_path / "a").chmod(0)
    try:
        skipped, file = FilesIn(tmp_path, below=True)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert file == tmp_path / "b/1.png"
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "a folder that cannot be read (Permission denied)"


def test_the_table_among_svhns_whole_numbers_is_not_taken_for_a_picture(tmp_path: Path) -> None:
    touch(tmp_path / "1.png", tmp_path / "digitStruct.mat", tmp_path / "other.mat")
    unused = Paper(str(tmp_path / "digitStruct.mat"))
    assert [*FilesIn(tmp_path)] == [tmp_path / "1.png", unused, tmp_path / "other.mat"]
