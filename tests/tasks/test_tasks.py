"""The tasks as Python calls: what the command cannot reach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import picturewise
from picturewise.errors import DataError, Interrupted, RunError, UsageError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stripes() -> picturewise.Dataset:
    """Pictures of 8x8, whose class is where they are bright: left or right."""
    random = np.random.default_rng(0)

    def part(count: int) -> picturewise.ImageSet:
        labels = np.arange(count) % 2
        images = random.integers(0, 100, (count, 8, 8, 1), np.uint8)
        images[labels == 0, :, :4] += 120
        images[labels == 1, :, 4:] += 120
        return picturewise.ImageSet(images, labels, ("left", "right"), "made by a test")

    return picturewise.Dataset("stripes", train=part(80), valid=part(20), test=part(40))


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))


class StopAfter(picturewise.Callback):
    """Sends this process the signal of Ctrl-C after a number of batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_batch(self, trainer: object) -> None:
        import signal

        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def test_a_data_set_made_in_python_goes_the_whole_way(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(stripes, model="mlp 8", epochs=10, progress=False)
    evaluation = picturewise.evaluate(run, data=stripes)
    assert evaluation.accuracy.value == 1
    assert run.evaluation() == evaluation
    np.testing.assert_allclose(run.probabilities().sum(axis=1), 1, atol=1e-5)


def test_a_data_set_made_in_python_must_be_passed_again_to_a_run_that_is_opened(
    stripes: picturewise.Dataset,
) -> None:
    run = picturewise.train(stripes, model="mlp 8", epochs=1, progress=False)
    with pytest.raises(DataError, match="Pass them again"):
        picturewise.evaluate(run.path)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(stripes: picturewise.Dataset) -> None:
    options = {
        "model": "cnn",
        "epochs": 3,
        "progress": False,
        "settings": {"preparation.augmentation": ["shift 1"]},
    }
    whole = picturewise.train(stripes, out=Path("whole"), **options)
    with pytest.raises(Interrupted, match="Continue with: picturewise resume part"):
        picturewise.train(stripes, out=Path("part"), callbacks=[StopAfter(7)], **options)
    part = picturewise.open_run(Path("part"))
    assert part.record.status == "interrupted"
    picturewise.resume(part, data=stripes, progress=False)
    assert part.record.final_weights_sha256 == whole.record.final_weights_sha256
    assert part.classifier_path.read_bytes() == whole.classifier_path.read_bytes()


@pytest.mark.slow
def test_a_users_module_goes_the_whole_way(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(stripes, network=network(), epochs=10, progress=False)
    assert run.record.module == "torch.nn.modules.container.Sequential"
    assert picturewise.evaluate(run, data=stripes, network=network()).accuracy.value == 1
    with pytest.raises(UsageError, match="Pass an instance of that class as network="):
        run.classifier()
    assert (run.path / "report.html").exists()


def test_settings_may_be_a_mapping(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(
        stripes, model="mlp 4", epochs=1, settings={"training.momentum": 0.5}, progress=False
    )
    assert run.recipe.training.momentum == 0.5


@pytest.mark.slow
def test_the_later_of_recipe_names_and_settings_wins(stripes: picturewise.Dataset) -> None:
    Path("recipe.toml").write_text(
        'seed = 1\n[model]\nname = "mlp 4"\n[training]\nepochs = 7\nbatch_size = 16\n'
    )
    run = picturewise.train(
        stripes, recipe=Path("recipe.toml"), epochs=2, settings=["training.batch_size=32"], progress=False
    )
    recipe = run.recipe
    assert (recipe.seed, recipe.training.epochs, recipe.training.batch_size) == (1, 2, 32)
    again = picturewise.train(stripes, recipe=recipe, progress=False)
    assert again.record.final_weights_sha256 == run.record.final_weights_sha256


@pytest.mark.slow
def test_layers_win_over_the_recipes_preset_and_a_model_over_its_layers(stripes: picturewise.Dataset) -> None:
    Path("recipe.toml").write_text('[model]\nlayers = ["flatten", "dense 3 tanh"]\n')
    run = picturewise.train(stripes, recipe=Path("recipe.toml"), epochs=1, progress=False)
    assert run.recipe.model.layers == ("flatten", "dense 3 tanh")
    run = picturewise.train(stripes, recipe=run.recipe, model="mlp 5", epochs=1, progress=False)
    assert run.recipe.model.layers == ("flatten", "dense 5 relu")


def test_a_run_that_cannot_be_set_up_leaves_no_folder(stripes: picturewise.Dataset) -> None:
    with pytest.raises(UsageError):
        picturewise.train(stripes, layers="dense 3", progress=False)
    assert not Path("runs").exists()


@pytest.mark.slow
def test_classes_are_matched_by_name(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(stripes, model="mlp 8", epochs=10, progress=False)
    test = stripes.test
    assert test is not None
    assert test.labels is not None
    swapped = picturewise.ImageSet(test.images, 1 - test.labels, ("right", "left"), "swapped")
    assert picturewise.evaluate(run, data=picturewise.Dataset("swapped", test=swapped)).accuracy.value == 1


@pytest.mark.slow
def test_an_evaluation_of_an_older_best_epoch_does_not_count(stripes: picturewise.Dataset) -> None:
    options = {"model": "cnn", "epochs": 6, "progress": False}
    with pytest.raises(Interrupted):
        picturewise.train(stripes, out=Path("run"), callbacks=[StopAfter(6)], **options)
    run = picturewise.open_run("run")
    picturewise.evaluate(run, data=stripes)
    before = run.classifier_sha256()
    assert run.evaluation() is not None
    picturewise.resume(run, data=stripes, progress=False)
    assert run.classifier_sha256() != before  # or else the test shows nothing
    assert run.evaluation() is None


@pytest.mark.slow
def test_probabilities_of_another_run_are_refused(stripes: picturewise.Dataset) -> None:
    for name, model in (("one", "mlp 2"), ("two", "cnn")):
        run = picturewise.train(stripes, model=model, epochs=1, out=name, progress=False)
        picturewise.evaluate(run, data=stripes)
    Path("one/probabilities.npy").write_bytes(Path("two/probabilities.npy").read_bytes())
    with pytest.raises(RunError, match=r"missing or damaged\. Create it again with: picturewise evaluate"):
        picturewise.compare(["one", "two"], data=stripes)


@pytest.mark.slow
def test_runs_on_a_data_set_made_in_python_can_be_compared(stripes: picturewise.Dataset) -> None:
    runs = [picturewise.train(stripes, model=model, epochs=2, progress=False) for model in ("mlp 2", "cnn")]
    assert picturewise.compare(runs, data=stripes).pictures == 40
    (runs[0].path / "history.csv").unlink()
    with pytest.raises(picturewise.DataError, match=r"history\.csv is missing or empty"):
        picturewise.compare(runs, data=stripes)


def test_other_pictures_of_the_same_name_leave_the_runs_evaluation_alone(
    stripes: picturewise.Dataset,
) -> None:
    run = picturewise.train(stripes, model="mlp 8", epochs=2, progress=False)
    kept = picturewise.evaluate(run, data=stripes)
    picturewise.evaluate(run, data=picturewise.Dataset("stripes", test=stripes.train))
    assert run.evaluation() == kept


@pytest.mark.slow
def test_pictures_that_were_learned_from_are_never_evaluated_as_test() -> None:
    run = picturewise.train("digits", model="mlp 8", epochs=1, out="run", progress=False)
    assert picturewise.evaluate(run.classifier(), data="digits").pictures == 359
    assert picturewise.evaluate("run/classifier.safetensors", data="digits").pictures == 359
    assert run.evaluation() is None
    assert picturewise.evaluate(run, data="digits") == run.evaluation()


def test_a_split_of_other_pictures_is_refused(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(stripes, model="mlp 8", epochs=1, progress=False)
    with pytest.raises(UsageError, match="needs the run's own data"):
        picturewise.evaluate(run, data=picturewise.Dataset("other", test=stripes.test), split="valid")


@pytest.mark.parametrize("choice", [{"layers": "flatten"}, {"network": network()}])
def test_two_networks_for_one_run_are_refused(
    stripes: picturewise.Dataset, choice: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="Pass only one of them"):
        picturewise.train(stripes, model="mlp", progress=False, **choice)


@pytest.mark.slow
def test_a_preset_that_is_set_wins_over_the_layers_of_the_recipe(stripes: picturewise.Dataset) -> None:
    run = picturewise.train(stripes, model="mlp 4", epochs=1, progress=False)
    again = picturewise.train(
        stripes, recipe=run.path / "recipe.toml", settings=["model.name=mlp 6"], progress=False
    )
    assert again.recipe.model.layers == ("flatten", "dense 6 relu")


def test_a_module_without_anything_to_learn_is_refused(stripes: picturewise.Dataset) -> None:
    fixed = network().requires_grad_(False)
    with pytest.raises(UsageError, match="does not have trainable parameters"):
        picturewise.train(stripes, network=fixed, progress=False)


def test_bare_arrays_are_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r"pictures \(train\) does not have labels, so it cannot be used for training"
    ):
        picturewise.train(np.zeros((4, 8, 8, 1), np.uint8), progress=False)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_run_of_a_part_of_the_pictures_goes_on_with_the_same_ones(idx_folder: Path, tmp_path: Path) -> None:
    run = picturewise.train(
        idx_folder, layers="flatten", epochs=1, out=tmp_path / "run", settings=["data.limit=20"]
    )
    facts = run.record.data.splits
    assert {name: split.pictures for name, split in facts.items()} == {"train": 20, "valid": 6}
    assert picturewise.evaluate(run).pictures == 20
    again = picturewise.train(recipe=run.path / "recipe.toml", out=tmp_path / "again")
    assert again.record.data.splits == facts
