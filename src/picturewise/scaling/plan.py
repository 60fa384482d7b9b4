"""`Plan`: the inputs of millions of pictures, cut into parts that do not depend on who computes them.

The plan is the file `plan.json` in the folder of the results. It is made once; everyone who works on the parts makes
it again from the source, and compares. So a changed input, another classifier and another option are noticed before
anything is computed, and a restart does exactly what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from picturewise import files
from picturewise.data.shards.inputs import Form
from picturewise.data.shards.storage import Found
from picturewise.errors import RunError, UsageError
from picturewise.prediction.computation import LibraryName
from picturewise.printable import printable

PLAN = "plan.json"
CLASSIFIER = "classifier.safetensors"
NAMES = "names"
"""The folder of the names of picture files, a file for each part."""
FORMAT = 1
BATCH = 256
"""Pictures that a network computes at a time. Another number may change the last bits of a probability."""
TaskName = Literal["predict", "evaluate"]
_DIGITS = 5
_MOST_PARTS = 10_000_000


class Part(NamedTuple):
    """What is computed and written at a time.

    Attributes:
        number: from 0.
        path: the shard; empty: picture files, whose names are in a file of the part.
        start: the first row of the shard.
        stop: the row after the last one; None: up to the end, and the number of rows is not known.
    """

    number: int
    path: str
    start: int
    stop: int | None

    @property
    def rows(self) -> int | None:
        """How many rows it has; None: unknown."""
        return None if self.stop is None else self.stop - self.start


@dataclass(frozen=True)
class Plan:
    """What is to be computed.

    Attributes:
        task: predict or evaluate.
        form: what the inputs are.
        source: where they are, without credentials.
        classifier: the SHA-256 of the classifier's file.
        options: what else changes the results: engine, part_rows, batch, value_range, the columns of tables, and
            `library` if OpenVINO computes.
        scale: the range of lists of numbers in Parquet files; None: they hold encoded pictures.
        shards: path, size, version and rows (None: unknown) of each shard.
        names: for picture files: the SHA-256 of the file of names of each part.
        pictures: for picture files: how many.
    """

    task: TaskName
    form: Form
    source: str
    classifier: str
    options: dict[str, Any]
    scale: dict[str, Any] | None = None
    shards: tuple[tuple[str, int, str, int | None], ...] = ()
    names: tuple[str, ...] = ()
    pictures: int = 0

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in order. A part never spans two shards; a tar is one part."""
        return tuple(self._parts())

    @property
    def rows(self) -> int | None:
        """How many rows there are in all parts; None: unknown."""
        known = [part.rows for part in self.parts]
        return None if None in known else sum(filter(None, known))

    @property
    def library(self) -> LibraryName | None:
        """OpenVINO, or None: ONNX Runtime, or the library of the engine."""
        found: LibraryName | None = self.options.get("library")
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the plan, which every part carries."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {
            "format": FORMAT,
            "task": self.task,
            "form": self.form,
            "source": self.source,
            "classifier_sha256": self.classifier,
            "batch": BATCH,
            "options": self.options,
            "scale": self.scale,
            "shards": [list(shard) for shard in self.shards],
            "names": list(self.names),
            "pictures": self.pictures,
        }

    def shard(self, path: str) -> Found:
        """Return what was known about a shard when the plan was made."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, Found]:
        return {path: Found(path, size, version) for path, size, version, _ in self.shards}

    def _parts(self) -> Iterator[Part]:
        step, number = self.options["part_rows"], 0
        if self.form == "pictures":
            for number, start in enumerate(range(0, self.pictures, step)):
                yield Part(number, "", start, min(start + step, self.pictures))
            return
        for path, _, _, rows in self.shards:
            if rows is None:
                yield Part(number, path, 0, None)
                number += 1
                continue
            for start in range(0, rows, step):
                yield Part(number, path, start, min(start + step, rows))
                number += 1


def part_name(number: int, ending: str) -> str:
    """Return the name of a part's file.

    >>> part_name(17, ".parquet")
    'part-00017.parquet'
    """
    return f"part-{number:0{_DIGITS}}{ending}"


def read_plan(folder: Path) -> Plan:
    """Return the plan in a folder.

    Raises:
        RunError: it cannot be read, is damaged, or is of another version.
    """
    content = files.read_json(folder / PLAN)
    try:
        if (content["format"], content["batch"]) != (FORMAT, BATCH):
            raise RunError(
                f"{printable(folder / PLAN)} was made by another version of Picturewise. Choose another folder with "
                "--out."
            )
        return from_content(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{printable(folder / PLAN)} is not a plan of predict-many or evaluate-many. Choose another folder with "
            "--out."
        ) from error


def from_content(content: dict[str, Any]) -> Plan:
    """Return the plan with this content.

    Raises:
        ValueError: it is not the content of a plan.
    """
    options = dict(content["options"])
    if type(options["part_rows"]) is not int or options["part_rows"] < 1:
        raise ValueError("part_rows is not a positive integer")
    if options.get("library") not in {None, "openvino"}:
        raise ValueError("the library is not one that makes the same bytes everywhere")
    plan = Plan(
        task=content["task"],
        form=content["form"],
        source=str(content["source"]),
        classifier=str(content["classifier_sha256"]),
        options=options,
        scale=content["scale"],
        shards=tuple(
            (str(path), int(size), str(version), rows) for path, size, version, rows in content["shards"]
        ),
        names=tuple(map(str, content["names"])),
        pictures=int(content["pictures"]),
    )
    rows = [plan.pictures, *(rows for *_, rows in plan.shards if rows is not None)]
    if (
        any(type(count) is not int or count < 0 for count in rows)
        or sum(rows) > _MOST_PARTS * options["part_rows"]
    ):
        raise ValueError("the numbers of rows are not valid")
    return plan


def check_same(kept: Plan, wanted: Plan, folder: Path) -> None:
    """Check that the plan in a folder is the one that is wanted now.

    Raises:
        UsageError: it is not; the message says what differs, and what to do.
    """
    if kept == wanted:
        return
    where = f"{printable(folder)} has the plan of"
    if kept.task != wanted.task:
        raise UsageError(f"{where} {kept.task}-many. Choose another folder with --out.")
    if kept.classifier != wanted.classifier:
        raise UsageError(
            f"{where} another classifier (SHA-256 {printable(kept.classifier)[:12]}…, now {wanted.classifier[:12]}…). "
            "Choose another folder with --out."
        )
    if kept.source != wanted.source:
        raise UsageError(
            f"{where} another source ({printable(kept.source)}). Pass that source, or choose another folder with --out."
        )
    for name in wanted.options:
        if kept.options.get(name) != wanted.options[name]:
            option = "--" + name.replace("_", "-")
            raise UsageError(
                f"{where} other options: {option} was {printable(kept.options.get(name))}, and is now "
                f"{printable(wanted.options[name])}. Pass the same, or choose another folder with --out."
            )
    changed = next((old for old, new in zip(kept.shards, wanted.shards, strict=False) if old != new), None)
    which = f"; the first is {printable(changed[0])}" if changed else ""
    raise UsageError(
        f"{printable(folder)}: the input files have changed since the plan was made{which}. Choose another folder with "
        "--out, because the parts that are there belong to the old files."
    )
