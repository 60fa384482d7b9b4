"""What the figures of a data set show, without matplotlib, and as bytes for the process that draws them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.dataset import Dataset
from picturewise.data.pictures.pixels import as_channels
from picturewise.reporting.class_rows import ClassRow, class_rows
from picturewise.reporting.samples import captions, drawn_places, lengths_of, seen
from picturewise.targets.words import unit_of

SAMPLES, PER_CLASS = 24, 10


@dataclass(frozen=True, eq=False)
class DataSheets:
    """What the figures of a data set show.

    Attributes:
        samples: random pictures (N, H, W, C) of the training split (or of another, if there is no training split).
        grey: the same pictures in grey, for a second sheet; None: there is no such sheet.
        captions: of these pictures.
        rows: of the sheet of classes; None: there are no classes.
        counts: split → class or symbol → how many; empty without labels.
        unit: what is counted.
        lengths: split → length → how many sequences; empty if labels are not sequences.
    """

    samples: NDArray[np.uint8]
    grey: NDArray[np.uint8] | None
    captions: list[str]
    rows: list[ClassRow] | None
    counts: Mapping[str, Mapping[str, int]]
    unit: str
    lengths: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(
        cls, dataset: Dataset, *, seed: int, in_grey: bool = False, also_in_grey: bool = False
    ) -> DataSheets:
        """Return what the figures of a data set show.

        Args:
            dataset: at least one split.
            seed: selects the pictures that are drawn.
            in_grey: draw all pictures in grey, because the input of the network is grey.
            also_in_grey: draw a second sheet of samples, in grey.
        """
        part = next(iter(dataset.splits().values()))
        chosen = part.select(drawn_places(len(part), SAMPLES, seed, "samples"))
        pictures = np.asarray(chosen.images)
        has_classes = part.labels is not None and not part.has_sequences
        return cls(
            samples=seen(pictures, in_grey=in_grey),
            grey=as_channels(pictures, 1) if also_in_grey else None,
            captions=captions(chosen),
            rows=class_rows(part, part.required_labels, PER_CLASS, seed, in_grey=in_grey)
            if has_classes
            else None,
            counts={}
            if part.labels is None
            else {name: item.counts() for name, item in dataset.splits().items()},
            unit=unit_of(part.target),
            lengths=lengths_of(dataset.splits()) if part.has_sequences else {},
        )

    def to_bytes(self) -> bytes:
        """Return them as the bytes of an NPZ file, which holds only numbers and JSON."""
        arrays: dict[str, Any] = {"samples": self.samples}
        if self.grey is not None:
            arrays["grey"] = self.grey
        for number, row in enumerate(self.rows or ()):
            arrays[f"row-{number}"] = row.samples
            if row.mean is not None:
                arrays[f"mean-{number}"] = row.mean
        facts = {
            "captions": self.captions,
            "rows": None if self.rows is None else [(row.name, row.count) for row in self.rows],
            "counts": self.counts,
            "unit": self.unit,
            "lengths": self.lengths,
        }
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        content = io.BytesIO()
        np.savez(content, **arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> DataSheets:
        """Return what `to_bytes` was called on."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            rows = facts["rows"]
            return cls(
                samples=arrays["samples"],
                grey=arrays.get("grey"),
                captions=facts["captions"],
                rows=None
                if rows is None
                else [
                    ClassRow(name, count, arrays[f"row-{number}"], arrays.get(f"mean-{number}"))
                    for number, (name, count) in enumerate(rows)
                ],
                counts=facts["counts"],
                unit=facts["unit"],
                lengths=facts["lengths"],
            )
