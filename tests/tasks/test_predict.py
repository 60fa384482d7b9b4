from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from picturewise.data.hints import Hints
from picturewise.errors import DataError, UsageError
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.prediction.predict import Prediction
from picturewise.preparing.preparation import Preparation
from picturewise.tasks.imports import list_imports
from picturewise.tasks.load import make_dataset
from picturewise.tasks.predict import predict
from picturewise.tasks.train import train


class Brightness(nn.Module):
    """Says `bright` the more surely, the brighter a picture is."""

    def forward(self, batch: Tensor) -> Tensor:
        mean = batch.mean(dim=(1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


@pytest.fixture
def trained() -> Classifier:
    preparation = Preparation(mean=(127.5,) * 3, std=(50.0,) * 3)
    return Classifier(
        Brightness(),
        Description(
            layers=None, shape=(4, 4, 3), resize="crop", classes=("dark", "bright"), preparation=preparation
        ),
    )


def save(path: Path, value: int, size: tuple[int, int] = (9, 5), mode: str = "L") -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)
    return path


def test_files_of_any_size_and_mode_get_their_class(tmp_path: Path, trained: Classifier) -> None:
    paths = [
        save(tmp_path / "b.png", 250, (50, 3), "RGBA"),
        save(tmp_path / "a.jpg", 5, (4, 4), "RGB"),
        save(tmp_path / "c.bmp", 0, (1, 1), "1"),
        save(tmp_path / "d.gif", 200, (7, 9), "P"),
    ]
    found, skipped = predict(trained, paths)
    assert [(item.name, item.label) for item in found] == [
        (str(path), label) for path, label in zip(paths, ["bright", "dark", "dark", "bright"], strict=True)
    ]
    assert skipped == ()


def test_a_prediction_holds_every_probability_by_name(tmp_path: Path, trained: Classifier) -> None:
    path = save(tmp_path / "a.png", 137)
    ((found,), _) = predict(trained, [path])
    expected = trained.probabilities(np.full((1, 4, 4, 3), 137, np.uint8))[0]
    assert list(found.probabilities) == ["dark", "bright"]
    assert list(found.probabilities.values()) == pytest.approx(expected.tolist())
    assert found.probability == max(found.probabilities.values()) == found.probabilities["bright"]


def test_a_file_and_its_pixels_get_equal_probabilities(tmp_path: Path, trained: Classifier) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for channels in (1, 3):
        changed = {
            "shape": (4, 4, channels),
            "preparation": Preparation(mean=(1.0,) * channels, std=(9.0,) * channels),
        }
        same = Classifier(Brightness(), replace(trained.description, **changed))
        ((found,), _) = predict(same, [tmp_path / "a.png"])
        assert list(found.probabilities.values()) == same.probabilities(pixels[None])[0].tolist()


def test_a_folder_stands_for_the_files_in_it_by_name(tmp_path: Path, trained: Classifier) -> None:
    for name in ["b.png", "a.png", ".hidden.png"]:
        save(tmp_path / name, 9)
    (tmp_path / "Thumbs.db").write_bytes(b"litter of another system")
    save(tmp_path / "deeper" / "c.png", 9)
    found, skipped = predict(trained, [tmp_path / "b.png", tmp_path])
    assert [Path(item.name).name for item in found] == ["b.png", "a.png", "b.png"]
    assert [(item.path, item.reason) for item in skipped] == [
        (
            str(tmp_path / "deeper"),
            "a folder next to the pictures; pass it separately, or use --recursive, to classify the pictures in it",
        )
    ]


def test_bad_files_are_counted_and_the_first_is_named(tmp_path: Path, trained: Classifier) -> None:
    good, bad, empty = save(tmp_path / "good.png", 9), tmp_path / "bad.png", tmp_path / "empty.jpg"
    bad.write_bytes(good.read_bytes()[:50])
    empty.touch()
    with pytest.raises(
        DataError, match=r"2 of 3 files cannot be read as pictures; the first is .*bad\.png: damaged"
    ):
        predict(trained, [good, bad, empty])
    found, skipped = predict(trained, [good, bad, empty], skip_bad=True)
    assert [item.name for item in found] == [str(good)]
    assert [item.path for item in skipped] == [str(bad), str(empty)]
    assert all(item.reason and not item.reason.endswith(".") for item in skipped)


def test_only_bad_files_are_refused_even_when_they_may_be_skipped(
    tmp_path: Path, trained: Classifier
) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(
        DataError, match=r"None of the 1 files can be read as a picture; the first is .*a.png: "
    ):
        predict(trained, [tmp_path], skip_bad=True)
    assert predict(trained, []) == ([], ())


def test_places_without_pictures_are_told(tmp_path: Path, trained: Classifier) -> None:
    with pytest.raises(DataError, match=r"nothing' is neither an existing path nor a catalogue name"):
        predict(trained, [tmp_path / "nothing"], skip_bad=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        DataError, match=r"folder is not in a format that Picturewise reads: found an empty folder"
    ):
        predict(trained, [tmp_path / "folder"], skip_bad=True)


def test_of_equally_likely_classes_the_first_is_the_label() -> None:
    assert Prediction("a", {"x": 0.25, "y": 0.5, "z": 0.5}).label == "y"


def test_the_lines_of_a_csv_file_of_pixels_are_numbered_from_one(tmp_path: Path, trained: Classifier) -> None:
    path = tmp_path / "test.csv"
    lines = [",".join(f"pixel{number}" for number in range(16)), ",".join(["0"] * 16), ",".join(["250"] * 16)]
    path.write_text("\n".join(lines))
    found, skipped = predict(trained, [path])
    assert [(item.number, item.label) for item in found] == [(1, "dark"), (2, "bright")]
    assert found[1].name == f"{path}, picture 2"
    assert skipped == ()


def test_another_csv_file_is_no_picture(tmp_path: Path, trained: Classifier) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"a\.csv is not in a format that Picturewise reads"):
        predict(trained, [tmp_path / "a.csv"])


def pixels_of(count: int) -> np.ndarray:
    """Pictures (N, 4, 4) that are dark and bright in turn."""
    return np.repeat(np.arange(count) % 2 * 250, 16).reshape(count, 4, 4).astype(np.uint8)


def class_folders(folder: Path) -> Path:
    for index, pixels in enumerate(pixels_of(4)):
        (folder / "pictures" / "ab"[index // 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "pictures" / "ab"[index // 2] / f"{index}.png")
    return folder / "pictures"


def idx_alone(folder: Path) -> Path:
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">III", 4, 4, 4) + pixels_of(4).tobytes())
    return path


def npz_of_test_pictures(folder: Path) -> Path:
    np.savez(folder / "test.npz", x_test=pixels_of(4))
    return folder / "test.npz"


def csv_without_labels(folder: Path) -> Path:
    lines = [
        ",".join(f"pixel{n}" for n in range(16)),
        *(",".join(map(str, row.flat)) for row in pixels_of(4)),
    ]
    (folder / "kaggle").mkdir()
    (folder / "kaggle" / "test.csv").write_text("\n".join(lines))
    return folder / "kaggle"


def hdf5_with_splits(folder: Path) -> Path:
    with h5py.File(folder / "set.h5", "w") as file:
        file["x_train"], file["y_train"] = pixels_of(6)[::-1], np.arange(6) % 2
        file["x_test"], file["y_test"] = pixels_of(4), np.arange(4) % 2
    return folder / "set.h5"


FORMS = {
    "folders": class_folders,
    "idx": idx_alone,
    "npz": npz_of_test_pictures,
    "csv": csv_without_labels,
    "hdf5": hdf5_with_splits,
    "array": lambda _: pixels_of(4),
    "tensor": lambda _: torch.from_numpy(pixels_of(4)),
    "pair": lambda _: (pixels_of(4), np.arange(4) % 2),
    "list": lambda _: [Image.fromarray(pixels) for pixels in pixels_of(4)],
    "pairs": lambda _: [(Image.fromarray(pixels), 0) for pixels in pixels_of(4)],
    "splits": lambda _: {"train": (pixels_of(6), np.arange(6) % 2), "test": (pixels_of(4), np.arange(4) % 2)},
    "dataset": lambda _: make_dataset(None, test=(pixels_of(4), np.arange(4) % 2)),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_that_is_trained_on_can_be_predicted_and_pictures_without_labels_too(
    form: str, tmp_path: Path, trained: Classifier
) -> None:
    found, skipped = predict(trained, FORMS[form](tmp_path))
    assert [item.label for item in found] == ["dark", "bright", "dark", "bright"]
    assert skipped == ()
    assert len({item.name for item in found}) == 4


def test_a_set_with_splits_but_no_test_is_told_and_a_split_may_be_named(trained: Classifier) -> None:
    splits = {"train": (pixels_of(6), np.arange(6) % 2), "valid": (pixels_of(4)[::-1], np.arange(4) % 2)}
    with pytest.raises(
        DataError, match=r"has the splits train, valid, but no test split\. Pass the pictures"
    ):
        predict(trained, splits)
    found, _ = predict(trained, splits, split="valid")
    assert [item.label for item in found] == ["bright", "dark", "bright", "dark"]


@pytest.mark.parametrize("form", ["idx", "npz", "csv", "array", "list"])
def test_pictures_without_labels_are_not_trained_on(form: str, tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"does not have labels, so it cannot be used for training|have a train or valid split",
    ):
        train(FORMS[form](tmp_path), epochs=1, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_loose_pictures_are_not_trained_on(tmp_path: Path) -> None:
    path = save(tmp_path / "set" / "a.png", 9)
    for place, said in (
        (path, r"a\.png contains pictures without labels\. To train on them, arrange them as"),
        (tmp_path / "set", r"set contains pictures, but no class folders. Arrange .*set/<class>/<picture>"),
    ):
        with pytest.raises(DataError, match=said):
            train(place, epochs=1, out=tmp_path / "run", progress=False)


def test_pictures_beside_a_list_of_their_labels_are_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "listed"
    for number in range(20):
        save(folder / f"{number}.png", 200 * (number % 2) + number, (4, 4))
    rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(20))
    (folder / "labels.csv").write_text(f"file,label\n{rows}")
    run = train(
        folder, epochs=1, model="mlp 4", settings={"data.size": [4, 4]}, out=tmp_path / "run", progress=False
    )
    assert run.record.data.classes == ("a", "b")


def test_a_loose_picture_is_not_imported(tmp_path: Path, trained: Classifier) -> None:
    predict(trained, save(tmp_path / "a.png", 9))
    assert list_imports() == []


def test_predict_takes_what_a_classifier_does(tmp_path: Path, trained: Classifier) -> None:
    picture = pixels_of(2)[1]
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    for data in (
        picture,
        torch.from_numpy(picture),
        path.read_bytes(),
        Image.fromarray(picture),
        picture / 255,
    ):
        ((found,), _) = predict(trained, data)
        assert (found.label, found.number) == ("bright", 1)
    found, skipped = predict(trained, [pixels_of(2)[0], path, path.read_bytes(), pixels_of(2)])
    assert [item.label for item in found] == ["dark", "bright", "bright", "dark", "bright"]
    assert [item.name for item in found] == [
        "item 0 (counted from 0)", str(path), "item 2 (counted from 0)",
        *(f"item 3 (counted from 0), picture {number}" for number in (1, 2)),
    ]  # fmt: skip
    assert skipped == ()
    found, skipped = predict(trained, (picture, path.read_bytes()[:30], path), skip_bad=True)
    assert ([item.label for item in found], [item.path for item in skipped]) == (
        ["bright", "bright"],
        ["item 1 (counted from 0)"],
    )
    found, _ = predict(trained, (picture, path))
    assert len(found) == 2  # a path is no label


def test_predict_says_of_values_what_a_classifier_refuses(trained: Classifier) -> None:
    deep = pixels_of(2).astype(np.uint16) * 16
    with pytest.raises(
        DataError, match=r"Pass such pictures to picturewise\.predict, which accepts them and adds a note"
    ):
        trained.predict(deep)
    found = predict(trained, deep)
    assert [item.label for item in found.predictions] == ["dark", "bright"]
    assert "values were read as 0..4095 (12 bits)" in found.notes[0]
    found = predict(trained, deep, hints=Hints(value_range="0..65535"))
    assert found.predictions[1].label == "dark"
    with pytest.raises(UsageError, match=r"--label-from does not apply to pictures"):
        predict(trained, deep, hints=Hints(label_from="x"))
