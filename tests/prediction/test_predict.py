from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from picturewise.errors import DataError
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.prediction.predict import Prediction, predict_files
from picturewise.preparing.preparation import Preparation


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
    found, skipped = predict_files(trained, paths)
    assert [(item.name, item.label) for item in found] == [
        (str(path), label) for path, label in zip(paths, ["bright", "dark", "dark", "bright"], strict=True)
    ]
    assert skipped == ()


def test_a_prediction_holds_every_probability_by_name(tmp_path: Path, trained: Classifier) -> None:
    path = save(tmp_path / "a.png", 137)
    ((found,), _) = predict_files(trained, [path])
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
        ((found,), _) = predict_files(same, [tmp_path / "a.png"])
        assert list(found.probabilities.values()) == same.probabilities(pixels[None])[0].tolist()


def test_a_folder_stands_for_the_files_in_it_by_name(tmp_path: Path, trained: Classifier) -> None:
    for name in ["b.png", "a.png", ".hidden.png"]:
        save(tmp_path / name, 9)
    (tmp_path / "Thumbs.db").write_bytes(b"litter of another system")
    save(tmp_path / "deeper" / "c.png", 9)
    found, _ = predict_files(trained, [tmp_path / "b.png", tmp_path])
    assert [Path(item.name).name for item in found] == ["b.png", "a.png", "b.png"]


def test_bad_files_are_counted_and_the_first_is_named(tmp_path: Path, trained: Classifier) -> None:
    good, bad, empty = save(tmp_path / "good.png", 9), tmp_path / "bad.png", tmp_path / "empty.jpg"
    bad.write_bytes(good.read_bytes()[:50])
    empty.touch()
    with pytest.raises(
        DataError, match=r"2 of 3 files cannot be read as pictures; the first, .*bad\.png: damaged"
    ):
        predict_files(trained, [good, bad, empty])
    found, skipped = predict_files(trained, [good, bad, empty], skip_bad=True)
    assert [item.name for item in found] == [str(good)]
    assert [item.path for item in skipped] == [str(bad), str(empty)]
    assert all(item.reason and not item.reason.endswith(".") for item in skipped)


def test_only_bad_files_are_refused_even_when_they_may_be_skipped(
    tmp_path: Path, trained: Classifier
) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(
        DataError, match=r"None of the 1 files can be read as a picture; the first, .*a.png: "
    ):
        predict_files(trained, [tmp_path], skip_bad=True)
    assert predict_files(trained, []) == ([], ())


def test_places_without_pictures_are_told(tmp_path: Path, trained: Classifier) -> None:
    with pytest.raises(DataError, match=r"nothing does not exist; expected a picture file or a folder"):
        predict_files(trained, [tmp_path / "nothing"], skip_bad=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"The folder .*folder has no files directly in it"):
        predict_files(trained, [tmp_path / "folder"], skip_bad=True)


def test_of_equally_likely_classes_the_first_is_the_label() -> None:
    assert Prediction("a", {"x": 0.25, "y": 0.5, "z": 0.5}).label == "y"


def test_the_lines_of_a_csv_file_of_pixels_are_numbered_from_one(tmp_path: Path, trained: Classifier) -> None:
    path = tmp_path / "test.csv"
    lines = [",".join(f"pixel{number}" for number in range(16)), ",".join(["0"] * 16), ",".join(["250"] * 16)]
    path.write_text("\n".join(lines))
    found, skipped = predict_files(trained, [path])
    assert [(item.number, item.label) for item in found] == [(1, "dark"), (2, "bright")]
    assert found[1].name == f"{path}, picture 2"
    assert skipped == ()


def test_another_csv_file_is_no_picture(tmp_path: Path, trained: Classifier) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a picture that Picturewise reads"):
        predict_files(trained, [tmp_path / "a.csv"])
