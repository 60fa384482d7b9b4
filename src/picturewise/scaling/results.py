"""What all ways to compute parts report, and what they give up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from picturewise.scaling.part_facts import PartFacts

DEATHS = 5
"""Processes that may end while they compute a part, before it is given up."""
WITHOUT_PROGRESS = 3
"""Processes in a row that may end before they have done anything, before the whole work is given up."""


class Failure(NamedTuple):
    """Why a part could not be computed: an error in a sentence, and the name of its class."""

    sentence: str
    kind: str = "DataError"


@dataclass
class Results:
    """What has been computed.

    Attributes:
        rows: is called with the number of rows that were finished; with a negative one if they are lost with a worker.
        finished: is called with the number of each finished part.
        facts: about each finished part.
        failed: why a part could not be computed, by its number.
        lost: how many processes ended early.
    """

    rows: Callable[[int], None]
    finished: Callable[[int], None] = lambda _: None
    facts: dict[int, PartFacts] = field(default_factory=dict)
    failed: dict[int, Failure] = field(default_factory=dict)
    lost: int = 0

    def add(self, number: int, facts: PartFacts) -> None:
        """Take a finished part."""
        self.facts[number] = facts
        self.finished(number)
