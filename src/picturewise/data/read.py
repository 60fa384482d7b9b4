"""From a name or a path to a `Dataset`: the one function that everything else reads pictures with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from picturewise.catalogue import entries
from picturewise.data.catalogue_source import open_published
from picturewise.data.contract import Progress, Source
from picturewise.data.dataset import SPLITS, Dataset, SplitName, check_shapes
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.pictures.decode import describe
from picturewise.data.readers import (
    cifar,
    folders,
    hdf5,
    idx,
    labels_csv,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)
from picturewise.data.splitting.hold_out import complete
from picturewise.data.splitting.subset import limited
from picturewise.data.store.store import read_stored
from picturewise.errors import DataError, nearest
from picturewise.names import printable

READERS: tuple[Callable[[Path], Source | None], ...] = (
    svhn.recognise,
    hdf5.recognise,
    parquet.recognise,
    pixel_csv.recognise,
    labels_csv.recognise,
    idx.recognise,
    usps.recognise,
    cifar.recognise,
    npz.recognise,
    pickled_arrays.recognise,
    folders.recognise,
)


def read(
    options: DataOptions,
    splits: Collection[SplitName] = SPLITS,
    *,
    progress: Progress | None = None,
) -> Dataset:
    """Return the splits asked for, as far as the source has them or they can be carved from its train split.

    A split that is not asked for is not opened; where it is carved from train it is read with it and dropped.
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


def read_to_judge(options: DataOptions, *, progress: Progress | None = None) -> Dataset:
    """Return the pictures of a source to judge a finished classifier on, as its test split; nothing is carved.

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
                "name the folder of one split to judge on all of its pictures."
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
        carved, more = complete(reading.parts["train"], source.splits, {*splits, "test"}, options)
        reserved = carved.get("test")  # none where the source has its own
        found |= carved
        notes += more
    asked = {split: found[split] for split in SPLITS if split in found and split in splits}
    if not asked:
        raise DataError(
            f"{printable(options.source)} has no {' or '.join(splits)} split, and none can be carved: "
            f"it has {', '.join(source.splits)} only."
        )
    check_shapes(source.name, asked)
    dataset = Dataset(source.name, **asked, notes=tuple(notes), skipped=reading.skipped, reserved=reserved)
    if options.limit is not None:
        dataset = limited(dataset, options.limit, options.split_seed)
    return dataset if options.classes is None else dataset.with_classes(options.classes)


def find(data: str) -> tuple[Source, list[str]]:
    """Return the source that a catalogue name or a path stands for, and what is worth saying about that.

    Raises:
        DataError: it is neither, is not fetched yet, or nothing at the path is of a form that Picturewise reads.
        OSError: the path cannot be read.
    """
    if (entry := entries.entries().get(data)) is not None:
        notes = [f"'{data}' is the one of the catalogue; './{data}' is the folder of that name."]
        return open_published(data, entry, recognise), notes if Path(data).exists() else []
    path = Path(os.path.expanduser(data))  # noqa: PTH111 (Path's own raises where there is no home)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte
        raise _not_found(data) from error
    if not data.strip():
        raise _not_found(data)
    return recognise(path), []


def recognise(path: Path) -> Source:
    """Return the source for what lies at `path`.

    Raises:
        DataError: it is of no form that Picturewise reads.
        OSError: it cannot be read.
    """
    inside = _files_in(path)
    # A folder that holds nothing but one data file stands for it; of several, each must be named.
    for place in [path, *(inside if len(inside) == 1 else [])]:
        for reader in READERS:
            source = reader(place)
            if source is not None:
                return source
    raise DataError(
        f"{printable(str(path))} is of no form that Picturewise reads: found {_contents(path)}, expected a folder with "
        "one folder of pictures per class (with or without train, valid and test above them), or files of a form that "
        "docs/data.md lists, such as MNIST's."
    )


def _files_in(path: Path) -> list[Path]:
    """Return what is in a folder and not hidden, or nothing if `path` is no folder."""
    return sorted(item for item in path.iterdir() if not item.name.startswith(".")) if path.is_dir() else []


def _not_found(data: str) -> DataError:
    names = entries.entries()
    return DataError(
        f"'{printable(data)}' is neither a path that exists nor a name of the catalogue ({', '.join(names)})."
        f"{nearest(data, names)}"
    )


def _contents(path: Path) -> str:
    """Say in a few words what is at `path`."""
    if path.is_file():
        with path.open("rb") as file:
            return describe(file.read(64))
    if not path.is_dir():
        return "neither a file nor a folder"
    names = sorted(os.listdir(path))  # noqa: PTH208 (names, not paths)
    shown = ", ".join(printable(name) for name in names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names):,} file{'s' * (len(names) > 1)} ({shown})" if names else "an empty folder"
