"""What a part's file says about itself: whose it is, whether it is whole, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from picturewise import files
from picturewise.errors import DataError, RunError, UsageError
from picturewise.printable import printable
from picturewise.scaling.plan import Plan, TaskName, part_name
from picturewise.untrusted.confined.asked import AskedChild
from picturewise.untrusted.confined.pool_thread import Task

ENDINGS: dict[TaskName, str] = {"predict": ".parquet", "evaluate": ".json"}
METADATA = b"picturewise"
"""The key of the facts in the footer of a Parquet file."""
_MOST = 1 << 24  # bytes of facts
_LARGEST_COUNTS = 256 << 20  # bytes of a part with counts, which is read at once
_MEMORY = 1 << 30  # bytes of addresses


class PartFacts(NamedTuple):
    """What a part's file says about itself.

    Attributes:
        rows: how many rows it has.
        unreadable: how many of these could not be read.
        first: path, row and reason of the first of these.
        ignored: how many members of a tar were not read.
    """

    rows: int
    unreadable: int
    first: tuple[str, int, str] | None
    ignored: int = 0

    def content(self, plan: Plan, number: int) -> dict[str, Any]:
        """Return the facts as JSON has them, with the plan and the number of the part."""
        return {"plan": plan.digest, "part": number, **self._asdict()}


def part_facts(plan: Plan, number: int, content: Any) -> PartFacts | None:
    """Return the facts about a part from the JSON in its file; None: it is not that part of the plan, or not whole."""
    try:
        if (content["plan"], content["part"]) != (plan.digest, number):
            return None
        rows, unreadable, ignored = (int(content[name]) for name in ("rows", "unreadable", "ignored"))
        expected = plan.parts[number].rows
        if (expected is not None and rows != expected) or not 0 <= unreadable <= rows:
            return None
        first = content["first"]
        told = None if first is None else (printable(first[0]), int(first[1]), printable(first[2]))
        return PartFacts(rows, unreadable, told, ignored)
    except (KeyError, TypeError, ValueError, IndexError):
        return None


class WrittenParts:
    """Looks at the parts in a folder; the footers of Parquet files are read in a confined child.

    Args:
        plan: the plan.
        folder: with its parts.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._child = AskedChild(
            Task("picturewise.scaling.part_child:describing", {}, _MEMORY, 10.0, lambda _: 60.0), _MOST
        )

    def facts(
        self, numbers: Collection[int], tick: Callable[[], None] = lambda: None
    ) -> dict[int, PartFacts]:
        """Return the facts about those of some parts that are there.

        Args:
            numbers: of the parts.
            tick: called after each.

        Raises:
            UsageError: a file has the name of a part, but is another one, or is not whole; it is not touched.
            DataError: a file cannot be read.
        """
        found = dict[int, PartFacts]()
        for number in numbers:
            place = self._folder / part_name(number, ENDINGS[self._plan.task])
            if place.exists() or place.is_symlink():
                facts = part_facts(self._plan, number, self._content(place))
                if facts is None:
                    raise UsageError(
                        f"{printable(place)} is not a whole part of this plan, so it was neither used nor replaced. "
                        "Move it to another place, and run the command again."
                    )
                found[number] = facts
            tick()
        return found

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def _content(self, place: Path) -> Any:
        """Return the JSON in a part's file; None: it has none."""
        if not place.is_file():
            return None
        try:
            if self._plan.task == "evaluate":
                if place.stat().st_size > _LARGEST_COUNTS:
                    return None
                return files.read_json(place)
            return json.loads(self._child.ask(str(place.absolute()).encode(), printable(place)))
        except (RunError, DataError, ValueError):
            return None


def numbers_there(plan: Plan, folder: Path) -> int:
    """Return how many parts of a plan have a file, without opening them."""
    ending = ENDINGS[plan.task]
    return sum((folder / part_name(part.number, ending)).exists() for part in plan.parts)


def each_content(plan: Plan, folder: Path) -> Iterator[Any]:
    """Yield the JSON in the files of all parts of an evaluation.

    Raises:
        RunError: one cannot be read.
    """
    for part in plan.parts:
        yield files.read_json(folder / part_name(part.number, ENDINGS[plan.task]))
