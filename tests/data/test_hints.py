"""Hints about a source are checked when they are given, and refused if they do not apply."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.data.hints import NO_HINTS, Hints, parse_value_range, with_target
from picturewise.data.recognise import recognise
from picturewise.errors import PicturewiseError, UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0..1", (0, 1)), (" -1 .. 1 ", (-1, 1)), ("0..6.5535e4", (0, 65535)), (".5..2.", (0.5, 2))],
)
def test_a_range_has_two_ends(text: str, expected: tuple[float, float]) -> None:
    assert parse_value_range(text) == expected


@pytest.mark.parametrize(
    "text", ["", "1", "0-1", "1..0", "0..0", "0..1..2", "a..b", "0..1e400", "nan..1", "0...1.2.3"]
)
def test_what_is_not_a_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"Pass LOW\.\.HIGH"):
        Hints(value_range=text)


def test_a_layout_has_a_name() -> None:
    with pytest.raises(UsageError, match="Choose from planar, interleaved, channels-first, channels-last"):
        Hints(layout="hwc")  # type: ignore[arg-type]


def test_a_target_has_a_name() -> None:
    with pytest.raises(UsageError, match=r"Unknown target 'numbers'. Choose from class, sequence"):
        Hints(target="numbers")  # type: ignore[arg-type]


def test_a_classifier_knows_the_target() -> None:
    assert with_target(Hints(layout="planar"), sequences=True) == Hints(layout="planar", target="sequence")
    assert with_target(Hints(target="class"), sequences=False) == Hints(target="class")
    with pytest.raises(
        UsageError, match="--target class does not fit the classifier, whose target is a sequence"
    ):
        with_target(Hints(target="class"), sequences=True)


def test_later_hints_win() -> None:
    assert Hints(label_column="a", file_column="f") | Hints(label_column="b") == Hints(
        label_column="b", file_column="f"
    )
    assert Hints(label_column="a", layout="planar").only("layout") == Hints(layout="planar")
    assert NO_HINTS.given() == {}


def test_a_hint_that_means_nothing_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x_train=np.zeros((4, 8, 8), np.uint8), y_train=[0, 1, 0, 1])
    with pytest.raises(UsageError, match="--label-from, --file-column do not apply"):
        recognise(tmp_path / "set.npz", hints=Hints(file_column="file", label_from="(cat|dog)"))
    assert recognise(tmp_path / "set.npz", hints=Hints(file_column="file"), strict=False).hints == NO_HINTS


def test_every_task_refuses_a_hint_that_means_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(8):
            pixels = random.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    data, hints = tmp_path / "set", Hints(file_column="file")
    run = picturewise.train(data, model="mlp 4", epochs=1, out=tmp_path / "run", progress=False)
    for task in (
        lambda: picturewise.read_dataset(data, file_column="file"),
        lambda: picturewise.inspect(data, out=tmp_path / "figures", hints=hints),
        lambda: picturewise.train(data, settings={"data.file_column": "file"}, out=tmp_path / "other"),
        lambda: picturewise.evaluate(run, data=data, hints=hints),
        lambda: picturewise.evaluate(run, hints=hints),
        lambda: picturewise.predict(run, data, hints=hints),
        lambda: picturewise.extend(run, data, settings={"data.file_column": "file"}, out=tmp_path / "other"),
    ):
        with pytest.raises(
            PicturewiseError,
            match=r"--file-column does not apply|passed for --file-column",
        ):
            task()
    assert not (tmp_path / "other").exists()
