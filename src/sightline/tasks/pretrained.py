"""Published weights for those who learn on from them: where they lie, and what is made of a file that was fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sightline import files
from sightline.data import catalogue
from sightline.data.fetched import Place
from sightline.data.published import shown_bytes
from sightline.errors import DataError, unknown


def published_weights(name: str) -> Path:
    """Return the safetensors file with the published weights of a network; nothing is downloaded.

    Its tensors have the names that torchvision gives them, the output layer among them; `from_published` makes ours
    of them. Its metadata name the published file (`source`) and its SHA-256 (`source_sha256`).

    Raises:
        UsageError: no network of that name is published.
        DataError: the weights are not here; the message says how to fetch them.
    """
    known = catalogue.weights()
    if name not in known:
        raise unknown("network with published weights", name, known)
    entry, place = known[name], Place(name, known[name])
    if not place.is_here():
        raise DataError(
            f"{name}'s weights are not here yet; fetch them ({shown_bytes(entry.bytes() or 0)} from "
            f"{entry.publisher()}) with: sightline data fetch {name}"
        )
    (path,) = place.paths()
    return path


def converting(name: str) -> Callable[[Path, Path], None]:
    """Return what makes a safetensors file of the published weights of the network `name`.

    It reads the first path and writes the second, and raises DataError where the first does not hold that network's
    weights.
    """

    def convert(source: Path, target: Path) -> None:
        from sightline.networks import weights  # noqa: PLC0415 (torch takes a while to import, and sets need none)
        from sightline.networks.published import check_published  # noqa: PLC0415
        from sightline.networks.weight_files import read_weight_file  # noqa: PLC0415

        state = read_weight_file(source)
        check_published(name, state, origin=source.name)
        metadata = {"source": source.name, "source_sha256": files.sha256(source)}
        files.write_bytes(target, weights.to_bytes(state, metadata))

    return convert
