"""`RunFigures`: what can be drawn of a run; see `picturewise.displays`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picturewise import displays

if TYPE_CHECKING:
    from picturewise.displays import Figure


class RunFigures:
    """The figures of a run, each a matplotlib figure, which a notebook shows and `savefig` saves."""

    def plot_curves(self) -> Figure:
        """Return loss and accuracy after each epoch, on train and validation.

        Raises:
            RunError: no epoch is finished, or the history is damaged.
        """
        return self._plotted("plot_curves")

    def plot_architecture(self) -> Figure:
        """Return the network as boxes from the input to the output.

        Raises:
            UsageError: the network is a Python class, whose layers are not known.
        """
        return self._plotted("plot_architecture")

    def plot_confusion(self) -> Figure:
        """Return the confusion matrix of the evaluation on the test split.

        Raises:
            RunError: the run has not been evaluated.
        """
        return self._plotted("plot_confusion")

    def plot_errors(self) -> Figure:
        """Return the test pictures that were given the least probability for their label, worst first.

        Raises:
            RunError: the run has not been evaluated, or no picture is classified wrongly.
            DataError: the test pictures are no longer exist, or are not those that it was evaluated on.
        """
        return self._plotted("plot_errors")

    def plot_predictions(self, count: int = 5, *, seed: int = 0) -> Figure:
        """Return random test pictures, each with its label and the probability of each class.

        Args:
            count: of the pictures, 1 or more.
            seed: which ones are drawn.

        Raises:
            UsageError: the count is below 1.
            RunError, DataError: as for `plot_errors`.
        """
        return self._plotted("plot_predictions", count=count, seed=seed)

    def _plotted(self, figure: str, **options: object) -> Figure:
        drawn: Figure = displays.display("Run", figure, self, **options)
        return drawn

    def _repr_html_(self) -> str | None:
        return displays.html("Run", self)
