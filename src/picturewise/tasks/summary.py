"""The layer table of a network, before it is trained or afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from picturewise.architectures.summary import Summary
from picturewise.arguments import checked
from picturewise.data.recognise import Data
from picturewise.errors import UsageError
from picturewise.extras import require
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.recipes.keywords import RecipeKeywords, from_keywords
from picturewise.recipes.recipe import Recipe
from picturewise.runs.run import Run, open_run
from picturewise.tasks import default_network
from picturewise.tasks.load import load
from picturewise.tasks.train import LEARNING_SPLITS
from picturewise.tasks.wanted_recipe import wanted


@checked
def summary(
    data: Data | Run | Classifier | None = None,
    *,
    preset: str | None = None,
    plain: bool = False,
    model: str | None = None,
    layers: str | Sequence[str] | None = None,
    recipe: str | Path | Recipe | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    progress: bool = True,
    **options: Unpack[RecipeKeywords],
) -> Summary:
    """Return the layer table of a network, with output shapes and numbers of parameters, without training it.

    With pictures, it is the network that `train` would train with the same options; only the size of the pictures and
    their classes matter. `print` shows it as a table.

    Args:
        data: pictures, as for `train`; or a run, its folder, a classifier, or its file.
        preset: as for `train`.
        plain: as for `train`.
        model: as for `train`.
        layers: as for `train`.
        recipe: as for `train`.
        settings: as for `train`.
        progress: show the progress of reading, on a terminal.
        options: as for `train`.

    Raises:
        UsageError: an option is unknown or does not fit the data, or was passed with a run; or the run's network is a
            Python class.
        DataError: the data cannot be read.
        RunError: the run or the classifier is damaged.

    >>> print(summary("digits", layers="flatten; dense 32 relu"))
    layer          output  parameters
    ─────────────  ──────  ──────────
    input           8x8x1
    flatten            64           0
    dense 32 relu      32       2,080
    dense 10           10         330
    2,410 parameters
    """
    keywords = from_keywords(options, "summary", summary.__kwdefaults__)
    trained = _trained(data)
    if trained is not None:
        if preset or plain or model or layers or recipe or settings or keywords:
            shown = data if isinstance(data, str | Path) else "This run"
            raise UsageError(
                f"{shown} is already trained, so its network is known. Omit the other options, or pass pictures."
            )
        found = trained.summary()
        if found is None:
            raise UsageError(
                "The network is a Python class, so its layers are not known. Print the module itself."
            )
        return found
    assert not isinstance(data, Run | Classifier)  # noqa: S101 (they are trained)
    require("The summary of a network for new pictures", "torch")
    whole, source = wanted(
        data, preset=preset, plain=plain, model=model, layers=layers, network=None, epochs=None, seed=None,
        group_by=None, recipe=recipe, keywords=keywords, settings=settings,
    )  # fmt: skip
    choose = default_network.is_open(whole)
    reading = default_network.reading(whole.data) if choose else whole.data
    dataset = load(source, reading, splits=LEARNING_SPLITS, progress=progress)
    whole, notes = default_network.chosen(whole, dataset) if choose else (whole, ())

    from picturewise.training.make_learner import summarise_learner  # noqa: PLC0415 (it loads PyTorch)

    # Neither augmentation nor views change the layers, so nothing has to be found out about the pictures for them.
    preparation = whole.preparation.model_copy(update={"augmentation": (), "views": ()})
    found = summarise_learner(whole.model_copy(update={"preparation": preparation}), dataset)
    return replace(found, notes=(*notes, *found.notes))


def _trained(data: Data | Run | Classifier | None) -> Run | Classifier | None:
    """Return the run or the classifier that was passed, or None for pictures."""
    if isinstance(data, Run | Classifier):
        return data
    if not isinstance(data, str | Path):
        return None
    if (Path(data) / "run.json").is_file():
        return open_run(data)
    return load_classifier(data) if Path(data).suffix == ".safetensors" else None
