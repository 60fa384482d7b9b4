from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.readers.cifar import CifarReader, recognise
from picturewise.errors import DataError
from picturewise.split_names import SplitName

REAL = Path(__file__).parents[4] / "shared" / "data"
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def pixels(seed: int) -> bytes:
    """Return one picture as the files have it: 1,024 bytes of red, then green, then blue."""
    return np.random.default_rng(seed).integers(0, 256, 3072, dtype=np.uint8).tobytes()


def batch(seed: int, labels: tuple[int, int] = (6, 9)) -> bytes:
    """Return two pictures, byte for byte as Python 2 wrote the published batches."""
    data = pixels(seed) + pixels(seed + 100)
    return (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05("
        + bytes([ord("K"), labels[0], ord("K"), labels[1]])
        + b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09"
        b"(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<i", len(data)) + data + b"tbU\tfilenamesq\x0c]q\x0d("
        b"U\x05a.pngU\x05b.pngeu."
    )


def python_files(**changed: bytes) -> dict[str, bytes]:
    files = {f"data_batch_{n}": batch(n) for n in range(1, 6)}
    files |= {
        "test_batch": batch(9),
        "batches.meta": pickle.dumps({"label_names": NAMES}, 2),
        "readme.html": b"hello",
    }
    return files | changed


def binary_files() -> dict[str, bytes]:
    files = {f"data_batch_{n}.bin": b"\6" + pixels(n) + b"\x09" + pixels(n + 100) for n in range(1, 6)}
    files |= {"test_batch.bin": b"\6" + pixels(9) + b"\x09" + pixels(109)}
    return files | {"batches.meta.txt": ("\n".join(NAMES) + "\n\n").encode()}


def hundred(*, binary: bool) -> dict[str, bytes]:
    names = [f"fine{n}" for n in range(100)]
    if binary:
        records = b"\1\x63" + pixels(1) + b"\2\x07" + pixels(101)
        return {"train.bin": records, "test.bin": records, "fine_label_names.txt": "\n".join(names).encode()}
    data = np.frombuffer(pixels(1) + pixels(101), np.uint8).reshape(2, 3072)
    content = {b"data": data, b"fine_labels": [99, 7], b"coarse_labels": [1, 2], b"filenames": [b"a", b"b"]}
    table = pickle.dumps(content, 2)
    return {
        "train": table,
        "test": table,
        "meta": pickle.dumps({"fine_label_names": names, "coarse_label_names": []}),
    }


def lay(place: Path, files: Mapping[str, bytes], folder: str = "cifar-10-batches-py") -> Path:
    """Write files as a folder, a tar, a tar.gz or a zip, by the ending of `place`."""
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as packed:
            for name, content in files.items():
                packed.writestr(f"{folder}/{name}", content)
    elif place.suffix in {".gz", ".tar"}:
        with tarfile.open(place, "w:gz" if place.suffix == ".gz" else "w") as archive:
            archive.addfile(directory(folder))
            for name, content in files.items():
                info = tarfile.TarInfo(f"{folder}/{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    else:
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    return place


def directory(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def recognised(path: Path) -> CifarReader:
    source = recognise(path)
    assert source is not None
    return source


def parts(path: Path, *splits: SplitName) -> dict[SplitName, ImageSet]:
    source = recognised(path)
    reading = source.read(splits or source.splits, DataOptions(source=str(path)))
    return {split: part.pictures for split, part in reading.parts.items()}


def picture(seed: int) -> np.ndarray:
    return np.frombuffer(pixels(seed), np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)


@pytest.mark.parametrize("place", ["folder", "cifar-10-python.tar.gz", "cifar.tar", "cifar.zip"])
def test_the_python_version_is_read_in_any_place(tmp_path: Path, place: str) -> None:
    found = parts(lay(tmp_path / place, python_files()))
    assert found["train"].images.shape == (10, 32, 32, 3)
    np.testing.assert_array_equal(found["train"].images[3], picture(102))
    assert found["train"].labels.tolist() == [6, 9] * 5
    assert found["train"].classes == tuple(NAMES)
    assert list(found["train"].names) == ["a.png", "b.png"] * 5
    np.testing.assert_array_equal(found["test"].images[0], picture(9))


@pytest.mark.parametrize("place", ["folder", "cifar-10-binary.tar.gz"])
def test_the_binary_version_holds_the_same_pictures(tmp_path: Path, place: str) -> None:
    python = parts(lay(tmp_path / "python", python_files()))
    binary = parts(lay(tmp_path / place, binary_files(), "cifar-10-batches-bin"))
    for split in ("train", "test"):
        assert binary[split].fingerprint == python[split].fingerprint


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("place", ["folder", "cifar-100.tar.gz"])
def test_cifar_100_has_its_fine_labels(tmp_path: Path, place: str, binary: bool) -> None:
    folder = "cifar-100-binary" if binary else "cifar-100-python"
    found = parts(lay(tmp_path / place, hundred(binary=binary), folder))
    assert found["train"].labels.tolist() == [99, 7]
    assert found["train"].classes[99] == "fine99"
    np.testing.assert_array_equal(found["test"].images[1], picture(101))


def test_the_folder_around_the_folder_will_do(tmp_path: Path) -> None:
    lay(tmp_path / "cifar-10-batches-py", python_files())
    assert parts(tmp_path)["train"].images.shape == (10, 32, 32, 3)


def test_one_batch_is_read_with_the_class_names_beside_it(tmp_path: Path) -> None:
    folder = lay(tmp_path / "folder", python_files())
    found = parts(folder / "data_batch_2")
    assert list(found) == ["train"]
    assert len(found["train"]) == 2
    assert found["train"].classes == tuple(NAMES)


def test_without_names_the_classes_are_numbers(tmp_path: Path) -> None:
    files = python_files()
    del files["batches.meta"]
    source = recognised(lay(tmp_path / "folder", files))
    reading = source.read({"test"}, DataOptions(source=""))
    assert reading.parts["test"].pictures.classes == tuple("0123456789")
    assert "names is missing" in reading.notes[0]


@pytest.mark.parametrize("place", ["folder", "cifar-10-python.tar.gz", "cifar.zip"])
def test_train_and_valid_are_read_without_decoding_the_test_batch(tmp_path: Path, place: str) -> None:
    path = lay(tmp_path / place, python_files(test_batch=b"\x80\2cos\nsystem\n."))
    assert list(parts(path, "train")) == ["train"]
    with pytest.raises(DataError, match=r"test_batch refers to os\.system"):
        parts(path)


def test_the_same_train_and_valid_come_out_whatever_else_is_read(tmp_path: Path) -> None:
    options = DataOptions(source=str(lay(tmp_path / "cifar.tar.gz", python_files())))
    alone, together = read_place(options, ("train", "valid")), read_place(options)
    assert alone.train.fingerprint == together.train.fingerprint
    assert alone.valid.fingerprint == together.valid.fingerprint


def test_a_label_outside_the_classes_is_reported(tmp_path: Path) -> None:
    path = lay(tmp_path / "folder", python_files(data_batch_3=batch(3, (1, 10))))
    with pytest.raises(
        DataError,
        match=r"data_batch_3: label 1 .* is 10, but there are only 10 classes\. Use labels in 0\.\.9",
    ):
        parts(path)


def test_a_missing_key_is_reported_with_those_found(tmp_path: Path) -> None:
    path = lay(
        tmp_path / "folder", python_files(data_batch_3=pickle.dumps({b"labels": [1], b"pixels": 2}, 2))
    )
    with pytest.raises(
        DataError, match=r"data_batch_3 does not have the key 'data' .found 'labels', 'pixels'"
    ):
        parts(path)


def test_pixels_of_another_shape_are_reported(tmp_path: Path) -> None:
    table = pickle.dumps({b"labels": [1], b"data": np.zeros((1, 3073), np.uint8)}, 2)
    path = lay(tmp_path / "folder", python_files(data_batch_3=table))
    with pytest.raises(
        DataError,
        match=r"'data' has shape \(1, 3073\) and dtype uint8\. Expected a uint8 array of shape \(N, 3072\)",
    ):
        parts(path)


def test_counts_that_differ_are_reported(tmp_path: Path) -> None:
    table = pickle.dumps({b"labels": [1, 2], b"data": np.zeros((3, 3072), np.uint8)}, 2)
    path = lay(tmp_path / "folder", python_files(data_batch_3=table))
    with pytest.raises(DataError, match=r"contains 2 labels for 3 pictures. Pass one label for each picture"):
        parts(path)


def test_a_truncated_binary_file_is_reported(tmp_path: Path) -> None:
    path = lay(tmp_path / "folder", binary_files() | {"data_batch_2.bin": b"\1" + pixels(0)[:-1]})
    with pytest.raises(DataError, match=r"has 3,072 bytes, which is not a multiple of 3,073"):
        parts(path)


def test_an_archive_without_all_batches_is_reported(tmp_path: Path) -> None:
    files = python_files()
    del files["data_batch_5"]
    with pytest.raises(DataError, match="contains only 4 of the 5 files of the CIFAR-10 train split"):
        parts(lay(tmp_path / "cifar.tar.gz", files))


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.99])
def test_a_download_that_was_cut_off_is_reported(tmp_path: Path, keep: float) -> None:
    path = lay(tmp_path / "cifar-10-python.tar.gz", python_files())
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataError, match=r"truncated|damaged"):
        parts(path)


def test_what_is_not_cifar_is_left_to_others(tmp_path: Path) -> None:
    other = lay(tmp_path / "other.tar.gz", {"readme.txt": b"hello"}, "other")
    (tmp_path / "train").write_text("a text")
    (tmp_path / "notes").write_text("a text")
    (tmp_path / "test").mkdir()
    for path in (other, tmp_path, tmp_path / "train", tmp_path / "notes"):
        assert recognise(path) is None
