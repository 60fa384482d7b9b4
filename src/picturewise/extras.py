"""The command that installs an extra, such as `track`, for the way in which Picturewise itself was installed."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from picturewise.printable import printable


def install_command(extra: str) -> str:
    """Return the shell command that adds an extra of pyproject.toml to this installation.

    If Picturewise came from a clone, a name on the package index could belong to another project, so the command names
    the clone. How it was installed is recorded in `direct_url.json` (PEP 610).
    """
    source = _installed_from()
    if source is None:
        return f"pip install 'picturewise[{extra}]'"
    folder, options = source
    return f"pip install {options}'.[{extra}]' (in {printable(folder)})"


def _installed_from() -> tuple[Path, str] | None:
    """Return the folder of the clone and pip's options, or None for a wheel."""
    try:
        text = distribution("picturewise").read_text("direct_url.json")
    except (
        PackageNotFoundError
    ):  # imported from the source folder, which is two levels below the clone's root
        return Path(__file__).parents[2], "-e "
    if text is None:
        return None
    origin = json.loads(text)
    if "dir_info" not in origin:
        return None
    folder = Path(url2pathname(urlsplit(origin["url"]).path))
    return folder, "-e " if origin["dir_info"].get("editable") else ""
