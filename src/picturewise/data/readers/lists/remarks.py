"""Notes about columns that do not say the pictures, the classes or the splits."""

from __future__ import annotations

from collections.abc import Sequence

from picturewise.data.readers.lists.labels import BOX_WORDS, GROUP_WORDS, Column, words_of
from picturewise.data.readers.lists.table import Table
from picturewise.names import listed


def boxes(table: Table, others: Sequence[int]) -> tuple[str, ...]:
    """Return a note about columns that say where an object is in a picture."""
    if table.header is None:
        return ()
    found = [
        column
        for column in others
        if not BOX_WORDS.isdisjoint(words_of(table.header[column])) and Column(table, column).numbers
    ]
    if len(found) < 4:
        return ()
    shown = listed([table.called(column) for column in found])
    return (f"{table.shown}: the boxes in the columns {shown} were not used; the pictures were read whole.",)


def groups(table: Table, others: Sequence[int]) -> tuple[str, ...]:
    """Return notes about columns that say which pictures belong together, for splits that are held out."""
    notes = []
    for column in others if table.header is not None else ():
        if GROUP_WORDS.isdisjoint(words_of((table.header or ())[column])):
            continue
        found = Column(table, column)
        if 2 < len(found.values) < 0.9 * len(found.filled):
            notes.append(
                f"{table.shown}: pictures with the same {table.called(column)} may be in both train and test. If the "
                "file names contain this value too, keep such pictures together with --group-by."
            )
    return tuple(notes)
