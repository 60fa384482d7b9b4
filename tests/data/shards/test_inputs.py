from __future__ import annotations

from pathlib import Path

import pytest

from picturewise.data.shards.inputs import find_inputs
from picturewise.data.shards.storage import Storage
from picturewise.errors import DataError


def made(folder: Path, *names: str) -> Storage:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return Storage(str(folder))


def found(storage: Storage) -> list[str]:
    return [file.path.removeprefix(f"{storage.root}/") for file in find_inputs(storage).files]


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (("a/1.png", "a/2.JPG", "b/no-ending"), "pictures"),
        (("train-0.parquet", "train-1.PARQUET"), "parquet"),
        (("s/0.tar", "s/1.tar.gz", "s/2.TGZ"), "tar"),
    ],
)
def test_the_form_is_that_of_the_names(names: tuple[str, ...], form: str, tmp_path: Path) -> None:
    storage = made(tmp_path / "d", *names, "README.md", "notes.txt")
    inputs = find_inputs(storage)
    assert (inputs.form, [file.path for file in inputs.files]) == (
        form,
        [f"{storage.root}/{n}" for n in names],
    )
    assert inputs.papers == 2


def test_two_forms_are_refused_with_both_names(tmp_path: Path) -> None:
    storage = made(tmp_path / "d", "a.png", "b.tar")
    with pytest.raises(DataError, match=r"both picture files \(.*a\.png\) and tars \(.*b\.tar\)"):
        list(find_inputs(storage).files)


@pytest.mark.parametrize("names", [(), ("a.txt",), ("LICENSE", "x.py")])
def test_a_folder_without_pictures_is_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match="neither pictures nor shards"):
        find_inputs(made(tmp_path / "d", *names))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "1.png\n\n sub/2.png \r\n", ["1.png", "sub/2.png"]),
        ("a.lst", "\ufeff1.png", ["1.png"]),
        ("a.csv", "id,path\n7,1.png\n8,\n9,'x'.png\n", ["1.png", "'x'.png"]),
        ("a.tsv", "label\tFile\n0\t1.png\n", ["1.png"]),
        ("a.csv", "filename;label\n1.png;a\n", ["1.png"]),
    ],
)
def test_a_list_names_pictures_beside_it(
    name: str, content: str, expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    storage = Storage(str(tmp_path / name))
    files = list(find_inputs(storage).files)
    assert [file.path.removeprefix(f"{tmp_path}/") for file in files] == expected
    assert {file.size for file in files} == {-1}  # none of them exists


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "\n \n", "does not name any pictures"),
        ("a.csv", "a,b\n1,2\n", "does not have a column path"),
        ("a.txt", "s3://u:p@b/1.png\n", "line 1: 's3://"),
        ("a.txt", "x" * 70_000, "a line of more than"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        list(find_inputs(Storage(str(tmp_path / name))).files)


def test_the_column_of_a_table_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,mine\n1.png,2.png\n")
    inputs = find_inputs(Storage(str(tmp_path / "a.csv")), file_column="MINE")
    assert [Path(file.path).name for file in inputs.files] == ["2.png"]
