"""`SlidingRun`: the classifier of a run on single symbols, moved over pictures of whole sequences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picturewise.prediction.classifier import Classifier
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.runs.run import Run
from picturewise.targets.places import Places

if TYPE_CHECKING:
    from torch import nn

    from picturewise.architectures.summary import Summary
    from picturewise.data.options import DataOptions
    from picturewise.runs.history import Epoch
    from picturewise.runs.record import DataFacts, RunRecord


class SlidingRun(Run):
    """A folder with the evaluations of a classifier that was not trained on sequences; nothing is trained in it.

    To reports and comparisons it is a run on sequences. What is about the network is that of `training_run`.

    Args:
        path: the folder; it need not exist yet.
        symbols: the run that trained the classifier of single symbols.
        options: how the pictures of sequences are read.
        facts: about these pictures.
        target: their alphabet and places.
    """

    def __init__(
        self, path: Path, symbols: Run, options: DataOptions, facts: DataFacts, target: Places
    ) -> None:
        super().__init__(path)
        self._symbols, self._options, self._facts, self._target = symbols, options, facts, target

    @property
    def training_run(self) -> Run:
        """The run that trained the classifier."""
        return self._symbols

    @property
    def recipe(self) -> EffectiveRecipe:
        """That of the classifier, with the pictures of sequences."""
        return self._symbols.recipe.model_copy(update={"data": self._options})

    @property
    def record(self) -> RunRecord:
        """That of the classifier, with the pictures of sequences."""
        return self._symbols.record.model_copy(update={"data": self._facts})

    @property
    def target(self) -> Places:
        """Their alphabet and places."""
        return self._target

    @property
    def history(self) -> list[Epoch]:
        """Nothing: it was not trained on these pictures."""
        return []

    @property
    def classifier_path(self) -> Path:
        """The file of the classifier of single symbols."""
        return self._symbols.classifier_path

    def classifier(self, network: nn.Module | None = None) -> Classifier:
        """Return the classifier of single symbols.

        Raises:
            RunError: as for `Run.classifier`.
        """
        return self._symbols.classifier(network)

    def summary(self) -> Summary | None:
        """Return the layer table of the classifier of single symbols."""
        return self._symbols.summary()
