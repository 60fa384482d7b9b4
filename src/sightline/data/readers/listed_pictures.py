"""Pictures that are listed with their classes, to one array for each split: what readers of picture files share."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.data.confined_pool import Tick
from sightline.data.dataset import Skipped, SplitName
from sightline.data.decode import Header, PictureError
from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions
from sightline.data.picture_files import Look, decode_each, look_at_each
from sightline.data.readers.class_folders import Listing
from sightline.data.readers.contract import Part, Progress, Reading
from sightline.data.room import Room
from sightline.data.rows import Pictures, chosen
from sightline.data.traits import as_rows
from sightline.errors import DataError

LONGEST_SIDE = 224  # of a size that is chosen, not asked for


@dataclass(frozen=True)
class _Form:
    """What every picture is brought to: decided by train and the options, the same for all splits."""

    classes: tuple[str, ...]
    size: tuple[int, int]
    channels: int
    notes: tuple[str, ...]


def read_listings(
    listings: Mapping[SplitName, Listing],
    asked: Collection[SplitName],
    places: Mapping[SplitName, str],
    root: str,
    options: DataOptions,
    progress: Progress | None,
    room: Room,
) -> Reading:
    """Return the pictures of the splits `asked`.

    Args:
        listings: what is in each of them, and before them in the first split of the source (train, wherever there
            is one), which decides the classes, the channels and, unless the options do, the size.
        asked: those to decode; the first one's files are looked at in any case.
        places: what to call each split in messages.
        root: what to call the source.
        options: the size, and whether bad files are left out.
        progress: counts each look and each decoding of a file.
        room: gives the array for a split's pictures.

    Raises:
        DataError: files cannot be read and are not to be left out, or too little is left.
    """
    first = next(iter(listings))
    steps = sum(len(found.entries) for found in listings.values())
    tick = _ticker(steps + sum(len(listings[split].entries) for split in asked), progress)
    looks = {
        split: look_at_each([entry.path for entry in found.entries], tick)
        for split, found in listings.items()
    }
    form = _form(listings[first].classes, looks[first], options, places[first])
    parts = {
        split: _decoded(listings[split], looks[split], form, options, places[split], tick, room)
        for split in asked
    }
    reading = Reading(parts, form.notes)
    if reading.skipped and not options.skip_bad:
        raise _bad_files(reading.skipped, sum(len(listings[split].entries) for split in asked), root)
    for split, part in parts.items():
        _check_counts(part.pictures, every_class=split == first)
    return reading


def _form(
    classes: tuple[str, ...], looks: Sequence[Look | PictureError], options: DataOptions, place: str
) -> _Form:
    """Decide size and channels from the headers of the first split."""
    headers = [look.header for look in looks if isinstance(look, Look)]
    if not headers:
        reason = next((look.reason for look in looks if isinstance(look, PictureError)), "no files")
        raise DataError(
            f"{place} holds {len(looks):,} files, none of them a picture that can be read; "
            f"of the first: {reason}."
        )
    channels = 3 if any(header.colour for header in headers) else 1
    if options.size is not None:
        return _Form(classes, options.size, channels, ())
    size, notes = _common_size(headers, options)
    return _Form(classes, size, channels, notes)


def _common_size(headers: Sequence[Header], options: DataOptions) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return the size that all pictures have, or else the median, its longer side at most `LONGEST_SIDE`."""
    heights, widths = [header.height for header in headers], [header.width for header in headers]
    if len(set(heights)) == len(set(widths)) == 1:
        return (heights[0], widths[0]), ()
    height, width = statistics.median(heights), statistics.median(widths)
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    smaller = "" if scale == 1 else f", scaled down from {height:g}x{width:g}"
    note = (
        f"The pictures differ in size, from {min(heights)} to {max(heights)} pixels in height and "
        f"{min(widths)} to {max(widths)} in width: each was brought to the median, {size[0]}x{size[1]}{smaller} "
        f"(fit: {options.fit})."
    )
    return size, (note,)


def _decoded(
    listing: Listing,
    looks: Sequence[Look | PictureError],
    form: _Form,
    options: DataOptions,
    origin: str,
    tick: Tick,
    room: Room,
) -> Part:
    """Return one split's pictures, and the files that are none."""
    bad = list(listing.bad)
    good: list[int] = []
    for index, look in enumerate(looks):
        if isinstance(look, PictureError):
            bad.append(Skipped(listing.entries[index].name, look.reason))
        else:
            good.append(index)
    tick(len(looks) - len(good))
    paths = [listing.entries[index].path for index in good]
    images: Pictures
    images, errors = decode_each(paths, form.size, form.channels, options.fit, tick, room=room)
    bad += [Skipped(listing.entries[good[place]].name, error.reason) for place, error in errors.items()]
    if errors:
        keep = np.array([place for place in range(len(good)) if place not in errors], np.int64)
        images, good = chosen(images, keep), [good[place] for place in keep]
    numbers = {name: number for number, name in enumerate(form.classes)}
    pictures = ImageSet(
        images=images,
        labels=np.array([numbers[listing.entries[index].class_name] for index in good], dtype=np.int64),
        classes=form.classes,
        origin=origin,
        names=[listing.entries[index].name for index in good],
    )
    digests = as_rows([look.digest for index in good if isinstance(look := looks[index], Look)])
    return Part(pictures, digests, tuple(sorted(bad, key=lambda file: file.path)))


def _check_counts(pictures: ImageSet, *, every_class: bool) -> None:
    """Refuse a split that lost all pictures, or all of one class, to `skip_bad`."""
    if not len(pictures):
        raise DataError(f"{pictures.origin} holds no picture that can be read.")
    empty = [name for name, count in pictures.counts().items() if count == 0]
    if every_class and empty:
        raise DataError(
            f"{pictures.origin} holds no picture that can be read of the class {empty[0]}; repair some of its files, "
            "or take the folder away."
        )


def _bad_files(bad: Sequence[Skipped], files: int, root: str) -> DataError:
    return DataError(
        f"{root}: {len(bad):,} of {files:,} files are no pictures that can be used; the first is "
        f"{bad[0].path}: {bad[0].reason}. Repair or remove them, or leave them out with --skip-bad."
    )


def _ticker(total: int, progress: Progress | None) -> Tick:
    """Return a function that adds up what was done and tells `progress`."""
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None and more:
            progress(done, total)

    return tick
