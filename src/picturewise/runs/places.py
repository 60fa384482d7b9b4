"""The only door to what lies in a run's folder: nothing outside is written or deleted, wherever links in it lead."""

from __future__ import annotations

import stat
from pathlib import Path

from picturewise.errors import RunError
from picturewise.printable import printable

_MOST_BYTES = {".json": 128 << 20, ".toml": 16 << 20}
"""Of a file that is read whole, by its ending: 65,536 classes with names of 200 bytes take 13 MB in a recipe."""
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT, which is how Windows links folders


def inside(run: Path, *names: str) -> Path:
    """Return the place of a file or a folder in a run's folder, whether it is there yet or not.

    The run's folder itself may be reached by a link.

    Args:
        run: the run's folder, or another one that Picturewise writes into, such as a study's.
        names: of the folders on the way and of the thing itself, below `run`.

    Raises:
        RunError: one of them is a link, so what is written there would land elsewhere.
    """
    place = run
    for name in names:
        assert Path(name).name == name, name  # noqa: S101 (names come from the package, never from a file)
        place /= name
        if is_link(place):
            raise RunError(
                f"{printable(place)} is a symbolic link, and a run's folder holds its files and folders itself. "
                "Put what it leads to in its place, or remove the link."
            )
    return place


def is_link(place: Path) -> bool:
    """Return whether there is a symbolic link, or a junction of Windows, in a place."""
    try:
        status = place.lstat()
    except OSError:  # nothing is there, or nobody may look: then using it fails
        return False
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def is_folder(place: Path) -> bool:
    """Return whether there is a folder in a place, and not a link to one."""
    return place.is_dir() and not is_link(place)


def check_files(run: Path, names: tuple[str, ...]) -> None:
    """Check that what stands under these names in a run's folder is a regular file: a pipe would never end.

    A link to one is read like the file. Writing replaces it, so what it leads to stays as it is. Those that are read
    whole into memory may only be as large as the largest run makes them.

    Raises:
        RunError: one is something else, or larger.
    """
    for name in names:
        place = run / name
        if place.exists() and not place.is_file():
            raise RunError(
                f"{printable(place)} is not a regular file, so the run cannot be read. Move it away."
            )
        most = _MOST_BYTES.get(place.suffix)
        if most is not None and place.exists() and (size := place.stat().st_size) > most:
            raise RunError(
                f"{printable(place)} has {size:,} bytes, and no run makes one of more than {most:,}: it is damaged or "
                "was made to do harm."
            )
