import io

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from picturewise.data.dataset import Skipped
from picturewise.evaluation.comparing import Comparison
from picturewise.evaluation.evaluation import ClassScore, Evaluation, Interval
from picturewise.reporting.contents import (
    ComparisonRow,
    ComparisonTable,
    DatasetSummary,
    LayerFacts,
    ModelFacts,
    Report,
    SplitSummary,
    StudyRow,
)
from picturewise.reporting.figures import draw_sample_sheet, look, png, to_png
from picturewise.runs.history import Epoch
from picturewise.runs.section import ReportFigure


@pytest.fixture(scope="module", autouse=True)
def _drawn_figures(_blank_figures):
    """Draw figures here, unlike in the other rooms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png, "_drawn", _blank_figures)
        yield


@pytest.fixture
def coarse_figures(monkeypatch):
    """Draw figures with few pixels, where nobody looks at them."""
    monkeypatch.setattr(look, "DPI", 20)


@pytest.fixture
def history():
    """`history(5)`: five epochs that improve up to the last but one."""

    def make(epochs, *, accuracy=0.9):
        return [
            Epoch(
                epoch=n,
                learning_rate=0.001,
                train_loss=2 / n,
                train_accuracy=accuracy * (1 - 0.5 / n),
                valid_loss=2.2 / n,
                valid_accuracy=accuracy * (1 - 0.6 / n) - (0.3 if n == epochs > 1 else 0),
                seconds=2.5,
                images_per_second=4000.0,
            )
            for n in range(1, epochs + 1)
        ]

    return make


@pytest.fixture
def drawn():
    """`drawn(figure)`: its pixels (H, W, 3) uint8, as they come out of the PNG file."""

    def draw(figure):
        pixels = matplotlib.image.imread(io.BytesIO(to_png(figure)))
        return np.rint(255 * pixels[:, :, :3]).astype(np.uint8)

    return draw


@pytest.fixture
def renderer():
    """`renderer(figure)`: what texts are measured with; without one matplotlib draws the figure every time."""
    return lambda figure: FigureCanvasAgg(figure).get_renderer()


@pytest.fixture
def overlapping(renderer):
    """`overlapping(figure)`: the pairs of texts that lie on each other, and those that leave the paper."""

    def find(figure):
        to_png(figure)
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
        unseen = beyond_the_axes(figure)
        texts = [text for text in texts if text not in unseen]
        ruler = renderer(figure)
        boxes = np.array([text.get_window_extent(ruler).extents for text in texts])
        lower, upper = boxes[:, :2], boxes[:, 2:]
        outside = np.any((lower < 0) | (upper > figure.get_size_inches() * figure.dpi), axis=1)
        # A pixel of overlap is rounding.
        shared = np.minimum(upper, upper[:, None]) - np.maximum(lower, lower[:, None])  # (texts, texts, 2)
        pairs = np.argwhere(np.triu(np.all(shared > 1, axis=2), k=1))
        return [texts[i].get_text() for i in np.flatnonzero(outside)] + [
            (texts[i].get_text(), texts[j].get_text()) for i, j in pairs
        ]

    def beyond_the_axes(figure):
        """Labels of ticks that matplotlib keeps but does not draw."""
        return {
            label
            for axes in figure.axes
            for axis in (axes.xaxis, axes.yaxis)
            for tick in axis.get_major_ticks()
            if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
            for label in (tick.label1, tick.label2)
        }

    return find


@pytest.fixture
def strange_names():
    """Ten class names of the kind that break figures and pages."""
    return (
        "$x_1$ and \\alpha",
        "<script>alert(1)</script>",
        "向日葵",
        "a very long class name that nobody would write, but everybody has one of them at least once",
        "роза",
        "\u202egpj.exe\n",
        "W" * 80,
        '"><img src=x onerror=alert(1)>',
        "ÄÖÜß é",
        "broken\udcff",
    )


def interval(value):
    return Interval(value=value, low=value - 0.01, high=value + 0.01)


@pytest.fixture
def evaluation():
    """`evaluation(("cat", "dog"), accuracy=0.9)`: 100 pictures a class, 10 of each taken for the next class."""

    def make(classes, *, accuracy=0.9, fingerprint="f" * 64):
        last = len(classes) - 1
        confusion = [
            [90 if i == j else 10 if j == (i + 1) % (last + 1) else 0 for j in range(last + 1)]
            for i in range(last + 1)
        ]
        scores = [
            ClassScore(
                name=name,
                support=100,
                predicted=100,
                precision=None if i == 0 else interval(0.9),
                recall=interval(0.5 if i == last else 0.9),
                f1=interval(0.9),
            )
            for i, name in enumerate(classes)
        ]
        return Evaluation(
            dataset="pets",
            split="test",
            fingerprint=fingerprint,
            pictures=100 * len(classes),
            classes=tuple(classes),
            loss=interval(0.25),
            accuracy=interval(accuracy),
            calibration_error=interval(0.02),
            per_class=tuple(scores),
            confusion=tuple(map(tuple, confusion)),
        )

    return make


@pytest.fixture
def model(history, evaluation):
    """`model("cnn", ("cat", "dog"), accuracy=0.9)`: facts; an accuracy of None is one not evaluated yet."""

    def make(name, classes=("cat", "dog"), *, accuracy=0.9, figures=(), fingerprint="f" * 64):
        evaluated = (
            None if accuracy is None else evaluation(classes, accuracy=accuracy, fingerprint=fingerprint)
        )
        return ModelFacts(
            name=name,
            layers=(LayerFacts("conv 32 3x3 relu", "28 × 28 × 32", 320), LayerFacts("dense 2", "2", 50178)),
            parameters=50498,
            frozen_parameters=64,
            statistics=96,
            training={"Optimizer": "adamw"},
            derived={"Warm-up": "3 epochs"},
            machine={"processor": "a fast one"},
            history=history(5),
            evaluation=evaluated,
            evaluate_command=f"picturewise evaluate runs/{name}",
            recipe="seed = 0\n# </pre><script>alert(2)</script>\n",
            weights_sha256="a" * 64,
            figures=figures,
        )

    return make


@pytest.fixture
def report(model):
    """`report({"cnn": 0.9, "mlp": None}, classes)`: a report on models with these accuracies."""

    def make(accuracies, classes=("cat", "dog")):
        sheet = to_png(draw_sample_sheet(np.zeros((6, 8, 8, 1), np.uint8), [str(n) for n in range(6)]))
        figure = ReportFigure(f"About {classes[0]}", f"Caption {classes[1]}", f"Alt {classes[0]}", sheet)
        models = tuple(
            model(name, classes, accuracy=accuracy, figures=(figure,))
            for name, accuracy in accuracies.items()
        )
        first = models[0].name
        rows = tuple(
            ComparisonRow(
                model=name,
                parameters=50498,
                accuracy=None if accuracy is None else interval(accuracy),
                loss=None if accuracy is None else interval(0.25),
                seconds=83,
                paired=None if name == first or accuracy is None else paired(first, name, accuracies),
            )
            for name, accuracy in accuracies.items()
        )
        splits = tuple(
            SplitSummary(name, number * len(classes), name[0] * 64, dict.fromkeys(classes, number))
            for name, number in (("train", 1000), ("valid", 100), ("test", 100))
        )
        return Report(
            title=f"pets: {', '.join(accuracies)}",
            datasets=(
                DatasetSummary(
                    name="pets",
                    source=f"/home/me/{classes[0]}",
                    shape=(28, 28, 1),
                    classes=tuple(classes),
                    splits=splits,
                    notes=("The validation split was held out from train.",),
                    skipped=(Skipped(f"{classes[1]}/broken.png", "The file ends early."),),
                    figures=(figure,),
                ),
            ),
            models=models,
            comparisons=(ComparisonTable(first, rows, "Exact McNemar tests."),) if len(models) > 1 else (),
            figures=(figure,),
            made_by="Picturewise 0.1.0",
        )

    def paired(a, b, accuracies):
        difference = accuracies[a] - accuracies[b]
        return Comparison(
            a=a,
            b=b,
            pictures=200,
            only_a_right=20,
            only_b_right=10,
            difference=Interval(value=difference, low=difference - 0.01, high=difference + 0.02),
            p_value=0.01,
            adjusted_p_value=0.04,
        )

    return make


@pytest.fixture
def study_row():
    """`study_row("cnn", seeds=(0.9, 0.8))`: a model of a study, with some facts of one's own."""

    def make(name, **facts):
        return StudyRow(
            model=name,
            about="",
            data="pets",
            parameters=10,
            epochs=5,
            seconds=3.0,
            valid_accuracy=interval(0.8),
            valid_loss=interval(0.3),
            accuracy=interval(0.9),
            loss=interval(0.25),
            **facts,
        )

    return make
