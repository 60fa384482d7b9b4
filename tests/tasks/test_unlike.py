"""A classifier that is asked about pictures unlike those that it learned from, or in another range of values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run
from picturewise.data.hints import Hints
from picturewise.errors import DataError, UsageError

pytestmark = pytest.mark.slow  # small, but many


RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 2


def drawings(count: int = 60) -> np.ndarray:
    """White bars on black, in the upper half or the lower: (N, 8, 8) uint8."""
    pictures = RANDOM.integers(0, 20, (count, 8, 8), np.uint8)
    for number, picture in enumerate(pictures):
        at = RANDOM.integers(0, 3) + 4 * (number % 2)
        picture[at : at + 2] = RANDOM.integers(200, 256)
    return pictures


def train(data: object, out: Path) -> Path:
    picturewise.train(data, model="mlp 8", epochs=30, seed=1, out=out, progress=False)  # type: ignore[arg-type]
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train((drawings(), LABELS), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def twelve_bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train((drawings().astype(np.uint16) * 16, LABELS), tmp_path_factory.mktemp("runs") / "run")


def save(folder: Path, pictures: np.ndarray, ending: str = "png") -> Path:
    for number, picture in enumerate(pictures):
        place = folder / "01"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number}.{ending}")
    return folder


def classes(run: Path, data: object, **options: object) -> list[str]:
    return [item.label for item in picturewise.predict(run, data, **options)[0]]  # type: ignore[arg-type]


def test_pictures_like_those_of_train_get_no_note(trained: Path) -> None:
    found = picturewise.predict(trained, list(drawings(20)))
    assert found.notes == ()
    assert picturewise.evaluate(trained, data=(drawings(), LABELS), progress=False).notes == ()


def test_inverted_and_black_pictures_are_noted_and_predicted_all_the_same(trained: Path) -> None:
    inverted = list(255 - drawings(3))
    found = picturewise.predict(trained, inverted)
    assert "3 of 3 pictures are much lighter" in found.notes[0]
    assert found.notes[0].endswith("Are they inverted?")
    assert len(found[0]) == 3
    black = picturewise.predict(trained, list(drawings(3) * 0))
    assert "3 of 3 pictures" in black.notes[0]
    assessed = picturewise.evaluate(trained, data=(255 - drawings(), LABELS), progress=False)
    assert "60 of 60 pictures are much lighter" in assessed.notes[-1]


@pytest.mark.parametrize("how", [["--json"], ["--csv", "out.csv"], []])
def test_the_command_notes_on_the_standard_error_and_ends_as_ever(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = save(tmp_path / "pictures", 255 - drawings(4)) / "0"
    assert run(["predict", str(trained), str(folder), *how]) == 0
    printed = capsys.readouterr()
    assert "2 of 2 pictures are much lighter" in printed.err
    assert "lighter" not in printed.out
    if how == ["--json"]:
        assert len(json.loads(printed.out)["predictions"]) == 2


def test_a_classifier_of_12_bits_reads_12_bits_alone_and_8_bits_as_bytes(
    twelve_bits: Path, tmp_path: Path
) -> None:
    classifier = picturewise.load_classifier(twelve_bits / "classifier.safetensors")
    assert classifier.description.values == (0, 4095)
    pictures = drawings(10)
    deep = pictures.astype(np.uint16) * 16
    right = list("0101010101")
    assert classes(twelve_bits, deep[..., np.newaxis]) == right
    for number, picture in enumerate(deep // 3):  # dark ones, each alone, keep their darkness
        found = picturewise.predict(twelve_bits, picture[np.newaxis, ..., np.newaxis])
        same = picturewise.predict(twelve_bits, list(deep[number : number + 1] // 3))
        assert found[0][0].probabilities == same[0][0].probabilities
    bytes_of = np.rint(deep * (255 / 4095)).astype(np.uint8)
    for files in (save(tmp_path / "deep", deep), save(tmp_path / "bytes", bytes_of)):
        names = sorted(files.glob("*/*"), key=lambda path: int(path.stem))
        found = picturewise.predict(twelve_bits, names)
        assert [item.label for item in found[0]] == right
        assert found.notes == ()
    expected = classifier.probabilities(bytes_of[..., np.newaxis])
    given = picturewise.predict(twelve_bits, [*map(Image.fromarray, deep)])[0]
    np.testing.assert_allclose([list(item.probabilities.values()) for item in given], expected, atol=1e-6)
    with pytest.raises(DataError, match=r"the classifier was trained on 0\.\.4095\. .*--value-range"):
        picturewise.predict(twelve_bits, pictures[..., np.newaxis] / 255)
    said = Hints(value_range="0..1")
    assert classes(twelve_bits, pictures[..., np.newaxis] / 255, hints=said) == right


def test_the_range_is_kept_with_the_run_and_its_own_test_split_is_read_in_it(tmp_path: Path) -> None:
    x = drawings()
    np.savez(
        tmp_path / "bits.npz", x_train=x // 128, y_train=LABELS, x_test=x[:20] // 128, y_test=LABELS[:20]
    )
    run = train(tmp_path / "bits.npz", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    assert record["data"]["values"] == [0, 1]
    assert any("read as 0..1" in note for note in record["data"]["notes"])
    own = picturewise.evaluate(run, progress=False)
    assert own.accuracy.value == 1
    other = picturewise.evaluate(run, data=(x[:20] // 128, LABELS[:20]), progress=False)
    assert other.accuracy.value == 1
    files = save(tmp_path / "files", x[:10] // 128 * 255)  # as a PNG has them
    assert picturewise.evaluate(run, data=files, progress=False).accuracy.value == 1


def test_a_recipe_names_range_and_layout(tmp_path: Path) -> None:
    signed = drawings().astype(np.int16) * 16 - 1000
    np.savez(tmp_path / "ct.npz", x_train=signed, y_train=LABELS)
    with pytest.raises(DataError, match=r"--value-range -1000\.\.\d+"):
        picturewise.train(tmp_path / "ct.npz", out=tmp_path / "none", progress=False)
    run = picturewise.train(
        tmp_path / "ct.npz", settings={"data.value_range": "-1000..3080"}, model="mlp 8", epochs=30, seed=1,
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert picturewise.evaluate(run, progress=False).accuracy.value == 1
    assert classes(tmp_path / "run", signed[:4]) == list("0101")
    noise = RANDOM.integers(0, 256, (60, 192), np.uint8)
    with pytest.raises(DataError, match="--layout interleaved or --layout planar"):
        picturewise.make_dataset((noise, LABELS))
    found = picturewise.make_dataset((noise, LABELS), layout="planar")
    assert found.train is not None
    assert found.train.shape == (8, 8, 3)
    with pytest.raises(UsageError, match="--layout does not apply"):
        picturewise.read_dataset(save(tmp_path / "files", drawings()), layout="planar")
