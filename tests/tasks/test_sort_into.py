from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picturewise.data.hints import Hints
from picturewise.data.recognise import recognise_each
from picturewise.errors import DataError, UsageError
from picturewise.prediction.predict import PredictedBlock, Row
from picturewise.tasks.sort_into import SortedFolders, folder_names

CLASSES = ("cat", "a/b", "unsure")


def row(path: Path, *shares: float, number: int | None = None) -> Row:
    best = int(np.argmax(shares))
    return Row(str(path), number, str(path), CLASSES[best], shares[best], np.array(shares, np.float32))


def block(*rows: Row) -> PredictedBlock:
    return PredictedBlock(CLASSES, np.zeros((len(rows), 1, 1, 1), np.uint8), rows)


def file(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("link", [False, True])
def test_each_file_goes_to_its_class_and_names_that_are_taken_get_a_number(
    tmp_path: Path, link: bool
) -> None:
    files = [file(tmp_path / f"in/{folder}/1.png", folder) for folder in "abcd"]
    before = tree(tmp_path / "in")
    out = tmp_path / "out"
    sorter = SortedFolders(out, CLASSES, [], link=link, min_confidence=0.5)
    sorter.add(
        block(
            row(files[0], 0.6, 0.4, 0),
            Row("bad", None, "bad", error="x"),
            row(files[1], 0.7, 0.3, 0),
            row(files[2], 0, 0.5, 0.5),
            row(files[3], 0, 0, 1.0),
            row(files[0], 0.4, 0.3, 0.3),
        )
    )
    sorter.finish()
    assert tree(out) == {
        "cat/1.png": "a",
        "cat/1-2.png": "b",
        "a-b/1.png": "c",
        "unsure-2/1.png": "d",
        "unsure/1.png": "a",
    }
    assert tree(tmp_path / "in") == before
    assert (out / "cat/1.png").is_symlink() == link
    assert sorter.count == 5
    assert sorter.abandon() == f"The first 5 pictures are sorted into {out}."
    assert sorter.notes == (
        "Some classes have names that a folder cannot have. Their pictures are: 'a/b' in a-b, 'unsure' in unsure-2.",
    )


def test_the_names_of_folders_are_safe_and_different_on_every_system() -> None:
    names = [
        *("cat", "Cat", "CAT", "..", ".", "", " ", "a/b", "a\\b", "a:b", "../../etc", "nul", "COM1.txt", "lpt¹"),
        *("x.", "x", "ß", "ss", "é", "e\u0301", "ﬁ", "fi", ".hidden", "\x00", "\n", "a" * 500, "a" * 501),
        *("unsure", "Unsure", "\ud800"),
    ]  # fmt: skip
    found = folder_names(names)
    assert len({name.casefold() for name in found.values()}) == len(names) == len(found)
    for folder in found.values():
        assert not set(folder) & set('/\\:*?"<>|\x00\n')
        assert folder.strip(" .") == folder != ""
        assert len(folder.encode()) < 120
        assert folder.split(".")[0].casefold() not in {"con", "nul", "com1", "lpt¹", "unsure"}
    assert found["cat"] == "cat"


def test_a_file_that_vanishes_is_left_out_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (file(tmp_path / name, name) for name in ("1.png", "2.png"))
    sorter = SortedFolders(tmp_path / "out", CLASSES, [])
    real = Path.is_file

    def vanishing(path: Path) -> bool:
        there = real(path)
        if path == one:
            one.unlink(missing_ok=True)
        return there

    monkeypatch.setattr(Path, "is_file", vanishing)
    sorter.add(block(row(one, 1.0, 0, 0), row(other, 1.0, 0, 0)))
    assert [(item.path, item.reason) for item in sorter.left_out] == [
        (str(one), "cannot be read (No such file or directory), so it was not copied")
    ]
    monkeypatch.undo()
    assert tree(tmp_path / "out") == {"cat/2.png": "2.png"}


def test_pictures_that_are_no_files_are_refused(tmp_path: Path) -> None:
    sorter = SortedFolders(tmp_path / "out", CLASSES, [])
    with pytest.raises(DataError, match=r"test\.csv, picture 1 is not a file of its own"):
        sorter.add(block(row(Path("test.csv, picture 1"), 1.0, 0, 0, number=1)))


def test_a_folder_with_content_or_in_the_source_is_refused(tmp_path: Path) -> None:
    file(tmp_path / "in/1.png", "x")
    file(tmp_path / "full/x", "x")
    sources = recognise_each([tmp_path / "in"], hints=Hints())
    with pytest.raises(
        UsageError, match=r"full already exists and is not empty\. Choose another --sort-into"
    ):
        SortedFolders(tmp_path / "full", CLASSES, sources)
    with pytest.raises(UsageError, match=r"x is not a folder"):
        SortedFolders(tmp_path / "full/x", CLASSES, sources)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for place in ("in/out", "in/deep/out", "link/out", "other/../in/out"):
        with pytest.raises(UsageError, match=r"is in .*in, whose pictures are to be sorted"):
            SortedFolders(tmp_path / place, CLASSES, sources)
    assert tree(tmp_path / "in") == {"1.png": "x"}
    assert not (tmp_path / "in/out").exists()
    SortedFolders(
        tmp_path / "in/out", CLASSES, recognise_each([tmp_path / "in/1.png"])
    )  # a file's neighbours are not read
