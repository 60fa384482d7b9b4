"""The pictures in a tar shard as WebDataset writes it: files with one key are a sample, `0017.jpg` and `0017.cls`.

Only pictures and the files .cls, .json and .txt are read; .pyd, .pth and whatever else could hold code are not.
Source: the WebDataset format, https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from picturewise.data.pictures.decode import SUFFIXES, TOO_LARGE
from picturewise.data.readers.parquet import LABEL_COLUMNS
from picturewise.file_names import valid
from picturewise.untrusted.archives.tar_shard import Member, TarShard

MOST_PICTURE = 256 << 20
"""Bytes of a picture, which is in memory."""
_MOST_LABEL = 1 << 20
_MOST_FILES = 1000  # of a sample, which is in memory
_LABELS = ("cls", "json", "txt")
"""What holds a label, best first."""


class Sample(NamedTuple):
    """A picture in a tar.

    Attributes:
        name: its name in the tar.
        content: of the picture file; empty if it is too large.
        label: what its sample's label says; empty without one.
        is_number: whether the label is a number in a .cls file, which may be the position of a class.
        error: why it cannot be used; empty if it may be.
    """

    name: str
    content: bytes
    label: str = ""
    is_number: bool = False
    error: str = ""


class TarSamples:
    """The pictures in a tar, in its order.

    Args:
        file: at its beginning.
        where: what to call it in errors.

    Attributes:
        ignored: how many members were not read so far: links, devices, and files of other kinds.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._shard = TarShard(file, where, _most)

    @property
    def ignored(self) -> int:
        """See the class."""
        return self._shard.ignored

    def __iter__(self) -> Iterator[Sample]:
        """Yield the pictures.

        Raises:
            DataError: the tar is damaged.
        """
        key, held, size = "", list[Member](), 0
        for member in self._shard:
            its = _parts(member.name)[0]
            if held and (its != key or len(held) == _MOST_FILES or size > MOST_PICTURE):
                yield from _samples(held)
                held, size = [], 0
            key = its
            held.append(member)
            size += len(member.content or b"")
        yield from _samples(held)


def _samples(members: list[Member]) -> Iterator[Sample]:
    """Yield the pictures of a sample with its label."""
    label, is_number = _label(members)
    for member in members:
        if not _is_picture(member.name):
            continue
        name = valid(member.name)
        if member.content is None:
            error = f"{TOO_LARGE} ({member.size:,} bytes; at most {MOST_PICTURE:,} are allowed)"
            yield Sample(name, b"", label, is_number, error)
        else:
            yield Sample(name, member.content, label, is_number)


def _label(members: list[Member]) -> tuple[str, bool]:
    """Return the label of a sample, and whether it is a number in a .cls file."""
    found = {_parts(member.name)[1].rpartition(".")[2]: member.content for member in reversed(members)}
    for kind in _LABELS:
        content = found.get(kind)
        if content is None:
            continue
        text = content.decode("utf-8", "replace").strip()
        if kind == "json":
            text = _from_json(text)
        if text:
            return text, kind == "cls" and text.isascii() and text.isdigit()
    return "", False


def _from_json(text: str) -> str:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if isinstance(content, dict):
        content = next((content[name] for name in LABEL_COLUMNS if name in content), None)
    return str(content) if isinstance(content, str | int) and not isinstance(content, bool) else ""


def _parts(name: str) -> tuple[str, str]:
    """Return the key of a member, up to the first point in its file name, and what follows, in lower case.

    >>> _parts("train/a.b/0017.left.PNG")
    ('train/a.b/0017', 'left.png')
    """
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _is_picture(name: str) -> bool:
    return f".{_parts(name)[1].rpartition('.')[2]}" in SUFFIXES


def _most(name: str) -> int:
    """Return how many bytes a member may have; 0: it is not read."""
    if name.rpartition("/")[2].startswith("."):  # hidden files, and what macOS adds
        return 0
    if _is_picture(name):
        return MOST_PICTURE
    return _MOST_LABEL if _parts(name)[1].rpartition(".")[2] in _LABELS else 0
