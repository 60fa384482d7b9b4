"""Published weights to start training from: where they are."""

from __future__ import annotations

from pathlib import Path

from picturewise.catalogue import entries
from picturewise.catalogue.installed import Installed
from picturewise.errors import DataError, unknown
from picturewise.names import shown_bytes


def published_weights(name: str) -> Path:
    """Return the safetensors file with the published weights of a network; nothing is downloaded.

    Its tensors have torchvision's names, including the output layer; `from_published` converts them
    to ours. Its metadata name the published file (`source`) and its SHA-256 (`source_sha256`).

    Raises:
        UsageError: no network with that name is published.
        DataError: the weights have not been downloaded; the message says how to download them.
    """
    known = entries.weights()
    if name not in known:
        raise unknown("network with published weights", name, known)
    entry, place = known[name], Installed(name, known[name])
    if not place.is_here():
        raise DataError(
            f"The weights of {name} have not been downloaded yet. Download them ({shown_bytes(entry.bytes() or 0)} "
            f"from {entry.publisher()}) with: picturewise data fetch {name}"
        )
    (path,) = place.paths()
    return path
