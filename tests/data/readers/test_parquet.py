from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from read_place import read_place

from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.parquet import ParquetReader, recognise
from picturewise.errors import DataError
from picturewise.extras import install_command
from picturewise.untrusted.confined.process import _SET

pytestmark = pytest.mark.slow  # each starts processes of its own

OPTIONS = DataOptions(source="")


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def hub(names: list[str]) -> dict[bytes, bytes]:
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def write(
    path: Path,
    labels: list[Any],
    *,
    pictures: list[Any] | None = None,
    struct: bool = True,
    metadata: dict[bytes, bytes] | None = None,
    columns: tuple[str, str] = ("image", "label"),
    **options: Any,
) -> Path:
    content = [png(number) for number in range(len(labels))] if pictures is None else pictures
    images = pa.array([{"bytes": item, "path": None} for item in content]) if struct else pa.array(content)
    table = pa.table({columns[0]: images, columns[1]: pa.array(labels)}).replace_schema_metadata(metadata)
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def recognised(path: Path) -> ParquetReader:
    source = recognise(path)
    assert source is not None
    return source


@pytest.mark.parametrize("struct", [True, False])
def test_pictures_and_named_labels_are_those_of_the_hub(tmp_path: Path, struct: bool) -> None:
    metadata = hub(["plane", "car", "bird"])
    path = write(tmp_path / "a.parquet", [0, 2, 1, 0], struct=struct, metadata=metadata, row_group_size=3)
    part = recognised(path).read({"train"}, OPTIONS).parts["train"].pictures
    assert part.classes == ("plane", "car", "bird")
    assert part.labels is not None
    assert part.labels.tolist() == [0, 2, 1, 0]
    for number, picture in enumerate(part.images):
        np.testing.assert_array_equal(picture, np.asarray(Image.open(io.BytesIO(png(number)))))


@pytest.mark.parametrize("folder", [".", "data"])
def test_shards_are_put_together_by_their_names(tmp_path: Path, folder: str) -> None:
    for name, labels in (
        ("train-00000-of-00002", ["b", "a"] * 5),
        ("train-00001-of-00002", ["a", "c"] * 5),
        ("validation-00000-of-00001", ["c"]),
        ("test-00000-of-00001", ["a", "b"]),
    ):
        write(tmp_path / folder / f"{name}.parquet", labels)
    dataset = read_place(DataOptions(source=str(tmp_path)))
    assert {name: len(part) for name, part in dataset.splits().items()} == {
        "train": 20,
        "valid": 1,
        "test": 2,
    }
    assert dataset.classes == ("a", "b", "c")
    assert dataset.split("valid").labels.tolist() == [2]


def test_plain_numbers_and_other_names_of_columns_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [10, 2, 10], columns=("Img", "fine_label"), compression="zstd")
    part = recognised(path).read({"train"}, OPTIONS).parts["train"].pictures
    assert part.classes == ("2", "10")
    assert part.labels.tolist() == [1, 0, 1]


def test_a_bad_picture_is_named_by_its_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [0, 1, 0, 1], pictures=[png(0), b"no picture", png(2), png(3)])
    with pytest.raises(DataError, match=r"1 of 4 files .* a\.parquet, row 1: not a supported picture"):
        recognised(path).read({"train"}, OPTIONS)
    reading = recognised(path).read({"train"}, DataOptions(source="", skip_bad=True))
    assert len(reading.parts["train"].pictures) == 3


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        (
            [0, 5],
            {"metadata": hub(["a", "b"])},
            r"label of row 1 .* is 5, but there are only 2 class names\. Use labels in 0\.\.1",
        ),
        ([0, -1], {}, r"a\.parquet, row 1: it does not have a label .* leave them out with --skip-bad"),
        ([0, None], {}, r"a\.parquet, row 1: it does not have a label"),
        ([0, -2], {}, "label 1 .* is -2. Expected an integer"),
        ([0.5, 1.0], {}, r"label 0 .* is 0\.5"),
        (["a", None], {}, r"a\.parquet, row 1: it does not have a label"),
        (
            [0, 1],
            {"columns": ("z", "label"), "pictures": ["a", "b"], "struct": False},
            "does not have a column with a usual name for pictures .image.*Choose one of its columns .z, label",
        ),
        (
            [0, 1],
            {"pictures": [1, 2], "struct": False},
            "contains pictures of type int64. Store them as bytes",
        ),
        ([0, 1], {"pictures": ["a", "b"]}, "contains strings that are not base64"),
        (
            [0, 1],
            {"pictures": [None, b"x"]},
            "row 0: not a supported picture .it is an empty file|none of the .* files can be read",
        ),
        ([], {"pictures": []}, "declares 0 rows"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(
    tmp_path: Path, labels: list[Any], options: dict[str, Any], sentence: str
) -> None:
    path = write(tmp_path / "a.parquet", labels, **options)
    with pytest.raises(DataError, match=sentence):
        recognised(path).read({"train"}, OPTIONS)


def test_classes_that_only_test_has_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["a", "b"])
    write(tmp_path / "test.parquet", ["c", "b"])
    with pytest.raises(DataError, match="test contains the class 'c', but train does not"):
        read_place(DataOptions(source=str(tmp_path)))


def test_without_pyarrow_a_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", [0, 1])
    (tmp_path / "code" / "pyarrow").mkdir(parents=True)
    (tmp_path / "code" / "pyarrow" / "__init__.py").write_text("raise ImportError('missing')")
    monkeypatch.syspath_prepend(tmp_path / "code")
    assert "ARROW_DEFAULT_MEMORY_POOL" in _SET
    with pytest.raises(
        DataError, match=re.escape(f"needs pyarrow. Install it with: {install_command('parquet')}")
    ):
        recognised(path).read({"train"}, OPTIONS)


def test_other_files_and_folders_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"PAR2")
    assert recognise(tmp_path / "a.bin") is None
    assert recognise(tmp_path) is None


def test_a_page_that_does_not_have_its_checksum_is_refused(tmp_path: Path) -> None:
    labels = [number % 2 for number in range(8)]
    path = write(
        tmp_path / "train.parquet", labels, use_dictionary=False, compression="none", write_page_checksum=True
    )
    content = bytearray(path.read_bytes())
    at = content.index(np.array(labels).tobytes())
    content[at] ^= 1  # the first label
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train\.parquet"):
        recognised(path).read(["train"], OPTIONS)


def read(path: Path, **hints: str) -> tuple[list[int], tuple[str, ...], tuple[str, ...]]:
    source = recognise(path, Hints(**hints))  # type: ignore[arg-type]
    assert source is not None
    reading = source.read({source.splits[0]}, OPTIONS)
    part = reading.parts[source.splits[0]].pictures
    return [] if part.labels is None else part.labels.tolist(), part.classes, reading.notes


@pytest.mark.parametrize(
    "pictures",
    [
        pa.array([png(number) for number in range(4)]).dictionary_encode(),
        pa.array([base64.b64encode(png(number)).decode() for number in range(4)]),
        pa.array([f"data:image/png;base64,{base64.b64encode(png(number)).decode()}" for number in range(4)]),
        pa.array([np.asarray(Image.open(io.BytesIO(png(number)))).tolist() for number in range(4)]),
        pa.array([(np.asarray(Image.open(io.BytesIO(png(number)))) / 255).tolist() for number in range(4)]),
    ],
    ids=["dictionary", "base64", "data address", "lists", "lists of floats"],
)
def test_pictures_come_in_many_forms(tmp_path: Path, pictures: pa.Array) -> None:
    pq.write_table(pa.table({"pixel_values": pictures, "label": [0, 1, 0, 1]}), tmp_path / "a.parquet")
    part = recognised(tmp_path / "a.parquet").read({"train"}, OPTIONS).parts["train"].pictures
    for number, picture in enumerate(part.images):
        np.testing.assert_array_equal(picture, np.asarray(Image.open(io.BytesIO(png(number)))))


@pytest.mark.parametrize(
    "labels", [[[0], [1]], [0.0, 1.0], [[1, 0], [0, 1]], [False, True], pa.array([0, 1], pa.uint8())]
)
def test_labels_come_in_many_forms(tmp_path: Path, labels: Any) -> None:
    assert read(write(tmp_path / "a.parquet", labels))[:2] == ([0, 1], ("0", "1"))


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    images = [{"bytes": png(number), "path": None} for number in range(2)]
    table = {"img": images, "fine_label": [0, 1], "coarse_label": ["x", "y"], "mask": images}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    labels, classes, notes = read(tmp_path / "a.parquet")
    assert (labels, classes) == ([0, 1], ("0", "1"))
    assert (
        "'coarse_label' (strings) was not used. If it contains the labels, pass --label-column coarse_label."
        in notes[0]
    )
    assert notes[1].endswith("the column 'mask' (pictures) was not used.")
    assert read(tmp_path / "a.parquet", label_column="coarse_label")[1] == ("x", "y")
    pq.write_table(pa.table({"img": images, "kind": [0, 1]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[0] == []
    with pytest.raises(DataError, match=r"does not have a column 'nothing'. Choose from kind"):
        recognise(tmp_path / "a.parquet", Hints(label_column="nothing"))


def test_pictures_that_are_elsewhere_are_reported(tmp_path: Path) -> None:
    paths = [{"bytes": None, "path": f"/x/{number}.png"} for number in range(2)]
    pq.write_table(pa.table({"image": paths, "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(
        DataError, match=r"does not contain the pictures themselves, only paths such as /x/0\.png"
    ):
        read(tmp_path / "a.parquet")
    pq.write_table(pa.table({"image_path": ["0.png", "1.png"], "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"contains only the file names of the pictures .in 'image_path'."):
        read(tmp_path / "a.parquet")


def test_several_sets_are_distinguished_and_folders_of_splits_are_one(tmp_path: Path) -> None:
    for folder in ("set/fine", "set/coarse", "one/train", "one/test"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        write(tmp_path / folder / "0000.parquet", [0, 1])
    with pytest.raises(
        DataError, match=r"several sets of Parquet files, in the folders coarse, fine\. Pass one"
    ):
        recognise(tmp_path / "set")
    assert recognised(tmp_path / "one").splits == ("train", "test")


def test_test_files_without_labels_are_not_a_split_but_can_be_read_alone(tmp_path: Path) -> None:
    write(tmp_path / "train-0.parquet", [0, 1])
    test = write(tmp_path / "test-0.parquet", [-1, -1])
    source = recognised(tmp_path)
    assert source.splits == ("train",)
    assert f"pass {test} to predict" in source.notes[0]
    assert read(test)[:2] == ([], ())
