"""`dataset_html` and `imageset_html`: how many pictures of each class there are, and what some of them look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.reporting.notebook.markup import block, escaped, line, lines, table
from picturewise.reporting.notebook.picture_data import picture
from picturewise.reporting.samples import captions, drawn_places, lengths_of
from picturewise.reporting.tables import count
from picturewise.split_names import SplitName

_SHOWN, _SIDE = 12, 56


def dataset_html(dataset: Dataset) -> str:
    """Return a data set as HTML: counts per split and class, and a sheet of pictures."""
    splits = dataset.splits()
    part = next(iter(splits.values()))
    skipped = len(dataset.skipped)
    left_out = [f"{count(skipped)} {'files were' if skipped > 1 else 'file was'} left out"] if skipped else []
    lengths = lengths_of(splits)
    return counts_html(
        f"Dataset {dataset.name}: {_form(part)}",
        dataset.classes,
        {name: len(one) for name, one in splits.items()},
        {name: lengths.get(name, {}) if part.has_sequences else one.counts() for name, one in splits.items()},
        notes=[*dataset.notes, *left_out],
        above=sheet(part),
        sequences=part.has_sequences,
    )


def counts_html(
    title: str,
    classes: Sequence[str],
    pictures: Mapping[SplitName, int],
    counts: Mapping[SplitName, Mapping[str, int]],
    *,
    notes: Sequence[str],
    above: str = "",
    sequences: bool = False,
) -> str:
    """Return how many pictures every split has, of all classes and of each, as HTML.

    Args:
        title: a text.
        classes: their names.
        pictures: split → how many.
        counts: split → class → how many; empty without labels.
        notes: what to know, below.
        above: HTML between the title and the table.
        sequences: the labels are sequences, so that the classes are symbols, and the counts are by length.
    """
    names = [*max(counts.values(), key=len)] if sequences else classes
    rows = [(escaped(name), *(count(of[name]) if of else "?" for of in counts.values())) for name in names]
    total = ("all", *map(count, pictures.values()))
    head, of_what = ("length", "symbols") if sequences else ("class", "classes")
    return block(
        f"{title}, {len(classes)} {of_what}", above, table((head, *pictures), [total, *rows]), lines(notes)
    )


def imageset_html(part: ImageSet) -> str:
    """Return pictures as HTML: counts per class, and a sheet of them."""
    counts = part.length_counts() if part.has_sequences else part.counts()
    rows = [(escaped(name), count(number)) for name, number in counts.items()]
    return block(
        f"{count(len(part))} pictures from {part.origin}: {_form(part)}",
        sheet(part),
        table(("length" if part.has_sequences else "class", "pictures"), rows)
        if rows
        else line("no labels", faint=True),
    )


def sheet(part: ImageSet) -> str:
    """Return some random pictures, the same at each call, each above its label."""
    if not len(part):
        return ""
    chosen = part.select(drawn_places(len(part), _SHOWN, 0, "samples"))
    shown = "".join(
        f'<div style="text-align:center;width:{_SIDE}px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
        f"{picture(image, side=_SIDE, title=caption)}<br>{escaped(caption)}</div>"
        for image, caption in zip(chosen.images, captions(chosen), strict=True)
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:4px 0">{shown}</div>'


def _form(part: ImageSet) -> str:
    height, width, channels = part.shape
    return f"{height}x{width} pictures in {'grey' if channels == 1 else 'colour'}"
