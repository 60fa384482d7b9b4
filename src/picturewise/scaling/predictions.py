"""A part's predictions as a Parquet file: the same rows always give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from picturewise.prediction.classifier import Classifier
from picturewise.printable import printable
from picturewise.scaling.compute import ComputedRows
from picturewise.scaling.part_facts import METADATA, PartFacts
from picturewise.scaling.plan import Part, Plan
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_predictions(
    file: IO[bytes],
    computed: Iterator[ComputedRows],
    classifier: Classifier,
    plan: Plan,
    part: Part,
    ignored: Callable[[], int],
) -> PartFacts:
    """Write the predictions of a part as Parquet, and return the facts about it.

    The columns are path, row, label, probability, probabilities (one for each class, in the order of the metadata), and
    error, which is null for a picture that was read. Sequences do not have probabilities.

    Args:
        file: receives the content.
        computed: the rows of the part.
        classifier: whose predictions they are.
        plan: the plan.
        part: the part.
        ignored: returns how many members of a tar were not read.
    """
    target = classifier.description.target
    with_each = not is_sequences(target)
    columns = [
        ("path", pa.string()), ("row", pa.int64()), ("label", pa.string()), ("probability", pa.float32()),
        *([("probabilities", pa.list_(pa.float32()))] if with_each else []),
        ("error", pa.string()),
    ]  # fmt: skip
    named = "classes" if with_each else "symbols"
    rows = unreadable = 0
    first: tuple[str, int, str] | None = None
    with pq.ParquetWriter(
        file, pa.schema(columns), compression="zstd", version="2.6", use_dictionary=["path", "label", "error"],
        write_page_checksum=True, store_schema=False,
    ) as writer:  # fmt: skip
        for block in computed:
            bad = next((index for index, error in enumerate(block.errors) if error), None)
            if first is None and bad is not None:
                first = (printable(block.rows[bad].path), block.rows[bad].number, block.errors[bad])
            rows += len(block.rows)
            unreadable += len(block.rows) - len(block.good)
            answers, best = target.decode(block.probabilities)
            texts = [target.text(answer) for answer in answers]
            writer.write_table(_table(block, texts, best, columns, with_each=with_each))
        facts = PartFacts(rows, unreadable, first, ignored())
        writer.add_key_value_metadata(
            {
                METADATA: json.dumps(facts.content(plan, part.number)),
                "picturewise.classifier_sha256": plan.classifier,
                f"picturewise.{named}": json.dumps(list(classifier.classes)),
            }
        )
    return facts


def _table(
    block: ComputedRows,
    texts: list[str],
    best: NDArray[np.floating[Any]],
    columns: list[tuple[str, Any]],
    *,
    with_each: bool,
) -> Any:
    """Return the rows of a block as a table."""
    count = len(block.rows)
    labels: list[str | None] = [None] * count
    confidence: list[float | None] = [None] * count
    for place, index in enumerate(block.good.tolist()):
        labels[index], confidence[index] = texts[place], float(best[place])
    found: dict[str, Any] = {
        "path": [printable(row.path) for row in block.rows],
        "row": [row.number for row in block.rows],
        "label": labels,
        "probability": confidence,
        "error": [printable(error) if error else None for error in block.errors],
    }
    if with_each:
        found["probabilities"] = _lists(block, count)
    return pa.table([pa.array(found[name], kind) for name, kind in columns], pa.schema(columns))


def _lists(block: ComputedRows, count: int) -> Any:
    """Return the probabilities of each row as an array of lists, null for a row that cannot be used."""
    width = block.probabilities.shape[1]
    there = [0] * count
    for index in block.good.tolist():
        there[index] = 1
    ends, at = [0], 0
    for one in there:
        at += one * width
        ends.append(at)
    # A null end marks a row without a list.
    offsets = pa.array(
        [None if index < count and not there[index] else end for index, end in enumerate(ends)], pa.int32()
    )
    return pa.ListArray.from_arrays(offsets, pa.array(block.probabilities.reshape(-1), pa.float32()))
