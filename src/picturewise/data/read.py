"""From a source to a `Dataset`: all pictures are read this way, for every task."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from picturewise.data.arrays.mapped_pages import release
from picturewise.data.contract import Block, Progress, Reading, Source, pictures_at_once
from picturewise.data.dataset import Dataset, check_shapes
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.in_memory_source import DatasetSource
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.loose_pictures import LoosePictures
from picturewise.data.recognise import cannot_be_read
from picturewise.data.remarks import remarks
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName


def read(
    source: Source,
    options: ReadOptions,
    splits: Collection[SplitName] = SPLITS,
    *,
    progress: Progress | None = None,
) -> Dataset:
    """Return the requested splits that the source has or that can be held out from its train split.

    A split that is not requested is not opened; if it is held out from train, it is read with train and dropped.
    Every split is the same whichever other splits are requested with it.

    Args:
        source: see `recognise`.
        options: how to read: what is held out, which part is used, the classes, the size.
        splits: any of train, valid and test.
        progress: called from time to time with (done, total) while many files are read, from the calling thread.

    Raises:
        DataError: it cannot be read, or its pictures or labels cannot be used.
    """
    try:
        dataset = _completed(source, options, splits, progress)
        if options.limit is not None:
            from picturewise.data.splitting.subset import limited  # noqa: PLC0415 (predictions do not need it)

            dataset = limited(dataset, options.limit, options.split_seed)
        if options.valid_half is not None:
            from picturewise.data.splitting.halves import halved  # noqa: PLC0415 (the same)

            dataset = halved(dataset, options.valid_half, options)
        if options.classes is not None:
            dataset = dataset.with_classes(options.classes)
        if options.size is None:
            return dataset
        sequences = any(part.has_sequences for part in dataset.splits().values())
        return dataset.resized(options.size, mode_for(options.resize, sequences=sequences))
    except OSError as error:
        raise cannot_be_read(error, printable(source.place or source.name)) from error
    except MemoryError as error:
        raise DataError(
            f"{printable(source.place or source.name)} does not fit into memory. Use a smaller --size or fewer "
            "pictures."
        ) from error


def read_blocks(
    source: Source, options: ReadOptions, split: SplitName, *, progress: Progress | None = None
) -> Iterator[Block]:
    """Yield the pictures of one split, some at a time and without labels; bad files come with them.

    Files without labels are decoded while they are asked for, so that any number of them takes the memory of one block.
    Other sources are read first, see `read`: files are imported into the store, and mapped from there.

    Args:
        source: see `recognise`.
        options: how to read.
        split: train, valid or test.
        progress: as for `read`.

    Raises:
        DataError: as for `read`, except that files that cannot be read are not an error.
    """
    if isinstance(source, LoosePictures) and split in source.splits:
        try:
            yield from source.blocks(options)
        except OSError as error:
            raise cannot_be_read(error, printable(source.place)) from error
        return
    dataset = read(source, options, [split], progress=progress)
    whole = dataset.split(split)
    step = pictures_at_once(whole.shape)
    for start in range(0, len(whole), step):
        yield Block(whole.unlabelled(slice(start, start + step)), first=start, cut=dataset.cut)
        release(whole.images)
    bad = dict(enumerate(dataset.skipped))
    yield Block(whole.unlabelled(slice(0, 0)), bad, notes=dataset.notes, first=len(whole))


def _completed(
    source: Source, options: ReadOptions, splits: Collection[SplitName], progress: Progress | None
) -> Dataset:
    """Return the requested splits; those that the source does not have are held out from its train split."""
    needed = {split if split in source.splits else "train" for split in splits} & set(source.splits)
    reading = source.read(needed, options, progress) if needed else Reading({})
    found: dict[SplitName, ImageSet] = {split: part.pictures for split, part in reading.parts.items()}
    notes, reserved, whole_train = [*reading.notes], reading.reserved, reading.whole_train
    if "train" in found and not source.complete:
        from picturewise.data.splitting.hold_out import complete  # noqa: PLC0415 (as limited)

        whole_train = found["train"].fingerprint
        notes += remarks(found["train"])
        held_out, more = complete(reading.parts["train"], source.splits, {*splits, "test"}, options)
        reserved = held_out.get("test")  # none if the source has its own
        found |= held_out
        notes += more
    asked = {split: found[split] for split in SPLITS if split in found and split in splits}
    if not asked:
        raise DataError(
            f"{printable(source.place or source.name)} does not have a {' or '.join(splits)} split, and none can be "
            f"held out: its only splits are {', '.join(source.splits)}."
        )
    check_shapes(source.name, asked)
    return Dataset(
        source.name,
        train=asked.get("train"),
        valid=asked.get("valid"),
        test=asked.get("test"),
        notes=tuple(notes),
        skipped=reading.skipped,
        reserved=reserved,
        whole_train=whole_train,
        background=reading.background,
        values=reading.values,
        cut=reading.cut,
        held_out=_held_out(source, options, asked),
    )


def _held_out(
    source: Source, options: ReadOptions, asked: Mapping[SplitName, ImageSet]
) -> tuple[ImageSet, ImageSet] | None:
    """Return train and valid if the validation split was held out without a word from the user."""
    if "train" not in asked or "valid" not in asked or not options.leaves_valid_open:
        return None
    own = not source.dataset.open_valid if isinstance(source, DatasetSource) else "valid" in source.splits
    return None if own else (asked["train"], asked["valid"])
