"""The learning-rate finder as a Python call and as a command."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import picturewise
from picturewise.cli.app import run
from picturewise.errors import DivergedError, UsageError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stripes() -> picturewise.Dataset:
    """Pictures of 8x8, whose class is where they are bright: left or right; there is no test split."""
    random = np.random.default_rng(0)

    def part(count: int) -> picturewise.ImageSet:
        labels = np.arange(count) % 2
        images = random.integers(0, 100, (count, 8, 8, 1), np.uint8)
        images[labels == 0, :, :4] += 120
        images[labels == 1, :, 4:] += 120
        return picturewise.ImageSet(images, labels, ("left", "right"), "made by a test")

    return picturewise.Dataset("stripes", train=part(80), valid=part(20))


@pytest.mark.slow
def test_a_rate_is_found_and_training_with_it_learns(stripes: picturewise.Dataset) -> None:
    found = picturewise.find_learning_rate(stripes, model="mlp 8", progress=False)
    assert found.suggested == pytest.approx(found.lowest / 10, rel=0.06)
    assert found.rates[0] < found.steepest < found.lowest
    trained = picturewise.train(
        stripes,
        model="mlp 8",
        epochs=10,
        progress=False,
        settings={"training.learning_rate": found.suggested},
    )
    assert trained.history[-1].valid_accuracy == 1


@pytest.mark.slow
def test_the_folder_holds_table_figure_and_recipe_and_is_numbered(stripes: picturewise.Dataset) -> None:
    first, second = (picturewise.find_learning_rate(stripes, model="mlp 8", progress=False) for _ in range(2))
    assert first.path == Path("runs/stripes-mlp-8-learning-rate-1")
    assert second == first.model_copy(update={"path": Path("runs/stripes-mlp-8-learning-rate-2")})
    assert sorted(file.name for file in first.path.iterdir()) == [
        "learning-rate.csv", "learning-rate.png", "recipe.toml",
    ]  # fmt: skip
    for name in ("learning-rate.csv", "learning-rate.png"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()
    with (first.path / "learning-rate.csv").open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == list(first.losses)
    assert sorted(path.name for path in Path("runs").iterdir()) == [first.path.name, second.path.name]


@pytest.mark.slow
def test_the_validation_and_test_pictures_change_nothing(stripes: picturewise.Dataset) -> None:
    assert stripes.train is not None
    assert stripes.valid is not None
    black = picturewise.ImageSet(
        np.zeros_like(stripes.valid.images), stripes.valid.labels, stripes.classes, "made by a test"
    )
    other = picturewise.Dataset("stripes", train=stripes.train, valid=black, test=black)
    found, again = (
        picturewise.find_learning_rate(data, model="mlp 8", progress=False) for data in (stripes, other)
    )
    assert found.losses == again.losses


@pytest.mark.slow
def test_a_module_stays_as_it_is(stripes: picturewise.Dataset) -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    found = picturewise.find_learning_rate(stripes, network=module, progress=False)
    assert found.path.name == "stripes-module-learning-rate-1"
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_what_is_there_is_not_overwritten(stripes: picturewise.Dataset) -> None:
    Path("full").mkdir()
    Path("full/thing").touch()
    with pytest.raises(UsageError, match=r"full already exists.*Choose another --out"):
        picturewise.find_learning_rate(stripes, model="mlp 8", out="full", progress=False)
    assert [file.name for file in Path("full").iterdir()] == ["thing"]


@pytest.mark.slow
def test_a_test_that_fails_leaves_no_folder(stripes: picturewise.Dataset) -> None:
    class Nothing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(2))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return 0 * self.unused.expand(len(pictures), 2)

    with pytest.raises(DivergedError, match="the loss fell by less than 5%"):
        picturewise.find_learning_rate(stripes, network=Nothing(), progress=False)
    assert not Path("runs").exists()


def test_the_folder_is_no_run(stripes: picturewise.Dataset) -> None:
    found = picturewise.find_learning_rate(stripes, model="mlp 8", progress=False)
    with pytest.raises(
        picturewise.DataError, match=r"not a run folder, because it does not contain run\.json"
    ):
        picturewise.resume(found.path)


@pytest.mark.slow
def test_the_command_suggests_a_rate_and_its_last_line_trains_with_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = ["--model", "mlp 16", "--epochs", "1", "--seed", "3"]
    assert run(["train", "digits", "--find-learning-rate", *options]) == 0
    said = capfd.readouterr().out
    folder = Path("runs/digits-mlp-16-learning-rate-1")
    suggested = picturewise.Recipe.model_validate(
        tomllib.loads((folder / "recipe.toml").read_text())
    ).training.learning_rate
    assert f"suggested                  {suggested:g}, a tenth of the rate with the lowest loss" in said
    assert f"figure  {folder / 'learning-rate.png'}" in said
    next_line = said.splitlines()[-1]
    assert next_line == f"next    picturewise train --recipe {folder / 'recipe.toml'}"
    assert run([*next_line.split()[2:], "--out", "trained"]) == 0
    trained = picturewise.open_run("trained")
    assert trained.recipe.training.learning_rate == suggested
    assert (trained.recipe.seed, trained.recipe.training.epochs, trained.recipe.model.name) == (
        3,
        1,
        "mlp 16",
    )


def test_the_command_gives_the_numbers_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["train", "digits", "--find-learning-rate", "--model", "mlp 16", "--out", "found", "--json"]) == 0
    )
    found = json.loads(capfd.readouterr().out)
    assert found["path"] == "found"
    assert found["suggested"] == pytest.approx(found["lowest"] / 10, rel=0.06)
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) > 50
