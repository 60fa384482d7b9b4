"""The pictures of a task: where they come from, and reading them with a progress bar."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise.arguments import checked
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.hints import NO_HINTS, Hints, LayoutName, TargetName, option_of
from picturewise.data.in_memory.in_memory_source import NAME, DatasetSource, SplitObject, in_memory_source
from picturewise.data.pictures.background import Background
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.data.read import read
from picturewise.data.read_options import ReadOptions
from picturewise.data.recognise import Data, check_obeyed, recognise
from picturewise.errors import DataError, UsageError
from picturewise.file_names import path_of
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.tasks.reading_progress import reading_progress

if TYPE_CHECKING:
    from picturewise.data.options import DataOptions
    from picturewise.runs.run import Run


@checked
def read_dataset(
    source: str | Path,
    *,
    splits: Collection[SplitName] = SPLITS,
    size: tuple[int, int] | None = None,
    resize: ResizeMode | None = None,
    skip_bad: bool = False,
    group_by: str | None = None,
    background: Background | None = None,
    label_from: str | None = None,
    label_column: str | None = None,
    file_column: str | None = None,
    split_column: str | None = None,
    value_range: str | None = None,
    layout: LayoutName | None = None,
    target: TargetName | None = None,
) -> Dataset:
    """Return pictures from a catalogue name or a path; docs/reference/data.md lists the supported formats.

    Args:
        source: such as `digits` or, once it is fetched, `mnist`; a folder per class, IDX files.
        splits: the splits to read; test pictures are not opened if `test` is not among them.
        size: height and width that every picture is resized to; none: their own.
        resize: what to do with pictures of another shape: crop, pad or stretch; none: crop, but stretch if the labels
            are sequences.
        skip_bad: leave out files that cannot be read; `Dataset.skipped` lists them.
        group_by: a regular expression that is searched in the file names, such as `(patient[0-9]+)_`; pictures with
            the same match stay in the same split where a split is held out.
        background: white or black, behind transparent pictures; none: found from the training split.
        label_from: how to read the source if its files do not determine it, see `Hints`.
        label_column: the same.
        file_column: the same.
        split_column: the same.
        value_range: the same.
        layout: the same.
        target: what the labels are, class or sequence; none: classes, unless the format says otherwise.

    Raises:
        UsageError: an option does not fit the data.
        DataError: the pictures cannot be read.
    """
    from picturewise.data.options import data_options  # noqa: PLC0415 (pydantic, which predicting does not need)

    options = data_options(
        size=size, resize=resize, skip_bad=skip_bad, group_by=group_by, background=background, label_from=label_from,
        label_column=label_column, file_column=file_column, split_column=split_column, value_range=value_range,
        layout=layout, target=target,
    )  # fmt: skip
    found = recognise(source, hints=options.hints)
    options = options.model_copy(update={"source": found.place})
    return replace(load(found, options, splits=splits), read_with=options)


@checked
def make_dataset(
    train: SplitObject | None,
    *,
    valid: SplitObject | None = None,
    test: SplitObject | None = None,
    classes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    name: str = NAME,
    valid_fraction: float | None = None,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    group_by: str | None = None,
    background: Background | None = None,
    value_range: str | None = None,
    layout: LayoutName | None = None,
    target: TargetName | None = None,
) -> Dataset:
    """Return a data set made from arrays, tensors, PyTorch data sets or image sets; missing splits are held out.

    A split is a pair (pictures, labels), a data set that gives (picture, label) at each index below its length, or
    an `ImageSet`. Pictures are (N, H, W), (N, H, W, C) or (N, C, H, W), whole numbers in 0..255 or floats in 0..1 or
    0..255, or come one by one, as (H, W), (H, W, C), (C, H, W) or Pillow images. Arrays (N, H, W, C) uint8 are not
    copied. Labels are whole numbers, one-hot rows, or class names. Leave normalisation and augmentation to Picturewise.

    Args:
        train: pictures to train on; None: there are none, because the set is only for evaluation.
        valid: pictures to choose with; None: held out from train.
        test: pictures to evaluate on; None: held out from train, before valid is.
        classes: the class names in the order of the label numbers; None: those of train's object, or the sorted
            labels, or `0` to the largest label.
        names: of the pictures of train, such as file names.
        name: of the data set; short, because folders are named after it.
        valid_fraction: share of train that is held out for validation, if valid is None; None: 0.1, which training may
            replace with folds if there are few pictures.
        test_fraction: share of train that is held out for the test, if test is None; 0: there is no test split.
        split_seed: another seed gives other held-out splits.
        group_by: what stays in the same split, as for `read_dataset`; searched in `names`.
        background: white or black, behind transparent Pillow images; None: found from train.
        value_range: `LOW..HIGH`, the values of black and of white; None: found from train.
        layout: order of a picture's numbers, see `Hints`; None: found automatically.
        target: what the labels are: "class"; or "sequence", strings that are read symbol by symbol, such as "07".

    Raises:
        UsageError: an object of another kind was passed.
        DataError: pictures or labels cannot be used.
    """
    from picturewise.data.options import data_options  # noqa: PLC0415 (as in read_dataset)

    if not name.strip() or name != Path(name).name or "\0" in name:
        raise UsageError(f"'{printable(name)}' is not a valid folder name. Pass another name.")
    without_test = test_fraction == 0
    options = data_options(
        **({} if valid_fraction is None else {"valid_fraction": valid_fraction}),
        test_fraction=0.2 if without_test else test_fraction, split_seed=split_seed,
        group_by=group_by, background=background, value_range=value_range, layout=layout, target=target,
    )  # fmt: skip
    if without_test:  # which a recipe may not say
        options = options.model_copy(update={"test_fraction": 0.0})
    given = {"train": train, "valid": valid, "test": test}
    source = in_memory_source(
        {split: part for split, part in given.items() if part is not None},
        name=name, classes=classes, names=names, hints=options.hints,
    )  # fmt: skip
    dataset = read(source, options)
    return (
        dataset if group_by is None else replace(dataset, held_out=None)
    )  # training would not know the groups


def load(
    source: Source,
    options: ReadOptions,
    *,
    splits: Collection[SplitName] = SPLITS,
    progress: bool = True,
) -> Dataset:
    """Return what `read` returns, and show the progress of reading, on a terminal."""
    with reading_progress(shown=progress) as advance:
        return read(source, options, splits, progress=advance)


def own_source(run: Run, data: Data | None, hints: Hints = NO_HINTS) -> Source:
    """Return where the pictures of a run are.

    Args:
        run: its recipe says where they were, or they are in the run itself.
        data: the same pictures in another place or in memory, or other pictures; None: where they were.
        hints: how to read `data`; they override the recipe.

    Raises:
        UsageError: a hint does not apply to them.
        DataError: they no longer exist.
    """
    own = run.recipe.data.hints
    if data is not None:
        found = recognise(data, hints=own | hints, strict=False)  # other pictures may have another form
        check_obeyed(hints, found)
        return found
    if hints.given():
        raise UsageError(
            f"No pictures were passed for {', '.join(map(option_of, hints.given()))}. Pass the pictures with --data."
        )
    if run.source is not None:
        return run.source
    place = run.recipe.data.source
    if place is None:
        raise DataError(
            f"The pictures of {printable(run.path)} were passed from Python and are not stored. Pass them again "
            "as data=."
        )
    if Path(place).is_absolute() and not path_of(place).exists():
        raise DataError(
            f"The pictures of {printable(run.path)} were in {printable(place)}, which no longer exists. Pass the new "
            "location with --data."
        )
    return recognise(place, hints=own)


def with_place(data: Data, source: Source, options: DataOptions) -> Source:
    """Return a data set's source, without its place if it was read with other options than these."""
    if not isinstance(data, Dataset) or not isinstance(source, DatasetSource) or data.read_with is None:
        return source
    chosen_later = {"limit": None, "classes": None}  # from pictures that are read
    same = options.model_copy(update=chosen_later) == data.read_with.model_copy(update=chosen_later)
    return source if same else replace(source, place=None)


def refuse_inside(out: Path, place: str | None) -> None:
    """Check that the folder `out` is not inside the folder of the pictures, because it would be read with them.

    Raises:
        UsageError: it is inside, or a folder cannot have its name.
    """
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            out.lstat()
    except (ValueError, OSError) as error:  # a zero byte, or more letters than a name may have
        raise UsageError(
            f"'{printable(out)}' is not a valid folder name ({error}). Choose another --out."
        ) from error
    if place is None or not Path(place).is_absolute():
        return
    pictures = path_of(place).resolve()
    if pictures.is_dir() and out.resolve().is_relative_to(pictures):
        raise UsageError(
            f"{out} is inside the folder of the pictures, {printable(place)}. Choose another --out, outside that "
            "folder."
        )
