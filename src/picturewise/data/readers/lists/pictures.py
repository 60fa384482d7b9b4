"""The pictures below a folder by name, and which of them a string in a list means.

The text of a list never opens anything: it is compared with the paths of the pictures that were found. So a hostile
list cannot lead to other files, and an absolute path, a Windows path or a path in somebody's notebook is matched by its
end, as far as that exists here.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from picturewise.data.pictures.decode import SUFFIXES
from picturewise.data.readers.folder_listing import is_folder, visible_entries
from picturewise.file_names import repaired
from picturewise.split_names import SplitName, split_of

How = Literal["name", "ending", "number", "weak"]
_MASKS = frozenset(
    {"mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "gt", "groundtruth"}
)
_FEW = 8  # pictures with one name; with so few, comparing each is fastest
_HOME = 0.05  # share of a list's pictures


class Match(NamedTuple):
    """The picture that a string means, and how it was found.

    `name`: as it is written, except for leading folders, the case, or a missing ending; `ending`: with another ending;
    `number`: the same number with other leading zeros; `weak`: in a folder that the text does not name.
    """

    path: str
    how: How


class SeveralError(Exception):
    """A text could mean several pictures equally well; `paths` has the first two."""

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__()
        self.paths = sorted(paths)[:2]


class Pictures:
    """The picture files below a folder.

    Attributes:
        root: the folder.
        paths: of the pictures below it, with `/` as separator, sorted by name.
        whole: whether the whole folder was looked at.
    """

    def __init__(self, root: Path, most: int | None = None) -> None:
        """Look at the names below `root`; if there are more than `most` files, only at the first ones found."""
        met = list(itertools.islice(_files_below(str(root)), most))
        self.root, self.whole = root, most is None or len(met) < most
        self.paths = sorted(path for path in met if os.path.splitext(path)[1].lower() in SUFFIXES)  # noqa: PTH122
        self._by_stem: dict[str, str | list[str]] | None = None
        self._by_number: dict[str, str | list[str]] | None = None
        self._by_path: dict[str, str | list[str]] | None = None

    def of_stem(self, stem: str) -> list[str]:
        """Return the pictures with a name, in lower case and without its ending."""
        return _each(self._stems().get(stem, []))

    def of_number(self, digits: str) -> list[str]:
        """Return the pictures whose name is a number, with any leading zeros."""
        if self._by_number is None:
            self._by_number = {}
            for stem, paths in self._stems().items():
                if stem.isascii() and stem.isdecimal():
                    for path in _each(paths):
                        _add(self._by_number, stem.lstrip("0"), path)
        return _each(self._by_number.get(digits.lstrip("0"), []))

    def of_path(self, path: str) -> list[str]:
        """Return the pictures at a path below the root, in lower case and without its ending."""
        if self._by_path is None:
            self._by_path = {}
            for found in self.paths:
                _add(self._by_path, key(os.path.splitext(found)[0]), found)  # noqa: PTH122
        return _each(self._by_path.get(path, []))

    def _stems(self) -> dict[str, str | list[str]]:
        if self._by_stem is None:
            self._by_stem = {}
            for path in self.paths:
                _add(self._by_stem, key(os.path.splitext(path.rpartition("/")[2])[0]), path)  # noqa: PTH122
        return self._by_stem


class Finder:
    """Finds the pictures of one list.

    Attributes:
        pictures: the existing pictures.
        beside: the list's folder below their root, empty or, for example, `meta`.
        stem: the list's name without ending, in lower case.
        split: the split in the list's name.
    """

    def __init__(self, pictures: Pictures, beside: str, stem: str, split: SplitName | None) -> None:
        self.pictures, self.beside, self.stem, self.split = pictures, beside.casefold(), stem, split
        self._weak = True
        self._homes: frozenset[str] | None = None
        self._fronts: list[str] = [""]  # leading folders of the strings, seen recently
        self._scores: dict[tuple[str, SplitName, bool], tuple[int, ...]] = {}

    def learn(self, texts: Sequence[str]) -> None:
        """Learn from a sample of a list's strings where its pictures are, so that pictures elsewhere are not meant."""
        found = [(text, match) for text in texts if (match := self.find_or_none(text)) is not None]
        folders = Counter(_folder(match.path) for _, match in found)
        self._homes = frozenset(folder for folder, count in folders.items() if count >= _HOME * len(found))
        said = [match.how for text, match in found if len(_parts(text)) > 1]
        self._weak = said.count("weak") > len(said) / 2

    def find_or_none(self, text: str) -> Match | None:
        """Return what `find` does, or None if it finds several."""
        try:
            return self.find(text)
        except SeveralError:
            return None

    def find(self, text: str, split: SplitName | None = None) -> Match | None:
        """Return the picture that a string means, or None if there is none.

        Args:
            text: a name or a path, with or without ending.
            split: the split that the picture belongs to, if its line says it.

        Raises:
            SeveralError: it could mean several.
        """
        parts = _parts(text)
        if not parts:
            return None
        *folders, last = parts
        found, how = self._of_name(last)
        if not found:
            again = _bytes_as_they_are(text)
            return self.find(again, split) if again != text else None
        if folders:
            found, shared = self._sharing_folders(found, folders, last)
            if not shared:
                how = "weak"
                if not self._weak:
                    return None
        wanted = split or self.split or "train"
        if len(found) > 1:
            scores = [self._score(path, wanted, said=split is not None) for path in found]
            found = [path for path, score in zip(found, scores, strict=True) if score == max(scores)]
        if len(found) > 1:  # names that differ only in case, or a missing ending
            written = text.replace("\\", "/").rpartition("/")[2]
            found = [path for path in found if path.rpartition("/")[2] == written] or found
        if len(found) > 1:
            raise SeveralError(found)
        return Match(found[0], how) if self._at_home(found[0], wanted) else None

    def _of_name(self, last: str) -> tuple[list[str], How]:
        """Return the pictures with a name in any folder, and how they were found."""
        stem, ending = os.path.splitext(last)  # noqa: PTH122 (strings, for speed)
        if ending not in SUFFIXES:
            stem, ending = last, ""
        found = self.pictures.of_stem(stem)
        if ending:
            same = [path for path in found if path[-len(ending) :].casefold() == ending]
            if found and not same:
                return found, "ending"
            found = same or self.pictures.of_stem(last)  # such as x.png.jpg
        if not found and stem.isascii() and stem.isdecimal():
            return self.pictures.of_number(stem), "number"
        return found, "name"

    def _sharing_folders(self, found: list[str], folders: list[str], last: str) -> tuple[list[str], bool]:
        """Return those that share the most folders with the end of a string, and whether one of them agrees."""
        if len(found) > _FEW:
            stem = os.path.splitext(last)[0] if os.path.splitext(last)[1] in SUFFIXES else last  # noqa: PTH122
            for start, front in itertools.product(range(len(folders)), self._fronts):
                exact = self.pictures.of_path(front + "/".join([*folders[start:], stem]))
                if exact:
                    return exact, True
        shares = [_shared(folders, path) for path in found]
        most = max(shares)
        best = [path for path, share in zip(found, shares, strict=True) if share == most]
        whole = [path for path in best if path.count("/") == most]  # whose folders are all named
        if whole:
            return whole, True
        if most == 0:
            return best, False
        front = "/".join(key(best[0]).split("/")[: -1 - most])
        if front and front + "/" not in self._fronts:
            self._fronts = [*self._fronts[-4:], front + "/"]
        return best, True

    def _score(self, path: str, wanted: SplitName, *, said: bool) -> tuple[int, ...]:
        """Return how likely a line means the pictures of a folder if others have the same names.

        Args:
            path: of one of the pictures.
            wanted: the split of the line.
            said: whether the line itself says the split.
        """
        folder = _folder(path)
        score = self._scores.get((folder, wanted, said))
        if score is None:
            split = split_of_folder(folder)
            same_split = 1 if split is None else 2 * (split == wanted)
            score = self._scores[folder, wanted, said] = (
                not _annotates(folder),
                same_split if said else 0,
                folder.casefold() == self.beside,
                not self.beside or f"{folder.casefold()}/".startswith(f"{self.beside}/"),
                self.stem in folder.casefold().split("/"),
                same_split,
            )
        return score

    def _at_home(self, path: str, wanted: SplitName) -> bool:
        """Return whether a picture may be meant; in another split or among masks, only if others are."""
        folder = _folder(path)
        if self._homes is None or folder in self._homes:
            return True
        return split_of_folder(folder) in {None, wanted} and not _annotates(folder)


def words(name: str) -> list[str]:
    """Return the words of a file's or a folder's name, in lower case.

    >>> words("TrainImages-labels_2.csv")
    ['train', 'images', 'labels', '2', 'csv']
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[-_. ]+", parted.casefold()) if word]


def split_of_folder(path: str) -> SplitName | None:
    """Return the split in the folders of a path, innermost first.

    >>> split_of_folder("set/test_images/a"), split_of_folder("images")
    ('test', None)
    """
    for name in reversed(path.split("/")):
        for word in words(name):
            if (split := split_of(word)) is not None:
                return split
    return None


def _bytes_as_they_are(text: str) -> str:
    """Return a string read as Windows-1252 in the form that file names in that encoding have here."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8", "surrogateescape")
    except UnicodeError:
        return text


def _annotates(folder: str) -> bool:
    """Return whether a folder is named like one of masks."""
    return not _MASKS.isdisjoint(word for name in folder.split("/") for word in words(name))


def key(text: str) -> str:
    """Return a string in the form for comparing names: independent of case, locale, and Unicode normalisation."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", repaired(text)).casefold()


def _parts(text: str) -> list[str]:
    """Return the folders and the name in a string, in lower case; `..` and everything before it is ignored."""
    plain = key(text.replace("\\", "/"))
    if "/" not in plain:
        return [] if plain in {"", ".", ".."} else [plain]
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if ".." in parts:
        parts = parts[len(parts) - parts[::-1].index("..") :]
    return parts


def _shared(folders: list[str], path: str) -> int:
    """Return how many folders at the end of `folders` match those of the picture's path."""
    pairs = zip(reversed(folders), reversed(key(path).split("/")[:-1]), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _add(table: dict[str, str | list[str]], key: str, path: str) -> None:
    """Add a path; most keys have only one, which then needs no list."""
    there = table.get(key)
    if there is None:
        table[key] = path
    elif isinstance(there, list):
        there.append(path)
    else:
        table[key] = [there, path]


def _each(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found


def _files_below(root: str) -> Iterator[str]:
    """Yield the path of each visible file below `root`; links are followed, but not in circles."""
    waiting = [(root, "", frozenset({_identity(root)}))]
    while waiting:
        folder, above, inside = waiting.pop()
        for entry in visible_entries(Path(folder)):
            if not is_folder(entry):
                yield above + entry.name
            elif (identity := _identity(entry.path)) not in inside:
                waiting.append((entry.path, f"{above}{entry.name}/", inside | {identity}))


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 (strings, for speed)
    return status.st_dev, status.st_ino
