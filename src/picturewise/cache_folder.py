"""Where Picturewise keeps fetched and imported data: the platform cache folder, or `PICTUREWISE_HOME`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import platformdirs

from picturewise.errors import SaveError

VARIABLE = "PICTUREWISE_HOME"


def home() -> Path:
    r"""Return the folder as an absolute path; it need not exist yet.

    On Linux it is `~/.cache/picturewise`, on macOS `~/Library/Caches/picturewise`, on Windows
    `%LOCALAPPDATA%\picturewise\Cache`, unless the environment variable says otherwise.
    """
    chosen = os.environ.get(VARIABLE)
    if not chosen:
        return platformdirs.user_cache_path("picturewise", appauthor=False)
    return Path(os.path.expanduser(chosen)).absolute()  # noqa: PTH111 (Path's own raises an error without a home)


def catalogue_folder(name: str) -> Path:
    """Return the folder for the files of one set of the catalogue; it need not exist yet."""
    return home() / "catalogue" / name


def imports_folder() -> Path:
    """Return the folder for imported pictures; it need not exist yet."""
    return home() / "imports"


def copies_folder() -> Path:
    """Return the folder for copies of files at addresses; it need not exist yet."""
    return home() / "copies"


def features_folder() -> Path:
    """Return the folder for what frozen layers computed of imported pictures; it need not exist yet."""
    return home() / "features"


def no_room(what: str, error: OSError) -> SaveError:
    """Return the error for a store that cannot be written.

    Args:
        what: the beginning of the sentence: what cannot be done in the folder.
        error: the system's error.
    """
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return SaveError(
        f"{what} {imports_folder()} ({error.strerror or error}). "
        f"{'Free some space, or choose' if full else 'Choose'} another folder with the environment variable {VARIABLE}."
    )
