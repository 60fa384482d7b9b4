"""From a name or a path to a `Dataset`: the one function that everything else reads pictures with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator

from picturewise.data.contract import Progress
from picturewise.data.dataset import Dataset, check_shapes
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.recognise import find
from picturewise.data.splitting.hold_out import complete
from picturewise.data.splitting.subset import limited
from picturewise.data.store.store import read_stored
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName


def read(
    options: DataOptions,
    splits: Collection[SplitName] = SPLITS,
    *,
    progress: Progress | None = None,
) -> Dataset:
    """Return the splits asked for, as far as the source has them or they can be held out from its train split.

    A split that is not asked for is not opened; where it is held out from train it is read with it and dropped.
    Every split is the same whichever others are asked for with it.

    Args:
        options: which pictures, and how to read them.
        splits: any of train, valid and test.
        progress: called now and then with (done, total) while many files are read, from the calling thread.

    Raises:
        DataError: the source is not known, cannot be read, or its pictures or labels cannot be used.
    """
    with _translated(options):
        return _read(options, splits, progress)


def read_to_evaluate(options: DataOptions, *, progress: Progress | None = None) -> Dataset:
    """Return the pictures of a source to evaluate a finished classifier on, as its test split; nothing is held out.

    They are the source's own test split or, where it has no splits, all of its pictures.

    Raises:
        DataError: as for `read`; or the source has splits, but no test among them.
    """
    with _translated(options):
        source, _ = find(options.source)
        wanted: SplitName = "test" if "test" in source.splits else "train"
        if wanted == "train" and source.splits != ("train",):
            raise DataError(
                f"{printable(options.source)} has the splits {', '.join(source.splits)}, but no test; "
                "name the folder of one split to evaluate on all of its pictures."
            )
        reading = read_stored(source, [wanted], options, progress)
    return Dataset(
        source.name, test=reading.parts[wanted].pictures, notes=reading.notes, skipped=reading.skipped
    )


@contextlib.contextmanager
def _translated(options: DataOptions) -> Iterator[None]:
    """Turn what the operating system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        place = printable(os.fsdecode(error.filename or options.source))
        raise DataError(f"{place} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(
            f"{printable(options.source)} does not fit into memory; choose a smaller --size or fewer pictures."
        ) from error


def _read(options: DataOptions, splits: Collection[SplitName], progress: Progress | None) -> Dataset:
    source, notes = find(options.source)
    needed = {split if split in source.splits else "train" for split in splits} & set(source.splits)
    reading = read_stored(source, needed, options, progress)
    notes += reading.notes
    found: dict[SplitName, ImageSet] = {split: part.pictures for split, part in reading.parts.items()}
    reserved = None
    if "train" in reading.parts:
        held_out, more = complete(reading.parts["train"], source.splits, {*splits, "test"}, options)
        reserved = held_out.get("test")  # none where the source has its own
        found |= held_out
        notes += more
    asked = {split: found[split] for split in SPLITS if split in found and split in splits}
    if not asked:
        raise DataError(
            f"{printable(options.source)} has no {' or '.join(splits)} split, and none can be held out: "
            f"it has {', '.join(source.splits)} only."
        )
    check_shapes(source.name, asked)
    dataset = Dataset(source.name, **asked, notes=tuple(notes), skipped=reading.skipped, reserved=reserved)
    if options.limit is not None:
        dataset = limited(dataset, options.limit, options.split_seed)
    return dataset if options.classes is None else dataset.with_classes(options.classes)
