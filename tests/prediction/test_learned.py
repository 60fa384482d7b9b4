from __future__ import annotations

import json

import numpy as np
import pytest

from picturewise.data.arrays.picture_statistics import measure, sums_of
from picturewise.prediction.description import Description
from picturewise.prediction.learned import LearnedPictures, greys, learned_pictures
from picturewise.preparing.preparation import Preparation

RANDOM = np.random.default_rng(0)


def drawings(count: int, channels: int = 1) -> np.ndarray:
    """White strokes on black, as digits are: 20 % of the pixels."""
    strokes = RANDOM.random((count, 16, 16, 1)) < RANDOM.uniform(0.1, 0.3, (count, 1, 1, 1))
    return np.repeat(strokes * np.uint8(255), channels, axis=3)


def photographs(count: int) -> np.ndarray:
    """Pictures of any brightness and contrast."""
    mean, spread = RANDOM.uniform(40, 210, (count, 1, 1, 1)), RANDOM.uniform(15, 70, (count, 1, 1, 1))
    return (mean + spread * RANDOM.standard_normal((count, 16, 16, 3))).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_and_spread_are_those_of_the_grey_values(channels: int) -> None:
    pictures = RANDOM.integers(0, 256, (20, 7, 5, channels), np.uint8)
    means, spreads = greys(measure(pictures).sums[:], 35)
    np.testing.assert_allclose(means, pictures.mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(spreads, pictures.mean(axis=3).std(axis=(1, 2)))
    np.testing.assert_array_equal(sums_of(pictures), measure(pictures).sums[:])


def test_the_ends_are_quantiles_over_pictures() -> None:
    pictures = np.arange(201, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(4, axis=1)
    learned = learned_pictures(sums_of(pictures), 4)
    assert (learned.mean, learned.spread, learned.count) == ((0, 1, 199, 200), (0, 0, 0, 0), 201)


def said(train: np.ndarray, others: np.ndarray) -> str | None:
    learned = learned_pictures(sums_of(train), 256)
    return learned.note(*greys(sums_of(others), 256))


@pytest.mark.parametrize("make", [drawings, photographs])
@pytest.mark.parametrize("count", [40, 2000])
def test_pictures_of_the_same_kind_are_not_noted(make, count: int) -> None:  # type: ignore[no-untyped-def]
    assert said(make(count), make(500)) is None


def test_inverted_drawings_are_lighter() -> None:
    sentence = said(drawings(2000), 255 - drawings(3))
    assert sentence is not None
    assert sentence.startswith(
        "3 of 3 pictures are much lighter than those that the classifier was trained on (mean 2"
    )
    assert sentence.endswith("Are they inverted?")
    assert "1 of 1 picture is much lighter" in str(said(drawings(2000), 255 - drawings(1)))


@pytest.mark.parametrize("make", [drawings, photographs])
@pytest.mark.parametrize("count", [40, 2000])
@pytest.mark.parametrize("change", ["black", "12 bits in 16", "white"])
def test_black_pictures_and_blank_ones_are_reported(make, count: int, change: str) -> None:  # type: ignore[no-untyped-def]
    pictures = make(50)
    changed = {"black": pictures * 0, "12 bits in 16": pictures // 16, "white": pictures * 0 + 255}[change]
    assert "50 of 50 pictures" in str(said(make(count), changed))


def test_a_few_odd_ones_among_many_are_not_noted() -> None:
    many = drawings(500)
    many[:20] = 255 - many[:20]
    assert said(drawings(2000), many) is None
    assert "40 of 480 pictures" in str(
        said(drawings(2000), np.concatenate([255 - drawings(40), drawings(440)]))
    )


def description(**more: object) -> Description:
    return Description(
        layers=("flatten",), shape=(4, 4, 1), resize="crop", classes=("a", "b"),
        preparation=Preparation(mean=(0.0,), std=(1.0,)), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_description_keeps_what_was_learned_and_leaves_out_what_was_not() -> None:
    learned = learned_pictures(sums_of(drawings(9)), 256)
    whole = description(values=(0, 4095), learned=learned)
    assert Description.from_json(whole.to_json()) == whole
    assert {"values", "learned"} & set(json.loads(description().to_json())) == set()
    assert Description.from_json(description().to_json()) == description()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("values", [5]),
        ("values", [1, 1]),
        ("values", ["0", "1"]),
        ("learned", {"mean": [0, 1, 2, 3]}),
        ("learned", {"mean": [0, 1, 2, 3], "spread": [0, 3, 2, 1], "count": 3}),
        ("learned", {"mean": [0, 1, 2, 3], "spread": [0, 1, 2, 1e308], "count": 3}),
        ("learned", {"mean": [0, 1, 2, 3], "spread": [0, 1, 2, "3"], "count": 3}),
        ("learned", {"mean": [0, 1, 2, 3], "spread": [0, 1, 2, 3], "count": 0}),
        ("learned", {"mean": [0, 1, 2, 3], "spread": [0, 1, 2, 3], "count": 3, "more": 1}),
        ("learned", 7),
    ],
)
def test_a_description_with_other_values_is_refused(key: str, value: object) -> None:
    plain = json.loads(description().to_json()) | {key: value}
    with pytest.raises(ValueError, match=key):
        Description.from_json(json.dumps(plain))


def test_what_is_kept_is_small() -> None:
    learned = learned_pictures(sums_of(photographs(300)), 256)
    assert isinstance(learned, LearnedPictures)
    assert len(description(learned=learned).to_json()) - len(description().to_json()) < 200
