"""`OneClass`: a picture belongs to one of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError


@dataclass(frozen=True)
class OneClass:
    """One class for each picture. Labels are (N,) int64 in [0, K), and there is one output for each of the K classes.

    Attributes:
        classes: their names, in the order of the numbers and of the outputs.
    """

    classes: tuple[str, ...]
    name: ClassVar[str] = "one class"
    loss: ClassVar[str] = "cross-entropy"
    metrics: ClassVar[str] = "classification"

    @property
    def outputs(self) -> int:
        """The width of the output layer: K."""
        return len(self.classes)

    @property
    def output_line(self) -> str:
        """The layer line of the output layer: dense K."""
        return f"dense {self.outputs}"

    def check(self, labels: NDArray[Any], pictures: int, where: str) -> None:
        """Check the labels of `pictures` pictures; `where` says where they came from.

        Raises:
            DataError: they are not (pictures,) int64, or one is not in [0, K).
        """
        if not isinstance(labels, np.ndarray):
            raise DataError(
                f"{where}: the labels have type {type(labels).__name__}. Pass an int64 array of shape ({pictures},)."
            )
        if labels.shape != (pictures,) or labels.dtype != np.int64:
            raise DataError(
                f"{where}: the labels have shape {labels.shape} and dtype {labels.dtype}. "
                f"Pass an int64 array of shape ({pictures},), one label per picture."
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(
                f"{where}: the labels range from {labels.min()} to {labels.max()}, "
                f"but there are {len(self.classes)} classes (0..{len(self.classes) - 1})."
            )

    def shares(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the labels (N,) one-hot (N, K).

        >>> OneClass(("cat", "dog")).shares(np.array([1, 0])).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
        """
        shares = np.zeros((len(labels), self.outputs), np.float32)
        shares[np.arange(len(labels)), labels] = 1
        return shares

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the softmax (N, K) of logits (N, K); rows sum to 1."""
        # Not `evaluation.softmax`: loading that room takes 0.1 s, and its float64 twice the memory.
        with np.errstate(invalid="ignore"):  # infinite logits do not have probabilities
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities

    def decode(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """Return the most likely classes (N,), the first of equal ones, and their probabilities (N,)."""
        return probabilities.argmax(axis=1), probabilities.max(axis=1)

    def text(self, answer: NDArray[np.int64] | np.int64) -> str:
        """Return the name of a class."""
        return self.classes[int(answer)]
