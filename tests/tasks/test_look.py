from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.errors import DataError, RunError
from picturewise.runs.run import Run


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Bars, a tenth of them with the wrong label, which no classifier gets right."""
    random = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = random.integers(0, 60, (80, 8, 8, 1), dtype=np.uint8)
    images[labels == 0, 3:5] += 180
    images[labels == 1, :, 3:5] += 180
    labels[::10] = 1 - labels[::10]
    return images, labels


@pytest.fixture(scope="module")
def run(pictures: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("look") / "run"
    return picturewise.train(pictures, model="mlp 4", epochs=2, out=out, progress=False)


def test_errors_and_predictions_are_drawn_once_the_run_is_evaluated(
    run: Run, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    for plot in (run.plot_errors, run.plot_predictions):
        with pytest.raises(RunError, match="has not been evaluated on its test split"):
            plot()
    evaluation = picturewise.evaluate(run, progress=False)
    wrong = evaluation.pictures - sum(evaluation.confusion[place][place] for place in range(2))
    assert len(run.plot_errors().axes[0].images) == min(wrong, 12) > 0
    assert len(run.plot_predictions(3).axes[0].images) == 3
    moved = Run(run.path)  # as if it was opened: no file has its pictures
    with pytest.raises(DataError, match="were passed from Python"):
        moved.plot_errors()


@pytest.mark.slow
def test_a_comparison_draws_the_curves_of_its_runs_and_shows_itself(
    run: Run, pictures: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    other = picturewise.train(pictures, model="mlp 8", epochs=1, out=tmp_path / "other", progress=False)
    found = picturewise.compare([run, other], data=pictures, out=tmp_path / "compared", progress=False)
    assert repr(found).startswith("<RunComparison on ")
    assert "other" in found._repr_html_()
    assert len(found.plot_curves().axes[0].lines) == 2 * 3  # train, validation and the best epoch of each
    predicted = picturewise.predict(run, pictures[0])
    assert repr(predicted).startswith("<Predicted: 80 predictions (")
    assert "… and 70 more" in predicted._repr_html_()
