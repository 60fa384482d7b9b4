"""Find a learning rate: a range test on the training split, with a figure and a table."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import Field

from picturewise import files
from picturewise.arguments import checked
from picturewise.data.dataset import Dataset
from picturewise.data.recognise import Data
from picturewise.errors import UsageError
from picturewise.extras import TRAINING, require
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.keywords import RecipeKeywords, from_keywords
from picturewise.recipes.recipe import Recipe
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.tasks import default_network, folding
from picturewise.tasks.load import load, refuse_inside
from picturewise.tasks.reading_progress import reading_progress
from picturewise.tasks.train import LEARNING_SPLITS, stem
from picturewise.tasks.wanted_recipe import wanted

if TYPE_CHECKING:
    from torch import nn

    from picturewise.displays import Figure
    from picturewise.training.rate_finder import RangeTest

TABLE, FIGURE, RECIPE = "learning-rate.csv", "learning-rate.png", "recipe.toml"


class FoundRate(Result):
    """What `find_learning_rate` found."""

    dataset: str
    optimizer: str
    batch_size: int
    suggested: float = Field(description="The rate to train with, rounded to two significant digits.")
    reason: str = Field(description="Why this rate is suggested.")
    steepest: float = Field(
        description="The rate at which the loss fell fastest as a function of the log of the rate."
    )
    lowest: float = Field(description="The rate at which the loss was lowest.")
    burst: float | None = Field(
        description="The rate at which the loss reached four times its minimum or became NaN; none: this did not "
        "happen."
    )
    rates: tuple[float, ...] = Field(description="The learning rate of each batch.")
    losses: tuple[float, ...] = Field(description="The loss of each batch, before its step.")
    smoothed: tuple[float, ...] = Field(description="Running means of the losses.")
    skipped: dict[str, str] = Field(default={}, description="Files left out with skip_bad: path → reason.")
    path: Path = Field(
        description="The folder with the table, the figure, and a recipe with the suggested rate."
    )

    def plot(self) -> Figure:
        """Return the loss against the learning rate as a matplotlib figure."""
        return _drawn(self, self.suggested)

    @never_raises
    def __repr__(self) -> str:
        return (
            f"<FoundRate for {self.dataset} with {self.optimizer}, batches of {self.batch_size}: {self.suggested:g}, "
            f"{self.reason}>"
        )


@checked
def find_learning_rate(
    data: Data | None = None,
    *,
    preset: str | None = None,
    plain: bool = False,
    model: str | None = None,
    layers: str | Sequence[str] | None = None,
    network: nn.Module | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    group_by: str | None = None,
    out: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    progress: bool = True,
    **options: Unpack[RecipeKeywords],
) -> FoundRate:
    """Return a learning rate that suits the data, the network and the optimizer, found by a range test.

    The network is trained on up to 200 training batches, those that a run would see first, at a rate that rises
    from far below the usual one to 10 (Smith, 2017). Nothing is measured on other pictures, and the test split is
    not read. The folder gets `learning-rate.csv`, `learning-rate.png`, and `recipe.toml`: the recipe that was passed,
    with the suggested rate.

    Args:
        data: as for `train`.
        preset: as for `train`.
        plain: as for `train`.
        model: as for `train`.
        layers: as for `train`.
        network: as for `train`; a copy is trained, and the module itself is not changed.
        epochs: of the recipe that is written; the test ignores them, and any learning rate.
        seed: of all random choices; equal seeds give equal losses.
        group_by: as for `train`.
        out: a new or empty folder; none: `runs/<data>-<model>-learning-rate-<number>`.
        recipe: as for `train`.
        settings: as for `train`.
        progress: show the progress of the test, on a terminal or in a notebook.
        options: as for `train`.

    Raises:
        UsageError: an option is unknown or does not fit the data.
        DataError: the data cannot be read.
        DivergedError: no learning rate made the loss fall by 5 % or more.
        SaveError: something could not be written.
    """
    require("Training", *TRAINING)
    keywords = from_keywords(options, "find_learning_rate", find_learning_rate.__kwdefaults__)
    whole, source = wanted(
        data, preset=preset, plain=plain, model=model, layers=layers, network=network, epochs=epochs, seed=seed,
        group_by=group_by, recipe=recipe, keywords=keywords, settings=settings,
    )  # fmt: skip
    refuse_inside(Path(out or "runs"), source.place)
    if out is not None and Path(out).exists() and (not Path(out).is_dir() or any(Path(out).iterdir())):
        raise UsageError(f"{out} already exists and is not empty. Choose another --out.")
    whole = folding.reading(whole, source)
    dataset = load(source, whole.data, splits=LEARNING_SPLITS, progress=progress)
    is_open = network is None and default_network.is_open(whole)
    if is_open:
        whole, _ = default_network.chosen(whole, dataset)
    if is_open and whole.training.freeze == "backbone":
        raise UsageError(
            "These look like photographs, for which training fits an output layer above pretrained layers at once, "
            "without a learning rate. Name a network that is trained in steps, such as cnn, with --model."
        )
    test, effective = _tested(whole, dataset, network, progress=progress)

    from picturewise.reporting.figures import to_png  # noqa: PLC0415 (loads matplotlib, which is needed only now)

    found = test.tenth_of_lowest
    content = {
        TABLE: test.to_csv().encode(),
        FIGURE: to_png(_drawn(test, found)),
        RECIPE: whole.model_copy(
            update={"training": whole.training.model_copy(update={"learning_rate": found})}
        ).to_toml(only_set=True).encode(),
    }  # fmt: skip
    # Created at the end, so that a test that fails or is stopped does not leave a folder.
    name = f"{stem(dataset, whole, network)}-learning-rate"
    path = files.new_folder(Path("runs"), name) if out is None else Path(out)
    files.write_folder(path, content)
    return FoundRate(
        dataset=dataset.name,
        optimizer=effective.training.optimizer,
        batch_size=effective.training.batch_size,
        suggested=found,
        reason="a tenth of the rate with the lowest loss: the highest rate that is usually stable over a whole run",
        steepest=test.steepest,
        lowest=test.lowest,
        burst=test.burst,
        rates=test.rates,
        losses=test.losses,
        smoothed=test.smoothed,
        skipped={item.path: item.reason for item in dataset.skipped},
        path=path,
    )


def _drawn(test: RangeTest | FoundRate, suggested: float) -> Figure:
    from picturewise.reporting import figures  # noqa: PLC0415 (as in find_learning_rate)

    return figures.draw_learning_rates(
        test.rates, test.losses, test.smoothed,
        suggested=suggested, steepest=test.steepest, lowest=test.lowest, burst=test.burst,
    )  # fmt: skip


def _tested(
    recipe: Recipe, dataset: Dataset, network: nn.Module | None, *, progress: bool
) -> tuple[RangeTest, EffectiveRecipe]:
    """Return the range test and the effective recipe that it used."""
    from picturewise.training.make_learner import make_learner  # noqa: PLC0415 (as in train)
    from picturewise.training.rate_finder import range_test  # noqa: PLC0415

    learner, _ = make_learner(recipe, dataset, network=copy.deepcopy(network))
    with reading_progress(shown=progress, what="Trying learning rates") as advance:
        return range_test(learner, progress=advance), learner.recipe
