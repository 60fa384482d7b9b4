"""Inspect a data set: counts, sizes, and pictures to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from picturewise import files
from picturewise.arguments import checked
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.options import data_options
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.data.recognise import Data, recognise
from picturewise.errors import UsageError
from picturewise.preparing import augmentation
from picturewise.preparing.augmentation import Augmentation
from picturewise.reporting.album import Album
from picturewise.reporting.figure_words import WORDS
from picturewise.reporting.notebook.pictures import counts_html
from picturewise.reporting.samples import lengths_of
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.split_names import SplitName
from picturewise.targets.one_class import OneClass
from picturewise.tasks.load import load, refuse_inside


class SplitInspection(Result):
    """One split in numbers."""

    pictures: int
    counts: dict[str, int] = Field(
        description="Number of pictures of each class; for sequences, how often each symbol occurs; empty without "
        "labels."
    )
    lengths: dict[str, int] = Field(
        description="Number of pictures by length of their sequence; empty for classes."
    )
    fingerprint: str = Field(description="SHA-256 of pictures and labels.")


class Inspection(Result):
    """What `inspect` found."""

    name: str
    source: str | None = Field(description="A catalogue name or a path; none: pictures in memory.")
    height: int
    width: int
    channels: int
    target: str = Field(
        description="What the labels are: one class, or numbers L, which are sequences of up to L symbols."
    )
    classes: tuple[str, ...] = Field(description="The classes or, for sequences, the symbols.")
    splits: dict[SplitName, SplitInspection]
    notes: tuple[str, ...] = Field(description="Decisions that were made while reading.")
    augmentation: tuple[str, ...] = Field(description="The augmentation lines that were drawn.")
    skipped: dict[str, str] = Field(description="Files left out with skip_bad: path → reason.")
    figures: dict[str, Path] = Field(description="Figures drawn: name → file.")

    @never_raises
    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {split.pictures:,}" for name, split in self.splits.items())
        form = f"{self.height}x{self.width}x{self.channels}"
        names = "symbols" if self.has_sequences else "classes"
        return f"<Inspection of {self.name}: {splits}; {form}, {len(self.classes)} {names}>"

    @property
    def has_sequences(self) -> bool:
        """Whether the labels are sequences."""
        return self.target != OneClass.name

    def _repr_html_(self) -> str:
        counts = {
            name: split.lengths if self.has_sequences else split.counts for name, split in self.splits.items()
        }
        pictures = {name: split.pictures for name, split in self.splits.items()}
        form = f"{self.height}x{self.width}x{self.channels}"
        title, sequences = f"{self.name}: {form} pictures", self.has_sequences
        return counts_html(title, self.classes, pictures, counts, notes=self.notes, sequences=sequences)


@checked
def inspect(
    data: Data,
    *,
    out: str | Path | None = None,
    size: tuple[int, int] | None = None,
    resize: ResizeMode | None = None,
    skip_bad: bool = False,
    group_by: str | None = None,
    hints: Hints = NO_HINTS,
    augment: str | Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Inspection:
    """Return the counts and sizes of a data set, and draw its figures.

    The figures: random pictures with their labels, the same pictures in grey if they have colour, each class (its
    mean picture and a row of samples), and the counts; for sequences, their lengths and symbols instead. With
    `augment`, some pictures are also shown as training would see them. Pictures are taken from the training split.

    Args:
        data: as for `train`.
        out: the folder for the figures; none: `inspect-<name>` in the working folder.
        size: height and width that every picture is resized to; none: their own.
        resize: what to do with pictures of another shape, as for `read_dataset`.
        skip_bad: leave out files that cannot be read.
        group_by: as for `read_dataset`.
        hints: how to read the source if its files do not determine it.
        augment: augmentation lines, checked and left out as in training, such as `"crop 4; flip"`; none: no figure.
        seed: selects the pictures that are drawn, and the random numbers of the augmentation.
        progress: show the progress of reading, on a terminal.

    Raises:
        UsageError: an option does not fit the data.
        DataError: the data cannot be read.
        SaveError: the figures cannot be written.
    """
    lines = augmentation.parse(augment or ())
    if augment is not None and not lines:
        raise UsageError("The augmentation to draw has no lines. Pass at least one, such as 'crop 4; flip'.")
    source = recognise(data, hints=hints)
    options = data_options(
        source=source.place, size=size, resize=resize, skip_bad=skip_bad, group_by=group_by, **hints.given()
    )
    refuse_inside(Path(out or "."), source.place)
    dataset = load(source, options, progress=progress)
    part = next(iter(dataset.splits().values()))
    height, width, channels = part.shape
    augmentation.check(lines, part.shape)
    drawn, left_out = _suitable(lines, part, seed)
    album = Album(Path(out or f"inspect-{dataset.name}"), dark=False)
    album.draw_data(dataset, seed=seed, also_in_grey=channels > 1)
    album.draw_augmented(part, drawn, seed=seed)
    lengths = lengths_of(dataset.splits())
    inspection = Inspection(
        name=dataset.name,
        source=source.place,
        height=height,
        width=width,
        channels=channels,
        target=part.target.name,
        classes=dataset.classes,
        splits={
            name: SplitInspection(
                pictures=len(one),
                counts=one.counts(),
                lengths=lengths.get(name, {}),
                fingerprint=one.fingerprint,
            )
            for name, one in dataset.splits().items()
        },
        notes=dataset.notes + left_out,
        augmentation=tuple(item.line for item in drawn),
        skipped={item.path: item.reason for item in dataset.skipped},
        figures={name: album.path(name) for name in WORDS if album.path(name).exists()},
    )
    files.write_text(album.folder / "inspection.json", inspection.model_dump_json(indent=1) + "\n")
    return inspection


def _suitable(
    lines: tuple[Augmentation, ...], part: ImageSet, seed: int
) -> tuple[tuple[Augmentation, ...], tuple[str, ...]]:
    """Return the augmentation lines that training would use for these pictures, and notes on those left out."""
    if part.labels is None or not any(line.may_change_class and not line.always for line in lines):
        return lines, ()
    if part.has_sequences:  # whether its symbols mean the same in a mirror is not measured
        return augmentation.suitable(lines, mirrors_matter=True)
    from picturewise.training import mirrors  # noqa: PLC0415 (it loads PyTorch)

    mirroring = mirrors.decide(part, seed=seed)
    drawn, notes = augmentation.suitable(lines, mirrors_matter=mirroring.matters)
    return drawn, (*notes, *(mirroring.notes if notes else ()))
