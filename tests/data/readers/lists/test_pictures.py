"""Which picture a text in a list means."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_album import LABELS, ROWS, draw, lines, make_album, plain, read

from picturewise.data.readers.lists.pictures import Finder, Pictures, SeveralError
from picturewise.data.readers.lists.recognise import recognise
from picturewise.errors import DataError


def finder(
    root: Path, *paths: str, beside: str = "", stem: str = "labels", split: str | None = None
) -> Finder:
    for path in paths:
        draw(root / path)
    return Finder(Pictures(root), beside, stem, split)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "a.png", "a", "A.PNG", " a.png".strip(), "images/a.png", "./images/a.png", "../images/a.png", "images\\a.png",
        "/kaggle/input/set/images/a.png", "/content/drive/MyDrive/set/images/a.png",
        r"C:\Users\me\data\images\a.png", "file:///home/me/images/a.png", "IMAGES/a", "//images//a.png",
    ],
)  # fmt: skip
def test_a_path_is_understood_by_its_end(tmp_path: Path, text: str) -> None:
    found = finder(tmp_path, "images/a.png", "images/b.png", "other/c.png").find(text)
    assert found is not None
    assert found.path == "images/a.png"
    assert found.how == "name"


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../..", "/", "c", "images", "a.png/", "x\0.png", "../../secret.txt", "b/"]
)
def test_other_texts_mean_no_picture(tmp_path: Path, text: str) -> None:
    assert finder(tmp_path, "images/a1.png", "images/b1.png").find(text) is None


def test_names_are_found_under_other_endings_and_with_other_zeros(tmp_path: Path) -> None:
    found = finder(tmp_path, "images/0007.JPG", "images/b.png", "images/x.y.png", "images/z.png.jpg")
    for text, path, how in (
        ("7", "images/0007.JPG", "number"),
        ("007.jpg", "images/0007.JPG", "number"),
        ("0007.jpg", "images/0007.JPG", "name"),
        ("b.jpg", "images/b.png", "ending"),
        ("x.y", "images/x.y.png", "name"),
        ("z.png", "images/z.png.jpg", "name"),
    ):
        assert found.find(text) == (path, how), text
    assert found.find("8") is None


def test_the_most_shared_folders_decide_and_then_nothing_is_guessed(tmp_path: Path) -> None:
    found = finder(tmp_path, "a/x/1.png", "b/x/1.png", "b/y/1.png", "c/2.png", "2.jpg")
    assert found.find("/data/b/x/1.png") == ("b/x/1.png", "name")
    assert found.find("y/1.png") == ("b/y/1.png", "name")
    with pytest.raises(SeveralError) as caught:
        found.find("x/1.png")
    assert caught.value.paths == ["a/x/1.png", "b/x/1.png"]
    with pytest.raises(SeveralError):
        found.find("1.png")


def test_of_many_pictures_of_one_name_the_folders_tell_which(tmp_path: Path) -> None:
    found = finder(tmp_path, *(f"images/{folder:02}/1.png" for folder in range(20)))
    for text in ("images/07/1.png", "/data/images/07/1.png", "07/1", r"D:\set\07\1.png"):
        assert found.find(text) == ("images/07/1.png", "name")
    found.learn([f"{folder:02}/1.png" for folder in range(20)])
    assert found.find("27/1.png") is None


@pytest.mark.parametrize(
    ("place", "stem", "split", "expected"),
    [
        ("", "train", "train", "train/1.png"),
        ("", "test", "test", "test/1.png"),
        ("", "labels", None, "train/1.png"),
        ("test", "metadata", "test", "test/1.png"),
    ],
)
def test_of_equal_names_a_list_means_those_of_its_split(
    tmp_path: Path, place: str, stem: str, split: str | None, expected: str
) -> None:
    found = finder(tmp_path, "train/1.png", "test/1.png", "masks/1.png", beside=place, stem=stem, split=split)
    assert found.find("1.png") == (expected, "name")
    assert found.find("1.png", "test") == ("test/1.png", "name")


def test_a_missing_picture_is_not_taken_from_another_splits_folder(tmp_path: Path) -> None:
    found = finder(
        tmp_path, *(f"train/{n}.png" for n in range(1, 30)), "test/30.png", stem="train", split="train"
    )
    found.learn([f"{n}.png" for n in range(1, 31)])
    assert found.find("29.png") == ("train/29.png", "name")
    assert found.find("30.png") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda name, label: f"/home/me/pictures/{name},{label}",
        lambda name, label: f"pictures/{label}/{name},{label}",
    ],
)
def test_if_no_folder_exists_names_alone_decide_with_a_note(tmp_path: Path, change: object) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain(change)})
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert len(notes) == 1
    assert "lists folders that do not exist, so pictures were found by their names only" in notes[0]


def test_a_folder_that_is_named_and_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    text = plain(lambda name, label: f"images/{name},{label}") + "gone/extra.png,cat\n"
    root = make_album(tmp_path / "album", {"labels.csv": text})
    draw(root / "other/extra.png")
    with pytest.raises(
        DataError, match=r"1 of 13 lines lists a picture that is not in .*'gone/extra\.png' in line 14"
    ):
        read(root)


def test_pictures_of_one_name_in_two_folders_are_refused_unless_the_list_says_which(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    draw(root / "more/dog_2.png")
    with pytest.raises(
        DataError,
        match=r"line 8: 'dog_2\.png' could be images/dog_2\.png or more/dog_2\.png\. Include the folder",
    ):
        read(root)
    (root / "labels.csv").write_text(plain(lambda name, label: f"images/{name},{label}"))
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert notes == (
        f"{root}: 1 picture is not listed in labels.csv and was not used; the first is more/dog_2.png.",
    )


def test_masks_of_the_same_names_are_not_the_pictures(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    make_album(root, {}, "masks")
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert (
        "12 pictures are not listed in labels.csv and were not used; the first is masks/cat_0.png" in notes[0]
    )


def test_a_mask_does_not_replace_a_missing_picture(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    (root / "images/cat_0.png").unlink()
    draw(root / "masks/cat_0.png")
    for number in range(30):
        draw(root / f"images/more_{number}.png")
    (root / "labels.csv").write_text(plain() + lines(*(f"more_{n}.png,cat" for n in range(30)), header=""))
    with pytest.raises(DataError, match=r"1 of 42 lines lists a picture .*'cat_0\.png' in line 2"):
        read(root)


def test_pictures_spread_over_folders_are_one_set(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()}, "part_1/pictures")
    for name in list(LABELS)[::2]:
        (root / "part_2").mkdir(exist_ok=True)
        (root / "part_1/pictures" / name).rename(root / "part_2" / name)
    for path in (root, root / "labels.csv"):
        assert read(path) == ({"train": LABELS}, ())


@pytest.mark.parametrize("place", ["meta/labels.csv", "data/meta/labels.csv", "images/labels.csv"])
@pytest.mark.parametrize("prefix", ["", "../images/", "images/"])
def test_a_list_may_be_in_another_folder_than_its_pictures(tmp_path: Path, place: str, prefix: str) -> None:
    root = make_album(tmp_path / "album", {place: plain(lambda name, label: f"{prefix}{name},{label}")})
    assert read(root) == ({"train": LABELS}, ())
    if "data" not in place:
        assert read(root / place) == ({"train": LABELS}, ())


def test_a_text_leads_nowhere_but_to_pictures_below(tmp_path: Path) -> None:
    draw(tmp_path / "secret.png")
    root = make_album(tmp_path / "home/album", {})
    text = plain() + f"../../secret.png,cat\n{tmp_path}/secret.png,dog\n/etc/passwd,dog\n"
    (root / "labels.csv").write_text(text)
    for path in (root, root / "labels.csv"):
        with pytest.raises(
            DataError, match=r"3 of 15 lines list a picture .*'\.\./\.\./secret\.png' in line 14"
        ):
            read(path)


def test_a_list_whose_pictures_are_all_elsewhere_is_refused_with_their_place(tmp_path: Path) -> None:
    draw(tmp_path / "far/away/x.png")
    text = plain(lambda name, label: f"{tmp_path}/far/away/{name.replace('_', '-')},{label}")
    (tmp_path / "near/lists").mkdir(parents=True)
    (tmp_path / "near/lists/labels.csv").write_text(text)
    with pytest.raises(
        DataError, match=r"lists pictures such as .*far/away/cat-0\.png, but none of them is in"
    ):
        recognise(tmp_path / "near/lists/labels.csv")


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()}, "../elsewhere")
    root.mkdir(exist_ok=True)
    (root / "images").symlink_to(tmp_path / "elsewhere")
    (root / "images/again").symlink_to(root)
    (root / "labels.csv").write_text(plain())
    assert read(root) == ({"train": LABELS}, ())


def test_only_so_many_files_are_looked_at(tmp_path: Path) -> None:
    for number in range(6):
        draw(tmp_path / f"{number}.png")
    assert not Pictures(tmp_path, 3).whole
    assert len(Pictures(tmp_path, 3).paths) == 3
    assert Pictures(tmp_path, 7).whole


def test_ids_match_whole_names_alone(tmp_path: Path) -> None:
    root = make_album(
        tmp_path / "album", {"labels.csv": lines(*(f"{a[:-4]},{b}" for a, b in ROWS), header="id,label")}
    )
    assert read(root) == ({"train": LABELS}, ())
    for number, name in enumerate(LABELS):
        (root / "images" / name).rename(root / f"images/{number:05}.png")
    text = lines(*(f"{number},{label}" for number, label in enumerate(LABELS.values())), header="id,label")
    (root / "labels.csv").write_text(text)
    found, notes = read(root)
    assert found == {"train": {f"{n:05}.png": label for n, label in enumerate(LABELS.values())}}
    assert notes == (
        f"{root}/labels.csv lists pictures by their numbers without leading zeros: '0' was read as images/00000.png.",
    )
    draw(root / "images/003.png")
    with pytest.raises(DataError, match=r"line 5: '3' could be images/00003\.png or images/003\.png"):
        read(root)
