"""From pictures listed with their classes to one array for each split: what the readers of picture files share.

The size and the channels are known only after each file of the first split has been looked at. But in most sets, all
pictures have one size: if a sample shows that, the files are decoded as they are looked at, and again if that was
wrong. The result is the same either way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate
from picturewise.data.arrays.lazy_rows import chosen, slices
from picturewise.data.arrays.picture_statistics import as_rows
from picturewise.data.arrays.symbols import Symbols, find_symbols, lost_zeros
from picturewise.data.arrays.value_range import ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import find_background
from picturewise.data.pictures.cut import Cut
from picturewise.data.pictures.decode import Box, Form
from picturewise.data.pictures.decode_files import (
    Boxes,
    Look,
    decode_each,
    look_and_decode_each,
    look_at_each,
)
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.boxes import DIGITS_NOTE, cropped, enlarged, find_crop, find_spacing, square
from picturewise.data.readers.common_size import LONGEST_SIDE, are_photographs, common_size, row_size
from picturewise.data.readers.deep_pictures import find_scale, scale_for
from picturewise.data.readers.folder_listing import FolderEntry, Listing
from picturewise.errors import DataError, PictureError
from picturewise.printable import printable
from picturewise.split_names import SplitName
from picturewise.untrusted.confined.pool import Tick
from picturewise.untrusted.confined.protocol import Item

_SAMPLE = 64  # files
_BLACK = 16  # pixels up to this look black

_Looks = list[Look | PictureError]


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found in the files of a split.

    Attributes:
        looks: at each file.
        images: (R, H, W, C), of the files that were decoded.
        rows: the numbers of these R files.
        errors: why some of them could not be decoded, by these numbers.
    """

    looks: _Looks
    images: NDArray[np.uint8]
    rows: Sequence[int]
    errors: Mapping[int, PictureError]


def read_listings(
    listings: Mapping[SplitName, Listing],
    asked: Collection[SplitName],
    places: Mapping[SplitName, str],
    root: str,
    options: ReadOptions,
    progress: Progress | None,
    allocate: Allocate,
    *,
    said: str | None = None,
    sequences: bool = False,
) -> Reading:
    """Return the pictures of the splits `asked`.

    Args:
        listings: the content of each of them, preceded by the first split of the source (train, if there is one),
            which decides the classes, the channels and, unless the options do, the size.
        asked: the splits to decode; the first one's files are looked at in any case.
        places: what to call each split in messages.
        root: what to call the source.
        options: the size, and whether bad files are left out.
        progress: counts each look and each decoding of a file; if files are decoded again, it steps back.
        allocate: returns the array for a split's pictures.
        said: the range of the numbers in pictures of more than 8 bits, named by the user.
        sequences: the labels are sequences of symbols, not classes.

    Raises:
        DataError: files cannot be read and must not be left out, or too little is left; or labels are not sequences.
    """
    first = next(iter(listings))
    asked = [split for split in listings if split in asked]
    of_labels: tuple[str, ...] = ()
    symbols = None
    if sequences:
        symbols, of_labels = _symbols(listings, asked, places, options)
    tick = _ticker(sum(len(listings[split].entries) * (1 + (split in asked)) for split in listings), progress)
    paths = {split: [entry.path for entry in found.entries] for split, found in listings.items()}
    boxed = any(entry.box is not None for entry in listings[first].entries)
    may_guess = first in asked and not boxed
    guess = _guess(paths[first], options, said, sequences=sequences) if may_guess else None
    found = _read(paths[first], guess, tick, allocate)
    crops: dict[SplitName, Boxes] = {}
    cut = None
    if boxed:
        cut, more = _cut(listings[first].entries, found.looks, sequences=sequences)
        of_labels = (*of_labels, *more)
    if cut is not None:
        around = square if cut.of == "symbol" else enlarged
        crops = {
            split: [None if entry.box is None else around(entry.box) for entry in listing.entries]
            for split, listing in listings.items()
        }
        looks = [cropped(*pair) for pair in zip(found.looks, crops[first] or (), strict=True)]
        found = replace(found, looks=looks)
    form, scale, notes = _form(found.looks, options, places[first], said, sequences=sequences)
    notes = (*of_labels, *notes)
    if first in asked and form != guess:
        looks = found.looks
        del found  # and with it the memory for the pictures in the wrong form
        tick(0 if guess is None else -len(looks))
        found = _decoded(paths[first], looks, form, tick, allocate, crops.get(first))
    parts = {}
    for split in asked:
        if split != first:
            found = _read(paths[split], form, tick, allocate, crops.get(split))
            own = scale_for(found.looks, places[split], scale)
            if own is not None and scale is None:  # deep files, which train does not have
                looks = found.looks
                tick(-len(looks))
                found = _decoded(paths[split], looks, _in_range(form, own), tick, allocate, crops.get(split))
        parts[split] = _part(listings[split], found, symbols or listings[first].classes, places[split])
    if first in parts and scale is None:
        notes += _looks_black(parts[first].pictures)
    values = None if scale is None else scale.kept
    reading = Reading(parts, notes, background=form.background, values=values, cut=cut)
    if reading.skipped and not options.skip_bad:
        files = sum(len(listings[split].entries) + len(listings[split].bad) for split in asked)
        raise _bad_files(reading.skipped, files, root)
    for split, part in parts.items():
        _check_counts(part.pictures, every_class=split == first and not sequences and not boxed)
    return reading


def check_same_classes(listings: Mapping[SplitName, Listing], root: Path) -> None:
    """Check that no split has a class that the first one does not have.

    Raises:
        DataError: one has.
    """
    first = next(iter(listings))
    for split, listing in listings.items():
        strange = [name for name in listing.classes if name not in listings[first].classes]
        if strange:
            raise DataError(
                f"{printable(root)}: {split} contains the class '{printable(strange[0])}', but {first} does not. Use "
                "the same classes in all splits."
            )


def _symbols(
    listings: Mapping[SplitName, Listing],
    asked: Sequence[SplitName],
    places: Mapping[SplitName, str],
    options: ReadOptions,
) -> tuple[Symbols, tuple[str, ...]]:
    """Return what the first split decides about sequences, or a classifier; check all labels, and return notes on them.

    All are checked before any picture is decoded.
    """
    first = next(iter(listings))
    symbols, notes = options.symbols, list[str]()
    for split, listing in listings.items():
        texts = [entry.class_name for entry in listing.entries]
        names = [entry.name for entry in listing.entries]
        where = f"{places[split]} ({split})"
        if symbols is None:
            symbols = find_symbols(texts, where, names)
        if split in asked or split == first:
            symbols.labels(texts, where, names)
            notes += [*lost_zeros(texts, where), *symbols.notes(texts, where)]
    assert symbols is not None  # noqa: S101 (there is at least one split)
    return symbols, tuple(notes)


def _guess(paths: Sequence[Item], options: ReadOptions, said: str | None, *, sequences: bool) -> Form | None:
    """Return the likely form of the pictures; None: unknown, or too few pictures to save time."""
    if len(paths) <= _SAMPLE:
        return None
    sample = np.linspace(0, len(paths) - 1, _SAMPLE).astype(np.int64)
    looks = look_at_each([paths[index] for index in sample], lambda _: None)
    headers = [look.header for look in looks if isinstance(look, Look)]
    if not headers:
        return None
    try:
        form, _, _ = _form(looks, options, "", said, sequences=sequences)
    except DataError:  # the range of their numbers is unclear; all files may show it, or are refused
        return None
    if options.size is not None and form.channels == 3:
        return form  # no matter what the others are
    alike = options.size is not None or len({(header.height, header.width) for header in headers}) == 1
    # For larger ones, nearly all time goes into decoding, and memory for each at its own size may be lacking.
    small = all(max(header.height, header.width) <= LONGEST_SIDE for header in headers)
    return form if alike and small else None


def _cut(
    entries: Sequence[FolderEntry], looks: _Looks, *, sequences: bool
) -> tuple[Cut | None, tuple[str, ...]]:
    """Return what to cut out of the pictures of all splits, and a note about it; `entries` are those of train."""
    if sequences:
        crop, notes = find_crop(entries, looks)
        return Cut("sequence") if crop else None, notes
    rows: dict[Item, list[Box]] = {}
    own: dict[Item, Look | PictureError] = {}
    for entry, look in zip(entries, looks, strict=True):
        if entry.box is not None:
            rows.setdefault(entry.path, []).append(entry.box)
            own[entry.path] = look
    return Cut("symbol", find_spacing([*rows.values()], [*own.values()])), (DIGITS_NOTE,)


def _read(
    paths: Sequence[Item], form: Form | None, tick: Tick, allocate: Allocate, boxes: Boxes = None
) -> _Found:
    """Look at each file and, if a form is given, decode it to that."""
    if form is None:
        return _Found(_look_once(paths, tick), np.empty((0, 1, 1, 1), np.uint8), (), {})
    if boxes is not None and len(set(paths)) < len(paths):
        return _decoded(paths, _look_once(paths, tick), form, tick, allocate, boxes)
    looks, images = look_and_decode_each(
        paths, form, lambda done: tick(2 * done), allocate=allocate, boxes=boxes
    )
    errors = {index: look for index, look in enumerate(looks) if isinstance(look, PictureError)}
    # The headers of files that cannot be decoded count for the form, as they do where nothing is decoded.
    again = look_at_each([paths[index] for index in errors], lambda _: None)
    for index, look in zip(errors, again, strict=True):
        looks[index] = look
    return _Found(looks, images, range(len(paths)), errors)


def _look_once(paths: Sequence[Item], tick: Tick) -> _Looks:
    """Look at each file; one that several symbols were cut out of stands beside itself, and is opened once."""
    new = [index == 0 or path is not paths[index - 1] for index, path in enumerate(paths)]
    if all(new):
        return look_at_each(paths, tick)
    looks = look_at_each([path for path, first in zip(paths, new, strict=True) if first], tick)
    tick(new.count(False))
    return [looks[number - 1] for number in np.cumsum(new).tolist()]


def _decoded(
    paths: Sequence[Item], looks: _Looks, form: Form, tick: Tick, allocate: Allocate, boxes: Boxes = None
) -> _Found:
    """Decode the files that were looked at."""
    good = [index for index, look in enumerate(looks) if isinstance(look, Look)]
    tick(len(looks) - len(good))
    some = None if boxes is None else [boxes[index] for index in good]
    images, errors = decode_each([paths[index] for index in good], form, tick, allocate=allocate, boxes=some)
    return _Found(looks, images, good, {good[place]: error for place, error in errors.items()})


def _form(
    looks: Sequence[Look | PictureError],
    options: ReadOptions,
    place: str,
    said: str | None,
    *,
    sequences: bool,
) -> tuple[Form, ValueRange | None, tuple[str, ...]]:
    """Decide size, channels, background and the range of deep pictures' numbers from the first split's headers."""
    headers = [look.header for look in looks if isinstance(look, Look)]
    if not headers:
        reason = next((look.reason for look in looks if isinstance(look, PictureError)), "no files")
        raise DataError(
            f"{place}: none of the {len(looks):,} files can be read as a picture. The first error is: {reason}."
        )
    channels = 3 if any(header.colour for header in headers) else 1
    mode = mode_for(options.resize, sequences=sequences)
    if options.size is not None:
        size, notes = options.size, tuple[str, ...]()
    elif sequences:
        size, notes = row_size(headers, mode)
    elif options.photographs is not None and are_photographs(headers):
        size, notes = options.photographs, ()
    else:
        size, notes = common_size(headers, mode)
    background, why = find_background([header.hidden_by for header in headers], options.background)
    scale = find_scale(looks, place, said=said, learned=options.learned)
    form = _in_range(Form(*size, channels, mode, background=background), scale)
    return form, scale, (*notes, *why, *(() if scale is None else scale.notes))


def _in_range(form: Form, scale: ValueRange | None) -> Form:
    return form if scale is None else form._replace(values=(scale.low, scale.high))


def _looks_black(pictures: ImageSet) -> tuple[str, ...]:
    """Return a note about 8-bit pictures that were probably stored as 0..1 or 0..15; it changes nothing else."""
    highest = 0
    for rows in slices(pictures.images):
        highest = max(highest, int(pictures.images[rows].max()))
        if highest > _BLACK:
            return ()
    if not highest:
        return ()
    note = (
        f"{pictures.origin}: no pixel is above {highest} of 255, so the pictures look black. 8-bit files are "
        f"always read as 0..255; if {highest} is white, save them again with 255 as white."
    )
    return (note,)


def _part(listing: Listing, found: _Found, classes: tuple[str, ...] | Symbols, origin: str) -> Part:
    """Return one split's pictures, and the files that are not pictures."""
    reasons = {index: look.reason for index, look in enumerate(found.looks) if isinstance(look, PictureError)}
    reasons |= {index: error.reason for index, error in found.errors.items()}
    bad = [Skipped(listing.entries[index].name, reason) for index, reason in reasons.items()]
    keep = [place for place, index in enumerate(found.rows) if index not in reasons]
    # If rows must be left out, the store copies the array.
    images = found.images if len(keep) == len(found.rows) else chosen(found.images, np.array(keep, np.int64))
    rows = [found.rows[place] for place in keep]
    good = [listing.entries[index] for index in rows]
    texts, names = [entry.class_name for entry in good], [entry.name for entry in good]
    if isinstance(classes, Symbols):
        labels = classes.labels(texts, origin, names)
        pictures = ImageSet(images, labels, classes.alphabet, origin, names, make_target=classes.make_target)
    else:
        numbers = {name: number for number, name in enumerate(classes)}
        labels = np.array([numbers[text] for text in texts], dtype=np.int64)
        pictures = ImageSet(images, labels, classes, origin, names)
    digests = as_rows([look.digest for index in rows if isinstance(look := found.looks[index], Look)])
    return Part(pictures, digests, tuple(sorted([*listing.bad, *bad], key=lambda file: file.path)))


def _check_counts(pictures: ImageSet, *, every_class: bool) -> None:
    """Refuse a split that lost all pictures, or all of one class, because of `skip_bad`."""
    if not len(pictures):
        raise DataError(f"{pictures.origin} does not contain any picture that can be read.")
    empty = [name for name, count in pictures.counts().items() if count == 0]
    if every_class and empty:
        raise DataError(
            f"{pictures.origin}: no picture of the class '{empty[0]}' can be read. Repair some of its files, "
            "or remove the class."
        )


def _bad_files(bad: Sequence[Skipped], files: int, root: str) -> DataError:
    return DataError(
        f"{root}: {len(bad):,} of {files:,} files cannot be used as pictures; the first is "
        f"{bad[0].path}: {bad[0].reason}. Repair or remove them, or leave them out with --skip-bad."
    )


def _ticker(total: int, progress: Progress | None) -> Tick:
    """Return a function that adds up the finished files and calls `progress`."""
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None and more:
            progress(done, total)

    return tick
