"""A folder per class, with or without a level of splits above: `flowers/tulip/1.jpg`, `pets/train/cat/1.jpg`."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.data.dataset import SPLITS, Skipped, SplitName
from sightline.data.decode import Header, PictureError
from sightline.data.imageset import ImageSet
from sightline.data.names import printable, slug
from sightline.data.options import DataOptions
from sightline.data.picture_files import Look, Tick, decode_each, look_at_each
from sightline.data.readers.class_folders import Listing, is_folder, list_classes, looks_like_picture, visible
from sightline.data.readers.contract import Part, Progress, Reading, split_of
from sightline.errors import DataError, nearest

LONGEST_SIDE = 224  # of a size that is chosen, not asked for


@dataclass(frozen=True)
class _Form:
    """What every picture is brought to: decided by train and the options, the same for all splits."""

    classes: tuple[str, ...]
    size: tuple[int, int]
    channels: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FolderSource:
    """A recognised folder of class folders, see `Source`."""

    root: Path
    folders: Mapping[SplitName, Path]

    @property
    def name(self) -> str:
        """The folder's name, fit for another folder's."""
        return slug(self.root)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that have a folder; without such folders, all is train."""
        return tuple(split for split in SPLITS if split in self.folders)

    def read(
        self, splits: Collection[SplitName], options: DataOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures of `splits`; see `Source.read`.

        Where train is not among them, its files are still looked at (not decoded), for it decides the
        classes, the channels and, unless the options do, the size. `progress` counts each look and each
        decoding of a file.
        """
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]  # train, wherever there is one
        listings = {
            split: list_classes(self.folders[split], self.root) for split in dict.fromkeys([first, *asked])
        }
        _check_classes(listings, first, self.folders)

        steps = sum(len(found.entries) for found in listings.values())
        tick = _ticker(steps + sum(len(listings[split].entries) for split in asked), progress)
        looks = {
            split: look_at_each([entry.path for entry in found.entries], tick)
            for split, found in listings.items()
        }
        form = _form(listings[first].classes, looks[first], options, self.folders[first])
        parts: dict[SplitName, Part] = {}
        skipped: list[Skipped] = []
        for split in asked:
            origin = printable(str(self.folders[split]))
            parts[split], bad = _decoded(listings[split], looks[split], form, options, origin, tick)
            skipped += bad
        if skipped and not options.skip_bad:
            raise _bad_files(skipped, sum(len(listings[split].entries) for split in asked), self.root)
        for split, part in parts.items():
            _check_counts(part.pictures, every_class=split == first)
        return Reading(parts, form.notes, tuple(skipped))


def recognise(path: Path) -> FolderSource | None:
    """Return the source for the folder at `path`, or None where it holds neither folders nor pictures.

    Raises:
        DataError: folders of splits stand beside other folders, or one split has two.
        OSError: the folder cannot be read.
    """
    if not path.is_dir():
        return None
    found = visible(path)
    folders = [entry for entry in found if is_folder(entry)]
    if not folders and not any(looks_like_picture(entry) for entry in found):
        return None
    named = [(split, path / entry.name) for entry in folders if (split := split_of(entry.name)) is not None]
    # A class can be called "train". So the names tell only where all are names of splits, or where one of the
    # folders holds class folders rather than pictures.
    if not named or (len(named) < len(folders) and not any(_holds_folders(folder) for _, folder in named)):
        return FolderSource(path, {"train": path})
    splits = dict(named)
    names = ", ".join(printable(entry.name) for entry in folders)
    if len(named) < len(folders) or len(splits) < len(named):
        raise DataError(
            f"{printable(str(path))} holds the folders {names}: expected either one folder per class, or one folder "
            "for each of train, valid and test and none beside them; move or rename the others."
        )
    return FolderSource(path, splits)


def _holds_folders(folder: Path) -> bool:
    found = visible(folder)
    return any(map(is_folder, found)) and not any(map(looks_like_picture, found))


def _check_classes(
    listings: Mapping[SplitName, Listing], first: SplitName, folders: Mapping[SplitName, Path]
) -> None:
    """Refuse a single class, class folders of the first split without files, and classes that only others have."""
    shown = printable(str(folders[first]))
    classes = listings[first].classes
    if len(classes) == 1:
        raise DataError(
            f"{shown} holds one folder only, '{classes[0]}', expected one for each of two or more classes. "
            f"If the classes lie in that folder, name it: {shown}/{classes[0]}."
        )
    filled = {entry.class_name for entry in listings[first].entries}
    empty = [name for name in classes if name not in filled]
    if empty:
        raise DataError(
            f"{shown} holds class folders without pictures ({', '.join(empty)}); fill them or take them away."
        )
    for split, listing in listings.items():
        for entry in listing.entries:
            if entry.class_name not in filled:
                raise DataError(
                    f"{printable(str(folders[split]))} holds the class '{entry.class_name}', which {shown} does not "
                    f"have (it has {', '.join(classes)}).{nearest(entry.class_name, classes)}"
                )


def _form(
    classes: tuple[str, ...], looks: Sequence[Look | PictureError], options: DataOptions, folder: Path
) -> _Form:
    """Decide size and channels from the headers of the first split."""
    headers = [look.header for look in looks if isinstance(look, Look)]
    if not headers:
        reason = next((look.reason for look in looks if isinstance(look, PictureError)), "no files")
        raise DataError(
            f"{printable(str(folder))} holds {len(looks):,} files, none of them a picture that can be read; "
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
) -> tuple[Part, list[Skipped]]:
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
    images, errors = decode_each(paths, form.size, form.channels, options.fit, tick)
    bad += [Skipped(listing.entries[good[place]].name, error.reason) for place, error in errors.items()]
    if errors:
        keep = np.array([place not in errors for place in range(len(good))])
        images, good = images[keep], [index for place, index in enumerate(good) if place not in errors]
    numbers = {name: number for number, name in enumerate(form.classes)}
    pictures = ImageSet(
        images=images,
        labels=np.array([numbers[listing.entries[index].class_name] for index in good], dtype=np.int64),
        classes=form.classes,
        origin=origin,
        names=[listing.entries[index].name for index in good],
    )
    digests = tuple(look.digest for index in good if isinstance(look := looks[index], Look))
    return Part(pictures, digests), sorted(bad, key=lambda file: file.path)


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


def _bad_files(bad: Sequence[Skipped], files: int, root: Path) -> DataError:
    return DataError(
        f"{printable(str(root))}: {len(bad):,} of {files:,} files are no pictures that can be used; the first is "
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
