"""Published weights to start training from: where they are."""

from __future__ import annotations

from pathlib import Path

from picturewise.catalogue import entries
from picturewise.catalogue.installed import Installed
from picturewise.catalogue.packages import checked_file, installed_file
from picturewise.errors import DataError, unknown
from picturewise.names import shown_bytes


def are_here(name: str) -> bool:
    """Return whether the published weights of a network are on this machine.

    Raises:
        UsageError: no network with that name is published.
    """
    entry = _entry(name)
    return (
        Installed(name, entry).is_here()
        if entry.package is None
        else installed_file(entry.package) is not None
    )


def published_weights(name: str) -> Path:
    """Return the file with the published weights of a network; nothing is downloaded or imported.

    It is a safetensors file that was converted after its download, or the file of an installed package as it was
    published. Its tensors have the published names, including the output layer; `from_published` converts them to ours.

    Raises:
        UsageError: no network with that name is published.
        DataError: the weights have not been downloaded or installed, which the message says how to do, or an installed
            file is not the published one.
    """
    entry = _entry(name)
    if entry.package is not None:
        return checked_file(name, entry.package)
    place = Installed(name, entry)
    if not place.is_here():
        raise DataError(
            f"The weights of {name} have not been downloaded yet. Download them ({shown_bytes(entry.bytes() or 0)} "
            f"from {entry.publisher()}) with: picturewise data fetch {name}"
        )
    (path,) = place.paths()
    return path


def _entry(name: str) -> entries.WeightsEntry:
    known = entries.weights()
    if name not in known:
        raise unknown("network with published weights", name, known)
    return known[name]
