"""The corruptions of benchmarks/robustness.py, one picture at a time, and its table."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, stats

ROOT = Path(__file__).parents[1]


@pytest.fixture
def robustness(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import robustness

    return robustness


ALL_VALUES = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clean", lambda value: value),
        ("x0.5", lambda value: value // 2),
        ("x0.3", lambda value: 3 * value // 10),
        ("contrast 0.5", lambda value: round(127.5 + (value - 127.5) / 2)),
        ("contrast 0.3", lambda value: round((1275 + 3 * (value - 127.5)) / 10)),
        ("bright +51", lambda value: min(value + 51, 255)),
        ("bright -51", lambda value: max(value - 51, 0)),
    ],
)
def test_each_value_is_changed_as_described(robustness: ModuleType, name: str, expected) -> None:
    found = robustness.CORRUPTIONS[name](ALL_VALUES)
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == [expected(value) for value in range(256)]


@pytest.mark.parametrize("deviation", [25, 50])
def test_noise_is_normal_and_repeatable(robustness: ModuleType, deviation: int) -> None:
    corrupt = robustness.CORRUPTIONS[f"noise {deviation}"]
    grey = np.full((20, 32, 32, 3), 128, np.uint8)
    found = corrupt(grey)
    assert np.array_equal(found, corrupt(grey))
    inside = stats.norm.cdf(127.5 / deviation) - stats.norm.cdf(-128.5 / deviation)
    assert np.mean((found > 0) & (found < 255)) == pytest.approx(inside, abs=0.005)
    assert np.mean(np.abs(found.astype(int) - 128) <= deviation) == pytest.approx(
        stats.norm.cdf((deviation + 0.5) / deviation) - stats.norm.cdf(-(deviation + 0.5) / deviation),
        abs=0.01,
    )


@pytest.mark.parametrize(
    ("name", "side", "pixels"), [("shift 2", 28, 2), ("shift 4", 32, 4), ("shift 4", 224, 28)]
)
def test_pictures_are_shifted_along_the_diagonals_in_turns(
    robustness: ModuleType, name: str, side: int, pixels: int
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    found = robustness.CORRUPTIONS[name](pictures)
    for number, (down, right) in enumerate([(1, 1), (1, -1), (-1, 1), (-1, -1), (1, 1)]):
        expected = ndimage.shift(
            pictures[number], (down * pixels, right * pixels, 0), order=0, mode="nearest"
        )
        np.testing.assert_array_equal(found[number], expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("degrees", [15, 30])
def test_pictures_are_turned_both_ways_in_turns(robustness: ModuleType, degrees: int, channels: int) -> None:
    x, y = np.meshgrid(np.arange(33) - 16, np.arange(33) - 16)
    spot = np.exp(-((x - 8) ** 2 + y**2) / 8)  # to the right of the centre
    pictures = np.repeat((250 * spot).astype(np.uint8)[None, :, :, None], 3, axis=0).repeat(channels, axis=3)
    found = robustness.CORRUPTIONS[f"rotate {degrees}"](pictures)
    assert found.shape == pictures.shape
    for picture, sign in zip(found, [1, -1, 1], strict=True):
        row, column = ndimage.center_of_mass(picture[..., 0].astype(float))
        angle = math.degrees(math.atan2(16 - row, column - 16))  # anticlockwise
        assert angle == pytest.approx(sign * degrees, abs=0.7)
    turned = Image.fromarray(pictures[1, :, :, 0]).rotate(-degrees, Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(found[1, :, :, 0], np.asarray(turned))


@pytest.mark.slow
def test_a_table_has_a_line_for_each_run(
    robustness: ModuleType, tmp_path: Path, idx_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.csv"
    options = ["--set", 'model.name="mlp 8"', "training.epochs=2", "training.batch_size=16"]
    robustness.main([str(idx_folder), "--out", str(file), "--augment", "default", "none", *options])
    robustness.main(
        [
            str(idx_folder),
            "--out",
            str(file),
            "--augment",
            "shift 1; blur",
            "--test",
            "--first-seed",
            "3",
            *options,
        ]
    )
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["augment"], row["seed"], row["split"], row["pictures"]) for row in rows] == [
        ("default", "0", "valid", "6"),
        ("none", "0", "valid", "6"),
        ("shift 1; blur", "3", "test", "20"),
    ]
    assert [row["used"] for row in rows] == ["shift 1; brightness 0.5; contrast 0.7", "", "shift 1; blur 1"]
    for row in rows:
        assert all(0 <= float(row[name]) <= 1 for name in robustness.CORRUPTIONS)
        assert all(float(row[name]) >= 0 for name in robustness.COSTS)
    said = capsys.readouterr().out
    assert f"| `none` | {100 * float(rows[1]['clean']):.2f} |" in said
