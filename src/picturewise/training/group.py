"""`Group`: the workers that train one network together. A run without other workers has a group of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class Group(Protocol):
    """The workers of a run. Every worker calls the same methods in the same order.

    Attributes:
        rank: of this worker, from 0; the first one writes the run.
        size: the number of workers.
    """

    rank: int
    size: int

    def sum(self, vector: Tensor) -> Tensor:
        """Return the sum of the workers' vectors, in the order of `tree_sum`; `vector` may be changed."""

    def quick_sum(self, vector: Tensor) -> Tensor:
        """Return the sum of the workers' vectors of a few numbers, in an order that depends on their number."""

    def begin_sum(self, vector: Tensor) -> Callable[[], None]:
        """Begin to make `vector` the sum of the workers' vectors, and return a function that waits for it.

        The workers begin these sums in the same order; other methods may be called in between. The order in which
        vectors are added depends on their number.
        """

    def stacked(self, vector: Tensor) -> Tensor:
        """Return the vectors (L,) of all workers, as (size, L), at once; they are equally long."""

    def heard(self, word: int) -> int:
        """Return the largest word, 0 or more, that the workers passed.

        A group of several returns those from before the last `sum` or `quick_sum`, and passes `word` on with the
        next one.
        """

    def largest(self, word: int) -> int:
        """Return the largest word, 0 or more, of all workers, at once."""

    def told(self, content: Any) -> Any:
        """Return what the first worker passed; plain content that fits into JSON."""

    def gathered(self, content: Any) -> list[Any]:
        """Return what each worker passed; plain content that fits into JSON."""

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Copy the first worker's values into the tensors of the others."""

    def joined(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows (…, K) of all workers, those of the first one first."""


class Alone:
    """A group of one worker."""

    rank, size = 0, 1

    def sum(self, vector: Tensor) -> Tensor:
        """Return the vector."""
        return vector

    def quick_sum(self, vector: Tensor) -> Tensor:
        """Return the vector."""
        return vector

    def begin_sum(self, vector: Tensor) -> Callable[[], None]:
        """There is nothing to wait for."""
        return lambda: None

    def stacked(self, vector: Tensor) -> Tensor:
        """Return the vector as the only row."""
        return vector[None]

    def heard(self, word: int) -> int:
        """Return the word."""
        return word

    def largest(self, word: int) -> int:
        """Return the word."""
        return word

    def told(self, content: Any) -> Any:
        """Return the content."""
        return content

    def gathered(self, content: Any) -> list[Any]:
        """Return the content."""
        return [content]

    def share(self, tensors: Sequence[Tensor]) -> None:
        """There is nobody to share with."""

    def joined(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows."""
        return rows


ALONE = Alone()
