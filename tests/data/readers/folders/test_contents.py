from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from picturewise.data.readers.folders.contents import (
    folders_inside,
    innermost,
    kind_of,
    look,
    pictures_below,
)

Build = Callable[[str], Path]


def test_the_content_of_a_folder_is_known_from_names(build: Build) -> None:
    found = look(build("b.PNG; a.txt; deep/1.jpg; .hidden; Thumbs.db; noending"))
    assert (found.folders, found.pictures, found.files) == (("deep",), ("b.PNG",), ("a.txt", "noending"))


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ("x/", "empty"),
        ("x/deep/.DS_Store", "empty"),
        ("x/a.txt; x/deep/LICENSE", "papers"),
        ("x/a.txt; x/deep/raw0001", "files"),
        ("x/a.dcm; x/a.json", "files"),
        ("x/a.txt; x/deep/deeper/1.tif", "pictures"),
    ],
)
def test_the_kind_of_a_folder(build: Build, files: str, kind: str) -> None:
    assert kind_of(build(files) / "x") == kind


def test_single_folders_are_stepped_through(build: Build) -> None:
    root = build("a/b/{cat,dog}/1.png; a/b/empty/")
    assert folders_inside(root) == ("cat", "dog")
    assert innermost(build("test/test/#.png x2") / "test") == root / "test" / "test"


def test_pictures_below_are_listed_with_links_and_without_circles(build: Build) -> None:
    root = build("a/1.png; a/deep/2.png; pool/3.png; a/4.txt")
    (root / "a" / "again").symlink_to(root / "a")
    (root / "a" / "pool").symlink_to(root / "pool")
    assert pictures_below(root / "a") == ["1.png", "deep/2.png", "pool/3.png"]
    assert kind_of(root / "a") == "pictures"
