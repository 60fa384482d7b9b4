"""The model card of a run or a classifier."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise import files
from picturewise.arguments import checked
from picturewise.errors import UsageError
from picturewise.exporting.card import LICENCE, CardFacts, model_card
from picturewise.exporting.facts import facts_of
from picturewise.file_names import path_of
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.printable import printable
from picturewise.runs.record import has_record
from picturewise.runs.run import Run, open_run

if TYPE_CHECKING:
    from torch import nn


@checked
def card(
    run: str | Path | Run | Classifier,
    *,
    out: str | Path | None = None,
    licence: str = LICENCE,
    network: nn.Module | None = None,
) -> str:
    """Return a model card in Markdown: training data, scores with intervals, calibration, limits, how to repeat it.

    Scores are those of `evaluate` on the run's test split; without that, the card says so. The front matter is that of
    the Hugging Face Hub.

    Args:
        run: the run or its folder, or a classifier or its file, about which less is known.
        out: a file to write as well, which must not exist.
        licence: an identifier of the Hub, such as apache-2.0.
        network: an instance of the class, if the run was started with one.

    Raises:
        UsageError: `out` exists.
        RunError: the run or classifier cannot be read.
        SaveError: the file could not be written.
    """
    target = None if out is None else Path(out)
    if target is not None and (target.exists() or target.is_symlink()):
        raise UsageError(f"{printable(target)} already exists. Pass another file with --out, or remove it.")
    text = card_of(*opened(run, network), licence=licence)
    if target is not None:
        files.write_text(target, text)
    return text


def opened(
    run: str | Path | Run | Classifier, network: nn.Module | None
) -> tuple[Run | None, Classifier, str]:
    """Return the run, if there is one around it, its classifier, and a name for what is exported.

    Raises:
        RunError: it cannot be read.
    """
    if isinstance(run, Classifier):
        return None, run, "classifier"
    if isinstance(run, str | Path) and path_of(run).is_file():
        path = path_of(run)
        around = open_run(path.parent) if has_record(path.parent) else None
        if around is not None and path.name == around.classifier_path.name:
            return around, load_classifier(path, network), path.resolve().parent.name
        return None, load_classifier(path, network), path.stem
    found = run if isinstance(run, Run) else open_run(run)
    return found, found.classifier(network), found.path.resolve().name


def card_of(run: Run | None, classifier: Classifier, name: str, *, licence: str = LICENCE) -> str:
    """Return the model card of what `opened` returns."""
    facts = facts_of(classifier, version("picturewise"))
    if run is None:
        summary = classifier.summary()
        known = None if summary is None else summary.trainable
        return model_card(CardFacts(name, facts, parameters=known, licence=licence))
    return model_card(
        CardFacts(
            name,
            facts,
            record=run.record,
            recipe=(run.path / "recipe.toml").read_text(encoding="utf-8"),
            kept=run.kept_epoch,
            evaluation=run.evaluation("test"),
            parameters=run.record.parameters,
            licence=licence,
        )
    )
