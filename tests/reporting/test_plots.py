from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import matplotlib.figure
import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, RunError, UsageError
from picturewise.prediction.predict import Prediction, predictions_of
from picturewise.runs.run import Run


@pytest.fixture(scope="module")
def run(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    trainer = tiny.start(tmp_path_factory.mktemp("plots") / "run")
    trainer.fit()
    return trainer.run


def test_a_figure_is_matplotlibs_and_shows_itself_in_a_notebook(
    run: Run, tiny: ModuleType, coarse_figures: None
) -> None:
    import io

    dataset: Dataset = tiny.dataset()
    evaluated = {
        "samples": dataset.plot_samples(6),
        "classes": dataset.plot_classes(split="valid"),
        "counts": dataset.plot_counts(),
        "set": dataset.split("valid").plot_samples(1),
        "curves": run.plot_curves(),
        "network": run.plot_architecture(),
        "classifier": run.classifier().plot_architecture(),
        "prediction": predictions_of(run.classifier(), dataset.split("valid"), "here")[0].plot(),
        "bars": Prediction("here", {"a": 0.25, "b": 0.75}).plot(),
    }
    for name, figure in evaluated.items():
        assert isinstance(figure, matplotlib.figure.Figure), name
        png, shown = figure._repr_png_()  # type: ignore[attr-defined]
        width, height = Image.open(io.BytesIO(png)).size
        assert shown["width"] / shown["height"] == pytest.approx(width / height, rel=0.05), name
        assert shown["width"] <= 960, name
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_the_seed_says_which_pictures_and_the_split_where_from(tiny: ModuleType) -> None:
    dataset: Dataset = tiny.dataset()

    def first(**options: object) -> np.ndarray:
        return np.asarray(dataset.plot_samples(1, **options).axes[0].images[0].get_array())  # type: ignore[arg-type]

    np.testing.assert_array_equal(first(), first(split="train", seed=0))
    assert not np.array_equal(first(), first(seed=1))
    assert any(
        np.array_equal(first(split="valid"), image[:, :, 0]) for image in dataset.split("valid").images
    )


def test_pictures_are_shown_in_grey_as_the_average_of_their_channels() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3), np.uint8)
    dataset = picturewise.make_dataset((colour, np.arange(40) % 2))
    part = dataset.split("train")
    drawn = np.asarray(dataset.plot_samples(1, grey=True).axes[0].images[0].get_array())
    means = np.asarray(part.images).mean(axis=-1)
    assert any(np.abs(drawn - picture).max() <= 0.5 for picture in means)


def test_bars_are_the_probabilities_also_without_a_picture() -> None:
    figure = Prediction("here", {"a": 0.25, "b": 0.75}).plot()
    lengths = [patch.get_width() for patch in figure.axes[0].patches if patch.get_facecolor()[3] > 0]
    assert lengths[1] / lengths[0] == pytest.approx(3)


def test_what_cannot_be_drawn_is_said(run: Run, tiny: ModuleType, tmp_path: Path) -> None:
    dataset: Dataset = tiny.dataset()
    with pytest.raises(UsageError, match=r"count is 0\. Pass 1 or more"):
        dataset.plot_samples(0)
    with pytest.raises(DataError, match="tiny does not have a test split"):
        dataset.plot_classes(split="test")
    with pytest.raises(
        RunError, match=r"run has not been evaluated on its test split\. Call picturewise\.evaluate"
    ):
        run.plot_confusion()
    with pytest.raises(RunError, match="has no finished epoch yet"):
        tiny.start(tmp_path / "new").run.plot_curves()
    from dataclasses import replace

    unlabelled = replace(dataset.split("valid"), labels=None)
    with pytest.raises(DataError, match="does not have labels"):
        unlabelled.plot_classes()
    with pytest.raises(DataError, match="no labels, so there are no classes to count"):
        Dataset("a", test=unlabelled).plot_counts()
    with pytest.raises(DataError, match="has no pictures to draw"):
        unlabelled.select(np.array([], np.int64)).plot_samples()
