"""Extras, such as `train`: what to say if a package of one is not installed, and the command that installs it.

The base installation predicts and exports. All other packages are in extras, and are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from picturewise.errors import MissingPackageError
from picturewise.printable import printable

TRAIN = {
    "torch": "PyTorch",
    "scipy": "SciPy",
    "sklearn": "scikit-learn",
    "matplotlib": "Matplotlib",
    "jinja2": "Jinja2",
    "h5py": "h5py",
    "pooch": "pooch",
    "requests": "Requests",
    "urllib3": "urllib3",
}
"""Packages of the extra `train`: the name that is imported → the name that its authors use."""
TRAINING = ("torch", "scipy", "matplotlib", "jinja2")
"""Those that every training needs, some of them only for the report at the end."""


def require(what: str, *packages: str) -> None:
    """Check that packages of `TRAIN` are installed, without importing them.

    Args:
        what: what needs them, as the beginning of a sentence.
        packages: the names that are imported.

    Raises:
        MissingPackageError: one is not installed; the message says how to install it.
    """
    for package in packages:
        if find_spec(package) is None:
            raise _missing(what, package)


@contextmanager
def needed(what: str) -> Iterator[None]:
    """Raise the error of `require` if a package of `TRAIN` cannot be found; every other error is left as it is.

    Args:
        what: as for `require`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        # Only the package itself: if a part of it or a package that it needs is missing, it is broken.
        if error.name not in TRAIN:
            raise
        raise _missing(what, error.name) from error


def _missing(what: str, package: str) -> MissingPackageError:
    return MissingPackageError(
        f"{what} needs {TRAIN[package]}, which is not installed. Install it with: {install_command('train')}"
    )


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
    import json  # noqa: PLC0415 (every command imports this module, and few need what is imported here)
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import url2pathname  # noqa: PLC0415

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
