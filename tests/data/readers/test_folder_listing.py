from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise.data.readers.folder_listing import list_classes
from picturewise.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_classes_are_in_natural_order_and_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "class10/b.png", "class2/z.png", "class10/a.png", "Class1/q.png")
    found = list_classes(tmp_path, tmp_path)
    assert found.classes == ("Class1", "class2", "class10")
    assert [entry.name for entry in found.entries] == [
        "Class1/q.png",
        "class10/a.png",
        "class10/b.png",
        "class2/z.png",
    ]
    assert [entry.class_name for entry in found.entries] == ["Class1", "class10", "class10", "class2"]


def test_pictures_in_deeper_folders_belong_to_the_class_above(tmp_path: Path) -> None:
    found = list_classes(touch(tmp_path, "cat/young/1.png", "cat/old/grey/1.png", "dog/1.png"), tmp_path)
    assert [(entry.name, entry.class_name) for entry in found.entries] == [
        ("cat/old/grey/1.png", "cat"),
        ("cat/young/1.png", "cat"),
        ("dog/1.png", "dog"),
    ]


def test_names_are_relative_to_the_source_not_to_the_split(tmp_path: Path) -> None:
    touch(tmp_path, "train/cat/1.png", "train/stray.png")
    found = list_classes(tmp_path / "train", tmp_path)
    assert [entry.name for entry in found.entries] == ["train/cat/1.png"]
    assert [bad.path for bad in found.bad] == ["train/stray.png"]


def test_hidden_things_and_litter_are_passed_over(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *("cat/1.png", "cat/.DS_Store", "cat/._1.png", "cat/Thumbs.db", "cat/DESKTOP.INI", "dog/1.png"),
        *("__MACOSX/cat/1.png", ".ipynb_checkpoints/1.png", "cat/.ipynb_checkpoints/1.png", ".git/config"),
    )
    found = list_classes(tmp_path, tmp_path)
    assert found.classes == ("cat", "dog")
    assert [entry.name for entry in found.entries] == ["cat/1.png", "dog/1.png"]


def test_beside_the_class_folders_pictures_are_bad_and_other_files_passed_over(tmp_path: Path) -> None:
    found = list_classes(touch(tmp_path, "cat/1.png", "README.md", "LICENSE", "stray.JPG"), tmp_path)
    assert [(bad.path, bad.reason) for bad in found.bad] == [
        ("stray.JPG", "it is outside the class folders, so it does not have a class")
    ]


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    touch(tmp_path, "pool/1.png", "set/dog/1.png", "set/cat/1.png")
    (tmp_path / "set" / "fox").symlink_to(tmp_path / "pool")
    (tmp_path / "set" / "dog" / "2.png").symlink_to(tmp_path / "pool" / "1.png")
    found = list_classes(tmp_path / "set", tmp_path / "set")
    assert [entry.name for entry in found.entries] == ["cat/1.png", "dog/1.png", "dog/2.png", "fox/1.png"]


def test_a_link_back_to_a_folder_above_is_bad_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png", "dog/deep/1.png")
    (tmp_path / "dog" / "deep" / "again").symlink_to(tmp_path / "dog")
    found = list_classes(tmp_path, tmp_path)
    assert [(bad.path, bad.reason) for bad in found.bad] == [
        ("dog/deep/again", "it is a link to a folder that contains it")
    ]


def test_links_to_nothing_and_to_themselves_are_listed_as_files(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png")
    (tmp_path / "cat" / "broken.png").symlink_to(tmp_path / "gone")
    (tmp_path / "cat" / "circle.png").symlink_to(tmp_path / "cat" / "circle.png")
    found = list_classes(tmp_path, tmp_path)
    assert [entry.name for entry in found.entries] == ["cat/1.png", "cat/broken.png", "cat/circle.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_not_utf_8_are_escaped_and_their_files_still_found(tmp_path: Path) -> None:
    touch(tmp_path, os.fsdecode(b"caf\xe9/\xff.png"))
    (entry,) = list_classes(tmp_path, tmp_path).entries
    assert (entry.name, entry.class_name) == ("caf\\udce9/\\udcff.png", "caf\\udce9")
    assert entry.path.exists()


def test_the_two_ways_to_write_an_accent_are_one_class(tmp_path: Path) -> None:
    found = list_classes(touch(tmp_path, "caf\u00e9/1.png", "cafe\u0301/2.png"), tmp_path)
    assert found.classes == ("caf\u00e9",)
    assert len(found.entries) == 2


def test_folders_deeper_than_the_interpreters_stack_are_walked(tmp_path: Path) -> None:
    path, home = tmp_path / "cat", Path.cwd()
    path.mkdir()
    try:
        os.chdir(path)
        for _ in range(400):
            Path("d").mkdir()
            os.chdir("d")
        Path("1.png").touch()
    finally:
        os.chdir(home)
    assert len(list_classes(tmp_path, tmp_path).entries) == 1


def test_folders_without_pictures_are_not_classes(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.png", "dog/1.png", "boxes/1.xml", "boxes/deep/LICENSE", "raw/0001")
    (tmp_path / "fox").mkdir()
    found = list_classes(tmp_path, tmp_path)
    assert found.classes == ("cat", "dog", "raw")  # what has no ending may be a picture, and is looked at
    assert [entry.name for entry in found.entries] == ["cat/1.png", "dog/1.png", "raw/0001"]


def test_deeper_folders_are_named_the_first_few_classes(tmp_path: Path) -> None:
    assert list_classes(touch(tmp_path, "cat/1.png", "dog/1.png"), tmp_path).notes == ()
    touch(tmp_path, *(f"c{number}/{folder}/1.png" for number in range(5) for folder in "ab"))
    (note,) = list_classes(tmp_path, tmp_path).notes
    assert note == (
        "The class c0 includes the 2 pictures in c0/a, c0/b; c1 includes the 2 pictures in c1/a, c1/b; c2 includes "
        "the 2 pictures in c2/a, c2/b; 2 other classes also include deeper folders. If the deeper folders are the "
        "classes, use --label-from '([^/]+)/[^/]+$'."
    )


def test_masks_among_the_pictures_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "ill/ill (1).png", "ill/ill (2).png", "well/1.png", "well/face_mask.png")
    assert list_classes(tmp_path, tmp_path).notes == ()
    touch(tmp_path, "ill/ill (1)_mask.png", "ill/ill (1)_mask_1.png", "well/1-GT.png")
    (note,) = list_classes(tmp_path, tmp_path).notes
    assert note.startswith("3 pictures are named like masks (ill/ill (1)_mask.png), but were used like")


def test_pictures_without_class_folders_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"contains pictures, but no class folders. Arrange .*/<class>/<picture>"
    ):
        list_classes(touch(tmp_path, "1.png"), tmp_path)


def test_a_folder_without_class_folders_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not contain class folders"):
        list_classes(tmp_path, tmp_path)
