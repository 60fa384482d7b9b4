"""Compares a zip's directory with the header of each file, because no checksum covers either."""

from __future__ import annotations

import io
import struct
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import IO, cast

from picturewise.errors import DataError
from picturewise.printable import printable

_END = struct.Struct("<4s6xH10x")  # of the directory: signature, … number of files …
_IN_64_BITS = 0xFFFF  # the number is in another record
_HEADER = struct.Struct("<4s22x2H")  # of a file: signature, … lengths of its name and extra data


def check_names(archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo], where: str) -> None:
    """Refuse duplicate names, and a directory whose names differ from those of the files, or that has too few.

    Python compares the two names when a file is opened. A file with a damaged name would never be opened, but missing;
    so would files that a damaged length skips.

    Args:
        archive: open to be read.
        infos: the directory's entries of regular files.
        where: what to call it in an error.

    Raises:
        DataError: there are such names, or such a directory.
        OSError: it cannot be read.
    """
    ((name, count),) = Counter(info.filename for info in infos).most_common(1) or [("", 0)]
    if count > 1:
        raise DataError(
            f"{where} contains {count:,} files with the name {_shown(name)}. Pack it again with each name only "
            "once."
        )
    file = cast("IO[bytes]", archive.fp)  # it is open
    file.seek(-_END.size - len(archive.comment), io.SEEK_END)
    end, promised = _END.unpack(file.read(_END.size))
    count = len(archive.infolist())
    if end == b"PK\x05\x06" and promised not in {count, _IN_64_BITS}:  # other data may follow the archive
        raise DataError(
            f"{where} is a damaged archive: its directory lists {count:,} files, but {promised:,} are "
            "declared. Download it again."
        )
    for info in infos:
        file.seek(info.header_offset)
        header = file.read(_HEADER.size)
        length = _HEADER.unpack(header)[1] if len(header) == _HEADER.size else 0
        found = file.read(length)
        said = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")
        if not header.startswith(b"PK\x03\x04") or found != said:
            raise DataError(
                f"{where} is a damaged archive: its directory lists {_shown(info.filename)}, but there is no file with "
                "that name. Download it again."
            )


def _shown(name: str) -> str:
    return repr(printable(name[:100]))
