"""The only way to files in a run's folder: nothing outside is written or deleted, wherever links in it point."""

from __future__ import annotations

import stat
from pathlib import Path

from picturewise.errors import RunError
from picturewise.printable import printable

_MOST_BYTES = {".json": 128 << 20, ".toml": 16 << 20}
"""Limits for files that are read at once, by suffix: 65,536 classes with names of 200 bytes take 13 MB in a recipe."""
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT, which is how Windows links folders


def inside(run: Path, *names: str) -> Path:
    """Return the path of a file or folder in a run's folder, whether or not it exists.

    The run's folder itself may be reached through a link.

    Args:
        run: the run's folder, or another one that Picturewise writes into, such as a study's.
        names: the parts of the path below `run`.

    Raises:
        RunError: one of them is a link, so files would be written elsewhere.
    """
    place = run
    for name in names:
        assert Path(name).name == name, name  # noqa: S101 (names come from the package, never from a file)
        place /= name
        if is_link(place):
            raise RunError(
                f"{printable(place)} is a symbolic link, but a run's folder must contain its own files. "
                "Replace the link with the file or folder that it points to, or remove it."
            )
    return place


def is_link(place: Path) -> bool:
    """Return whether a path is a symbolic link or a Windows junction."""
    try:
        status = place.lstat()
    except OSError:  # it does not exist or cannot be accessed: then using it fails
        return False
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def is_folder(place: Path) -> bool:
    """Return whether a path is a folder, and not a link to one."""
    return place.is_dir() and not is_link(place)


def check_files(run: Path, names: tuple[str, ...]) -> None:
    """Check that these names in a run's folder are regular files: reading a pipe would never end.

    A link to a file is read like the file. Writing replaces the link, so the file that it points to is not changed.
    Files that are read into memory at once must not be larger than any run makes them.

    Raises:
        RunError: one is not a regular file, or is too large.
    """
    for name in names:
        place = run / name
        if place.exists() and not place.is_file():
            raise RunError(
                f"{printable(place)} is not a regular file, so the run cannot be read. Move it elsewhere."
            )
        most = _MOST_BYTES.get(place.suffix)
        if most is not None and place.exists() and (size := place.stat().st_size) > most:
            raise RunError(
                f"{printable(place)} is damaged or malicious: it has {size:,} bytes, but at most {most:,} are allowed. "
                "Restore the original file."
            )
