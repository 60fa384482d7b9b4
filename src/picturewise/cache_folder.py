"""Where Picturewise keeps what it fetched and imported: the platform cache folder, or `PICTUREWISE_HOME`."""

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
    return Path(os.path.expanduser(chosen)).absolute()  # noqa: PTH111 (Path's own raises where there is no home)


def catalogue_folder(name: str) -> Path:
    """Return the folder for the files of one set of the catalogue; it need not exist yet."""
    return home() / "catalogue" / name


def imports_folder() -> Path:
    """Return the folder for imported pictures; it need not exist yet."""
    return home() / "imports"


def no_room(what: str, error: OSError) -> SaveError:
    """Return the sentence for a store that cannot be written.

    Args:
        what: how the sentence begins: what goes into the folder.
        error: the system's refusal.
    """
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return SaveError(
        f"{what} {imports_folder()}, which cannot be written ({error.strerror or error}): "
        f"{'free some space, or ' if full else ''}choose another place with the environment variable {VARIABLE}."
    )
