"""What is in a folder of class folders: classes in natural order, files in the order of their names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.dataset import Skipped
from picturewise.data.pictures.decode import SUFFIXES, Box
from picturewise.errors import DataError
from picturewise.file_names import text_of
from picturewise.names import listed, natural_order, pictures
from picturewise.printable import printable
from picturewise.split_names import word_set
from picturewise.untrusted.confined.protocol import Item

_LITTER = frozenset(  # left behind by operating systems and their programs; lower case
    {
        *(
            "__macosx",
            "thumbs.db",
            "ehthumbs.db",
            "desktop.ini",
            "icon\r",
            "@eadir",
            "#recycle",
            "$recycle.bin",
        ),
        *("system volume information", "lost+found", "picasa.ini", "__pycache__"),
    }
)
# Endings of texts, tables, programs and archives, which are certainly not pictures. A file with another ending, or
# none, may be a picture in a format that is not read, so its name belongs in an error.
_PAPERS = word_set(
    ".txt .md .rst .rtf .pdf .doc .docx .html .htm .xml .json .jsonl .ndjson .yaml .yml .toml .cfg .ini "
    ".names .csv .tsv .xls .xlsx .ods .parquet .mat .h5 .hdf5 .npy .npz .pkl .pickle .pt .pth .ckpt .onnx "
    ".safetensors .py .ipynb .pyc .r .m .sh .bat .js .c .cpp .log .db .sqlite .zip .tar .gz .tgz .bz2 .xz "
    ".rar .7z .wav .mp3 .mp4 .avi .mov .md5 .sha256 .license .bib"
)
_MASK = re.compile(r"(.+)[-_ ](?:mask|masks|gt|seg|segmentation)(?:[-_ ][0-9]+)?\.[^/.]+$", re.IGNORECASE)
_SAID = 3  # classes in a note


@dataclass(frozen=True)
class FolderEntry:
    """One picture file, or its content.

    Attributes:
        path: the file, or its content.
        name: its path below the source, safe to print, with `/` as separator.
        class_name: its class, or the text of its sequence.
        box: what contains its symbols: left, top, right and bottom, in pixels; None: unknown.
    """

    path: Item
    name: str
    class_name: str
    box: Box | None = None


@dataclass(frozen=True)
class Listing:
    """The class folders of one split.

    Attributes:
        classes: the names of the class folders, in natural order.
        entries: the files in them, sorted by name.
        bad: files that cannot be used, which is known without opening them.
        notes: decisions, in sentences.
    """

    classes: tuple[str, ...]
    entries: tuple[FolderEntry, ...]
    bad: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()


def visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, without hidden files and system files, sorted by name.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        return sorted(filter(is_visible, entries), key=lambda entry: entry.name)


def is_visible(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is neither hidden nor a system file."""
    return not entry.name.startswith(".") and entry.name.casefold() not in _LITTER


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a broken link is not a folder."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def looks_like_picture(entry: os.DirEntry[str]) -> bool:
    """Return whether a file's name ends like a picture's."""
    return os.path.splitext(entry.name)[1].lower() in SUFFIXES and not is_folder(entry)  # noqa: PTH122 (no Path)


def list_classes(folder: Path, root: Path) -> Listing:
    """Return the classes in `folder` and their files, without opening any.

    Files in deeper folders belong to the class above, and a note says so. Pictures beside the class folders are bad,
    because they do not have a class; other files there, such as a README, are ignored. A folder without files, or with
    only texts and tables, is not a class; texts and tables among the pictures of a class are named in a note.

    Args:
        folder: holds the class folders.
        root: the source; names are relative to it.

    Raises:
        DataError: there are no class folders.
        OSError: a folder cannot be read.
    """
    found = visible_entries(folder)
    folders = [entry for entry in found if is_folder(entry)]
    strays = [entry for entry in found if looks_like_picture(entry)]
    shown = printable(folder)
    if not folders:
        holds = "contains pictures, but no class folders" if strays else "does not contain class folders"
        raise DataError(f"{shown} {holds}. Arrange the pictures as {shown}/<class>/<picture>.")
    above = "" if folder == root else text_of(folder.relative_to(root).as_posix()) + "/"
    bad = [
        Skipped(
            printable(above + text_of(entry.name)),
            "it is outside the class folders, so it does not have a class",
        )
        for entry in strays
    ]
    entries: list[FolderEntry] = []
    papers: list[str] = []
    for class_folder in folders:
        called = text_of(class_folder.name)
        inside = list(_files_below(class_folder, above + called))
        bad += [file for file in inside if isinstance(file, Skipped)]
        files = [file for file in inside if not isinstance(file, Skipped)]
        used = [(path, name) for path, name in files if not is_paper(path)]
        if used:
            papers += [printable(name) for path, name in files if is_paper(path)]
        entries += [FolderEntry(Path(path), printable(name), printable(called)) for path, name in used]
    entries.sort(key=lambda entry: entry.name)
    classes = sorted({entry.class_name for entry in entries}, key=natural_order)
    notes = (*_on_deeper(entries, printable(above)), *_on_masks(entries), *_on_papers(sorted(papers)))
    return Listing(tuple(classes), tuple(entries), tuple(bad), notes)


def is_paper(name: str) -> bool:
    """Return whether a file's name shows that it is not a picture: `labels.csv`, `LICENSE`."""
    last = os.path.basename(name)  # noqa: PTH119 (strings, because there can be a million)
    return os.path.splitext(last)[1].lower() in _PAPERS or last.upper() in {"README", "LICENSE", "LICENCE"}  # noqa: PTH122


def _on_deeper(entries: Sequence[FolderEntry], above: str) -> tuple[str, ...]:
    """Return the note about classes with files in deeper folders, if there are any."""
    found: dict[str, Counter[str]] = {}
    whole = Counter(entry.class_name for entry in entries)
    for entry in entries:
        folder = entry.name.rpartition("/")[0]
        if folder != above + entry.class_name:
            found.setdefault(entry.class_name, Counter())[folder] += 1
    if not found:
        return ()
    said = []
    for name, folders in list(found.items())[:_SAID]:
        count = folders.total()
        also = "also includes" if count < whole[name] else "includes"
        said.append(f"{name} {also} the {pictures(count)} in {listed(list(folders))}")
    rest = len(found) - _SAID
    more = (
        f"; {rest:,} other class{'es' * (rest > 1)} also include{'s' * (rest == 1)} deeper folders"
        if rest > 0
        else ""
    )
    way = " If the deeper folders are the classes, use --label-from '([^/]+)/[^/]+$'."
    alone = all(len(inside) == 1 and inside.total() == whole[name] for name, inside in found.items())
    return (f"The class {'; '.join(said)}{more}.{'' if alone else way}",)


def _on_masks(entries: Sequence[FolderEntry]) -> tuple[str, ...]:
    """Return the note about files that are named like masks of others: `1_mask.png` beside `1.png`."""
    bases = [(entry.name, found[1]) for entry in entries if (found := _MASK.match(entry.name))]
    if not bases:
        return ()
    stems = {os.path.splitext(entry.name)[0] for entry in entries}  # noqa: PTH122 (strings, as above)
    masks = [name for name, base in bases if base in stems]
    if not masks:
        return ()
    if len(masks) == 1:
        said = f"{masks[0]} is named like a mask, but was used like the others. If it is a mask, move it"
    else:
        said = f"{pictures(len(masks))} are named like masks ({masks[0]}), but were used like the others. If they are "
        said += "masks, move them"
    return (f"{said} to another folder.",)


def _on_papers(papers: Sequence[str]) -> tuple[str, ...]:
    """Return the note about texts, tables and programs among the pictures of classes."""
    if not papers:
        return ()
    if len(papers) == 1:
        return (f"{papers[0]} was not used, because its file name shows that it is not a picture.",)
    note = (
        f"{len(papers):,} files in the class folders were not used, because their file names show that they are not "
        f"pictures; the first is {papers[0]}."
    )
    return (note,)


def _files_below(folder: os.DirEntry[str], name: str) -> Iterator[tuple[str, str] | Skipped]:
    """Yield the path and the name of each file in or below `folder`; links are followed, but not in circles."""
    waiting = [(folder.path, name, frozenset({identity(folder.path)}))]
    while waiting:
        path, prefix, above = waiting.pop()
        for entry in visible_entries(Path(path)):
            name = f"{prefix}/{text_of(entry.name)}"
            if not is_folder(entry):
                yield entry.path, name
            elif (number := identity(entry.path)) in above:
                yield Skipped(printable(name), "it is a link to a folder that contains it")
            else:
                waiting.append((entry.path, name, above | {number}))


def identity(path: str) -> tuple[int, int]:
    """Return a value that is equal for all paths to one folder."""
    status = os.stat(path)  # noqa: PTH116 (paths are strings here, because there can be a million)
    return status.st_dev, status.st_ino
