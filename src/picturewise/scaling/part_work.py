"""`PartWork`: what a worker does with a part: read its rows, compute them, and write them, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import IO

import numpy as np

from picturewise import files
from picturewise.errors import RunError, UsageError
from picturewise.prediction.classifier import load_classifier
from picturewise.prediction.computation import LIBRARIES, lacking_for
from picturewise.printable import printable
from picturewise.scaling.compute import Computing, Tick
from picturewise.scaling.job import Job
from picturewise.scaling.part_facts import ENDINGS, PartFacts
from picturewise.scaling.plan import part_name
from picturewise.scaling.rows import PartRows
from picturewise.untrusted.scratch import scratch_file

_CHUNK = 1 << 20


class PartWork:
    """A classifier that is loaded once, for the parts of a job.

    Args:
        job: the job.

    Raises:
        RunError: the copy of the classifier cannot be read, or is another one.
        UsageError: the engine cannot compute it, or this machine lacks the plan's library.
    """

    def __init__(self, job: Job) -> None:
        self._job, options = job, job.plan.options
        path = job.classifier_path
        classifier = load_classifier(path)
        if hashlib.sha256(classifier.to_bytes()).hexdigest() != job.plan.classifier:
            raise RunError(
                f"{printable(path)} is another classifier than that of the plan. Remove it and try again."
            )
        library = job.plan.library
        if library is not None and (lacking := lacking_for(library)) is not None:
            raise UsageError(
                f"{printable(job.folder)} is computed in bfloat16 by {LIBRARIES[library]}, but {lacking}. Continue "
                "where it began, or choose another folder with --out."
            )
        self._classifier = classifier.on_one_core(options["engine"], library)
        self._computing = Computing(self._classifier, options["value_range"])
        self._rows = PartRows(job)
        self._learned = None if job.learned is None else np.load(job.learned, allow_pickle=False)

    def write(self, number: int, tick: Tick) -> PartFacts:
        """Compute a part and write its file, and return the facts about it.

        Args:
            number: of the part.
            tick: as for `Computing.each`.

        Raises:
            DataError, SaveError: its inputs cannot be read, or it cannot be written; nothing is left behind.
        """
        with scratch_file() as file:
            facts = self.compute(number, file, tick)
            files.write_chunks(
                self._job.folder / part_name(number, ENDINGS[self._job.plan.task]), pieces(file)
            )
        return facts

    def compute(self, number: int, file: IO[bytes], tick: Tick) -> PartFacts:
        """Compute a part, write its content to a file, and return the facts about it; see `write`."""
        plan = self._job.plan
        part = plan.parts[number]
        computed = self._computing.each(self._rows.of(part), tick)
        if plan.task == "evaluate":
            from picturewise.scaling.counts import write_counts  # noqa: PLC0415 (predictions do not need pydantic)

            facts, content = write_counts(
                computed, self._classifier, plan, part, self._learned, self._rows.ignored
            )
            file.write(json.dumps(content).encode())
            return facts
        from picturewise.scaling.predictions import write_predictions  # noqa: PLC0415 (it loads pyarrow)

        return write_predictions(file, computed, self._classifier, plan, part, self._rows.ignored)

    def close(self) -> None:
        """End the children."""
        self._computing.close()
        self._rows.close()


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file that was written just now."""
    file.seek(0)
    while piece := file.read(_CHUNK):
        yield piece
