"""Holding out the splits that a source does not have: stratified, repeatable, and independent of order and machine.

No generator of random numbers is involved. The pictures of a class are ranked by a keyed hash of their own bytes, and
the first ones go into the new split. So the same pictures are chosen regardless of the order of the files, the machine
or the version of a library. What belongs together stays together: equal pictures and, if the options name groups,
pictures of one subject.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise.data.contract import Part
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.read_options import ReadOptions
from picturewise.data.splitting.bundles import bundles_of, groups_of
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.seeds import derive
from picturewise.split_names import SplitName

_AT_ONCE = 1 << 16
_OPENING: dict[SplitName, str] = {
    "test": "The source does not have a test split, so ",
    "valid": "The source does not have a validation split, so ",
}


class _Bundle(NamedTuple):
    """Pictures that must stay together: the bundle's number, and its number of pictures per class."""

    number: int
    counts: dict[int, int]


def hold_out(
    labels: NDArray[np.int64],
    digests: NDArray[np.uint8],
    *,
    fraction: float,
    key: int,
    groups: NDArray[np.uint8] | None = None,
    pixels: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Return which pictures go into the new split, (N,) bool.

    From each class, `fraction` of its pictures go into the split, rounded, but at least one, and never all. Pictures
    with equal digests go together, and so do those of one group; the share is then met as closely as that allows.
    A class whose pictures all belong together gives none.

    Args:
        labels: (N,) class numbers; for sequences, their lengths.
        digests: (N, 16), equal for equal pictures.
        fraction: in (0, 1).
        key: in [0, 2**64); another key makes another choice.
        groups: (N, 16) digests of the groups' names.
        pixels: (N, 16), equal for pictures that look the same although their files differ; they go together too.
    """
    numbers, ranks = bundles_of(digests, groups, pixels, key)
    share = _Share(labels, fraction, len(ranks))
    several = np.bincount(numbers, minlength=1)[numbers] > 1  # pictures that share their bundle
    wanted = [round(fraction * count) for count in np.bincount(labels[several], minlength=1).tolist()]
    bundles = list(_in_order(labels[several], numbers[several], ranks))
    for bundle in bundles:
        if share.nearer(bundle, wanted) > 0 and share.allows(bundle):
            share.take(bundle)
    # Single pictures fill up the rest, where no weighing is needed.
    alone = np.flatnonzero(~several)
    alone = alone[np.lexsort((ranks[numbers[alone]], labels[alone]))]
    starts = np.searchsorted(labels[alone], np.arange(len(share.target)))
    ends = np.searchsorted(labels[alone], np.arange(len(share.target)), side="right")
    for label, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        first = alone[start : min(end, start + max(0, share.target[label] - share.taken[label]))]
        share.chosen[numbers[first]] = True
        share.taken[label] += len(first)
    for bundle in sorted(bundles, key=lambda bundle: sum(bundle.counts.values())):
        if share.allows(bundle) and any(
            share.target[label] and not share.taken[label] for label in bundle.counts
        ):
            share.take(bundle)
    return share.chosen[numbers]


class _Share:
    """The new split so far, and how many pictures of each class it should have."""

    def __init__(self, labels: NDArray[np.int64], fraction: float, bundles: int) -> None:
        self.total: list[int] = np.bincount(labels, minlength=1).tolist()
        self.target = [min(max(1, round(fraction * count)), max(count - 1, 0)) for count in self.total]
        self.taken = [0] * len(self.total)
        self.chosen = np.zeros(bundles, dtype=bool)

    def allows(self, bundle: _Bundle) -> bool:
        """Return whether train keeps some of each class without it."""
        return all(self.taken[label] + count < self.total[label] for label, count in bundle.counts.items())

    def nearer(self, bundle: _Bundle, wanted: Sequence[int]) -> int:
        """Return by how many pictures the split comes nearer to the wanted number of each class."""
        return sum(
            abs(wanted[label] - self.taken[label]) - abs(wanted[label] - self.taken[label] - count)
            for label, count in bundle.counts.items()
        )

    def take(self, bundle: _Bundle) -> None:
        """Move the pictures into the split."""
        self.chosen[bundle.number] = True
        for label, count in bundle.counts.items():
            self.taken[label] += count


def _in_order(
    labels: NDArray[np.int64], numbers: NDArray[np.int64], ranks: NDArray[np.uint64]
) -> Iterator[_Bundle]:
    """Yield the bundles by rank."""
    order = np.lexsort((labels, ranks[numbers]))
    last, counts = -1, dict[int, int]()
    for start in range(0, len(order), _AT_ONCE):  # a list of a million Python numbers would be large
        part = order[start : start + _AT_ONCE]
        for number, label in zip(numbers[part].tolist(), labels[part].tolist(), strict=True):
            if number != last:
                if counts:
                    yield _Bundle(last, counts)
                last, counts = number, {}
            counts[label] = counts.get(label, 0) + 1
    if counts:
        yield _Bundle(last, counts)


def complete(
    train: Part, own: Collection[SplitName], asked: Collection[SplitName], options: ReadOptions
) -> tuple[dict[SplitName, ImageSet], list[str]]:
    """Return the requested splits of train and those held out from it, and a note on each split held out.

    A missing test split is held out first, then a missing validation split from the rest of train. Both depend only
    on the pictures, the fractions, the groups and `options.split_seed`. No picture is copied.

    Args:
        train: the source's train split.
        own: the splits that the source has itself.
        asked: the splits to return; the others are held out anyway, so that train is always the same.
        options: the fractions, the seed, and which pictures belong together.

    Raises:
        DataError: no class has two different pictures (or groups), so nothing can be held out; or a picture's
            name does not match `options.group_by`.
        UsageError: `options.group_by` takes too long to search for.
    """
    pictures = train.pictures
    fractions: dict[SplitName, float] = {"test": options.test_fraction, "valid": options.valid_fraction}
    missing = [(split, share) for split, share in fractions.items() if split not in own and share > 0]
    if not missing:
        unused = "--group-by had no effect: the data set already has all its splits."
        return {"train": pictures}, [unused] if options.group_by and options.valid_fraction > 0 else []
    if pictures.labels is None:
        return {"train": pictures}, [
            f"{pictures.origin} does not have labels, so no split was held out from it."
        ]
    groups, labels = groups_of(pictures, options.group_by), pictures.strata
    indices: dict[SplitName, NDArray[np.int64]] = {"train": np.arange(len(pictures))}
    notes = []
    for split, fraction in missing:
        rest = indices["train"]
        held_out = hold_out(
            labels[rest],
            train.source_digests[rest],
            fraction=fraction,
            key=derive(options.split_seed, f"split-{split}"),
            groups=None if groups is None else groups[rest],
            pixels=None if train.digests is None else pictures.statistics.digests[rest],
        )
        if not held_out.any():
            raise DataError(
                f"{pictures.origin}: cannot hold out a {split} split, because no "
                f"{'length' if pictures.has_sequences else 'class'} has two different "
                f"{'pictures' if groups is None else 'groups'} among {len(rest):,} pictures. Add pictures, or provide "
                f"a {split} split."
            )
        indices[split], indices["train"] = rest[held_out], rest[~held_out]
        notes.append(_note(split, held_out, labels[rest], pictures, options))
    return {
        split: _select(pictures, split, chosen) for split, chosen in indices.items() if split in asked
    }, notes


def rejoined(dataset: Dataset) -> Dataset:
    """Return a data set whose validation split is part of train again, as if it had never been held out.

    Args:
        dataset: with `open_valid`.
    """
    train, valid = dataset.split("train"), dataset.split("valid")
    assert train.places is not None  # noqa: S101 (valid was held out from it)
    assert valid.places is not None  # noqa: S101 (the same)
    places = np.concatenate([train.places, valid.places])
    order = np.argsort(places)
    names = None if train.names is None or valid.names is None else [*train.names, *valid.names]
    whole = replace(
        train,
        images=np.concatenate([train.images[:], valid.images[:]])[order],
        labels=np.concatenate([train.required_labels, valid.required_labels])[order],
        names=None if names is None else [names[at] for at in order],
        places=places[order],
        known=None,
    )
    notes = tuple(note for note in dataset.notes if not note.startswith(_OPENING["valid"]))
    return replace(dataset, train=whole, valid=None, notes=notes, held_out=None)


def _select(pictures: ImageSet, split: SplitName, chosen: NDArray[np.int64]) -> ImageSet:
    part = replace(pictures.select(chosen), places=chosen)
    return part if split == "train" else replace(part, origin=f"{pictures.origin} ({split} held out)")


def _note(
    split: SplitName,
    held_out: NDArray[np.bool_],
    labels: NDArray[np.int64],
    pictures: ImageSet,
    options: ReadOptions,
) -> str:
    """Return the note on what was held out, and which classes were too small for it."""
    together = (
        f", with the groups of '{printable(options.group_by)}' kept together" if options.group_by else ""
    )
    text = (
        f"{_OPENING[split]}{held_out.sum():,} of {len(held_out):,} "
        f"training pictures were held out, {one_by_one(pictures)}{together} (split seed {options.split_seed})."
    )
    there, given = (np.bincount(some, minlength=labels.max() + 1) for some in (labels, labels[held_out]))
    without = np.flatnonzero((there > 0) & (given == 0))
    if len(without):
        of, names = (
            ("lengths", range(labels.max() + 1)) if pictures.has_sequences else ("classes", pictures.classes)
        )
        shown = ", ".join(str(names[label]) for label in without[:5]) + (", …" if len(without) > 5 else "")
        text += f" These {of} have too few different pictures to be in the new split: {shown}."
    return text


def one_by_one(pictures: ImageSet) -> str:
    """Return in words that each class has its share, or each length of sequences."""
    return "length by length" if pictures.has_sequences else "class by class"
