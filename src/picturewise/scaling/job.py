"""`Job`: what a process needs to compute parts: the plan, where the source and the results are, and the classifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picturewise.data.shards.storage import Found
from picturewise.errors import RunError
from picturewise.printable import printable
from picturewise.scaling.plan import CLASSIFIER, NAMES, Part, Plan, from_content, part_name


@dataclass(frozen=True)
class Job:
    """What a process needs to compute parts.

    Attributes:
        plan: what is computed.
        address: of the source, with credentials if it has some: it is passed between processes, and never written.
        folder: of the results, with the classifier and the names of picture files.
        learned: digests (N, 16) of the pictures that the classifier was trained on, as a file; None: unknown.
    """

    plan: Plan
    address: str
    folder: Path
    learned: Path | None = None

    @property
    def classifier_path(self) -> Path:
        """The copy of the classifier in the folder."""
        return self.folder / CLASSIFIER

    def names_path(self, number: int) -> Path:
        """Return the file with the names of a part's pictures."""
        return self.folder / NAMES / part_name(number, ".jsonl")

    def content(self) -> dict[str, Any]:
        """Return the job as JSON has it."""
        return {
            "plan": self.plan.content(),
            "address": self.address,
            "folder": str(self.folder),
            "learned": None if self.learned is None else str(self.learned),
        }

    @classmethod
    def of(cls, content: dict[str, Any]) -> Job:
        """Return the job with this `content`."""
        learned = content["learned"]
        return cls(
            from_content(content["plan"]),
            content["address"],
            Path(content["folder"]),
            None if learned is None else Path(learned),
        )

    def names(self, part: Part) -> Iterator[Found]:
        """Yield the picture files of a part, as they were when the plan was made.

        Raises:
            RunError: the file of their names is missing or was changed.
        """
        place = self.names_path(part.number)
        try:
            content = place.read_bytes()
        except OSError as error:
            raise RunError(f"{printable(place)} cannot be read: {error.strerror or error}.") from error
        if hashlib.sha256(content).hexdigest() != self.plan.names[part.number]:
            raise RunError(
                f"{printable(place)} was changed. Choose another folder with --out, and start again."
            )
        return (Found(*json.loads(line)) for line in content.splitlines())
